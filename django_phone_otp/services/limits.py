"""Limits on how often: counted in the shared cache, for every face alike, and closed when the cache fails."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import NamedTuple

from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.core.policies import Purpose
from django_phone_otp.core.rates import Rate, parse_rate, tightest
from django_phone_otp.core.windows import GIVE_BACK, LOOK, Reading, Tally
from django_phone_otp.exceptions import RateLimited, Unavailable
from django_phone_otp.services.caching import log_failures, shared_cache
from django_phone_otp.services.counters import counters_of

NOTED = ("CHALLENGE_HOOK", "REGIONS", "DENIED_PREFIXES", "blocked", "kind_of_number", "password")
"""What refuses beside the limits of the settings, for the statistics."""
UNLIMITED = 10**9  # for what is only counted
RETRY_WHEN_DOWN = 30  # seconds: about what a cache takes to fail over

logger = logging.getLogger("django_phone_otp")


class Strain(NamedTuple):
    """How near a limit is: 1.0 when its last place was taken."""

    share: float = 0.0
    limit: str = ""


NO_STRAIN = Strain()


@dataclass(frozen=True, slots=True)
class Hits:
    """Places that were taken, and how near the limits are now."""

    tallies: tuple[Tally, ...] = ()
    moment: int = 0
    strain: Strain = NO_STRAIN

    def give_back(self) -> None:
        """Give the places back: what they were taken for does not happen. Raises ``Unavailable``."""
        count([replace(tally, step=GIVE_BACK) for tally in self.tallies], self.moment)


def hit(buckets: Mapping[str, str], purpose: Purpose | None = None, *, all_or_none: bool = False) -> Hits:
    """Count one event in every bucket, then judge: ``buckets`` maps a limit's name to what it counts by.

    Every bucket is hit before any is judged, so that a refusal by one cannot shield another, and the
    longest wait is the one reported. With ``all_or_none``, what is refused takes no place anywhere. A
    ``purpose`` may have limits of its own.

    Raises ``RateLimited``, or ``Unavailable`` when a count could not be kept.
    """
    tallies = {tally: name for name, value in buckets.items() for tally in tallies_of(name, value, purpose)}
    return _hit(tallies, all_or_none=all_or_none)


def hit_fixed(name: str, value: str, rate: Rate) -> Hits:
    """Count one event against a limit that no setting moves. Raises as ``hit()`` does."""
    return _hit(dict.fromkeys(_tallies(name, value, (rate,)), name))


def _hit(tallies: Mapping[Tally, str], *, all_or_none: bool = False) -> Hits:
    if not tallies:
        return Hits()
    moment = milliseconds()
    readings = count(list(tallies), moment)
    said = list(zip(tallies.values(), tallies, readings, strict=True))
    refusals = {name for name, _, reading in said if reading.wait}
    if refusals:
        logger.info("Refused by %s", ", ".join(sorted(refusals)))
        note_refusal(*refusals)
        if all_or_none:
            _give_back_taken(list(tallies), readings, moment)
        raise RateLimited(max(reading.wait for reading in readings))
    strain = max(Strain(reading.used / tally.rate.count, name) for name, tally, reading in said)
    return Hits(tuple(tallies), moment, strain)


def hit_account(alias: str, *, message: bool = True) -> float:
    """Count one request against what the account behind ``alias`` allows.

    That is its vendor's own rate, and for a ``message`` also ``send.account``.

    Returns 0, or the seconds until the account has a place: then nothing was counted. Raises
    ``Unavailable`` when a count could not be kept.
    """
    documented = backends[alias].account_rate
    own = conf.current().limits["send.account"] if message else ()
    tallies = _tallies("send.account", alias, tightest((*own, *([parse_rate(documented)] if documented else []))))
    moment = milliseconds()
    readings = count(tallies, moment)
    wait = max((reading.wait for reading in readings), default=0.0)
    if wait:  # nothing will be sent now, so no other window may count it
        _give_back_taken(tallies, readings, moment)
    return wait


def wait_for_account(alias: str, patience: float, *, message: bool = True) -> float:
    """Take a place of the account as ``hit_account()`` does, waiting for one as long as ``patience``, in seconds.

    Returns 0, or the seconds until there is one when that is too long: then nothing was counted.
    """
    waited = 0.0
    while wait := hit_account(alias, message=message):
        if waited + wait > patience:
            return wait
        time.sleep(wait)
        waited += wait
    return 0.0


def _give_back_taken(tallies: list[Tally], readings: list[Reading], moment: int) -> None:
    """Give back the places of all that found one, where another found none."""
    taken = tuple(tally for tally, reading in zip(tallies, readings, strict=True) if not reading.wait)
    Hits(taken, moment).give_back()


def note_refusal(*names: str) -> None:
    """Count what was refused by limits of these ``names``, for the statistics. Without a cache the count is missed."""
    with log_failures("statistics"):
        counters_of(shared_cache()).count([refusal_by(name) for name in names], milliseconds())


def refusals_on(day: date) -> dict[str, int]:
    """Return how many were refused by each limit on ``day`` (UTC), as far as the cache still knows."""
    names = (*conf.current().limits, *NOTED)
    counts: list[Reading] = []
    with log_failures("statistics"):
        looks = [replace(refusal_by(name, day), step=LOOK) for name in names]
        counts = counters_of(shared_cache()).count(looks, milliseconds())
    return {name: reading.used for name, reading in zip(names, counts, strict=False) if reading.used}


def refusal_by(name: str, day: date | None = None) -> Tally:
    """Return the counter of what the limit ``name`` refused on ``day`` (UTC), or today."""
    noted = day or timezone.now().astimezone(UTC).date()
    # Kept for longer than the figures of a day change.
    return Tally(f"refused.{noted.isoformat()}.{name}", Rate(UNLIMITED, 7 * 24 * 60 * 60))


def tallies_of(name: str, value: str, purpose: Purpose | None = None) -> list[Tally]:
    """Return a tally for each rate of the limit ``name``, counted by ``value``."""
    limits = conf.current().limits if purpose is None else purpose.limits
    return _tallies(name, value, limits[name])


def count(tallies: list[Tally], moment: int) -> list[Reading]:
    """Do every tally in one go. Raises ``Unavailable`` when the cache does not keep counts."""
    if not tallies:
        return []
    with _fail_closed():
        return counters_of(shared_cache()).count(tallies, moment)


def forget(buckets: Mapping[str, str], purpose: Purpose | None = None) -> None:
    """Empty the counters of ``buckets``. Raises ``Unavailable`` when the cache does not answer."""
    tallies = [tally for name, value in buckets.items() for tally in tallies_of(name, value, purpose)]
    if tallies:
        with _fail_closed():
            counters_of(shared_cache()).forget(tallies, milliseconds())


def milliseconds() -> int:
    """Return the moment that counters go by: milliseconds since 1970."""
    return int(time.time() * 1000)


@contextmanager
def _fail_closed() -> Iterator[None]:
    try:
        yield
    except Exception as problem:  # noqa: BLE001 - every cache client raises classes of its own
        logger.error("The cache for limits failed: %s", type(problem).__name__)
        raise Unavailable(RETRY_WHEN_DOWN) from None


def digest_of(name: str, value: str) -> str:
    """Return what stands for ``value`` in the name of a counter: the cache must not hold numbers and addresses."""
    return conf.current().keys.newest.digest("limits", name.encode(), value.encode()).hex()[:32]


def _tallies(name: str, value: str, rates: tuple[Rate, ...]) -> list[Tally]:
    key = f"limits.{name}.{digest_of(name, value)}" if rates else ""
    return [Tally(key, rate) for rate in rates]
