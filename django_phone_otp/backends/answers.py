"""A vendor's answer over HTTP, read without trusting its shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django_phone_otp.core.jsontext import read_json
from django_phone_otp.core.redaction import redact

LONGEST_WAIT = 24 * 60 * 60.0  # seconds; a longer Retry-After is a mistake, and would shut an alias off


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """A vendor's answer: HTTP status, headers, and at most 64 kB of body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx. It says nothing yet: vendors answer errors with 200."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body as JSON, or None when it is not JSON: HTML, empty, cut off, not UTF-8, or too deep."""
        try:
            return read_json(self.body)
        except ValueError:
            return None

    def find(self, *path: str | int) -> Any:
        """Return what the JSON body has at ``path``, or None where its shape is another one."""
        found = self.json()
        for step in path:
            if isinstance(step, str) and isinstance(found, dict):
                found = found.get(step)
            elif isinstance(step, int) and isinstance(found, list) and 0 <= step < len(found):
                found = found[step]
            else:
                return None
        return found

    def text(self, *path: str | int) -> str:
        """Return the text or whole number at ``path`` as text, or ``""``."""
        found = self.find(*path)
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""

    @property
    def retry_after(self) -> float | None:
        """The seconds that ``Retry-After`` asks to wait, as a number or a date (RFC 9110 §10.2.3), or None."""
        value = self.headers.get("Retry-After", "").strip()
        if value.isdecimal() and value.isascii():
            seconds = float(value[:10])
        else:
            try:
                moment = parsedate_to_datetime(value)
            except (ValueError, OverflowError):  # a year or a zone that no clock has
                return None
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        return min(max(seconds, 0.0), LONGEST_WAIT)

    def redacted(self, secrets: Iterable[str] = ()) -> str:
        """Return the start of the body, fit to be kept."""
        return redact(self.body.decode("utf-8", "replace"), secrets)
