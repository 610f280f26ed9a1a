"""Vendors that push receipts: whose call is believed, and where each call says what."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_phone_otp.backends.base import BaseBackend, MalformedWebhook, Receipt
from django_phone_otp.conf import unknown
from django_phone_otp.core.jsontext import read_json
from django_phone_otp.core.statuses import DeliveryStatus

SECRET_MINIMUM = 20  # characters: with letters and digits over 100 bits, as many as a handle has
RECORDS_MAXIMUM = 1000  # receipts in one call: more than any vendor sends together
VALUE_MAXIMUM = 200  # characters of any value that is read
_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_MINIMUM},200}}", re.ASCII)  # what a URL takes as it is
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_PARTS = ("id", "status", "reason", "at")


class WebhookBackend(BaseBackend):
    """A backend with the options ``webhook_secrets``, ``webhook_networks`` and ``webhook_fields``.

    ``webhook_fields`` says under which names a call has the vendor's id, the status, the reason and
    the time: each a name, or a list of names of which the first that is there counts.
    """

    default_fields: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    statuses: ClassVar[Mapping[str, DeliveryStatus]] = {}  # by the vendor's word, as fold() leaves it

    def __init__(
        self,
        *,
        alias: str,
        webhook_secrets: Any = (),
        webhook_networks: Any = (),
        webhook_fields: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(alias=alias, **options)
        self.webhook_secrets = self._secrets(webhook_secrets)
        try:
            self.webhook_networks = tuple(ipaddress.ip_network(str(network)) for network in webhook_networks)
        except (TypeError, ValueError) as problem:
            raise self.invalid(f"webhook_networks must be a list of networks: {problem}") from None
        self.webhook_fields = {**self.default_fields, **self._fields(webhook_fields)}
        if self.webhook_secrets and not {"id", "status"} <= set(self.webhook_fields):
            raise self.invalid("webhook_fields must say where a receipt has its 'id' and 'status'")

    def parse_webhook(self, request: HttpRequest) -> list[Receipt]:
        """Read the receipts out of a GET's query, a form, or JSON: an object or a list of them."""
        found, unreadable = [], None
        for record in _records(request):
            try:
                found.append(self.receipt_of(record, self.webhook_fields))
            except MalformedWebhook as problem:  # a heartbeat, say: it must not cost the others
                unreadable = problem
        if unreadable is not None and not found:
            raise unreadable
        return found

    def status_of(self, word: str) -> DeliveryStatus:
        """Return the state that the vendor's ``word`` stands for; ``unknown`` for a word that is not known."""
        return self.statuses.get(fold(word), DeliveryStatus.UNKNOWN)

    def reason_of(self, code: str) -> str:
        """Return a vendor's reason in words."""
        return code

    def receipt_of(self, record: Mapping[str, str], fields: Mapping[str, tuple[str, ...]]) -> Receipt:
        """Return what ``record`` says under the names in ``fields``.

        Raises ``MalformedWebhook`` without an id or a status.
        """
        found = {part: _value(record, fields.get(part, ())) for part in _PARTS}
        if not found["id"] or not found["status"]:
            raise MalformedWebhook("a receipt without id or status")
        return Receipt(
            id=found["id"],
            status=self.status_of(found["status"]),
            at=read_time(found["at"]),
            reason=self.reason_of(found["reason"]),
            raw={part: value for part, value in found.items() if value},
        )

    def _secrets(self, secrets: Any) -> tuple[str, ...]:
        well_formed = isinstance(secrets, list | tuple) and all(
            isinstance(secret, str) and _SECRET.fullmatch(secret) for secret in secrets
        )
        if not well_formed:
            raise self.invalid(
                f"webhook_secrets must be a list of texts of {SECRET_MINIMUM} to 200 letters, digits, - and _"
            )
        return tuple(secrets)

    def _fields(self, fields: Any) -> dict[str, tuple[str, ...]]:
        if fields is None:
            return {}
        if not isinstance(fields, Mapping):
            raise self.invalid("webhook_fields must be a dict")
        found = {}
        for part, names in fields.items():
            if part not in _PARTS:
                raise self.invalid(f"webhook_fields: {part!r} is {unknown(part, _PARTS)}")
            names = (names,) if isinstance(names, str) else names
            if not (isinstance(names, list | tuple) and all(isinstance(name, str) and name for name in names)):
                raise self.invalid(f"webhook_fields: {part!r} must be a name or a list of names")
            found[part] = tuple(names)
        return found


def fold(word: str) -> str:
    """Return a status word without case, spaces, ``-`` and ``_``: vendors' pages do not agree with themselves."""
    return "".join(character for character in word.lower() if character.isalnum())


def read_time(value: str) -> datetime | None:
    """Read a time: ISO 8601, UTC without a zone, or seconds or milliseconds since 1970; None for anything else.

    A time that no receipt can have is None too: Go's zero time is in the year 1, which no local time shows.
    """
    try:
        if value.isascii() and value.isdecimal() and len(value) in {10, 13}:
            moment = datetime.fromtimestamp(int(value) / (1000 if len(value) == 13 else 1), UTC)
        else:
            parsed = parse_datetime(value)
            if parsed is None:
                return None
            moment = (timezone.make_aware(parsed, UTC) if timezone.is_naive(parsed) else parsed).astimezone(UTC)
    except (ValueError, OverflowError):  # well formed, and no such day
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _value(record: Mapping[str, str], names: tuple[str, ...]) -> str:
    value = next((record[name] for name in names if record.get(name)), "")
    if len(value) > VALUE_MAXIMUM:
        raise MalformedWebhook("a value that is too long")
    return value


def _records(request: HttpRequest) -> Iterator[Mapping[str, str]]:
    if request.method == "GET" or request.content_type != "application/json":
        fields = request.GET if request.method == "GET" else request.POST
        if any(len(values) > 1 for _, values in fields.lists()):
            raise MalformedWebhook("a field that is there twice")  # one of the two is somebody's trick
        yield fields.dict()
        return
    try:
        body = read_json(request.body)
    except ValueError:
        raise MalformedWebhook("not JSON") from None
    records = body if isinstance(body, list) else [body]
    if len(records) > RECORDS_MAXIMUM or not all(isinstance(record, dict) for record in records):
        raise MalformedWebhook("neither an object nor a list of objects")
    for record in records:
        yield {key: str(value) for key, value in record.items() if isinstance(value, str | int | float)}
