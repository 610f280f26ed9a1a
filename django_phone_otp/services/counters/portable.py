"""Counters in any cache, by the calls that all of Django's caches have."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from django.core.cache import BaseCache

from django_phone_otp.services.counters.slots import Slot, SlotCounters

TRIES = 3  # to count: a slot's key may run out, or be dropped, between two calls


class PortableCounters(SlotCounters):
    """As exact as the cache's own ``incr()``, and two or three calls for each counter."""

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache

    def exchange(
        self, takes: Sequence[Slot], looks: Sequence[Slot], gives: Sequence[Slot] = ()
    ) -> tuple[list[int], Mapping[str, int]]:
        """Take away, add, then read."""
        self.give_back(gives)
        sums = [self._add_one(slot) for slot in takes]
        return sums, self._cache.get_many([slot.key for slot in looks]) if looks else {}

    def give_back(self, slots: Sequence[Slot]) -> None:
        """Take one away from each of ``slots`` that is still there."""
        for slot in slots:
            with suppress(ValueError):  # it ran out, or was dropped
                if self._add(slot, -1) < 0:
                    self._add(slot, 1)  # nothing had been taken

    def drop(self, slots: Sequence[Slot]) -> None:
        """Delete ``slots``."""
        self._cache.delete_many([slot.key for slot in slots])

    def _add_one(self, slot: Slot) -> int:
        for _ in range(TRIES):
            with suppress(ValueError):  # no such key: it is made, by whoever comes first
                return self._add(slot, 1)
            self._cache.add(slot.key, 0, slot.lifetime)
        raise LookupError("the cache keeps no counts")

    def _add(self, slot: Slot, delta: int) -> int:
        count = self._cache.incr(slot.key, delta)
        # Files and databases set the sum anew, with the lifetime that the cache has by default.
        self._cache.touch(slot.key, slot.lifetime)
        return count
