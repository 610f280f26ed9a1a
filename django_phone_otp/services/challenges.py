"""The verbs: send, resend, status, verify, cancel. Every face calls these, and nothing else decides.

Each hides its variables, and those of all that it calls, from Django's error reports: they are numbers,
codes and handles. A narrower list further down would undo that, so only the verbs have the decorator.
"""

from datetime import datetime
from functools import cache
from typing import NoReturn
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core.lanes import KNOWN, STRANGERS
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    ChallengeNotFound,
    DeliveryFailed,
    IncorrectCode,
    ResendTooSoon,
    TooManyAttempts,
    Unavailable,
)
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import admission, guesses, idempotency, intake, opening, remote
from django_phone_otp.services.askers import Asker, asker_of
from django_phone_otp.services.codes import is_right
from django_phone_otp.services.events import emit
from django_phone_otp.services.limits import NO_STRAIN
from django_phone_otp.services.numbers import admit_number, hides_refusals
from django_phone_otp.services.prepared import Given, Rows
from django_phone_otp.services.proofs import Proof, prove
from django_phone_otp.services.spraying import Watch
from django_phone_otp.services.transactions import database, require_own_transaction
from django_phone_otp.signals import challenge_failed, challenge_sent, challenge_verified


@sensitive_variables()
def send(
    phone: object,
    *,
    purpose: str,
    channel: str | None = None,
    context: intake.Context = None,
    request: HttpRequest | None = None,
    idempotency_key: str | None = None,
) -> Challenge:
    """Open a challenge for a number and send its code.

    ``phone`` is what a person typed, or an object with ``as_e164``. ``context`` holds the fields
    that the purpose is bound to; they must be given again to ``verify()``. With ``request`` the
    sender's address is limited too, and a double click by one session sends one message.

    Returns the challenge, or the one that the same session or ``idempotency_key`` already has.

    Raises ``Invalid``, ``InvalidPhone``, ``NumberNotAllowed``, ``RateLimited``, ``ChallengeRequired``,
    ``TooManyAttempts``, ``IdempotencyMismatch``, ``DeliveryFailed`` or ``Unavailable``.
    """
    require_own_transaction("send")
    asked = intake.take_request(phone, purpose, channel, context)
    browser = intake.take_browser(asked.purpose, request)
    claim = idempotency.claim("send", idempotency_key, request, *opening.body_of(asked), browser=browser)
    if claim.challenge is not None:
        return _read(intake.Named(claim.challenge, browser))
    try:
        challenge, delivery = opening.open_challenge(asked, claim.client, asker_of(request))
        challenge.browser = browser
        if delivery is None:
            challenge = _read(intake.Named(challenge.pk, browser))
        else:
            _start(challenge, delivery)
    except BaseException:  # whatever went wrong, a database that is gone too: the key must not say that it was done
        claim.release()
        raise
    claim.settle(challenge.pk)
    return challenge


@sensitive_variables()
def resend(
    handle: str,
    *,
    channel: str | None = None,
    request: HttpRequest | None = None,
    idempotency_key: str | None = None,
) -> Challenge:
    """Send the same code once more, perhaps by another channel. It buys neither guesses nor time.

    Returns the challenge, also for an ``idempotency_key`` that came before.

    Raises ``ResendTooSoon`` before ``resend_at``; ``ChallengeNotFound``, ``ChallengeClosed``,
    ``ChallengeExpired`` or ``TooManyAttempts`` (locked); ``NumberNotAllowed`` when the number may get no
    more messages; ``Invalid``, ``RateLimited``, ``ChallengeRequired``, ``IdempotencyMismatch``,
    ``DeliveryFailed`` or ``Unavailable`` as ``send()`` does.
    """
    require_own_transaction("resend")
    named = intake.take_handle(handle, request)
    channel = None if channel is None else intake.take_channel(channel)
    claim = idempotency.claim(
        "resend", idempotency_key, request, named.pk.bytes, (channel or "").encode(), browser=named.browser
    )
    if claim.challenge is not None:
        return _read(named)
    try:
        challenge = _resend(named, channel, asker_of(request))
    except BaseException as refusal:  # as in send()
        claim.release()
        if claim.replay and isinstance(refusal, ResendTooSoon):
            return _read(named)  # the first one with this key is on its way
        raise
    claim.settle(named.pk)
    return challenge


@sensitive_variables()
def status(handle: str, *, request: HttpRequest | None = None) -> Challenge:
    """Return the challenge as it stands. Raises ``ChallengeNotFound``."""
    return _read(intake.take_handle(handle, request))


@sensitive_variables()
def verify(handle: str, code: str, *, context: intake.Context = None, request: HttpRequest | None = None) -> Proof:
    """Judge one guess. Right or wrong, it takes its place in one queue: a code works once.

    ``context`` must be what ``send()`` was given; another value is a wrong guess.

    Returns the proof, whose token ``redeem()`` takes.

    Raises ``IncorrectCode`` for a guess that was counted (when several come at once, its
    ``attempts_left`` may count some of them as still to be made); ``Invalid``, ``ChallengeNotFound``,
    ``ChallengeClosed``, ``ChallengeExpired``, ``TooManyAttempts``, ``RateLimited``,
    ``ChallengeRequired`` or ``Unavailable`` when none was.
    """
    require_own_transaction("verify")
    named = intake.take_handle(handle, request)
    guess = intake.take_code(code)
    challenge, given, watched = _admit(named, guess, context, asker_of(request))
    with watched.judging():
        right = _judge(challenge, guess, given)
    if right:
        watched.was_right()
        emit(challenge_verified, challenge)
        return prove(challenge)
    emit(challenge_failed, challenge)
    raise IncorrectCode(challenge.attempts_left)


