"""The website: sign-up, log-in, an account, and a page behind a fresh code."""
