"""Counting what became of challenges and their messages, page by page: memory does not grow with how many there are."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django_phone_otp.core.histograms import bucket_of
from django_phone_otp.core.policies import NOTICE
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.transactions import database

PAGE = 500  # challenges read at once: a dozen milliseconds
REASONS = 40  # told apart in one group: vendors may put anything there; further ones are counted together
REASON_MAXIMUM = 100  # characters
MICRO = 1_000_000  # prices have six decimals: sums of whole millionths stay exact in JSON
TEST_NUMBER = "test number"
_UNSENT = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.FAILED)
_FAILURES = (DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERED, DeliveryStatus.UNKNOWN)


class Group(NamedTuple):
    """What figures are told apart by."""

    alias: str
    region: str
    purpose: str
    channel: str


@dataclass(slots=True)
class Figures:
    """The figures of one group. ``cost`` is in millionths; times are counted by bucket (``core.histograms``)."""

    counts: Counter[str] = field(default_factory=Counter)
    cost: int = 0
    to_deliver: Counter[int] = field(default_factory=Counter)
    to_verify: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return what is not zero."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in every.items() if value}


class _Challenge(NamedTuple):
    id: UUID
    region: str
    purpose: str
    channel: str
    status: str
    created_at: datetime
    closed_at: datetime | None


class _Delivery(NamedTuple):
    challenge_id: UUID
    alias: str
    channel: str
    status: str
    reason: str
    vendor_code: str
    segments: int
    price: Decimal | None
    queued_at: datetime
    delivered_at: datetime | None


def count_between(first: UUID, end: UUID, rests: float = 0.0) -> dict[str, Any]:
    """Count the challenges with primary keys from ``first`` and below ``end``, and all their messages.

    After each page it rests ``rests`` times as long as that took: nobody waits for it, and requests beside it do.

    Decoys and messages to test numbers are left out: nothing was sent. Returns what ``DailyFigures`` keeps.
    """
    groups: defaultdict[Group, Figures] = defaultdict(Figures)
    began = time.monotonic()
    for challenges in _pages(first, end):
        deliveries = _deliveries_of(challenges)
        for challenge in challenges:
            _count(groups, challenge, deliveries.get(challenge.id, []))
        time.sleep(rests * (time.monotonic() - began))
        began = time.monotonic()
    return {"groups": [[*group, figures.as_json()] for group, figures in groups.items()]}


def _pages(first: UUID, end: UUID) -> Iterator[list[_Challenge]]:
    rows = Challenge.objects.using(database()).filter(pk__lt=end, decoy=False).order_by("pk")
    page = rows.filter(pk__gte=first)
    while found := [_Challenge(*row) for row in page.values_list(*_Challenge._fields)[:PAGE]]:
        yield found
        page = rows.filter(pk__gt=found[-1].id)


def _deliveries_of(challenges: list[_Challenge]) -> dict[UUID, list[_Delivery]]:
    rows = Delivery.objects.using(database()).filter(
        challenge_id__gte=challenges[0].id, challenge_id__lte=challenges[-1].id
    )
    found = [_Delivery(*row) for row in rows.order_by("challenge_id", "pk").values_list(*_Delivery._fields)]
    return {pk: list(each) for pk, each in groupby(found, attrgetter("challenge_id"))}


def _count(groups: defaultdict[Group, Figures], challenge: _Challenge, deliveries: list[_Delivery]) -> None:
    told = [delivery for delivery in deliveries if delivery.reason != TEST_NUMBER]
    for delivery in told:
        group = Group(delivery.alias, challenge.region, challenge.purpose, delivery.channel)
        _count_delivery(groups[group], delivery)
    # A notice has no code, so nobody could verify it; a test number is nobody's.
    if challenge.purpose == NOTICE or (deliveries and not told):
        return
    alias, channel = _last_sent(told) or ("", challenge.channel)
    group = Group(alias, challenge.region, challenge.purpose, channel)
    _count_challenge(groups[group], challenge)


def _last_sent(deliveries: Iterable[_Delivery]) -> tuple[str, str] | None:
    """Return alias and channel of the message that the code was read from: the last one not certainly unsent."""
    sent = [(delivery.alias, delivery.channel) for delivery in deliveries if delivery.status not in _UNSENT]
    return sent[-1] if sent else None


def _count_challenge(figures: Figures, challenge: _Challenge) -> None:
    figures.counts["challenges"] += 1
    if challenge.status == ChallengeStatus.VERIFIED:
        figures.counts["verified"] += 1
        if challenge.closed_at:
            figures.to_verify[bucket_of((challenge.closed_at - challenge.created_at).total_seconds())] += 1


def _count_delivery(figures: Figures, delivery: _Delivery) -> None:
    status = DeliveryStatus(delivery.status)
    if status in _FAILURES:
        words = f"{status}: {delivery.reason or delivery.vendor_code or '-'}"[:REASON_MAXIMUM]
        is_known = words in figures.reasons or len(figures.reasons) < REASONS
        figures.reasons[words if is_known else f"{status}: …"] += 1
    if status in _UNSENT:
        return
    figures.counts["messages"] += 1
    figures.counts["segments"] += delivery.segments
    if delivery.price is not None:
        figures.counts["priced"] += 1
        figures.cost += int(delivery.price * MICRO)
    if status in {DeliveryStatus.DELIVERED, DeliveryStatus.UNDELIVERED}:
        figures.counts[status] += 1
    if delivery.delivered_at:
        figures.to_deliver[bucket_of((delivery.delivered_at - delivery.queued_at).total_seconds())] += 1
