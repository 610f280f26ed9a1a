"""One hand-over: a message goes to one alias, and what became of it is written down."""

import logging
import time
from typing import Any, NamedTuple

from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryError,
    Message,
    MessageRejected,
    Scope,
    SendResult,
)
from django_phone_otp.core.numbers import spellings
from django_phone_otp.core.redaction import redact, without
from django_phone_otp.core.segments import count_segments
from django_phone_otp.core.statuses import OPEN, DeliveryStatus
from django_phone_otp.exceptions import Unavailable
from django_phone_otp.models import VENDOR_ID_MAXIMUM, Delivery
from django_phone_otp.services import early, limits, receipts, schedule, statements
from django_phone_otp.services.circuit import Circuit
from django_phone_otp.services.codes import code_of
from django_phone_otp.services.events import emit
from django_phone_otp.services.messages import compose
from django_phone_otp.signals import delivery_updated

# What a vendor may say of a message that it took; "queued" and "sending" there mean accepted here.
_TAKEN = {status: status for status in DeliveryStatus} | dict.fromkeys(
    (DeliveryStatus.QUEUED, DeliveryStatus.SENDING), DeliveryStatus.ACCEPTED
)

_SENDING = Delivery.objects.filter(status=DeliveryStatus.SENDING)  # built once: it is narrowed for every message

_LEFT = {DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED}

logger = logging.getLogger("django_phone_otp")


class Outcome(NamedTuple):
    """Where a hand-over ended, and whether the next alias of the route may be tried.

    ``wait`` is in seconds, where the account had no place: nobody was asked.
    """

    status: DeliveryStatus
    go_on: bool
    wait: float = 0.0


def attempt(delivery: Delivery, alias: str, circuit: Circuit, patience: float = 0.0) -> Outcome:
    """Hand ``delivery`` to ``alias`` once. Never raises for a fault of the vendor, the backend or a template.

    ``patience`` is how many seconds it may wait until the account behind ``alias`` has a place.
    """
    backend = backends[alias]
    code = code_of(delivery.challenge) or ""
    secrets = (*backend.secrets, code, *spellings(delivery.challenge.number))
    known: dict[str, Any] = {"alias": alias}
    try:
        message = compose(delivery, code, backend)
    except MessageRejected as refusal:  # the words are not those that this vendor may carry
        circuit.released()
        return _judge(delivery, refusal, secrets, known)
    except Exception as problem:  # noqa: BLE001 - whatever a project's template does, nothing was sent
        circuit.released()
        logger.error("The message could not be worded: %s", type(problem).__name__)
        reason = f"the message could not be worded: {type(problem).__name__}"
        return Outcome(record(delivery, status=DeliveryStatus.FAILED, reason=reason, **known), go_on=False)
    known |= _cost(delivery, backend, message)
    try:
        wait = limits.wait_for_account(alias, patience)
    except Unavailable:
        circuit.released()
        return _judge(delivery, BackendUnavailable("the account's limit could not be counted"), secrets, known)
    if wait:
        circuit.released()
        over = BackendUnavailable("the account's own limit was reached")
        return _judge(delivery, over, secrets, known)._replace(wait=wait)
    return _send(delivery, message, circuit, (*secrets, message.text), known)


def _send(
    delivery: Delivery, message: Message, circuit: Circuit, secrets: tuple[str, ...], known: dict[str, Any]
) -> Outcome:
    """Ask the vendor, and write down what it says, with how long it took."""
    backend = backends[known["alias"]]
    started = time.monotonic()
    try:
        result = backend.send(message)
        taken = _taken(backend, result, secrets)
    except DeliveryError as failure:
        known["latency"] = _milliseconds_since(started)
        _tell(circuit, failure)
        return _judge(delivery, failure, secrets, known)
    except Exception as problem:  # noqa: BLE001 - a fault in a backend: the request may have been written before it
        known["latency"] = _milliseconds_since(started)
        circuit.failed()
        logger.error("Backend %r raised %s", backend.alias, type(problem).__name__)
        reason = f"the backend raised {type(problem).__name__}"
        return Outcome(record(delivery, status=DeliveryStatus.UNKNOWN, reason=reason, **known), go_on=False)
    known["latency"] = _milliseconds_since(started)
    circuit.succeeded()
    status = record(delivery, **taken, **known)
    if backend.webhook_secrets:
        for receipt in early.kept(delivery):
            receipts.apply(delivery, receipt)
    return Outcome(status, go_on=False)


