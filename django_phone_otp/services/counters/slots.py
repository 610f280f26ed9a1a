"""Counters where a slot is a key of its own: what memcached and every other cache can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django_phone_otp.core.windows import GIVE_BACK, TAKE, Reading, Tally, seconds_until_room


class Slot(NamedTuple):
    """One slot of one counter: its ``key``, the counter's ``home``, and its lifetime in seconds."""

    key: str
    home: str
    lifetime: int


class SlotCounters(ABC):
    """Counts first and reads the other slots afterwards.

    In this order two callers at the edge of a slot, each with a clock of its own, cannot both miss what the
    other one counted: at worst both are refused. Who finds no place gives back what was counted.
    """

    @abstractmethod
    def exchange(
        self, takes: Sequence[Slot], looks: Sequence[Slot], gives: Sequence[Slot] = ()
    ) -> tuple[list[int], Mapping[str, int]]:
        """Take one away from each of ``gives`` that is there, add one to each of ``takes``, then read ``looks``.

        Returns the sums of ``takes``, and what was found of ``looks`` by key.
        """

    @abstractmethod
    def give_back(self, slots: Sequence[Slot]) -> None:
        """Take one away from each of ``slots`` that is still there."""

    @abstractmethod
    def drop(self, slots: Sequence[Slot]) -> None:
        """Delete ``slots``."""

    def count(self, tallies: list[Tally], moment: int) -> list[Reading]:
        """Do every tally: see ``Counters``."""
        gives = [_slot(tally, tally.slot(moment)) for tally in tallies if tally.step == GIVE_BACK]
        takes = [_slot(tally, tally.slot(moment)) for tally in tallies if tally.step == TAKE]
        looks = [_slot(tally, slot) for tally in tallies if tally.step != GIVE_BACK for slot in tally.slots(moment)]
        taken = set(takes)
        sums, found = self.exchange(takes, [slot for slot in looks if slot not in taken], gives)
        found = {**found, **{slot.key: count for slot, count in zip(takes, sums, strict=True)}}
        readings = [self._read(tally, found, moment) for tally in tallies]
        full = [tally for tally, reading in zip(tallies, readings, strict=True) if tally.step == TAKE and reading.wait]
        if full:
            self.give_back([_slot(tally, tally.slot(moment)) for tally in full])
        return readings

    def forget(self, tallies: list[Tally], moment: int) -> None:
        """Empty the counters of these tallies."""
        self.drop([_slot(tally, slot) for tally in tallies for slot in tally.slots(moment)])

    def _read(self, tally: Tally, found: Mapping[str, int], moment: int) -> Reading:
        if tally.step == GIVE_BACK:
            return Reading(0)
        counts = {slot: found.get(_slot(tally, slot).key, 0) for slot in tally.slots(moment)}
        used = sum(counts.values())
        own = int(tally.step == TAKE)
        if used - own < tally.rate.count:
            return Reading(used)
        counts[tally.slot(moment)] -= own  # it is given back
        return Reading(used - own, seconds_until_room(tally, counts, moment))


def _slot(tally: Tally, slot: int) -> Slot:
    home = f"phone_otp.{tally.key}.{tally.rate.seconds}"
    return Slot(f"{home}.{slot}", home, tally.lifetime)
