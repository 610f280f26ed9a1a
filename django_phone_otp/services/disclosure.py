"""Disclosure: everything that is held about a number, for the person who asks."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.models import Block, Challenge, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import holdings
from django_phone_otp.services.holdings import Held
from django_phone_otp.services.transactions import database

Record = dict[str, Any]
"""One row, by the names of its columns, in what JSON knows."""

PAGE = 100  # challenges in memory at a time, with their deliveries and receipts

DISCLOSED: dict[type[Model], tuple[str, ...]] = {
    Challenge: (
        *("id", "number", "region", "purpose", "context", "channel", "language", "status", "lane", "serial"),
        *("streak", "attempts", "max_attempts", "messages", "code_length", "client", "decoy"),
        *("created_at", "expires_at", "resend_at", "closed_at", "redeemed_at"),
    ),
    Delivery: (
        *("id", "channel", "alias", "status", "vendor_id", "check_id", "vendor_code", "reason", "segments", "price"),
        *("latency", "queued_at", "sent_at", "delivered_at", "poll_at", "updated_at"),
    ),
    DeliveryReceipt: ("id", "status", "reason", "raw", "at", "received_at"),
    VerifiedPhone: ("id", "user", "number", "verified_at"),
    Block: ("id", "value", "reason", "created_at"),
}
WITHHELD: dict[type[Model], tuple[str, ...]] = {
    # Half of what codes are made of, and which key is the other half: about the code, not about the person.
    Challenge: ("seed", "key_id"),
    Delivery: ("challenge",),  # it stands within it
    DeliveryReceipt: ("delivery", "digest"),  # likewise; and a digest of the columns that are here
}


@sensitive_variables()
def disclose(phone: object) -> dict[str, Iterator[Record]]:
    """Return all that is held about a number, in all its spellings: ``verified_phones``, ``blocks``, ``challenges``.

    ``phone`` is what a person typed, or an object with ``as_e164``. Each kind is read while it is gone
    through, challenges from the oldest on, each with its ``deliveries`` and their ``receipts``, a page of
    them at a time. Times are in ISO 8601; a price, an id and a user's primary key are texts unless JSON has
    them. A field of the user model that ``USER_FIELD`` names is the project's, and not among them.

    Raises ``InvalidPhone`` at once for what is no number.
    """
    held = holdings.find(phone)
    return {
        "verified_phones": _rows(held.verified_phones),
        "blocks": _rows(held.blocks),
        "challenges": _challenges(held),
    }


def _rows(rows: QuerySet[Any]) -> Iterator[Record]:
    yield from _read(rows)


def _challenges(held: Held) -> Iterator[Record]:
    # All keys at once, which are few bytes each: sorted here, they are in order of time, and the database may
    # find them by the number and need not go through everybody's by time.
    keys = _keys(held)
    for start in range(0, len(keys), PAGE):
        yield from _page(keys[start : start + PAGE])


@sensitive_variables()
def _keys(held: Held) -> list[UUID]:
    return sorted(held.challenges.values_list("pk", flat=True))


@sensitive_variables()
def _page(keys: list[UUID]) -> list[Record]:
    """Return the challenges that have these primary keys, each with what hangs on it."""
    receipts = _grouped(DeliveryReceipt.objects.filter(delivery__challenge__in=keys), "delivery")
    deliveries = _grouped(Delivery.objects.filter(challenge__in=keys), "challenge")
    for delivery in chain.from_iterable(deliveries.values()):
        delivery["receipts"] = receipts[delivery["id"]]
    challenges = _read(Challenge.objects.filter(pk__in=keys))
    for challenge in challenges:
        challenge["deliveries"] = deliveries[challenge["id"]]
    return challenges


def _grouped(rows: QuerySet[Any], parent: str) -> defaultdict[str, list[Record]]:
    """Return rows by the id of what they hang on, which they do not name themselves."""
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in _read(rows, parent):
        groups[record.pop(parent)].append(record)
    return groups


@sensitive_variables()
def _read(rows: QuerySet[Any], *more: str) -> list[Record]:
    found = rows.using(database()).order_by("pk").values(*DISCLOSED[rows.model], *more)
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | dict):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
