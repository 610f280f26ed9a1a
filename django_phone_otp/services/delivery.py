"""Delivering: one message handed over once, through the first alias on its route that takes it."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import BackendUnavailable, DeliveryError, Scope, SendResult, route_ends_at
from django_phone_otp.core.identifiers import first_uuid7
from django_phone_otp.core.redaction import redact, without
from django_phone_otp.core.segments import count_segments
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.exceptions import RetryLater
from django_phone_otp.models import VENDOR_ID_MAXIMUM, Delivery
from django_phone_otp.services import limits
from django_phone_otp.services.codes import code_of
from django_phone_otp.services.events import emit
from django_phone_otp.services.messages import compose
from django_phone_otp.services.numbers import find_test_number
from django_phone_otp.services.routing import aliases_for
from django_phone_otp.services.transactions import database
from django_phone_otp.signals import delivery_updated

ROUTE_SECONDS = 10.0  # for the whole route: a person waits for the answer
SWEPT = timedelta(days=2)  # how far back: clearotp sweeps daily at least
STALE_SENDING = timedelta(minutes=2)  # many times the longest a route takes: its worker has died
STALE_QUEUED = timedelta(minutes=1)  # a queue that is slower than this has lost the task

# What a vendor may say of a message that it took; "queued" and "sending" there mean accepted here.
_TAKEN = {status: status for status in DeliveryStatus} | dict.fromkeys(
    (DeliveryStatus.QUEUED, DeliveryStatus.SENDING), DeliveryStatus.ACCEPTED
)

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def deliver(pk: UUID | str) -> None:
    """Deliver the queued delivery ``pk``: the default ``DISPATCHER``, and what a queue's worker calls.

    Claims the row with one conditional UPDATE, so that of two workers with the same task one sends.
    """
    claimed = Delivery.objects.filter(pk=pk, status=DeliveryStatus.QUEUED).update(
        status=DeliveryStatus.SENDING, updated_at=timezone.now()
    )
    if claimed:
        hand_over(Delivery.objects.using(database()).select_related("challenge").get(pk=pk))


@sensitive_variables()
def hand_over(delivery: Delivery) -> DeliveryStatus:
    """Send a claimed delivery, record what became of it, and return its last state.

    Walks the route on "certainly not sent" only, with a row of its own for each alias tried. Never
    raises for a vendor's failure.
    """
    delivery.status = DeliveryStatus.SENDING
    scripted = _without_vendor(delivery)
    if scripted is not None:
        return _record(delivery, status=scripted[0], reason=scripted[1])
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
        _record(delivery, status=DeliveryStatus.UNKNOWN, reason="the worker stopped")
    queued = recent.filter(status=DeliveryStatus.QUEUED, updated_at__lt=now - STALE_QUEUED)
    waiting = list(queued.order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        deliver(pk)
    return len(settled), len(waiting)


def _without_vendor(delivery: Delivery) -> tuple[DeliveryStatus, str] | None:
    """Return the end of a delivery that no vendor is asked for, and why; else None."""
    challenge = delivery.challenge
    if challenge.decoy:
        return DeliveryStatus.FAILED, "decoy: the number is not registered"
    test_number = find_test_number(challenge.number)
    if test_number is not None:
        return test_number.outcome, "test number"
    if challenge.status_at(timezone.now()) != ChallengeStatus.PENDING:
        return DeliveryStatus.FAILED, "the challenge ended before the message could be sent"
    if conf.current().keys.get(challenge.key_id) is None:
        return DeliveryStatus.FAILED, "the key of the challenge has left KEYS"
    return None


def _walk(delivery: Delivery) -> DeliveryStatus:
    """Try the aliases of the route in order, as long as the message was certainly not sent."""
    deadline = time.monotonic() + ROUTE_SECONDS
    status = None
    for attempted, alias in _hand_overs(delivery):
        with route_ends_at(deadline):
            status, go_on = _try(attempted, alias)
        if not go_on or time.monotonic() > deadline:
            break
    if status is None:
        return _record(delivery, status=DeliveryStatus.FAILED, reason="no alias on the route speaks this channel")
    return status


def _hand_overs(delivery: Delivery) -> Iterator[tuple[Delivery, str]]:
    """Yield each alias of the route, with ``delivery`` for the first and a row of its own for each further one."""
    for position, alias in enumerate(aliases_for(delivery)):
        if position:
            delivery = Delivery.objects.create(
                challenge=delivery.challenge, channel=delivery.channel, alias=alias, status=DeliveryStatus.SENDING
            )
        yield delivery, alias


def _try(delivery: Delivery, alias: str) -> tuple[DeliveryStatus, bool]:
    """Hand ``delivery`` to ``alias``; return what became of it, and whether the next alias may be tried."""
    known: dict[str, Any] = {"alias": alias}
    try:
        code = code_of(delivery.challenge) or ""
        message = compose(delivery, code)
    except Exception as problem:  # noqa: BLE001 - whatever a project's template does, nothing was sent
        logger.error("The message could not be worded: %s", type(problem).__name__)
        reason = f"the message could not be worded: {type(problem).__name__}"
        return _record(delivery, status=DeliveryStatus.FAILED, reason=reason, **known), False
    secrets = (code, message.text, message.number, message.number.removeprefix("+"))
    segments = count_segments(message.text).count if backends[alias].sends_text else 1
    known |= {"segments": segments} if segments != delivery.segments else {}
    try:
        _keep_to_account(alias)
        result = backends[alias].send(message)
        taken = {"status": _TAKEN[result.status], "vendor_id": _vendor_id(result, secrets)}
    except DeliveryError as failure:
        return _judge(delivery, failure, secrets, known)
    except Exception as problem:  # noqa: BLE001 - a fault in a backend: the request may have been written before it
        logger.error("Backend %r raised %s", alias, type(problem).__name__)
        reason = f"the backend raised {type(problem).__name__}"
        return _record(delivery, status=DeliveryStatus.UNKNOWN, reason=reason, **known), False
    return _record(delivery, **taken, **known), False


def _keep_to_account(alias: str) -> None:
    """Count one message against what the vendor allows this account. Raises ``BackendUnavailable``."""
    try:
        limits.hit({"send.account": alias})
    except RetryLater as refusal:  # over the limit, or no way to tell: either way, nothing was sent
        raise BackendUnavailable("the account's own limit was reached", retry_after=refusal.retry_after) from None


def _vendor_id(result: SendResult, secrets: tuple[str, ...]) -> str:
    """Return the vendor's id as it may be kept: some vendors build theirs from the number."""
    return "".join(filter(str.isprintable, without(secrets, str(result.id))))[:VENDOR_ID_MAXIMUM]


