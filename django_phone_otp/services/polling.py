"""Polling: ask vendors about messages whose end is not known yet, at a pace that leaves room for sending."""

import logging
import time
from collections.abc import Iterator
from enum import StrEnum

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.backends import backends
from django_phone_otp.backends.base import DeliveryError, MalformedWebhook
from django_phone_otp.core.rates import parse_rate
from django_phone_otp.exceptions import RetryLater
from django_phone_otp.models import Delivery
from django_phone_otp.services import limits, receipts, schedule
from django_phone_otp.services.transactions import database

BATCH = 100  # deliveries read at once; each is claimed on its own
SHARE = 0.5  # of an account's rate: the other half is for sending
FAILURES = 3  # in a row, after which an alias is left alone until the next run
WAIT_MAXIMUM = 60  # seconds

logger = logging.getLogger("django_phone_otp")


class Answer(StrEnum):
    """What asking about one delivery brought."""

    MOVED = "moved"
    SAME = "same"
    FAILED = "failed"


def count_due() -> int:
    """Return how many deliveries are due to be asked about: what a progress bar counts to."""
    return Delivery.objects.using(database()).filter(poll_at__lte=timezone.now()).count()


@sensitive_variables()
def sync() -> Iterator[Answer]:
    """Ask about every delivery that is due, oldest question first; yield what each brought.

    Each is claimed by one conditional UPDATE that also says when to ask next, so two runs at once never
    ask twice.
    """
    now = timezone.now()
    failures: dict[str, int] = {}
    due = Delivery.objects.using(database()).filter(poll_at__lte=now).order_by("poll_at")
    while batch := list(due.exclude(alias__in=_failing(failures)).select_related("challenge")[:BATCH]):
        ours = 0
        for delivery in batch:
            if delivery.alias not in _failing(failures) and _claim(delivery):
                ours += 1
                yield _ask_about(delivery, failures)
        if not ours:
            return  # another run has them all


def _failing(failures: dict[str, int]) -> list[str]:
    """Return the aliases that this run asks no more; what is due stays due for the next one."""
    return [alias for alias, count in failures.items() if count >= FAILURES]


def _claim(delivery: Delivery) -> bool:
    """Take one delivery, and set when to ask about it next; its alias may have left the settings."""
    pollable = backends.can_build(delivery.alias) and backends[delivery.alias].polls
    poll_at = schedule.next_poll(delivery.queued_at, timezone.now()) if pollable else None
    claimed = Delivery.objects.filter(pk=delivery.pk, poll_at=delivery.poll_at).update(poll_at=poll_at)
    return bool(claimed) and pollable


def _ask_about(delivery: Delivery, failures: dict[str, int]) -> Answer:
    alias = delivery.alias
    _keep_pace(alias)
    try:
        receipt = backends[alias].fetch_status(delivery.vendor_id)
    except (DeliveryError, MalformedWebhook) as failure:
        failures[alias] = failures.get(alias, 0) + 1
        logger.warning("Backend %r could not be asked: %s", alias, type(failure).__name__)
        return Answer.FAILED
    except Exception as problem:  # noqa: BLE001 - a fault in a backend must not end the run for the others
        failures[alias] = failures.get(alias, 0) + 1
        logger.error("Backend %r raised %s", alias, type(problem).__name__)
        return Answer.FAILED
    failures[alias] = 0
    return Answer.MOVED if receipts.apply(delivery, receipt) else Answer.SAME


def _keep_pace(alias: str) -> None:
    """Wait until one more request fits the account's rate, with room left for messages."""
    documented = backends[alias].account_rate
    if documented:
        rate = parse_rate(documented)
        time.sleep(rate.seconds / (rate.count * SHARE))
    try:
        limits.hit_account(alias)
    except RetryLater as refusal:
        time.sleep(min(refusal.retry_after, WAIT_MAXIMUM))
