"""Sliding windows: how many events may still happen, whatever moment a window is taken to begin at.

A window is cut into slots, and an event is counted in the slot of its moment. What counts at any moment is
the slot of now and all slots that the window reaches back into, each as a whole. So no window of that length,
wherever its edges lie, ever holds more than the limit; a place comes back when its slot has left, which is
up to a tenth of the window later than it would have to be.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django_phone_otp.core.rates import Rate

SLOTS = 10  # to a window: a tenth of it is how late a place comes back at most
AHEAD = 1  # slots: how far the clock of another server may be ahead, or a moment may pass between two calls

TAKE, LOOK, GIVE_BACK = 1, 0, -1


@dataclass(frozen=True)
class Tally:
    """One thing to do with one counter: ``TAKE`` a place when there is one, ``LOOK``, or ``GIVE_BACK`` a place.

    ``key`` names the counter. Counters of one key and different lengths of window are different counters.
    """

    key: str
    rate: Rate
    step: int = TAKE

    @cached_property
    def width(self) -> int:
        """Milliseconds of a slot, rounded up so that all slots together are no shorter than the window."""
        return -(-self.rate.seconds * 1000 // SLOTS)

    @cached_property
    def lifetime(self) -> int:
        """Seconds after which nothing counted in a slot can matter any more."""
        return -(-self.width * (SLOTS + AHEAD + 1) // 1000)

    def slot(self, moment: int) -> int:
        """Return the number of the slot of ``moment``, in milliseconds since 1970."""
        return moment // self.width

    def slots(self, moment: int) -> range:
        """Return the slots that count at ``moment``: the window's, and one that a clock ahead may have begun."""
        now = self.slot(moment)
        return range(now - SLOTS, now + AHEAD + 1)


class Reading(NamedTuple):
    """What a counter says: how many places are ``used``, and the seconds to wait where none is left to take.

    After a ``TAKE`` that found one, that is 0, also when it was the last.
    """

    used: int
    wait: float = 0.0


def seconds_until_room(tally: Tally, counts: Mapping[int, int], moment: int) -> float:
    """Return how long after ``moment`` a place comes back; 0 when there is one. ``counts`` has the events by slot."""
    slots = tally.slots(moment)
    excess = sum(counts.get(slot, 0) for slot in slots) - tally.rate.count
    if excess < 0:
        return 0.0
    gone = itertools.accumulate(counts.get(slot, 0) for slot in slots)
    # The oldest slots leave first, each when the window that begins behind it does.
    last = next(slot for slot, left in zip(slots, gone, strict=True) if left > excess)
    return ((last + SLOTS + 1) * tally.width - moment) / 1000
