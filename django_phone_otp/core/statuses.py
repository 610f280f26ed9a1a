"""The states of a challenge and of a delivery, with what each one means."""

from enum import StrEnum


class ChallengeStatus(StrEnum):
    """Where a challenge stands. ``expired`` is never stored: it is ``pending`` past its time."""

    PENDING = "pending"  # waits for the right code
    VERIFIED = "verified"  # the right code came; a token may be redeemed once
    LOCKED = "locked"  # every granted guess was wrong
    CANCELED = "canceled"  # given up by its owner, or its message could not be sent
    EXPIRED = "expired"  # only ever shown: a pending challenge past its time


class DeliveryStatus(StrEnum):
    """Where one hand-over of one message to one vendor stands."""

    QUEUED = "queued"  # waits for a dispatcher
    SENDING = "sending"  # claimed by one worker, which is talking to the vendor
    ACCEPTED = "accepted"  # the vendor took it
    SENT = "sent"  # the vendor says that it left for the network
    DELIVERED = "delivered"  # a receipt from the handset
    UNDELIVERED = "undelivered"  # the network gave up
    FAILED = "failed"  # certainly not sent
    UNKNOWN = "unknown"  # may have been sent: never sent again by itself


# What a receipt may move a delivery to, by where it stands. Only forward; a late ``delivered`` beats a
# failure; ``unknown`` is no end, since the vendor may know.
_FROM: dict[DeliveryStatus, tuple[DeliveryStatus, ...]] = {
    DeliveryStatus.ACCEPTED: (DeliveryStatus.UNKNOWN,),
    DeliveryStatus.SENT: (DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED),
    DeliveryStatus.UNDELIVERED: (DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED, DeliveryStatus.SENT),
    DeliveryStatus.FAILED: (DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED, DeliveryStatus.SENT),
    DeliveryStatus.DELIVERED: (
        DeliveryStatus.UNKNOWN,
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.SENT,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED,
    ),
}

OPEN = (DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.UNKNOWN)
"""The states of a delivery that a vendor has taken and may still say more about."""


def states_before(status: DeliveryStatus) -> tuple[DeliveryStatus, ...]:
    """Return the states from which a receipt may move a delivery to ``status``; none for what no receipt says."""
    return _FROM.get(status, ())
