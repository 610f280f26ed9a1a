"""Caches that may fail: for what is better with a cache, and goes on without. Limits do not: they fail closed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("django_phone_otp")


@contextmanager
def log_failures(what: str) -> Iterator[None]:
    """Leave the block at the first failure of the cache for ``what``, with a line in the log that shows no key."""
    try:
        yield
    except Exception as problem:  # noqa: BLE001 - every cache client raises classes of its own
        logger.error("The cache for %s failed: %s", what, type(problem).__name__)
