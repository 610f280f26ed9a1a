"""Against spraying: one guess at each of many numbers stays under every limit of a number and of an address.

What gives it away is the share of guesses that are wrong. While there are too many, strangers' guesses wait.
The idea of a budget of failures that grows with what succeeds is from Authgear's fraud protection.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from django_phone_otp import conf
from django_phone_otp.core.addresses import site_of
from django_phone_otp.core.rates import Rate
from django_phone_otp.core.windows import GIVE_BACK, LOOK, TAKE, Reading, Tally
from django_phone_otp.services import limits
from django_phone_otp.services.askers import Asker
from django_phone_otp.services.caching import log_failures

LIMIT = "verify.failed"
# Wrong guesses to a right one. People mistype a quarter or less of their codes; at three wrong to two right,
# most of those who guess are no owners of these phones.
WRONG_TO_RIGHT = 1.5
# Of one address, or of one IPv6 site, so few wrong guesses count: one stranger must not be able to make everybody
# wait. What that lets through is bounded by `verify.ip`.
OF_ONE_ADDRESS = 3

logger = logging.getLogger("django_phone_otp")

Said = tuple[Tally, Reading]


class Watch(NamedTuple):
    """A guess that is watched: counted as wrong before it is judged, so that many at once cannot slip through."""

    taken: tuple[Tally, ...]
    right: tuple[Tally, ...]
    moment: int
    wait: float = 0.0  # seconds, when there are too many wrong ones

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Count nothing when the block raises: then the guess was not judged."""
        try:
            yield
        except BaseException:
            self.give_back()
            raise

    def was_right(self) -> None:
        """Count the guess as right after all. It was judged: without a cache the count is missed, and no more."""
        with log_failures("wrong guesses"):
            limits.count([*self._returned(), *self.right], self.moment)

    def give_back(self) -> None:
        """Count nothing."""
        with log_failures("wrong guesses"):
            limits.count(self._returned(), self.moment)

    def _returned(self) -> list[Tally]:
        return [replace(tally, step=GIVE_BACK) for tally in self.taken]


# A guess in the lane of known browsers is never held up. Nor does a right one count: who has a phone could make
# room for as many wrong guesses at others as they like.
UNWATCHED = Watch((), (), 0)


def watch(asker: Asker, purpose: str) -> Watch:
    """Count a stranger's guess as wrong, unless ``purpose`` has too many wrong ones already.

    ``wait`` of what it returns says how long until there are not; then nothing was counted. One round trip to the
    cache as long as there are few wrong guesses.

    Raises ``Unavailable`` when a count could not be kept.
    """
    moment = limits.milliseconds()
    floors = limits.tallies_of(LIMIT, purpose, conf.current().purposes.get(purpose))
    if not floors:
        return UNWATCHED
    right_ones = _right(floors)
    wrong, at_address, verified = _ask(moment, floors, _of_one_address(floors, asker), _looking_at(right_ones))
    taken = _taken(*wrong, *at_address)
    # Who has had their share already is held up with the others, but counted no further.
    has_had_share = any(said.wait for _, said in at_address)
    full = [(floor, right.used) for (floor, said), (_, right) in zip(wrong, verified, strict=True) if said.wait]
    if full:
        budgets = [_budget(floor, right) for floor, right in full]
        (beyond,) = _ask(moment, _looking_at(budgets) if has_had_share else budgets)
        taken += _taken(*beyond)
        wait = max(said.wait for _, said in beyond)
        if wait:
            _hold_up(purpose, floors[0], taken, moment)
            return Watch((), (), moment, wait)
    if has_had_share:
        Watch(taken, (), moment).give_back()
        return Watch((), right_ones, moment)
    return Watch(taken, right_ones, moment)


def _ask(moment: int, *groups: Sequence[Tally]) -> list[list[Said]]:
    """Do the tallies of all groups in one go; return them, group by group, with what was said."""
    readings = iter(limits.count([tally for group in groups for tally in group], moment))
    return [[(tally, next(readings)) for tally in group] for group in groups]


def _taken(*asked: Said) -> tuple[Tally, ...]:
    return tuple(tally for tally, said in asked if tally.step == TAKE and not said.wait)


def _looking_at(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    return tuple(replace(tally, step=LOOK) for tally in tallies)


def _right(floors: list[Tally]) -> tuple[Tally, ...]:
    """Return the counters of right guesses beside those of wrong ones."""
    return tuple(Tally(f"{floor.key}.right", Rate(limits.UNLIMITED, floor.rate.seconds)) for floor in floors)


def _of_one_address(floors: list[Tally], asker: Asker) -> tuple[Tally, ...]:
    """Return the counters of the wrong guesses of one address; without a request there is none."""
    here = limits.digest_of(LIMIT, site_of(asker.address)) if asker.address else ""
    return tuple(Tally(f"{floor.key}.{here}", Rate(OF_ONE_ADDRESS, floor.rate.seconds)) for floor in floors if here)


def _budget(floor: Tally, right: int) -> Tally:
    """Return the counter of wrong guesses, with how many there may be beside so many ``right`` ones."""
    return replace(floor, rate=Rate(max(floor.rate.count, int(WRONG_TO_RIGHT * right)), floor.rate.seconds))


def _hold_up(purpose: str, floor: Tally, taken: tuple[Tally, ...], moment: int) -> None:
    """Give back what was taken, and raise the alarm once in each window, not with each guess that is held up."""
    alarm = Tally(f"{floor.key}.alarm", Rate(limits.UNLIMITED, floor.rate.seconds))
    with log_failures("wrong guesses"):
        # Where a hook is asked, it may let the guess through; what it demands is counted as its own.
        noted = [] if conf.current().challenge_hook else [limits.refusal_by(LIMIT)]
        *_, said = limits.count([*(replace(tally, step=GIVE_BACK) for tally in taken), *noted, alarm], moment)
        if said.used == 1:
            logger.error("Too many wrong guesses for %r from too many addresses: strangers' guesses wait", purpose)
