"""Receipts that are quicker than the vendor's own answer: kept for a moment, and taken up when the id is known."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from django_phone_otp.backends.base import Receipt
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Delivery
from django_phone_otp.services.caching import log_failures, shared_cache

KEPT = 60  # seconds: several times the longest that an answer may take


def keep(alias: str, receipt: Receipt) -> None:
    """Keep ``receipt``, whose delivery is not known yet; one for each state, so that none pushes another out."""
    with log_failures("receipts"):
        shared_cache().set(_key(alias, receipt.id, receipt.status), replace(receipt, id="", raw=None, reason=""), KEPT)


def kept(delivery: Delivery) -> Iterator[Receipt]:
    """Yield the receipts that came for ``delivery`` before its id was written down."""
    keys = [_key(delivery.alias, delivery.vendor_id, status) for status in DeliveryStatus]
    found: dict[str, Receipt] = {}
    with log_failures("receipts"):
        found = shared_cache().get_many(keys)
    yield from (found[key] for key in keys if key in found)


def _key(alias: str, vendor_id: str, status: DeliveryStatus) -> str:
    digest = hashlib.sha256(f"{alias} {vendor_id}".encode()).hexdigest()
    return f"phone_otp.receipt.{digest}.{status}"
