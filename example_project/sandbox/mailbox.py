"""The phones: every message that a vendor took, with what becomes of it."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

KEPT = 2000  # messages: a benchmark's worth, in about 2 MB


class Fate(Enum):
    """What becomes of a message: the steps after ``accepted``, and why it fails in Kaleyra's words.

    The words are those of https://developers.kaleyra.io/docs/sms-status-and-status-trace-codes.
    """

    DELIVERED = ("sent", "delivered"), ""
    UNDELIVERED = ("sent", "undelivered"), "ABSENT-SUB"
    FAILED = ("failed",), "TEMPLATE-NOT-FOUND"

    def __init__(self, steps: tuple[str, ...], reason: str) -> None:
        self.steps = steps
        self.reason = reason


def fate_of(number: str) -> Fate:
    """Return what becomes of messages to ``number``, by its last three digits."""
    return {"198": Fate.UNDELIVERED, "199": Fate.FAILED}.get(number[-3:], Fate.DELIVERED)


@dataclass(frozen=True)
class SandboxMessage:
    """A message as it arrived on a phone; ``number`` is E.164 and ``code`` is None if the vendor got none.

    ``request_id`` is the second id that some vendors give, and ``step`` how many seconds pass
    between two statuses.
    """

    vendor: str
    channel: str
    number: str
    text: str
    vendor_id: str
    code: str | None = None
    request_id: str = ""
    step: float = 0.0
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        return fate_of(self.number)

    @property
    def status(self) -> str:
        """``accepted``, then ``sent``, and at last ``delivered``, ``undelivered`` or ``failed``."""
        steps = self.fate.steps
        age = (datetime.now(UTC) - self.received_at).total_seconds()
        taken = int(age / self.step) if self.step > 0 else len(steps)
        return ("accepted", *steps)[max(0, min(taken, len(steps)))]


class Mailbox:
    """Keeps the last messages, and tells ``on_message`` of each."""

    def __init__(self, on_message: Callable[[SandboxMessage], None]) -> None:
        self._on_message = on_message
        self._lock = threading.Lock()
        self._messages: deque[SandboxMessage] = deque(maxlen=KEPT)

    @property
    def messages(self) -> list[SandboxMessage]:
        """The kept messages, oldest first."""
        with self._lock:
            return list(self._messages)

    def add(self, message: SandboxMessage) -> None:
        """Keep a message, in place of the oldest."""
        with self._lock:
            self._messages.append(message)
        self._on_message(message)

    def find(self, vendor: str, identifier: str) -> SandboxMessage | None:
        """Return the kept message of ``vendor`` with this id or request id."""
        for message in reversed(self.messages):
            if message.vendor == vendor and identifier and identifier in {message.vendor_id, message.request_id}:
                return message
        return None
