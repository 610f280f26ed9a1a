"""A small site that signs users up and logs them in by phone."""
