"""Plain Python: numbers, codes, handles, keys, segments, rates. No Django, no DRF, no requests."""
