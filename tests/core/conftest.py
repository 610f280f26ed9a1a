"""Hypothesis without a deadline: how long an example takes says nothing about it."""

from hypothesis import settings

settings.register_profile("core", deadline=None)
settings.load_profile("core")
