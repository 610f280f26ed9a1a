"""What the four vendors share: a table of routes, credentials, and how a message is taken."""

import re
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from example_project.sandbox.exchange import Answer, Request
from example_project.sandbox.mailbox import Mailbox, SandboxMessage

REFUSED_KEY = "wrong"  # the one word that is no credential; anything else that is not empty will do


class Kind(StrEnum):
    """What a request is for, as it is counted."""

    SEND = "send"
    POLL = "poll"
    VERIFY = "verify"
    OTHER = "other"


@dataclass(frozen=True)
class Route:
    """A path that the vendor documents; its last group, if it has one, is given to ``answer``."""

    kind: Kind
    method: str
    path: str
    answer: Callable[[Request, str], Answer]


@dataclass(frozen=True)
class Receipt:
    """What a vendor posts to a webhook: JSON or form fields."""

    fields: dict[str, Any]
    as_json: bool


class Vendor(ABC):
    """One vendor's API. A subclass says what its documentation says, and marks what it assumes."""

    name: ClassVar[str]
    title: ClassVar[str]
    receipts_by: ClassVar[str]
    has_webhooks: ClassVar[bool] = False

    def __init__(self, mailbox: Mailbox, step: float) -> None:
        self.mailbox = mailbox
        self.step = step
        self._lock = threading.Lock()
        self._counts: Counter[Kind] = Counter()

    @property
    @abstractmethod
    def routes(self) -> tuple[Route, ...]:
        """The documented paths."""

    @abstractmethod
    def unauthorized(self) -> Answer:
        """Return the 401 for missing or wrong credentials."""

    @abstractmethod
    def limited(self) -> Answer:
        """Return the 429 for an account that asks too often."""

    @abstractmethod
    def broken(self) -> Answer:
        """Return a 500 in the vendor's own error envelope."""

    @abstractmethod
    def not_found(self) -> Answer:
        """Return the 404 for a path that the vendor does not have."""

    def receipts(self, message: SandboxMessage) -> list[Receipt]:
        """Return what a webhook is told of a message, in order."""
        return []

    def counted(self, kind: Kind) -> int:
        """Return how many requests of a kind were read."""
        with self._lock:
            return self._counts[kind]

    def find_route(self, request: Request) -> tuple[Route | None, str]:
        """Return the route of a request and the last part that varies, and count the request."""
        for route in self.routes:
            match = re.fullmatch(route.path, request.path)
            if match and route.method == request.method:
                self._count(route.kind)
                return route, match[match.lastindex or 0]
        self._count(Kind.OTHER)
        return None, ""

    def take(self, *, channel: str = "sms", **fields: Any) -> SandboxMessage:
        """Send a message to the phone that it is for."""
        message = SandboxMessage(vendor=self.name, channel=channel, step=self.step, **fields)
        self.mailbox.add(message)
        return message

    def _count(self, kind: Kind) -> None:
        with self._lock:
            self._counts[kind] += 1


def accepted(*credentials: str) -> bool:
    """Tell whether every one of these is a credential."""
    return all(value and value != REFUSED_KEY for value in credentials)


def text_of(body: dict[str, Any], name: str) -> str:
    """Return a field if it is a string, and an empty string for anything else."""
    value = body.get(name)
    return value if isinstance(value, str) else ""
