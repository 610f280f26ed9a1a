"""Counters in memcached, through pymemcache: all commands of a call in one round trip to each server."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from django.core.cache import BaseCache

from django_phone_otp.services.counters.slots import Slot, SlotCounters

_NONE = b"phone_otp.none"  # a key that is never set: reading it ends a pipeline
_END = b"END\r\n"


class MemcachedCounters(SlotCounters):
    """The counters of Django's ``PyMemcacheCache``.

    Commands are written one after another and answered in the same order (memcached's protocol.txt), which
    the library itself does only for reads.
    """

    def __init__(self, cache: BaseCache, servers: Any) -> None:
        self._cache = cache
        self._servers = servers

    @classmethod
    def of(cls, cache: BaseCache) -> Self | None:
        """Return the counters of ``cache``, or None when it is no memcached that takes raw commands."""
        servers = getattr(cache, "_cache", None)
        return cls(cache, servers) if hasattr(servers, "hasher") else None

    def exchange(
        self, takes: Sequence[Slot], looks: Sequence[Slot], gives: Sequence[Slot] = ()
    ) -> tuple[list[int], Mapping[str, int]]:
        """Take away, add, then read."""
        adding, giving = set(takes), set(gives)
        sums: dict[Slot, int] = {}
        found: dict[str, int] = {}
        for server, slots in self._by_server((*gives, *takes, *looks)).items():
            givers, takers = [s for s in slots if s in giving], [s for s in slots if s in adding]
            readers = [slot for slot in slots if slot not in adding and slot not in giving]
            lines = self._ask(server, [*map(self._give, givers), *map(self._take, takers), self._get(readers)])
            for _ in givers:
                next(lines)  # the new count, or that there is none
            for slot in takers:
                next(lines)  # whether it was there before
                sums[slot] = int(next(lines))
            keys = {self._name(slot): slot.key for slot in readers}
            found.update((keys[line.split()[1]], int(next(lines))) for line in lines)
        return [sums[slot] for slot in takes], found

    def drop(self, slots: Sequence[Slot]) -> None:
        """Delete ``slots``."""
        for server, here in self._by_server(slots).items():
            self._ask(server, [*(b"delete %b\r\n" % self._name(slot) for slot in here), self._get([])])

    def _by_server(self, slots: Sequence[Slot]) -> Mapping[Any, list[Slot]]:
        """Sort ``slots`` by the server that their counter lives on, as a whole: the order of commands counts there."""
        found: defaultdict[Any, list[Slot]] = defaultdict(list)
        for slot in slots:
            node = self._servers.hasher.get_node(self._cache.make_key(slot.home))
            found[self._servers.clients[node]].append(slot)
        return found

    def _ask(self, server: Any, commands: list[bytes]) -> Iterator[bytes]:
        # The library writes the last line break, and cuts the ending off.
        answer: bytes = server.raw_command(b"".join(commands).removesuffix(b"\r\n"), _END)
        return iter(answer.splitlines())

    def _give(self, slot: Slot) -> bytes:
        return b"decr %b 1\r\n" % self._name(slot)

    def _take(self, slot: Slot) -> bytes:
        lifetime = int(self._cache.get_backend_timeout(slot.lifetime) or 0)  # over 30 days, memcached takes a date
        name = self._name(slot)
        return b"add %b 0 %d 1\r\n0\r\nincr %b 1\r\n" % (name, lifetime, name)

    def _get(self, slots: Sequence[Slot]) -> bytes:
        return b"get %b\r\n" % b" ".join([*map(self._name, slots), _NONE])

    def _name(self, slot: Slot) -> bytes:
        return self._cache.make_key(slot.key).encode()
