"""UUID version 7: primary keys that sort by time."""

import os
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits.

    New rows land at the end of the primary key's index. It identifies; it is never the secret.
    """
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return uuid.UUID(int=value)


def first_uuid7(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of ``moment``: ids made before it are smaller, so a primary key finds a time.

    A moment before 1970 counts as its start.
    """
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)
