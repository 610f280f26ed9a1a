"""Accounts: sign up and log in with the token of a verified number."""
