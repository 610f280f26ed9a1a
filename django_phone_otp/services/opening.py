"""Opening a challenge: its turn, its guesses, its first and further messages."""

import logging
import random
import secrets
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core.codes import SEED_BYTES
from django_phone_otp.core.contexts import context_digest
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.exceptions import TooManyAttempts, Unavailable
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import limits, statements
from django_phone_otp.services.admission import admit_message
from django_phone_otp.services.askers import Asker
from django_phone_otp.services.budget import Budget, read_budget
from django_phone_otp.services.dispatch import dispatch, new_delivery
from django_phone_otp.services.intake import Asked
from django_phone_otp.services.numbers import find_test_number, hides_refusals, refusal_by_staff, refused
from django_phone_otp.services.phones import is_registered
from django_phone_otp.services.transactions import database

TURNS = 50  # each turn lost is a send that somebody else won; more at once for one number is an attack
TURN_PAUSE = 0.02  # seconds at most between two turns, at random, so that the same two do not meet again

logger = logging.getLogger("django_phone_otp")


def body_of(asked: Asked) -> Iterator[bytes]:
    """Yield what makes two requests the same one."""
    yield from (asked.number.e164.encode(), asked.purpose.name.encode(), asked.channel.encode())
    yield context_digest(asked.context)


def open_challenge(asked: Asked, client: str, asker: Asker) -> tuple[Challenge, Delivery | None]:
    """Insert a challenge and its first delivery in one transaction.

    Returns both, or the live challenge that the same ``client`` has for this, and None.

    Raises ``NumberNotAllowed``, ``RateLimited``, ``ChallengeRequired``, ``TooManyAttempts`` or ``Unavailable``.
    """
    number, lane = asked.number, asker.lane(asked.number.e164)
    refusal = _refusal(asked)
    # A number that is refused is looked up too: its answer must not be quicker.
    decoy = asked.purpose.registered_only and (not is_registered(number.e164) or bool(refusal))
    places, lost = None, "unlocked meanwhile"
    for turn in range(TURNS):
        now = timezone.now()
        budget = read_budget(number.e164, asked.purpose, lane, now)
        existing = _same(budget, asked, client, decoy, now)
        if existing is not None:
            if places is not None:  # another click was quicker, and its message is the only one
                places.give_back()
            return existing, None
        if places is None:
            places = admit_message(asker, number.e164, number.region, asked.purpose, lane)
        try:
            challenge = _new_challenge(asked, client, decoy, budget, now)
        except TooManyAttempts:
            limits.note_refusal("verify.number")
            raise
        delivery = new_delivery(challenge, asked.channel, refusal)
        try:
            with transaction.atomic(using=database()):
                if challenge.streak and not _goes_on(budget):
                    continue
                statements.insert(challenge)
                statements.insert(delivery)
        except (IntegrityError, OperationalError) as problem:
            lost = type(problem).__name__  # no more: its text has the number
            # Another send took this turn, and with it a part of the budget. MariaDB may call the same
            # a deadlock, and SQLite a lock; a database that is gone fails the next read_budget().
            time.sleep(random.uniform(0, TURN_PAUSE) if turn else 0)  # noqa: S311 - a pause is no secret
            continue
        return challenge, delivery
    assert places is not None  # noqa: S101 - for the type checker: there was a turn
    places.give_back()
    logger.error("No turn was to be had: %s", lost)  # or a receiver of the project's has a fault
    raise Unavailable(1)


def reopen(challenge: Challenge, channel: str, now: datetime) -> Delivery | None:
    """Add one more message to a pending challenge; None when another resend, or its end, came first."""
    delivery = new_delivery(challenge, channel)
    resend_at = now + _pause_after(challenge.messages + 1)
    with transaction.atomic(using=database()):
        turn = Challenge.objects.filter(
            pk=challenge.pk,
            status=ChallengeStatus.PENDING,
            expires_at__gt=now,
            messages=challenge.messages,
        ).update(messages=F("messages") + 1, resend_at=resend_at, channel=channel)
        if not turn:
            return None
        statements.insert(delivery)
    challenge.messages += 1
    challenge.resend_at, challenge.channel = resend_at, channel
    return delivery


