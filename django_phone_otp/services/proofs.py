"""Proofs: the token that a verified challenge gives, checked or spent exactly once."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core import handles
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import Invalid, InvalidToken
from django_phone_otp.models import Challenge
from django_phone_otp.services import intake
from django_phone_otp.services.transactions import database


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


def is_fresh(proof: Proof) -> bool:
    """Tell whether the time for ``proof`` is not over; it may have been spent."""
    return proof.verified_at > timezone.now() - conf.current().token_ttl


@sensitive_variables()
def redeem(token: str, *, purpose: str, context: intake.Context = None) -> str:
    """Spend ``token`` and return the number (E.164) that it proves for ``purpose``.

    For a purpose that is bound to a ``context``, the token is worth nothing for another one: give
    what is about to be done, not what the client says.

    One conditional UPDATE: of many redeems of one token, one succeeds. It may run inside a
    transaction of the project's: when that rolls back, the token is unspent.

    Raises ``InvalidToken`` when the token is forged, spent, older than ``TOKEN_TTL``, or for
    another purpose or context; ``ImproperlyConfigured`` for a purpose that is not in the settings,
    or a context without the fields that it is bound to.
    """
    _write_first(token)
    pk, number = _look(token, purpose, context)
    if not _redeemable(pk, purpose).update(redeemed_at=timezone.now()):
        raise InvalidToken
    return number


@sensitive_variables()
def peek(token: str, *, purpose: str, context: intake.Context = None) -> str:
    """Return the number that ``redeem()`` would return now, and spend nothing. Raises as it does."""
    return _look(token, purpose, context)[1]


def void(numbers: list[str]) -> None:
    """Let every proof of ``numbers`` that is not spent be worth nothing, and every code that is on its way there."""
    now = timezone.now()
    theirs = Challenge.objects.filter(number__in=numbers)
    # In this order: a code that is verified in between is spent by the second statement.
    pending = theirs.filter(status=ChallengeStatus.PENDING, expires_at__gt=now)
    pending.update(status=ChallengeStatus.CANCELED, closed_at=now)
    theirs.filter(status=ChallengeStatus.VERIFIED, redeemed_at=None).update(redeemed_at=now)


def _write_first(token: object) -> None:
    """Begin a transaction of the project's with a write: SQLite lets nobody write who has only read before.

    Of several that redeem at once each then waits for its turn, and none fails.
    """
    pk = handles.unseal(conf.current().keys, handles.TOKEN, token)
    if pk is not None and transaction.get_connection(database()).in_atomic_block:
        Challenge.objects.filter(pk=pk, redeemed_at=None).update(redeemed_at=None)


def _look(token: object, purpose: str, context: intake.Context) -> tuple[UUID, str]:
    """Return the primary key and the number of a token that is worth something."""
    if purpose not in conf.current().purposes:
        known = conf.unknown(purpose, tuple(conf.current().purposes))
        raise ImproperlyConfigured(f"the purpose {purpose!r} is {known}")
    pk = handles.unseal(conf.current().keys, handles.TOKEN, token)
    row = None if pk is None else _redeemable(pk, purpose).values_list("number", "context").first()
    if pk is None or row is None:
        raise InvalidToken
    number, proved = row
    try:
        given = intake.take_context(context, tuple(proved))
    except Invalid as problem:
        fields = ", ".join(proved) or "nothing"
        raise ImproperlyConfigured(
            f"a proof for {purpose!r} is bound to {fields}: give redeem() that context"
        ) from problem
    if given != proved:
        raise InvalidToken
    return pk, number


def _redeemable(pk: UUID, purpose: str) -> QuerySet[Challenge, Challenge]:
    return Challenge.objects.using(database()).filter(
        pk=pk,
        purpose=purpose,
        status=ChallengeStatus.VERIFIED,
        redeemed_at=None,
        closed_at__gt=timezone.now() - conf.current().token_ttl,
    )
