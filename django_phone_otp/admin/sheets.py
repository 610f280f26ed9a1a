"""What an export writes: columns under names that stay, and cells that no spreadsheet takes for a formula."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

CHUNK = 1_000  # rows that are read and sent at once, each time by a query of its own

# A cell that begins so is a formula to a spreadsheet (OWASP, CSV injection), the wide ones to some.
_FORMULAS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001
# Where a semicolon or a tab separates cells, as in much of Europe, one may begin in the middle of ours.
_WITHIN = re.compile(r"([;\t] *)(?=[=+@＝＋－＠-])")  # noqa: RUF001
_E164 = re.compile(r"\+[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are looked at: at which moment, and whether with full numbers."""

    now: datetime
    full: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file, the field it is read from, and what is shown of the row that has it."""

    name: str
    path: str = ""
    show: Callable[[Any, Look], Any] | None = None

    @property
    def source(self) -> str:
        """The field, as a query names it."""
        return self.path or self.name

    def getter(self, look: Look) -> Callable[[Any], Any]:
        """Return what gets the value out of a row."""
        if self.show is None:
            return attrgetter(self.source.replace("__", "."))
        owner, _, _ = self.source.rpartition("__")
        show = self.show
        owned: Callable[[Any], Any] = attrgetter(owner) if owner else lambda row: row
        return lambda row: show(owned(row), look)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of one export. Only what they name is read: no seed, key, client or context."""

    name: str
    columns: tuple[Column, ...] = field(repr=False)

    def write(self, windows: Iterator[QuerySet[Any]], look: Look) -> Iterator[bytes]:
        """Yield the file, chunk by chunk. Nothing is kept, and no cursor is open, between two of them."""
        yield _csv_of([[column.name for column in self.columns]])
        getters = [(column.name == "number", column.getter(look)) for column in self.columns]
        fields = [column.source for column in self.columns]
        for window in windows:
            for rows in _chunks_of(window.only(*fields)):
                yield _cells_of(rows, getters)


def _chunks_of(window: QuerySet[Any]) -> Iterator[list[Any]]:
    rows = list(window[:CHUNK])
    while rows:
        yield rows
        rows = list(window.filter(pk__lt=rows[-1].pk)[:CHUNK]) if len(rows) == CHUNK else []


@sensitive_variables()  # and those of what it calls; a generator's frame would forget who called it
def _cells_of(rows: list[Any], getters: list[tuple[bool, Callable[[Any], Any]]]) -> bytes:
    return _csv_of([[_cell(get(row), is_number) for is_number, get in getters] for row in rows])


def _csv_of(rows: list[list[str]]) -> bytes:
    lines = StringIO()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)  # RFC 4180
    return lines.getvalue().encode()


def _cell(value: Any, is_number: bool) -> str:
    text = _WITHIN.sub(r"\1'", _text_of(value))
    # What vendors say is not ours; a full number is + and digits, which no formula is.
    if text.startswith(_FORMULAS) and not (is_number and _E164.fullmatch(text)):
        return f"'{text}"
    return text


def _text_of(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}"  # never 1E-6
    return str(value)


def _number(challenge: Any, look: Look) -> str:
    return str(challenge.number if look.full else challenge.masked_number)


def _status(challenge: Any, look: Look) -> str:
    return str(challenge.status_at(look.now))


CHALLENGES = Sheet(
    "challenges",
    (
        Column("id"),
        Column("created_at"),
        Column("number", show=_number),
        *map(Column, ("region", "purpose", "channel", "language")),
        Column("status", show=_status),
        *map(Column, ("attempts", "max_attempts", "messages", "decoy")),
        *map(Column, ("expires_at", "closed_at", "redeemed_at")),
    ),
)
DELIVERIES = Sheet(
    "deliveries",
    (
        Column("id"),
        Column("challenge", "challenge__id"),
        Column("queued_at"),
        Column("number", "challenge__number", _number),
        Column("region", "challenge__region"),
        Column("purpose", "challenge__purpose"),
        *map(Column, ("channel", "alias", "status", "vendor_id", "vendor_code", "reason", "segments", "price")),
        Column("latency_ms", "latency"),
        *map(Column, ("sent_at", "delivered_at")),
    ),
)