@sensitive_variables()
def cancel(handle: str, *, request: HttpRequest | None = None) -> Challenge:
    """Give a challenge up; unused guesses go back to the number.

    Raises ``ChallengeNotFound``, ``ChallengeClosed``, ``ChallengeExpired`` or ``TooManyAttempts`` (locked).
    """
    named = intake.take_handle(handle, request)
    canceled = opening.cancel_pending(named.pk)
    challenge = _read(named)
    if not canceled:
        _require_pending(challenge, timezone.now())
    return challenge


def _admit(
    named: intake.Named, guess: str, context: intake.Context, asker: Asker
) -> tuple[Challenge, dict[str, str], Watch]:
    """Let a guess pass the limits; return the challenge that it is made at, and the context. Raises why not."""
    # A guess without a cookie is limited before anything is read. What a cookie is worth depends on the number.
    strain = NO_STRAIN if asker.entries else admission.admit_asker(asker)
    challenge = _get_judged(named.pk)
    challenge.browser = named.browser
    lane = KNOWN if challenge.lane == asker.lane(challenge.number) == KNOWN else STRANGERS
    if asker.entries:
        strain = admission.admit_asker(asker, challenge.number if lane == KNOWN else "")
    _require_pending(challenge, timezone.now())
    intake.require_length(guess, challenge.code_length)
    given = intake.take_context(context, tuple(challenge.context))
    return challenge, given, admission.admit_guess(asker, challenge.purpose, lane, strain)


def _judge(challenge: Challenge, guess: str, given: dict[str, str]) -> bool:
    """Let a guess take its place, and tell whether it is right. Raises why it had no place, or had no answer."""
    now = timezone.now()
    right = is_right(challenge, guess, given)
    question = remote.question_about(challenge) if right else None
    if not guesses.count(challenge, right, now, held=question is not None):
        _say_why_not(challenge, now)
    if question is not None:  # the guess is counted before anybody else is asked
        try:
            right = remote.confirms(question, guess)
        except Unavailable:
            guesses.give_back(challenge)
            raise
        if not guesses.settle(challenge, right, timezone.now()):
            _say_why_not(challenge, now)
    return right


def _start(challenge: Challenge, delivery: Delivery) -> None:
    """Dispatch a committed delivery and tell the project. Raises ``DeliveryFailed`` when nothing was sent."""
    failed = opening.dispatch_for(challenge, delivery)
    if failed:
        raise DeliveryFailed
    emit(challenge_sent, challenge)


# What judging a guess needs, and no more: half of what a SELECT costs is its columns.
_JUDGED = (
    *("number", "purpose", "context", "status", "attempts", "max_attempts", "expires_at"),
    *("seed", "key_id", "code_length", "decoy", "lane"),
)


@cache
def _judged() -> Rows[Challenge]:
    return Rows(Challenge.objects.only(*_JUDGED).filter(pk=Given(Challenge, "id")))


def _get_judged(pk: UUID) -> Challenge:
    for challenge in _judged().objects(database(), id=pk):
        return challenge
    raise ChallengeNotFound


def _get(pk: UUID) -> Challenge:
    for challenge in Challenge.objects.using(database()).filter(pk=pk):
        return challenge
    raise ChallengeNotFound


def _read(named: intake.Named) -> Challenge:
    """Return a challenge with the public word on its newest message, in one query."""
    newest = Delivery.objects.filter(challenge=OuterRef("pk")).order_by("-pk").values("status")[:1]
    try:
        challenge = Challenge.objects.using(database()).annotate(newest_delivery=Subquery(newest)).get(pk=named.pk)
    except Challenge.DoesNotExist:
        raise ChallengeNotFound from None
    challenge.browser = named.browser
    challenge.delivery_status = opening.public_status(challenge, challenge.newest_delivery)
    return challenge


def _require_pending(challenge: Challenge, now: datetime) -> None:
    state = challenge.status_at(now)
    if state == ChallengeStatus.EXPIRED or (state == ChallengeStatus.LOCKED and challenge.expires_at <= now):
        raise ChallengeExpired
    if state == ChallengeStatus.LOCKED:
        raise TooManyAttempts((challenge.expires_at - now).total_seconds())
    if state != ChallengeStatus.PENDING:
        raise ChallengeClosed


def _say_why_not(challenge: Challenge, now: datetime) -> NoReturn:
    """Raise why a guess had no place: the challenge ended, ran out, or was erased before it."""
    challenge = _get_judged(challenge.pk)
    _require_pending(challenge, timezone.now())
    raise TooManyAttempts((challenge.expires_at - now).total_seconds())


def _require_resendable(challenge: Challenge, now: datetime) -> None:
    _require_pending(challenge, now)
    if challenge.resend_at > now:
        raise ResendTooSoon((challenge.resend_at - now).total_seconds())


def _resend(named: intake.Named, channel: str | None, asker: Asker) -> Challenge:
    """Judge a resend, take its turn, and send. Raises why not."""
    challenge = _get(named.pk)
    challenge.browser = named.browser
    now = timezone.now()
    _require_resendable(challenge, now)
    purpose = conf.current().purposes.get(challenge.purpose)
    if not hides_refusals(purpose):
        admit_number(challenge.number)
    lane = asker.lane(challenge.number)
    places = admission.admit_message(asker, challenge.number, challenge.region, purpose, lane)
    delivery = opening.reopen(challenge, channel or challenge.channel, now)
    if delivery is None:  # another resend, or the end of the challenge, came first
        places.give_back()
        _require_resendable(_get(named.pk), timezone.now())
        raise ResendTooSoon(1)
    _start(challenge, delivery)
    return challenge