def _judge(
    delivery: Delivery, failure: DeliveryError, secrets: tuple[str, ...], known: dict[str, Any]
) -> tuple[DeliveryStatus, bool]:
    """Write down a failure; return the delivery's end, and whether the next alias may be tried."""
    status = DeliveryStatus.UNKNOWN if failure.may_have_left else DeliveryStatus.FAILED
    reason, vendor_code = redact(str(failure.reason), secrets), redact(str(failure.vendor_code), secrets, limit=64)
    logger.warning("Backend %r: %s (%s)", known["alias"], status, type(failure).__name__)
    status = _record(delivery, status=status, reason=reason, vendor_code=vendor_code, **known)
    # Another vendor would only walk around this one's limit on the number.
    return status, status == DeliveryStatus.FAILED and failure.scope != Scope.RECIPIENT


def _record(delivery: Delivery, *, status: str, **fields: Any) -> DeliveryStatus:
    """Write down the end of this hand-over, unless a receipt was quicker."""
    changes = {"status": status, "updated_at": timezone.now(), **fields}
    if not Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.SENDING).update(**changes):
        return DeliveryStatus(delivery.status)
    for name, value in changes.items():
        setattr(delivery, name, value)
    emit(delivery_updated, delivery)
    return DeliveryStatus(status)
