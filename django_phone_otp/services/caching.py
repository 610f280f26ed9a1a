"""The cache that all servers share, and what to do when it fails.

What is better with a cache goes on without one: circuits, early receipts. Limits do not: they fail closed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.cache import BaseCache, caches

OWN_ALIAS = "phone_otp"

logger = logging.getLogger("django_phone_otp")


def cache_alias() -> str:
    """Return the alias of the cache in use: ``phone_otp`` where ``CACHES`` has it, else ``default``."""
    return OWN_ALIAS if OWN_ALIAS in settings.CACHES else "default"


def shared_cache() -> BaseCache:
    """Return the cache in use."""
    return caches[cache_alias()]


@contextmanager
def log_failures(what: str) -> Iterator[None]:
    """Leave the block at the first failure of the cache for ``what``, with a line in the log that shows no key."""
    try:
        yield
    except Exception as problem:  # noqa: BLE001 - every cache client raises classes of its own
        logger.error("The cache for %s failed: %s", what, type(problem).__name__)
