"""Receipts: a vendor's later word moves a delivery forward, and nothing else."""

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.backends.base import Receipt
from django_phone_otp.core.numbers import spellings
from django_phone_otp.core.redaction import REDACTED, redact
from django_phone_otp.core.statuses import DeliveryStatus, states_before
from django_phone_otp.models import VENDOR_ID_MAXIMUM, Delivery, DeliveryReceipt
from django_phone_otp.services import early
from django_phone_otp.services.caching import log_failures, shared_cache
from django_phone_otp.services.codes import code_of
from django_phone_otp.services.events import emit
from django_phone_otp.services.transactions import database
from django_phone_otp.signals import delivery_updated

KEPT_PER_DELIVERY = 20  # receipts: a vendor has about three to tell, and a loop has no end
LOGGED_EVERY = 60 * 60  # seconds between two lines about the same thing
SPELLED_ALIKE = 20  # rows looked at for one id: databases that ignore case may find several
REASON_MAXIMUM = 200  # characters
RAW_MAXIMUM = 500  # characters of a receipt as it came

_WORD = re.compile(r"[A-Za-z_-]{1,20}", re.ASCII)

_REACHED = {DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.UNDELIVERED}  # it had left by then

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def receive(alias: str, given: Iterable[Receipt]) -> int:
    """Take receipts that a vendor pushed to ``alias``; return how many moved a delivery.

    A receipt for a message that is not ours, one that came before, and a word that is not known
    change nothing.
    """
    return sum([_take_safely(alias, receipt) for receipt in given])


def apply(delivery: Delivery, receipt: Receipt) -> bool:
    """Keep ``receipt``, and move ``delivery`` forward to what it says; return whether that moved it."""
    now = timezone.now()
    secrets = (code_of(delivery.challenge) or "", *spellings(delivery.challenge.number))
    reason = _fit(receipt.reason, secrets)
    _keep(delivery, receipt, reason, _as_text(receipt, delivery, secrets))
    changes = _changes(delivery, receipt, reason, now)
    before = states_before(receipt.status)
    if not before or not Delivery.objects.filter(pk=delivery.pk, status__in=before).update(**changes):
        return False
    try:
        delivery.refresh_from_db()
    except Delivery.DoesNotExist:  # it was erased meanwhile, with all that is held about its number
        return False
    emit(delivery_updated, delivery)
    return True


def _take_safely(alias: str, receipt: Receipt) -> bool:
    """Take one receipt; a fault with it must not cost the others. A database that is gone fails them all."""
    try:
        return _take(alias, receipt)
    except DatabaseError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is: a value that no column takes, say
        logger.error("Backend %r: a receipt could not be taken: %s", alias, type(problem).__name__)
        return False


def _take(alias: str, receipt: Receipt) -> bool:
    if receipt.status == DeliveryStatus.UNKNOWN:
        _log_once("status", alias, "Backend %r: a receipt with a status that is not known: %s", _word(receipt))
    delivery = _find(alias, receipt.id)
    if delivery is None:
        # Kept before looking again: if the answer was written down in between, one of the two sees the other.
        early.keep(alias, receipt)
        delivery = _find(alias, receipt.id)
    if delivery is None:
        _log_once("id", alias, "Backend %r: a receipt for a message that is not ours%s", "")
        return False
    return apply(delivery, receipt)


def _find(alias: str, vendor_id: str) -> Delivery | None:
    if not vendor_id or not vendor_id.isascii() or not vendor_id.isprintable():
        return None  # what was never taken has no id; no vendor has such ids, and not every database
    found = Delivery.objects.using(database()).filter(alias=alias, vendor_id=vendor_id[:VENDOR_ID_MAXIMUM])
    for delivery in found.select_related("challenge").order_by("-pk")[:SPELLED_ALIKE]:
        if delivery.vendor_id == vendor_id[:VENDOR_ID_MAXIMUM]:  # some databases compare without regard to case
            return delivery
    return None


def _changes(delivery: Delivery, receipt: Receipt, reason: str, now: datetime) -> dict[str, Any]:
    # The vendor's clock is believed between our own hand-over and now.
    at = min(max(receipt.at, delivery.queued_at), now) if receipt.at else now
    changes: dict[str, Any] = {"status": receipt.status, "updated_at": now, "reason": reason}
    if receipt.status in _REACHED:
        changes["sent_at"] = Coalesce(F("sent_at"), at)
    if receipt.status == DeliveryStatus.DELIVERED:
        changes |= {"delivered_at": at, "reason": ""}
    if receipt.status == DeliveryStatus.FAILED:  # it was not sent after all, so nothing is paid
        changes["price"] = None
    if receipt.status not in {DeliveryStatus.ACCEPTED, DeliveryStatus.SENT}:
        changes["poll_at"] = None
    return changes


def _keep(delivery: Delivery, receipt: Receipt, reason: str, raw: str) -> None:
    if delivery.receipts.count() >= KEPT_PER_DELIVERY:
        return
    said = json.dumps([receipt.status, str(receipt.at), reason, raw])
    kept = DeliveryReceipt(
        delivery=delivery,
        status=receipt.status,
        reason=reason,
        raw=raw,
        at=receipt.at,
        digest=hashlib.sha256(said.encode()).hexdigest()[:32],
    )
    # The delivery may have been erased meanwhile: then there is nothing that a receipt could be about.
    with contextlib.suppress(IntegrityError), transaction.atomic(using=database()):
        DeliveryReceipt.objects.bulk_create([kept], ignore_conflicts=True)


def _as_text(receipt: Receipt, delivery: Delivery, secrets: tuple[str, ...]) -> str:
    """Return the receipt as it may be kept; its id and time are no number, however many digits they have."""
    if not isinstance(receipt.raw, dict):
        return _fit(str(receipt.raw or ""), secrets, limit=RAW_MAXIMUM)
    ours = delivery.vendor_id
    kept = {key: ours if value == ours else _fit(str(value), secrets) for key, value in receipt.raw.items()}
    if receipt.at:
        kept["at"] = receipt.at.isoformat()
    return json.dumps(kept, default=str, ensure_ascii=False)[:RAW_MAXIMUM]


def _fit(text: str, secrets: tuple[str, ...], *, limit: int = REASON_MAXIMUM) -> str:
    """Return ``text`` if it may be kept; what tells a secret may be the message itself, and goes as a whole."""
    words = redact(text, secrets, limit=limit)
    return REDACTED if REDACTED in words else words


def _word(receipt: Receipt) -> str:
    """Return the status, if it is a word at all."""
    word = str(receipt.raw.get("status", "")) if isinstance(receipt.raw, dict) else ""
    return word if _WORD.fullmatch(word) else "(not a word)"


def _log_once(what: str, alias: str, line: str, word: str) -> None:
    """Log ``line``, unless the same was logged within the hour: a vendor may serve other apps by the same account."""
    digest = hashlib.sha256(f"{what} {alias} {word}".encode()).hexdigest()
    is_new = True  # without a cache, better twice than never
    with log_failures("receipts"):
        is_new = shared_cache().add(f"phone_otp.logged.{digest}", 1, LOGGED_EVERY)
    if is_new:
        logger.warning(line, alias, word)
