"""Counters in memcached, through pymemcache: all commands of a call in one round trip to each server."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from django.core.cache import BaseCache

from django_phone_otp.services.counters.slots import Slot, SlotCounters

_MISSING = b"NOT_FOUND"


class MemcachedCounters(SlotCounters):
    """The counters of Django's ``PyMemcacheCache``.

    Commands are written one after another and answered in the same order (memcached's protocol.txt). The
    library does that for its own commands of many keys, and so has what it takes in a private method; its
    public ``raw_command()`` loses what does not arrive in one piece (pymemcache 4.0). A library that has
    changed inside is counted in by Django's calls instead.
    """

    def __init__(self, cache: BaseCache, servers: Any) -> None:
        self._cache = cache
        self._servers = servers

    @classmethod
    def of(cls, cache: BaseCache) -> Self | None:
        """Return the counters of ``cache``, or None when it is no pymemcache that can be asked so."""
        servers = getattr(cache, "_cache", None)
        can = hasattr(servers, "hasher") and hasattr(getattr(servers, "client_class", None), "_misc_cmd")
        return cls(cache, servers) if can else None

    def exchange(
        self, takes: Sequence[Slot], looks: Sequence[Slot], gives: Sequence[Slot] = ()
    ) -> tuple[list[int], Mapping[str, int]]:
        """Take away, add, then read."""
        sums: dict[Slot, int] = {}
        found: dict[str, int] = {}
        for server, (giving, taking, looking) in self._by_server(gives, takes, looks).items():
            asked = [*map(self._give, giving), *(each for slot in taking for each in self._take(slot))]
            lines = self._ask(server, [*asked, *map(self._look, looking)])
            for _ in giving:
                next(lines)  # the new count, or that there is none
            for slot in taking:
                next(lines)  # whether it was there before
                sums[slot] = int(next(lines))
            found.update((slot.key, int(line)) for slot, line in zip(looking, lines, strict=True) if line != _MISSING)
        return [sums[slot] for slot in takes], found

    def give_back(self, slots: Sequence[Slot]) -> None:
        """Take one away from each of ``slots`` that is still there.

        The answer is waited for: without that (``noreply``) the next command would wait for the network, 40 ms
        where the connection is not set to ``no_delay``.
        """
        for server, (here,) in self._by_server(slots).items():
            self._ask(server, [self._give(slot) for slot in here])

    def drop(self, slots: Sequence[Slot]) -> None:
        """Delete ``slots``."""
        for server, (here,) in self._by_server(slots).items():
            self._ask(server, [b"delete %b\r\n" % self._name(slot) for slot in here])

    def _by_server(self, *groups: Sequence[Slot]) -> Mapping[Any, list[list[Slot]]]:
        """Sort each of ``groups`` by server: all slots of a counter live on one, where the order of commands counts."""
        homes = {slot.home for group in groups for slot in group}
        servers = {home: self._servers.clients[self._servers.hasher.get_node(home)] for home in homes}
        found: defaultdict[Any, list[list[Slot]]] = defaultdict(lambda: [[] for _ in groups])
        for position, group in enumerate(groups):
            for slot in group:
                found[servers[slot.home]][position].append(slot)
        return found

    def _ask(self, server: Any, commands: list[bytes]) -> Iterator[bytes]:
        """Write all of ``commands``, each of which is answered with one line, and return the lines."""
        if hasattr(server, "client_pool"):
            with server.client_pool.get_and_release(destroy_on_fail=True) as client:
                return iter(client._misc_cmd(commands, b"counters", False))
        return iter(server._misc_cmd(commands, b"counters", False))

    def _give(self, slot: Slot) -> bytes:
        return b"decr %b 1\r\n" % self._name(slot)

    def _take(self, slot: Slot) -> tuple[bytes, bytes]:
        # A second more: its clock ticks once in a second. Over 30 days, memcached takes a date.
        lifetime = int(self._cache.get_backend_timeout(slot.lifetime + 1) or 0)
        name = self._name(slot)
        return b"add %b 0 %d 1\r\n0\r\n" % (name, lifetime), b"incr %b 1\r\n" % name

    def _look(self, slot: Slot) -> bytes:
        return b"incr %b 0\r\n" % self._name(slot)  # answered with one line, which a get is not

    def _name(self, slot: Slot) -> bytes:
        return self._cache.make_key(slot.key).encode()
