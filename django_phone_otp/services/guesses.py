"""Guesses: each takes its place in one queue, by one conditional UPDATE that is committed on its own."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Case, Expression, F, Q, Value, When

from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge
from django_phone_otp.services.prepared import Given, Update
from django_phone_otp.services.transactions import database


def count(challenge: Challenge, right: bool, now: datetime, *, held: bool = False) -> bool:
    """Take a guess's place: a right one verifies the challenge, the last wrong one locks it.

    A right one that is ``held`` only takes its place, until ``settle()``.

    Returns whether there was a place: False means that the challenge closed or ran out before.
    """
    counted = _counting(right, held).run(
        database(), id=challenge.pk, most=challenge.max_attempts, last=challenge.max_attempts - 1, now=now
    )
    challenge.attempts += 1
    if not held:
        _show(challenge, right, now)
    return bool(counted)


@cache
def _counting(right: bool, held: bool) -> Update:
    """Return the UPDATE for a guess, which is given ``id``, ``most``, ``last`` and ``now``."""
    is_last = Q(attempts__gte=Given(Challenge, "attempts", "last"))
    rows = Challenge.objects.filter(
        pk=Given(Challenge, "id"),
        status=ChallengeStatus.PENDING,
        attempts__lt=Given(Challenge, "attempts", "most"),  # granted once for all, so it is still what the row says
        expires_at__gt=Given(Challenge, "expires_at", "now"),
    )
    changes = {} if held else _end(right, is_last, Given(Challenge, "closed_at", "now"))
    # attempts comes last: MariaDB evaluates assignments from left to right, with what it has assigned.
    return Update(rows, **changes, attempts=F("attempts") + 1)


def settle(challenge: Challenge, right: bool, now: datetime) -> bool:
    """End what a held guess began. Returns False when the challenge ended before.

    A right one counts also when guesses that came later have locked the challenge: its place was taken
    while it was pending.
    """
    is_last = Q(attempts__gte=challenge.max_attempts)
    open_ones = [ChallengeStatus.PENDING, ChallengeStatus.LOCKED] if right else [ChallengeStatus.PENDING]
    held = Challenge.objects.filter(pk=challenge.pk, status__in=open_ones, expires_at__gt=now)
    settled = held.update(**_end(right, is_last, Value(now)))
    _show(challenge, right, now)
    return bool(settled)


def give_back(challenge: Challenge) -> None:
    """Take back the place of a held guess that nobody could judge. It was right here, so nothing is free."""
    held = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.PENDING, attempts__gt=0)
    held.update(attempts=F("attempts") - 1)


def _end(right: bool, is_last: Q, now: Expression) -> dict[str, Any]:
    if right:
        return {"status": ChallengeStatus.VERIFIED, "closed_at": now}
    return {
        "status": Case(When(is_last, then=Value(ChallengeStatus.LOCKED.value)), default=F("status")),
        "closed_at": Case(When(is_last, then=now), default=F("closed_at")),
    }


def _show(challenge: Challenge, right: bool, now: datetime) -> None:
    """Let the object say what the row says."""
    if right or challenge.attempts_left <= 0:
        challenge.status = ChallengeStatus.VERIFIED if right else ChallengeStatus.LOCKED
        challenge.closed_at = now
