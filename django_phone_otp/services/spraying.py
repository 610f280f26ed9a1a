"""Against spraying: one guess at each of many numbers stays under every limit of a number and of an address.

What gives it away is the share of guesses that are wrong. While there are too many, strangers' guesses wait.
The idea of a budget of failures that grows with what succeeds is from Authgear's fraud protection.
"""

import logging
from dataclasses import replace
from typing import NamedTuple

from django_phone_otp.core.policies import Purpose
from django_phone_otp.core.rates import Rate
from django_phone_otp.core.windows import GIVE_BACK, LOOK, TAKE, Tally
from django_phone_otp.services import limits
from django_phone_otp.services.askers import Asker
from django_phone_otp.services.caching import log_failures

LIMIT = "verify.failed"
# Wrong guesses to a right one. People mistype a quarter or less of their codes; at three wrong to two right,
# most of those who guess are no owners of these phones.
WRONG_TO_RIGHT = 1.5
# Of one address, so few wrong guesses count: one stranger must not be able to make everybody wait. What that
# lets through is bounded by `verify.ip`.
OF_ONE_ADDRESS = 3
_UNLIMITED = 10**9

logger = logging.getLogger("django_phone_otp")


class Watch(NamedTuple):
    """A guess that is watched: counted as wrong before it is judged, so that many at once cannot slip through."""

    taken: tuple[Tally, ...]
    right: tuple[Tally, ...]
    moment: int
    wait: float = 0.0  # seconds, when there are too many wrong ones

    def was_right(self) -> None:
        """Count the guess as right after all. It was judged: without a cache the count is missed, and no more."""
        with log_failures("wrong guesses"):
            limits.count([*self.returned(), *self.right], self.moment)

    def was_not_judged(self) -> None:
        """Count nothing."""
        with log_failures("wrong guesses"):
            limits.count(self.returned(), self.moment)

    def returned(self) -> list[Tally]:
        """Return what gives back all that was taken."""
        return [replace(tally, step=GIVE_BACK) for tally in self.taken]


# A guess in the lane of known browsers is never held up. Nor does a right one count: who has a phone could make
# room for as many wrong guesses at others as they like.
UNWATCHED = Watch((), (), 0)


def watch(asker: Asker, purpose: str, rates: Purpose | None) -> Watch:
    """Count a stranger's guess as wrong, unless ``purpose`` has too many wrong ones already.

    ``wait`` of what it returns says how long until there are not; then nothing was counted. One round trip
    to the cache as long as there are few wrong guesses.

    Raises ``Unavailable`` when a count could not be kept.
    """
    moment = limits.now()
    floors = limits.tallies_of(LIMIT, purpose, rates)
    if not floors:
        return UNWATCHED
    right, here = _right(floors), _of_one_address(floors, asker)
    looks = [replace(tally, step=LOOK) for tally in right]
    asked = [*floors, *here, *looks]
    said = dict(zip(asked, limits.count(asked, moment), strict=True))
    taken = [tally for tally in (*floors, *here) if not said[tally].wait]
    # Who has had their share already is held up with the others, but counted no further.
    has_had_share = any(said[tally].wait for tally in here)
    full = [_budget(floor, said[look].used) for floor, look in zip(floors, looks, strict=True) if said[floor].wait]
    more, wait = _beyond_the_floor(full, has_had_share, moment) if full else ([], 0.0)
    watched = Watch((*taken, *more), right, moment, wait)
    if wait:
        _hold_up(purpose, floors[0], watched)
    elif has_had_share:
        watched.was_not_judged()
    return watched._replace(taken=()) if wait or has_had_share else watched


def _beyond_the_floor(budgets: list[Tally], has_had_share: bool, moment: int) -> tuple[list[Tally], float]:
    """Ask for places that what verifies makes room for; return those taken, and how long to wait without one."""
    step = LOOK if has_had_share else TAKE
    readings = limits.count([replace(budget, step=step) for budget in budgets], moment)
    taken = [budget for budget, reading in zip(budgets, readings, strict=True) if step == TAKE and not reading.wait]
    return taken, max(reading.wait for reading in readings)


def _right(floors: list[Tally]) -> tuple[Tally, ...]:
    """Return the counters of right guesses beside those of wrong ones."""
    return tuple(Tally(f"{floor.key}.right", Rate(_UNLIMITED, floor.rate.seconds)) for floor in floors)


def _of_one_address(floors: list[Tally], asker: Asker) -> tuple[Tally, ...]:
    """Return the counters of the wrong guesses of one address; without a request there is none."""
    here = limits.digest_of(LIMIT, asker.address) if asker.address else ""
    return tuple(Tally(f"{floor.key}.{here}", Rate(OF_ONE_ADDRESS, floor.rate.seconds)) for floor in floors if here)


def _budget(floor: Tally, right: int) -> Tally:
    """Return the counter of wrong guesses, with how many there may be beside so many ``right`` ones."""
    return replace(floor, rate=Rate(max(floor.rate.count, int(WRONG_TO_RIGHT * right)), floor.rate.seconds))


def _hold_up(purpose: str, floor: Tally, watched: Watch) -> None:
    """Give back what was taken, and raise the alarm once in each window, not with each guess that is held up."""
    alarm = Tally(f"{floor.key}.alarm", Rate(_UNLIMITED, floor.rate.seconds))
    with log_failures("wrong guesses"):
        *_, said = limits.count([*watched.returned(), alarm], watched.moment)
        if said.used == 1:
            logger.error("Too many wrong guesses for %r from too many addresses: strangers' guesses wait", purpose)
