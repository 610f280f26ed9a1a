"""Erasure: everything that is held about a number goes, because the person asked for it."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt
from django_phone_otp.services import holdings, proofs
from django_phone_otp.services.holdings import Held, Tally
from django_phone_otp.services.transactions import database
from django_phone_otp.services.turns import in_turn

BATCH = 500  # rows: a few milliseconds of locks

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def erase(phone: object, batch: int = BATCH) -> Iterator[Tally]:
    """Delete everything that is held about a number, in all its spellings; yield what went with each batch.

    ``phone`` is what a person typed, or an object with ``as_e164``. ``batch`` is in rows, of one kind at a
    time; each batch is committed on its own, so that requests beside it go on. Nothing is deleted before the
    first batch is asked for, and whoever stops in between may call it again.

    Challenges go with their deliveries and receipts, and with them every code and proof for the number and
    its guess budget. The number is no user's any more, and no longer blocked. A field of the user model that
    ``USER_FIELD`` names is not touched: it is the project's. What is asked for while this goes on may be
    erased too, or stay.

    Raises ``InvalidPhone`` at once for what is no number.
    """
    return _erase(holdings.find(phone), batch)


def _erase(held: Held, batch: int) -> Iterator[Tally]:
    # Challenges first, so that few are left to be voided; and once more, for those that came meanwhile.
    yield from _challenges(held, batch)
    yield in_turn(partial(_let_go, held))
    yield from _challenges(held, batch)
    logger.warning("What was held about a number was erased")


def _challenges(held: Held, batch: int) -> Iterator[Tally]:
    while page := _page(held.challenges, batch):
        receipts = DeliveryReceipt.objects.filter(delivery__challenge__in=page)
        deliveries = Delivery.objects.filter(challenge__in=page)
        # From the outside in: together with all that hangs on it, one batch would be many times as many rows.
        for rows in (receipts, deliveries):
            while some := _page(rows, batch):
                yield in_turn(partial(_delete, rows, some))
        yield in_turn(partial(_delete, Challenge.objects.all(), page))


@sensitive_variables()
def _page(rows: QuerySet[Any], batch: int) -> list[UUID]:
    return list(rows.using(database()).values_list("pk", flat=True)[:batch])


def _delete(rows: QuerySet[Any], some: list[UUID]) -> Tally:
    return Tally.of(rows.model._default_manager.filter(pk__in=some).delete()[1])


@sensitive_variables()
def _let_go(held: Held) -> Tally:
    """Take the number away from its user and lift its block; as with ``unbind()``, no proof of it is left."""
    proofs.void(list(held.numbers))  # challenges before numbers, as everywhere
    return Tally.of(held.verified_phones.delete()[1]) + Tally.of(held.blocks.delete()[1])
