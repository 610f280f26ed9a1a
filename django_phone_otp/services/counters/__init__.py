"""Counting in the shared cache: exactly and in one round trip where the cache can, by its own calls elsewhere."""

from typing import Protocol

from django.core.cache import BaseCache

from django_phone_otp.core.windows import Reading, Tally
from django_phone_otp.services.counters.memcached import MemcachedCounters
from django_phone_otp.services.counters.portable import PortableCounters
from django_phone_otp.services.counters.redis import RedisCounters


class Counters(Protocol):
    """The counters of one cache."""

    def count(self, tallies: list[Tally], moment: int) -> list[Reading]:
        """Do every tally at ``moment``, in milliseconds since 1970, and return what each counter says.

        Every counter is asked, also where another one is full; a full one counts no further, so that who
        keeps asking does not put off the moment when a place comes back. Raises whatever the cache does.
        """

    def forget(self, tallies: list[Tally], moment: int) -> None:
        """Empty the counters of these tallies. Raises whatever the cache does."""


def counters_of(cache: BaseCache) -> Counters:
    """Return the counters in ``cache``: a script in Redis, a pipeline to memcached, else Django's own calls."""
    for kind in (RedisCounters, MemcachedCounters):
        found = kind.of(cache)
        if found is not None:
            return found
    return PortableCounters(cache)


_EXACT = {"RedisCache", "PyMemcacheCache", "PyLibMCCache"}


def is_exact(cache: BaseCache) -> bool:
    """Tell whether ``cache`` counts exactly when many come at once: Redis, by Django or django-redis, and memcached."""
    return not _EXACT.isdisjoint(kind.__name__ for kind in type(cache).__mro__)
