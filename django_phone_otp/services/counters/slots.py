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
        current = [_slot(tally, tally.slot(moment)) for tally in tallies]
        around = [_around(tally, moment) for tally in tallies]
        takes = [slot for slot, tally in zip(current, tallies, strict=True) if tally.step == TAKE]
        gives = [slot for slot, tally in zip(current, tallies, strict=True) if tally.step == GIVE_BACK]
        taken = set(takes)
        looks = [slot for slots in around for slot in slots.values() if slot not in taken]
        sums, found = self.exchange(takes, looks, gives)
        counts = {**found, **{slot.key: count for slot, count in zip(takes, sums, strict=True)}}
        readings = [
            _read(tally, {number: counts.get(slot.key, 0) for number, slot in slots.items()}, moment)
            for tally, slots in zip(tallies, around, strict=True)
        ]
        said = zip(current, tallies, readings, strict=True)
        full = [slot for slot, tally, reading in said if tally.step == TAKE and reading.wait]
        if full:
            self.give_back(full)
        return readings

    def forget(self, tallies: list[Tally], moment: int) -> None:
        """Empty the counters of these tallies."""
        self.drop([_slot(tally, slot) for tally in tallies for slot in tally.slots(moment)])


def _read(tally: Tally, counts: dict[int, int], moment: int) -> Reading:
    """Return what ``counts``, by slot, mean for ``tally``, whose own place is among them when it took one."""
    if tally.step == GIVE_BACK:
        return Reading(0)
    used, own = sum(counts.values()), int(tally.step == TAKE)
    if used - own < tally.rate.count:
        return Reading(used)
    counts[tally.slot(moment)] -= own  # it is given back
    return Reading(used - own, seconds_until_room(tally, counts, moment))


def _around(tally: Tally, moment: int) -> dict[int, Slot]:
    """Return the slots that count at ``moment``, by number; none for a place that is given back."""
    return {} if tally.step == GIVE_BACK else {slot: _slot(tally, slot) for slot in tally.slots(moment)}


def _slot(tally: Tally, slot: int) -> Slot:
    home = f"phone_otp.{tally.key}.{tally.rate.seconds}"
    return Slot(f"{home}.{slot}", home, tally.lifetime)
