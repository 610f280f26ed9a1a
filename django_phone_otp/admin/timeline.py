"""What became of a challenge, moment by moment: its messages, what vendors said of them, and how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from django_phone_otp.admin.links import url_of
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.models import Challenge, Delivery

DELIVERIES_SHOWN = 100  # a challenge has a handful; each alias that was tried is one


@dataclass(frozen=True, slots=True)
class Moment:
    """One line: when, what, how it is said in detail, and where to read on."""

    at: datetime
    what: str
    detail: str = ""
    url: str = ""


def timeline_of(challenge: Challenge, site: str, *, linked: bool = True) -> list[Moment]:
    """Return all that is known of a challenge, in order; two queries, however much that is.

    ``linked`` says whether messages lead to their pages.
    """
    deliveries = challenge.deliveries.order_by("pk").prefetch_related("receipts")[:DELIVERIES_SHOWN]
    moments = [*_of_challenge(challenge)]
    for delivery in deliveries:
        moments += _of_delivery(delivery, url_of(site, "delivery", "change", delivery.pk) if linked else "")
    return sorted(moments, key=lambda moment: moment.at)  # a stable sort: what happened at once stays in order


def _of_challenge(challenge: Challenge) -> Iterator[Moment]:
    yield Moment(challenge.created_at, _("Asked for"), challenge.purpose)
    if challenge.closed_at:
        guesses = _("guess %(count)s of %(granted)s") % {
            "count": challenge.attempts,
            "granted": challenge.max_attempts,
        }
        ends = {
            ChallengeStatus.VERIFIED.value: (_("Verified"), guesses),
            ChallengeStatus.LOCKED.value: (_("Locked after too many wrong guesses"), guesses),
            ChallengeStatus.CANCELED.value: (_("Canceled"), ""),
        }
        yield Moment(challenge.closed_at, *ends.get(challenge.status, (challenge.status, "")))
    elif challenge.expires_at <= timezone.now():
        yield Moment(challenge.expires_at, _("Expired"), _("no right code came in time"))
    if challenge.redeemed_at:
        yield Moment(challenge.redeemed_at, _("Redeemed"), _("the proof was used"))


def _of_delivery(delivery: Delivery, url: str) -> Iterator[Moment]:
    through: dict[str, Any] = {"channel": delivery.channel, "alias": delivery.alias or "-"}
    name = _("%(channel)s through %(alias)s") % through
    yield Moment(delivery.queued_at, _("Message queued"), name, url)
    if delivery.sent_at:
        yield Moment(delivery.sent_at, _("Message sent"), name, url)
    if delivery.delivered_at:
        yield Moment(delivery.delivered_at, _("Message delivered"), name, url)
    elif delivery.status not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.SENT}:
        detail = ": ".join(filter(None, [name, delivery.reason or delivery.vendor_code]))
        yield Moment(delivery.updated_at, _("Message %(status)s") % {"status": delivery.status}, detail, url)
    for receipt in delivery.receipts.all():
        said = ": ".join(filter(None, [receipt.status, receipt.reason]))
        yield Moment(receipt.at or receipt.received_at, _("Receipt"), said, url)