def dispatch_for(challenge: Challenge, delivery: Delivery) -> bool:
    """Dispatch a committed delivery; return whether the caller must be told that nothing was sent.

    A first message that failed ends its challenge: nobody has its handle.
    """
    status = dispatch(delivery)
    challenge.delivery_status = public_status(challenge, status)
    if challenge.delivery_status != DeliveryStatus.FAILED:
        return False
    if challenge.messages == 1:
        cancel_pending(challenge.pk)
    return True


def cancel_pending(pk: UUID) -> bool:
    """Cancel a pending challenge; return whether it was one."""
    now = timezone.now()
    pending = Challenge.objects.filter(pk=pk, status=ChallengeStatus.PENDING, expires_at__gt=now)
    return bool(pending.update(status=ChallengeStatus.CANCELED, closed_at=now))


def public_status(challenge: Challenge, status: str | None) -> str:
    """Return what a client may know of a delivery.

    For a purpose that only registered numbers have, it is always the same word: the fate of a
    message would tell who is registered.
    """
    purpose = conf.current().purposes.get(challenge.purpose)
    if challenge.decoy or (purpose is not None and purpose.registered_only):
        return DeliveryStatus.ACCEPTED
    return status or DeliveryStatus.QUEUED


def _refusal(asked: Asked) -> str:
    """Return why the number is refused, for staff; raise ``NumberNotAllowed`` where the sender may know that it is."""
    by_staff = refusal_by_staff(asked.number)
    if by_staff and not hides_refusals(asked.purpose):
        raise refused(by_staff)
    return asked.refusal or by_staff


def _same(budget: Budget, asked: Asked, client: str, decoy: bool, now: datetime) -> Challenge | None:
    """Return the live challenge that ``client`` already has for the same number, purpose and context."""
    for entry in budget.entries if client else ():
        if entry.client == client and entry.status == ChallengeStatus.PENDING and entry.expires_at > now:
            # Who signed up in between gets a challenge, not the decoy of before.
            wanted = Challenge.objects.using(database()).filter(pk=entry.id, decoy=decoy)
            for challenge in wanted:  # or none: it may have been erased meanwhile
                if challenge.context == asked.context:
                    return challenge
    return None


def _goes_on(budget: Budget) -> bool:
    """Tell whether the failures that were read still count, and keep that so until the transaction ends.

    Else a number that staff unlock meanwhile would carry its failures into a challenge that is made afterwards.
    """
    newest = Challenge.objects.filter(pk=budget.entries[0].id, lane=budget.lane)
    return bool(newest.update(lane=F("lane")))


def _new_challenge(asked: Asked, client: str, decoy: bool, budget: Budget, now: datetime) -> Challenge:
    test_number = find_test_number(asked.number.e164)
    return Challenge(
        number=asked.number.e164,
        region=asked.number.region,
        purpose=asked.purpose.name,
        lane=budget.lane,
        context=asked.context,
        channel=asked.channel,
        language=asked.language,
        status=ChallengeStatus.PENDING,
        serial=budget.next_serial,
        streak=budget.streak(now),
        attempts=0,
        max_attempts=budget.grant(asked.purpose.max_attempts, now),
        messages=1,
        code_length=len(test_number.code) if test_number else asked.purpose.code_length,
        seed=secrets.token_bytes(SEED_BYTES),
        key_id=conf.current().keys.newest.id,
        client=client,
        decoy=decoy,
        created_at=now,
        expires_at=now + asked.purpose.code_ttl,
        resend_at=now + _pause_after(1),
    )


def _pause_after(messages: int) -> timedelta:
    """Return how long to wait after the n-th message; the last pause stands for all that follow."""
    pauses = conf.current().resend_after
    return timedelta(seconds=pauses[min(messages, len(pauses)) - 1])
