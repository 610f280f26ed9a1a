"""Dispatching: a committed delivery goes to the inline sender, or by its primary key to a queue."""

import logging

from django.utils import timezone
from django.utils.module_loading import import_string

from django_phone_otp import conf
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import delivery as delivering

logger = logging.getLogger("django_phone_otp")


def new_delivery(challenge: Challenge, channel: str, reason: str = "") -> Delivery:
    """Return an unsaved delivery for ``challenge``; of a decoy, ``reason`` says why the number is refused.

    With the inline dispatcher it is born claimed: this process sends it right after the commit, so
    nobody else may, and one UPDATE is saved. A crash in between leaves ``sending``, as any claim does.
    """
    inline = conf.current().dispatcher == conf.INLINE_DISPATCHER
    status = DeliveryStatus.SENDING if inline else DeliveryStatus.QUEUED
    now = timezone.now()
    return Delivery(challenge=challenge, channel=channel, status=status, reason=reason, queued_at=now, updated_at=now)


def dispatch(delivery: Delivery) -> DeliveryStatus:
    """Start ``delivery`` after its commit; return its state when this call knows it, else ``queued``."""
    if delivery.status == DeliveryStatus.SENDING:
        return delivering.hand_over(delivery)
    try:
        # Only the primary key: queues keep their arguments in plain text.
        import_string(conf.current().dispatcher)(str(delivery.pk))
    except Exception as problem:  # noqa: BLE001 - brokers have classes of their own; the row waits for the sweep
        logger.error("The dispatcher failed: %s", type(problem).__name__)
    return DeliveryStatus.QUEUED
