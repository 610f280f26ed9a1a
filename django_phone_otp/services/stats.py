"""Statistics: what was sent, arrived and was verified, how fast and for how much, read from the figures of each day."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django_phone_otp.core.histograms import percentile
from django_phone_otp.models import DailyFigures
from django_phone_otp.services import figures
from django_phone_otp.services.counting import MICRO, Group
from django_phone_otp.services.transactions import database

DIMENSIONS = Group._fields
DAY = "day"


@dataclass(slots=True)
class Line:
    """The figures of what has ``name``: an alias, a region, a day, or everything."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    micro: int = 0
    to_deliver: Counter[int] = field(default_factory=Counter)
    to_verify: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, kept: Mapping[str, Any], *, has_receipts: bool) -> None:
        """Add the figures of a group on a day, as they are kept; say whether its alias gives receipts at all."""
        self.counts.update(kept.get("counts", {}))
        if has_receipts:
            self.counts["followed"] += kept.get("counts", {}).get("messages", 0)
        self.micro += kept.get("cost", 0)
        self.reasons.update(kept.get("reasons", {}))
        for name in ("to_deliver", "to_verify"):
            getattr(self, name).update({int(bucket): count for bucket, count in kept.get(name, {}).items()})

    @property
    def challenges(self) -> int:
        """How many were opened."""
        return self.counts["challenges"]

    @property
    def verified(self) -> int:
        """How many challenges were."""
        return self.counts["verified"]

    @property
    def messages(self) -> int:
        """How many left, or may have left."""
        return self.counts["messages"]

    @property
    def delivered(self) -> int:
        """How many messages arrived, by receipt."""
        return self.counts["delivered"]

    @property
    def delivery_rate(self) -> float | None:
        """Which share of the messages arrived, of those by aliases that give receipts; None where none does."""
        return self.delivered / self.counts["followed"] if self.counts["followed"] else None

    @property
    def verification_rate(self) -> float | None:
        """Which share of the challenges was verified."""
        return self.verified / self.challenges if self.challenges else None

    @property
    def cost(self) -> Decimal | None:
        """What the messages cost, estimated by ``BUDGET``; None where it has no price."""
        return Decimal(self.micro) / MICRO if self.counts["priced"] else None

    @property
    def cost_per_verification(self) -> Decimal | None:
        """What one verified challenge cost, with all that was spent on those that were not."""
        return self.cost / self.verified if self.cost is not None and self.verified else None

    def seconds_to(self, what: str, share: float) -> float | None:
        """Return the seconds that ``share`` (0 to 1) of all took at most to ``what``: ``deliver`` or ``verify``."""
        return percentile(getattr(self, f"to_{what}"), share)


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of some days.

    ``counted_at`` is when the newest day was counted. ``left`` is how many days are not counted, or not up to
    date, because that takes longer than anybody waits.
    """

    total: Line
    lines: list[Line]
    days: list[Line]
    refused: Counter[str]
    counted_at: datetime | None
    left: int


def read(days: int, by: str, only: Mapping[str, str] | None = None) -> Statistics:
    """Return the figures of the last ``days`` where ``only`` holds, told apart ``by`` one of ``DIMENSIONS`` or ``DAY``.

    ``only`` maps dimensions to the one value that counts. Days are oldest first; lines that have most messages come
    first, and days as lines the newest.
    """
    left = figures.bring_up_to_date(days)
    newest = figures.today()
    oldest = newest - timedelta(days=days - 1)
    # No day after today: a server whose clock is ahead may have counted one.
    kept = list(DailyFigures.objects.using(database()).filter(day__range=(oldest, newest)).order_by("day"))
    talkative = _with_receipts(kept)
    total, lines, series = Line(""), dict[str, Line](), _empty_days(oldest, days)
    refused: Counter[str] = Counter()
    for each in kept:
        refused.update(each.figures.get("refused", {}))
        for group, counted in _groups_of(each, only or {}):
            name = getattr(group, by, "")
            for line in (total, lines.setdefault(name, Line(name)), series[each.day]):
                line.add(counted, has_receipts=(group.alias, group.channel) in talkative)
    ranked = sorted(lines.values(), key=lambda line: (-line.messages, -line.challenges, line.name))
    if by == DAY:
        ranked = [*reversed(series.values())]
    return Statistics(total, ranked, list(series.values()), refused, kept[-1].made_at if kept else None, left)


def merge(lines: Iterable[Line], size: int) -> list[Line]:
    """Return ``lines`` of days in groups of ``size`` up to the last, each with the name of its first.

    What is left over at the beginning is left out: a short group would look like few messages.
    """
    every = list(lines)
    return [_sum(every[start : start + size]) for start in range(len(every) % size, len(every), size)]


def _sum(lines: list[Line]) -> Line:
    merged = Line(lines[0].name)
    for line in lines:
        merged.micro += line.micro
        for name in ("counts", "to_deliver", "to_verify", "reasons"):
            getattr(merged, name).update(getattr(line, name))
    return merged


def _with_receipts(kept: Iterable[DailyFigures]) -> set[tuple[str, str]]:
    """Return the aliases, each with a channel, by which a receipt has said of any message whether it arrived."""
    every = ((group, counted.get("counts", {})) for day in kept for group, counted in _groups_of(day, {}))
    return {(group.alias, group.channel) for group, counts in every if {"delivered", "undelivered"} & set(counts)}


def _empty_days(oldest: date, days: int) -> dict[date, Line]:
    each = (oldest + timedelta(days=after) for after in range(days))
    return {day: Line(day.isoformat()) for day in each}


def _groups_of(day: DailyFigures, only: Mapping[str, str]) -> Iterator[tuple[Group, Mapping[str, Any]]]:
    for *names, counted in day.figures.get("groups", []):
        group = Group(*names)
        if all(getattr(group, dimension) == value for dimension, value in only.items()):
            yield group, counted
