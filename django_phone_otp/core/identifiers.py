"""UUID version 7: primary keys that sort by time."""

import os
import time
import uuid
from datetime import UTC, datetime


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, 12 bits of their fraction, 62 random bits.

    The fraction (RFC 9562 §6.2, method 3) puts two ids of one process in order within a millisecond
    too. New rows land at the end of the primary key's index. It identifies; it is never the secret.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | random)


def first_uuid7(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of ``moment``: ids made before it are smaller, so a primary key finds a time.

    A moment before 1970 counts as its start.
    """
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)


def moment_of(pk: uuid.UUID) -> datetime:
    """Return when a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((pk.int >> 80) / 1000, UTC)
