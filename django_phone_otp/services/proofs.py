"""Proofs: the token that a verified challenge gives, checked or spent exactly once."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core import handles
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import Challenge


@dataclass(frozen=True, slots=True)
class Proof:
    """A number was verified: which (``phone``, E.164), for what, when, and the token that proves it."""

    challenge: str = field(repr=False)
    purpose: str
    phone: str = field(repr=False)
    verified_at: datetime
    token: str = field(repr=False)
    status: str = ChallengeStatus.VERIFIED


def prove(challenge: Challenge) -> Proof:
    """Return the proof of a challenge that was just verified."""
    assert challenge.closed_at is not None  # noqa: S101 - for the type checker: verified means closed
    return Proof(
        challenge=challenge.handle,
        purpose=challenge.purpose,
        phone=challenge.number,
        verified_at=challenge.closed_at,
        token=handles.seal(conf.current().keys, handles.TOKEN, challenge.pk),
    )


@sensitive_variables()
def redeem(token: str, *, purpose: str) -> str:
    """Spend ``token`` and return the number (E.164) that it proves for ``purpose``.

    One conditional UPDATE: of many redeems of one token, one succeeds. It may run inside a
    transaction of the project's: when that rolls back, the token is unspent.

    Raises ``InvalidToken`` when the token is forged, spent, older than ``TOKEN_TTL``, or for
    another purpose.
    """
    if not _redeemable(token, purpose).update(redeemed_at=timezone.now()):
        raise InvalidToken
    return Challenge.objects.values_list("number", flat=True).get(pk=_named_by(token))


@sensitive_variables()
def peek(token: str, *, purpose: str) -> str:
    """Return the number that ``redeem()`` would return now, and spend nothing. Raises ``InvalidToken``."""
    number = _redeemable(token, purpose).values_list("number", flat=True).first()
    if number is None:
        raise InvalidToken
    return number


def _redeemable(token: str, purpose: str) -> QuerySet[Challenge, Challenge]:
    return Challenge.objects.filter(
        pk=_named_by(token),
        purpose=purpose,
        status=ChallengeStatus.VERIFIED,
        redeemed_at=None,
        closed_at__gt=timezone.now() - conf.current().token_ttl,
    )


def _named_by(token: object) -> UUID:
    pk = handles.unseal(conf.current().keys, handles.TOKEN, token) if isinstance(token, str) else None
    if pk is None:
        raise InvalidToken
    return pk
