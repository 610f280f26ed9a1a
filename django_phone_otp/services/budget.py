"""The guess budget: wrong guesses belong to a number and a purpose, whoever asks and however often.

It is kept in the challenges themselves, so that a guess costs one UPDATE. A challenge is granted a
part of what is left when it is made, and holds it until it closes; what it did not use goes back.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django_phone_otp import conf
from django_phone_otp.core.lanes import STRANGERS
from django_phone_otp.core.policies import Purpose
from django_phone_otp.core.rates import Rate
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import TooManyAttempts
from django_phone_otp.models import Challenge
from django_phone_otp.services.prepared import Given, Rows
from django_phone_otp.services.transactions import database

PAGE = 64  # rows: several times what the default limits let one number have in a day
# A guess that was judged in time may be written a moment after the end, or by a server whose clock is behind.
SETTLES_AFTER = timedelta(seconds=30)
CEILING_WAIT = 24 * 60 * 60  # seconds; time does not lift the ceiling, so this only keeps clients from hammering


class Entry(NamedTuple):
    """What the budget needs to know of one earlier challenge."""

    id: UUID
    serial: int
    streak: int
    status: str
    attempts: int
    max_attempts: int
    expires_at: datetime
    client: str

    @property
    def failures(self) -> int:
        """Wrong guesses so far: the last attempt of a verified challenge was right."""
        return self.attempts - (self.status == ChallengeStatus.VERIFIED)

    def is_open(self, now: datetime) -> bool:
        """Whether a guess might still be made."""
        return self.status == ChallengeStatus.PENDING and self.expires_at + SETTLES_AFTER > now

    def held(self, now: datetime) -> int:
        """Guesses that count against the budget: all that were granted, as long as they might still be made."""
        return self.max_attempts if self.is_open(now) else self.failures


class Budget(NamedTuple):
    """The recent challenges of one number, purpose and lane, newest first, and what ``verify.number`` allows."""

    entries: list[Entry]
    rates: tuple[Rate, ...]
    lane: str = STRANGERS

    @property
    def next_serial(self) -> int:
        """The turn that a new challenge takes; that it is unique is what makes the budget exact."""
        return self.entries[0].serial + 1 if self.entries else 1

    def streak(self, now: datetime) -> int:
        """Consecutive failures up to ``now``, guesses that are still held included."""
        failures = 0
        for entry in self.entries:
            if entry.status == ChallengeStatus.VERIFIED:  # the right code came after its wrong ones
                return failures
            failures += entry.held(now)
        return failures + (self.entries[-1].streak if self.entries else 0)

    def grant(self, wanted: int, now: datetime) -> int:
        """Return how many guesses a new challenge gets: ``wanted``, or less when less is left.

        Raises ``TooManyAttempts`` when nothing is left.
        """
        below_ceiling = conf.ATTEMPTS_CEILING - self.streak(now)
        if below_ceiling <= 0:
            raise TooManyAttempts(CEILING_WAIT)
        left = min(
            rate.count - sum(entry.held(now) for entry in self._within(rate.seconds, now)) for rate in self.rates
        )
        if left <= 0:
            raise TooManyAttempts(self._wait(now))
        return min(wanted, left, below_ceiling)

    def _within(self, seconds: int, now: datetime) -> list[Entry]:
        # Its guesses were made before it expired: from then on they are at least a window away.
        return [entry for entry in self.entries if entry.expires_at + timedelta(seconds=seconds) > now]

    def _wait(self, now: datetime) -> float:
        """Seconds until the first guess may come back: its challenge ends, or its failure leaves a window."""
        windows = [timedelta(seconds=rate.seconds) for rate in self.rates]
        ends = [
            entry.expires_at + wait
            for entry in self.entries
            if entry.held(now)
            for wait in (*windows, *([SETTLES_AFTER] if entry.is_open(now) else []))
        ]
        return min((end - now).total_seconds() for end in ends if end > now)


_NEWEST_FIRST = Challenge.objects.order_by("-serial").values_list(*Entry._fields)


@cache
def _newest_page() -> Rows[Challenge]:
    given = {name: Given(Challenge, name) for name in ("number", "purpose", "lane")}
    return Rows(_NEWEST_FIRST.filter(**given)[:PAGE])


def read_budget(number: str, purpose: Purpose, lane: str, now: datetime) -> Budget:
    """Read the budget of ``number`` for ``purpose``, in one ``lane``: one short range of the index, in one query.

    Only a project that lifted its send limits can have more than a page of challenges inside a
    window; then the whole window is read.
    """
    rates = purpose.limits["verify.number"]
    about = {"number": number, "purpose": purpose.name, "lane": lane}
    entries = [Entry(*row) for row in _newest_page().values(database(), **about)]
    longest = timedelta(seconds=max(rate.seconds for rate in rates))
    if len(entries) == PAGE and entries[-1].expires_at + longest > now:
        rows = _NEWEST_FIRST.using(database()).filter(expires_at__gt=now - longest, **about)
        entries = [Entry(*row) for row in rows]
    return Budget(entries, rates, lane)
