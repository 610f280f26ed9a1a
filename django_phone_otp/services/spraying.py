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
            limits.count([*self._returned(), *self.right], self.moment)

    def was_not_judged(self) -> None:
        """Count nothing."""
        with log_failures("wrong guesses"):
            limits.count(self._returned(), self.moment)

    def _returned(self) -> list[Tally]:
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
    readings = limits.count([*floors, *here, *looks], moment)
    said = dict(zip((*floors, *here), readings, strict=False))
    taken = [tally for tally, reading in said.items() if not reading.wait]
    budgets = [
        _budget(floor, reading.used)
        for floor, reading in zip(floors, readings[-len(right) :], strict=True)
        if said[floor].wait
    ]
    # Who has had their share already is held up with the others, but counted no further.
    has_had_share = any(said[tally].wait for tally in here)
    wait = 0.0
    if budgets:  # beyond the floor, what verifies makes room for more
        step = LOOK if has_had_share else TAKE
        further = limits.count([replace(budget, step=step) for budget in budgets], moment)
        wait = max(reading.wait for reading in further)
        taken += [budget for budget, reading in zip(budgets, further, strict=True) if step == TAKE and not reading.wait]
    if wait:
        _hold_up(purpose, floors[0], taken, moment)
        return Watch((), right, moment, wait)
    watched = Watch(tuple(taken), right, moment)
    if has_had_share:
        watched.was_not_judged()
        return watched._replace(taken=())
    return watched


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


def _hold_up(purpose: str, floor: Tally, taken: list[Tally], moment: int) -> None:
    """Give back what was taken, and raise the alarm once in each window, not with each guess that is held up."""
    alarm = Tally(f"{floor.key}.alarm", Rate(_UNLIMITED, floor.rate.seconds))
    with log_failures("wrong guesses"):
        *_, said = limits.count([*(replace(tally, step=GIVE_BACK) for tally in taken), alarm], moment)
        if said.used == 1:
            logger.error("Too many wrong guesses for %r from too many addresses: strangers' guesses wait", purpose)
