"""What every backend is: the message in, the result or the typed failure out."""

import inspect
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, ClassVar

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_phone_otp.conf import unknown
from django_phone_otp.core.statuses import DeliveryStatus

IPNetwork = IPv4Network | IPv6Network

__all__ = [
    "BackendUnavailable",
    "BaseBackend",
    "DeliveryError",
    "DeliveryStatus",
    "DeliveryUncertain",
    "InvalidBackend",
    "MalformedWebhook",
    "Message",
    "MessageRejected",
    "Receipt",
    "Scope",
    "SendResult",
    "not_taken",
    "route_ends_at",
    "seconds_left",
]


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one number. Its ``repr`` shows nothing that may not be logged.

    ``key`` is unique per delivery, for vendors that de-duplicate. ``variables`` are what a vendor's
    template takes: the code, the app's name, the minutes until it expires, and the context.
    """

    number: str = field(repr=False)
    channel: str
    purpose: str
    text: str = field(repr=False)
    code: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    language: str
    key: str


@dataclass(frozen=True, slots=True)
class SendResult:
    """A vendor took the message: its id there, the state that it reported, and its answer.

    ``check_id`` is what the vendor knows the code by, where it can check one. ``reason`` says why a
    message of ``send_many()`` was not taken.
    """

    id: str = ""
    status: DeliveryStatus = DeliveryStatus.ACCEPTED
    raw: Any = field(default=None, repr=False)
    check_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A vendor's later word on a delivery: which one, the state, since when, and why.

    The state ``unknown`` stands for a word that is not known. ``raw`` is what may be kept of the
    receipt: never the message's text.
    """

    id: str
    status: DeliveryStatus
    at: datetime | None = None
    reason: str = ""
    raw: Any = field(default=None, repr=False)


class Scope(StrEnum):
    """Whom a refusal concerns."""

    ACCOUNT = "account"  # this alias: another one may be tried
    RECIPIENT = "recipient"  # this number: another alias would defeat the vendor's limit


class DeliveryError(Exception):
    """A vendor did not take the message. ``may_have_left`` says whether it may arrive all the same.

    ``reason`` is in our words; ``vendor_code`` and ``http_status`` are the vendor's; ``retry_after``
    is in seconds; ``raw`` is the vendor's answer, redacted. ``str()`` never shows ``raw``.
    """

    may_have_left: ClassVar[bool] = False

    def __init__(
        self,
        reason: str,
        *,
        vendor_code: str = "",
        http_status: int | None = None,
        retry_after: float | None = None,
        scope: Scope = Scope.ACCOUNT,
        raw: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.vendor_code = vendor_code
        self.http_status = http_status
        self.retry_after = retry_after
        self.scope = scope
        self.raw = raw


class BackendUnavailable(DeliveryError):
    """Certainly not sent: the vendor could not be reached, or refuses this account for now."""


class MessageRejected(DeliveryError):
    """Certainly not sent: the vendor refuses this message or its recipient."""


class DeliveryUncertain(DeliveryError):
    """The message may have left: it is never sent again by itself."""

    may_have_left = True


_route_deadline: ContextVar[float] = ContextVar("route_deadline", default=math.inf)


@contextmanager
def route_ends_at(moment: float) -> Iterator[None]:
    """Let a backend know until when (``time.monotonic()``) the whole route has time."""
    token = _route_deadline.set(moment)
    try:
        yield
    finally:
        _route_deadline.reset(token)


def seconds_left() -> float:
    """Return how many seconds a backend has for its answer, as far as the route goes: perhaps infinite."""
    return _route_deadline.get() - time.monotonic()


class MalformedWebhook(ValueError):
    """A vendor's call cannot be read."""


class InvalidBackend(ImproperlyConfigured):
    """An alias in ``BACKENDS`` cannot be used. The text names the alias."""


class BaseBackend:
    """Speaks to one account of one vendor. A subclass needs ``send()`` and takes its OPTIONS as keywords."""

    channels: frozenset[str] = frozenset({"sms"})
    sends_text: bool = True  # False: the vendor words the message itself and takes only the code
    polls: bool = False  # implements fetch_status()
    checks_codes: bool = False  # implements check_code(), and wants it asked
    secrets: tuple[str, ...] = ()  # the account's keys, which no text that is kept may hold
    account_rate: str = ""  # what the vendor allows an account, such as "20/1s"; empty where it names no rate
    webhook_secrets: tuple[str, ...] = ()  # with any, implements parse_webhook(); all are accepted in the URL
    webhook_networks: tuple[IPNetwork, ...] = ()  # where webhooks may come from; empty means from anywhere
    development: ClassVar[bool] = False  # shows codes to the developer: an error in production

    def __init__(self, *, alias: str, **options: Any) -> None:
        self.alias = alias
        for option in options:
            raise self.invalid(f"option {option!r} is {unknown(option, self.options())}")

    @property
    def reaches_people(self) -> bool:
        """Whether its messages go to phones: not those of a backend for development."""
        return not self.development

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Return the names of the OPTIONS that this class takes, those of its bases included."""
        names: dict[str, None] = {}
        for base in cls.__mro__:
            if "__init__" in vars(base) and base is not object:
                parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
                names.update((p.name, None) for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "alias")
        return tuple(names)

    def invalid(self, problem: str) -> InvalidBackend:
        """Return the error about an option that cannot be used, to be raised."""
        return InvalidBackend(f"BACKENDS[{self.alias!r}]: {problem}")

    def worded(self, message: Message) -> Message:
        """Return ``message`` in the words that this vendor may carry: those of a registered template, say.

        Raises ``MessageRejected`` when there are none. Whatever reaches ``send()`` went through here.
        """
        return message

    def send(self, message: Message) -> SendResult:
        """Hand ``message`` to the vendor once. Raises a ``DeliveryError`` when it was not taken."""
        raise NotImplementedError(f"{type(self).__name__} has no send()")

    def send_many(self, messages: Sequence[Message]) -> list[SendResult]:
        """Hand over several messages, one call each unless a vendor takes them together.

        Returns a result for each message, in their order. One that was not taken has the state
        ``failed`` (certainly not sent) or ``unknown``, and a ``reason``: what was sent before must
        not be forgotten for it.
        """
        return [self._attempt(message) for message in messages]

    def fetch_status(self, delivery_id: str) -> Receipt:
        """Ask the vendor about one delivery, by its id there. Only where ``polls`` is true.

        Raises a ``DeliveryError`` when the vendor has no answer.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be polled")

    def parse_webhook(self, request: HttpRequest) -> list[Receipt]:
        """Read the receipts out of a vendor's call, whose secret was judged before.

        Raises ``MalformedWebhook``.
        """
        raise NotImplementedError(f"{type(self).__name__} takes no webhooks")

    def check_code(self, check_id: str, code: str) -> bool:
        """Ask the vendor whether ``code`` is right. Only where ``checks_codes`` is true.

        Raises a ``DeliveryError`` when the vendor has no answer.
        """
        raise NotImplementedError(f"{type(self).__name__} checks no codes")

    def check(self) -> list[CheckMessage]:
        """Return what ``manage.py check`` should say about this alias."""
        return []

    def _attempt(self, message: Message) -> SendResult:
        try:
            return self.send(self.worded(message))
        except DeliveryError as failure:
            return not_taken(failure)


def not_taken(failure: DeliveryError) -> SendResult:
    """Return ``failure`` as the result of one message among many."""
    status = DeliveryStatus.UNKNOWN if failure.may_have_left else DeliveryStatus.FAILED
    return SendResult(status=status, reason=failure.reason)