def record(delivery: Delivery, *, status: str, **fields: Any) -> DeliveryStatus:
    """Write down the end of a hand-over, unless somebody was quicker; return where the delivery stands."""
    changes = {"status": status, "updated_at": timezone.now(), **fields}
    if not statements.update(Delivery, {"id": delivery.pk, "status": DeliveryStatus.SENDING}, changes):
        return DeliveryStatus(delivery.status)
    for name, value in changes.items():
        setattr(delivery, name, value)
    emit(delivery_updated, delivery)
    return DeliveryStatus(status)


def _taken(backend: BaseBackend, result: SendResult, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Return what is known of a message that the vendor took, as far as it is not what the row says already."""
    now = timezone.now()
    known: dict[str, Any] = {"status": _TAKEN[result.status], "vendor_id": _id(result.id, secrets)}
    if known["status"] in _LEFT:
        known["sent_at"] = now
    if known["status"] == DeliveryStatus.DELIVERED:
        known["delivered_at"] = now
    if result.check_id:
        known["check_id"] = _id(result.check_id, secrets)
    if backend.polls and known["vendor_id"] and known["status"] in OPEN:
        known["poll_at"] = schedule.first_poll(now)
    return known


def _judge(delivery: Delivery, failure: DeliveryError, secrets: tuple[str, ...], known: dict[str, Any]) -> Outcome:
    """Write down a failure."""
    status = DeliveryStatus.UNKNOWN if failure.may_have_left else DeliveryStatus.FAILED
    if status == DeliveryStatus.FAILED:  # nothing was sent, so nothing is paid
        known.pop("price", None)
    reason, vendor_code = redact(str(failure.reason), secrets), redact(str(failure.vendor_code), secrets, limit=64)
    logger.warning("Backend %r: %s (%s)", known["alias"], status, type(failure).__name__)
    status = record(delivery, status=status, reason=reason, vendor_code=vendor_code, **known)
    # Another vendor would only walk around this one's limit on the number.
    return Outcome(status, go_on=status == DeliveryStatus.FAILED and failure.scope != Scope.RECIPIENT)


def _tell(circuit: Circuit, failure: DeliveryError) -> None:
    """Tell the circuit of a failure.

    A refusal of one message or number, and a duplicate, come from a vendor that works. Only a 503 shuts
    the alias off at once: a 429 may be about one number, whatever it says.
    """
    answered = failure.http_status is not None and 400 <= failure.http_status < 500
    if isinstance(failure, MessageRejected) or failure.scope == Scope.RECIPIENT or (failure.may_have_left and answered):
        circuit.succeeded()
    else:
        circuit.failed(failure.retry_after if failure.http_status == 503 else None)


def _cost(delivery: Delivery, backend: BaseBackend, message: Message) -> dict[str, Any]:
    """Return the segments and the estimated price, as far as they are not what the row says already."""
    counted = backend.sends_text and message.channel == "sms"
    segments = max(1, count_segments(message.text).count) if counted else 1
    known: dict[str, Any] = {"segments": segments} if segments != delivery.segments else {}
    price = conf.current().budget.estimate(delivery.challenge.region, segments)
    return known if price is None else {**known, "price": price}


def _id(given: object, secrets: tuple[str, ...]) -> str:
    """Return a vendor's id as it may be kept: some vendors build theirs from the number. Words are no id."""
    kept = "".join(filter(str.isprintable, without(secrets, str(given))))
    return "" if " " in kept else kept[:VENDOR_ID_MAXIMUM]


def _milliseconds_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
