"""Erasure: everything that is held about a number goes, because the person asked for it."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt
from django_phone_otp.services import holdings, proofs
from django_phone_otp.services.holdings import Held, Tally
from django_phone_otp.services.transactions import database

BATCH = 500  # rows: a few milliseconds of locks
TURNS = 20  # each turn lost is a message, or a receipt, that came for these rows at the same moment
TURN_PAUSE = 0.05  # seconds at most between two turns

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
    yield _in_turn(partial(_let_go, held))
    yield from _challenges(held, batch)
    logger.warning("What was held about a number was erased")


def _challenges(held: Held, batch: int) -> Iterator[Tally]:
    while page := _page(held.challenges, batch):
        receipts = DeliveryReceipt.objects.filter(delivery__challenge__in=page)
        deliveries = Delivery.objects.filter(challenge__in=page)
        # From the outside in: together with all that hangs on it, one batch would be many times as many rows.
        for rows in (receipts, deliveries):
            while some := _page(rows, batch):
                yield _in_turn(partial(_delete, rows, some))
        yield _in_turn(partial(_delete, Challenge.objects.all(), page))


@sensitive_variables()
def _page(rows: QuerySet[Any], batch: int) -> list[UUID]:
    return list(rows.using(database()).values_list("pk", flat=True)[:batch])


def _delete(rows: QuerySet[Any], some: list[UUID]) -> Tally:
    return Tally.of(rows.model._default_manager.filter(pk__in=some).delete()[1])


@sensitive_variables()
def _let_go(held: Held) -> Tally:
    """Take the number away from its user and lift its block; as with ``unbind()``, no proof of it is left."""
    gone = Tally.of(held.verified_phones.delete()[1]) + Tally.of(held.blocks.delete()[1])
    proofs.void(list(held.numbers))
    return gone


def _in_turn(act: Callable[[], Tally]) -> Tally:
    """Call ``act`` in a transaction of its own, again when somebody added to the same rows meanwhile."""
    for _ in range(TURNS - 1):
        try:
            return _alone(act)
        except (ProtectedError, RestrictedError):  # rows of the project's hold it, and will go on to
            raise
        except (IntegrityError, OperationalError):
            # A row that points here, which this transaction did not see; or a deadlock, or SQLite's lock.
            time.sleep(random.uniform(0, TURN_PAUSE))  # noqa: S311 - a pause is no secret
    return _alone(act)


def _alone(act: Callable[[], Tally]) -> Tally:
    with transaction.atomic(using=database()):
        return act()
