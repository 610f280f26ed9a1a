"""Delivering: one message handed over once, through the first alias on its route that takes it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.backends.base import route_ends_at
from django_phone_otp.core.identifiers import first_uuid7
from django_phone_otp.core.policies import NOTICE
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.circuit import Circuit
from django_phone_otp.services.handover import Outcome, attempt, record
from django_phone_otp.services.numbers import find_test_number, refusal_of
from django_phone_otp.services.routing import admitted, aliases_for
from django_phone_otp.services.transactions import database

ROUTE_SECONDS = 10.0  # for the whole route: a person waits for the answer
PATIENCE = 5.0  # seconds of them in which an account may get a place: the rest is for its vendor's answer
SWEPT = timedelta(days=2)  # how far back: clearotp sweeps daily at least
FRESH = timedelta(seconds=1)  # so long holds what was asked of the number; a queue may take longer
STALE_SENDING = timedelta(minutes=2)  # many times the longest a route takes: its worker has died
STALE_QUEUED = timedelta(minutes=1)  # a queue that is slower than this has lost the task


@sensitive_variables()
def deliver(pk: UUID | str) -> None:
    """Deliver the queued delivery ``pk``: the default ``DISPATCHER``, and what a queue's worker calls.

    Claims the row with one conditional UPDATE, so that of two workers with the same task one sends.
    """
    claimed = Delivery.objects.filter(pk=pk, status=DeliveryStatus.QUEUED).update(
        status=DeliveryStatus.SENDING, updated_at=timezone.now()
    )
    # After the claim it may still be erased, with all that is held about its number.
    for delivery in Delivery.objects.using(database()).select_related("challenge").filter(pk=pk) if claimed else ():
        hand_over(delivery)


@sensitive_variables()
def hand_over(delivery: Delivery) -> DeliveryStatus:
    """Send a claimed delivery, record what became of it, and return its last state.

    Walks the route on "certainly not sent" only, with a row of its own for each alias tried. Never
    raises for a vendor's failure.
    """
    delivery.status = DeliveryStatus.SENDING
    scripted = _without_vendor(delivery)
    if scripted is not None:
        return record(delivery, status=scripted[0], reason=scripted[1])
    return _walk(delivery)


def sweep() -> tuple[int, int]:
    """Settle what crashes left: return how many deliveries became ``unknown``, and how many queued ones were taken up.

    A delivery that was being sent may have been sent, so it is never sent again by the machine.
    """
    now = timezone.now()
    # By primary key, which sorts by time: there is no index on the state of millions of deliveries.
    recent = Delivery.objects.filter(pk__gte=first_uuid7(now - SWEPT))
    sending = recent.filter(status=DeliveryStatus.SENDING, updated_at__lt=now - STALE_SENDING)
    settled = list(sending.select_related("challenge"))
    for delivery in settled:
        record(delivery, status=DeliveryStatus.UNKNOWN, reason="the worker stopped")
    queued = recent.filter(status=DeliveryStatus.QUEUED, updated_at__lt=now - STALE_QUEUED)
    waiting = list(queued.order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        deliver(pk)
    return len(settled), len(waiting)


def _without_vendor(delivery: Delivery) -> tuple[DeliveryStatus, str] | None:
    """Return the end of a delivery that no vendor is asked for, and why; else None."""
    challenge = delivery.challenge
    is_notice = challenge.purpose == NOTICE
    refusal = refusal_of(challenge.number) if _must_ask_again(delivery) else delivery.reason
    if challenge.decoy:  # for staff: nobody else was told
        reason = f"the number is refused ({refusal})" if refusal else "the number is not registered"
        return DeliveryStatus.FAILED, f"decoy: {reason}"
    test_number = find_test_number(challenge.number)
    if test_number is not None:
        return test_number.outcome, "test number"
    if refusal:
        return DeliveryStatus.FAILED, f"the number is refused ({refusal})"
    return None if is_notice else _too_late(challenge)


def _must_ask_again(delivery: Delivery) -> bool:
    """Tell whether it is long ago that the number was looked at: since then it may have been refused or blocked.

    A decoy's is looked at like any other: both must cost the same.
    """
    challenge = delivery.challenge
    if challenge.purpose == NOTICE or challenge.messages > 1:  # at the first message, or when it was verified
        return True
    return timezone.now() - delivery.queued_at > FRESH


def _too_late(challenge: Challenge) -> tuple[DeliveryStatus, str] | None:
    """Return the end of a delivery whose code would be worth nothing, and why; else None."""
    if challenge.status_at(timezone.now()) != ChallengeStatus.PENDING:
        return DeliveryStatus.FAILED, "the challenge ended before the message could be sent"
    if conf.current().keys.get(challenge.key_id) is None:
        return DeliveryStatus.FAILED, "the key of the challenge has left KEYS"
    return None


def _walk(delivery: Delivery) -> DeliveryStatus:
    """Try the aliases of the route in order, as long as the message was certainly not sent."""
    deadline = time.monotonic() + ROUTE_SECONDS
    aliases = aliases_for(delivery)
    outcome, waits = _try_each(_hand_overs(delivery, aliases), deadline, PATIENCE if len(aliases) == 1 else 0.0)
    if outcome is not None and outcome.go_on and waits and len(aliases) > 1:
        # Nobody else took it either: an account that was passed over may have a place in time.
        soonest = sorted(waits, key=lambda alias: waits[alias])
        again, _ = _try_each(_hand_overs(delivery, soonest, further=True), deadline, PATIENCE)
        outcome = again or outcome
    if outcome is not None:
        return outcome.status
    reason = "no alias on the route speaks this channel"
    if aliases:
        reason = "every alias on the route failed lately, and is left alone for now"
    return record(delivery, status=DeliveryStatus.FAILED, reason=reason)


def _try_each(
    hand_overs: Iterator[tuple[Delivery, str, Circuit]], deadline: float, patience: float
) -> tuple[Outcome | None, dict[str, float]]:
    """Hand over until somebody took the message, or may have; return the last outcome, and whose account was full."""
    outcome, waits = None, {}
    for delivery, alias, circuit in hand_overs:
        with route_ends_at(deadline):
            outcome = attempt(delivery, alias, circuit, patience)
        if outcome.wait:
            waits[alias] = outcome.wait
        if not outcome.go_on or time.monotonic() > deadline:
            break
    return outcome, waits


def _hand_overs(
    delivery: Delivery, aliases: list[str], *, further: bool = False
) -> Iterator[tuple[Delivery, str, Circuit]]:
    """Yield each alias that may be asked, with ``delivery`` for the first and a row of its own for each further one."""
    for position, (alias, circuit) in enumerate(admitted(aliases)):
        if position or further:
            delivery = Delivery(
                challenge=delivery.challenge, channel=delivery.channel, alias=alias, status=DeliveryStatus.SENDING
            )
            try:
                with transaction.atomic(using=database()):
                    delivery.save(force_insert=True)
            except IntegrityError:  # the challenge was erased meanwhile: nobody waits for its code
                circuit.released()
                return
        yield delivery, alias, circuit
