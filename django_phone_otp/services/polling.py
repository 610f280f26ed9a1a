"""Polling: ask vendors about messages whose end is not known yet, at a pace that leaves room for sending."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from django.db import DatabaseError
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.backends import backends
from django_phone_otp.backends.base import DeliveryError, MalformedWebhook
from django_phone_otp.core.rates import parse_rate
from django_phone_otp.core.statuses import OPEN
from django_phone_otp.exceptions import RateLimited, RetryLater
from django_phone_otp.models import Delivery
from django_phone_otp.services import limits, receipts, schedule
from django_phone_otp.services.transactions import database

BATCH = 100  # deliveries read at once; each is claimed on its own
SHARE = 0.5  # of an account's rate: the other half is for sending
FAILURES = 3  # in a row, after which an alias is left alone until the next run
WAIT_MAXIMUM = 60  # seconds
STAFF_PATIENCE = 5  # seconds that somebody before a page waits for a turn; then they are told to try again

logger = logging.getLogger("django_phone_otp")


class Answer(StrEnum):
    """What asking about one delivery brought."""

    MOVED = "moved"
    SAME = "same"
    FAILED = "failed"


def count_due() -> int:
    """Return how many deliveries are due to be asked about: what a progress bar counts to."""
    return Delivery.objects.using(database()).filter(poll_at__lte=timezone.now()).count()


def sync() -> Iterator[Answer]:
    """Ask about every delivery that is due, oldest question first; yield what each brought.

    Each is claimed by one conditional UPDATE that also says when to ask next, so two runs at once never
    ask twice.
    """
    now = timezone.now()
    asked = {alias for alias in backends if backends.can_build(alias) and backends[alias].polls}
    due = Delivery.objects.using(database()).filter(poll_at__lte=now)
    due.exclude(alias__in=asked).update(poll_at=None)  # their alias has left the settings, or cannot be asked
    failures: Counter[str] = Counter()
    while batch := list(due.filter(alias__in=asked).select_related("challenge").order_by("poll_at")[:BATCH]):
        claimed = 0
        for delivery in batch:
            if delivery.alias in asked and _claim(delivery):
                claimed += 1
                answer = _ask_about(delivery)
                failures[delivery.alias] = failures[delivery.alias] + 1 if answer == Answer.FAILED else 0
                if failures[delivery.alias] >= FAILURES:
                    asked.discard(delivery.alias)  # what is due stays due for the next run
                yield answer
        if not claimed:
            return  # another run has them all


def _claim(delivery: Delivery) -> bool:
    """Take one delivery, and set when to ask about it next."""
    poll_at = schedule.next_poll(delivery.queued_at, timezone.now())
    return bool(Delivery.objects.filter(pk=delivery.pk, poll_at=delivery.poll_at).update(poll_at=poll_at))


def can_ask(delivery: Delivery) -> bool:
    """Tell whether a vendor can be asked about ``delivery``, and may have something new to say."""
    alias = delivery.alias
    if not delivery.vendor_id or delivery.status not in OPEN or alias not in backends:
        return False
    return bool(backends.can_build(alias) and backends[alias].polls)


@sensitive_variables()
def ask(delivery: Delivery) -> Answer:
    """Ask about one delivery now, because somebody waits for the answer; the schedule stays as it is."""
    return _ask_about(delivery, patience=STAFF_PATIENCE)


def _ask_about(delivery: Delivery, patience: float = WAIT_MAXIMUM) -> Answer:
    alias = delivery.alias
    try:
        _keep_pace(alias, patience)
        moved = receipts.apply(delivery, backends[alias].fetch_status(delivery.vendor_id))
    except DatabaseError:
        raise
    except (DeliveryError, MalformedWebhook, RetryLater) as failure:
        logger.warning("Backend %r could not be asked: %s", alias, type(failure).__name__)
        return Answer.FAILED
    except Exception as problem:  # noqa: BLE001 - a fault in a backend must not end the run for the others
        logger.error("Backend %r raised %s", alias, type(problem).__name__)
        return Answer.FAILED
    return Answer.MOVED if moved else Answer.SAME


def _keep_pace(alias: str, patience: float) -> None:
    """Wait until one more request fits what the vendor allows, with room left for messages.

    Raises ``RateLimited`` when that takes too long, ``Unavailable`` when it cannot be counted.
    """
    documented = backends[alias].account_rate
    if documented:
        rate = parse_rate(documented)
        time.sleep(min(rate.seconds / (rate.count * SHARE), patience))
    wait = limits.wait_for_account(alias, patience, message=False)
    if wait:
        raise RateLimited(wait)
