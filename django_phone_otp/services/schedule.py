"""When to ask a vendor about a message: soon at first, then less and less often, and at last no more."""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=30)  # most messages are there by then
WINDOW = timedelta(days=2)  # networks keep trying for up to 48 hours; after that nobody knows more


def first_poll(now: datetime) -> datetime:
    """Return when to ask first about a message that was sent ``now``."""
    return now + FIRST


def next_poll(queued_at: datetime, now: datetime) -> datetime | None:
    """Return when to ask next: in as long as the message is old, so that two days take about a dozen questions.

    The last question comes when they are over; then None.
    """
    age = now - queued_at
    return min(now + max(FIRST, age), queued_at + WINDOW) if age < WINDOW else None
