"""The figures of each day, counted once and kept: the statistics never read what millions of messages were.

A day holds what became of the challenges that were opened on it (UTC). Its figures change as long as codes
are entered and receipts come in, so a day is counted anew until it has settled.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core.identifiers import first_uuid7, moment_of
from django_phone_otp.models import Challenge, DailyFigures
from django_phone_otp.services import limits
from django_phone_otp.services.counting import count_between
from django_phone_otp.services.schedule import WINDOW
from django_phone_otp.services.transactions import database

SETTLES_AFTER = WINDOW + timedelta(days=1)  # the last question to a vendor, and a day for its answer
KEPT = timedelta(days=400)  # a year, and what it is compared with; no number and nobody is in them
FRESH_TODAY, FRESH = timedelta(minutes=1), timedelta(hours=1)  # so long, whoever looks again sees the same
QUICK = 10_000  # challenges of a day: counted in about half a second, which somebody before a page may wait for
RESTS = 1.0  # times as long as it counts, when nobody waits for it
PATIENCE = 1.0  # seconds, after which no further day is begun for them


def today() -> date:
    """Return the day it is (UTC)."""
    return timezone.now().astimezone(UTC).date()


def bring_up_to_date(days: int) -> int:
    """Count what is quickly counted of the last ``days``, newest first, for somebody who waits.

    Returns how many days are left, uncounted or out of date: ``count_days()`` takes those.
    """
    deadline = time.monotonic() + PATIENCE
    left = 0
    for day in _stale(days, FRESH_TODAY):
        if time.monotonic() < deadline and _is_quick(day):
            _count_again(day, FRESH_TODAY)
        else:
            left += 1
    return left


def count_days() -> Iterator[date]:
    """Count every day that can still change or was never counted, at most once an hour, newest first; yield each.

    To be done before challenges are deleted: what was never counted is lost with them.
    """
    for day in _stale(KEPT.days, FRESH):
        if _count_again(day, FRESH, RESTS):
            yield day


def forget_old() -> int:
    """Delete figures older than ``KEPT``; return of how many days."""
    return DailyFigures.objects.filter(day__lt=today() - KEPT).delete()[0]


def count_day(day: date, rests: float = 0.0) -> None:
    """Count one day and keep its figures, in place of those that were kept before. ``rests`` as ``count_between()``."""
    _count(day, _figures_of(day), rests)


def _count_again(day: date, fresh_today: timedelta, rests: float = 0.0) -> bool:
    """Count a day that was found to be stale, if it still is: somebody else may have counted and deleted it since."""
    kept = _figures_of(day)
    if not _is_stale(day, kept.made_at if kept else None, _fresh_from(day, fresh_today)):
        return False
    _count(day, kept, rests)
    return True


def _figures_of(day: date) -> DailyFigures | None:
    return DailyFigures.objects.using(database()).filter(day=day).first()


def _count(day: date, kept: DailyFigures | None, rests: float) -> None:
    """Count one day; keep that unless it was counted meanwhile, for then this may be without what was deleted."""
    began = timezone.now()
    start = _start(day)
    figures = count_between(first_uuid7(start), first_uuid7(start + timedelta(days=1)), rests)
    # The cache forgets, and what was read from it before does not.
    before = Counter[str](kept.figures.get("refused", {}) if kept else {})
    figures["refused"] = before | Counter(limits.refusals_on(day))
    if kept is None:
        DailyFigures.objects.bulk_create([DailyFigures(day=day, figures=figures, made_at=began)], ignore_conflicts=True)
    else:
        DailyFigures.objects.filter(day=day, made_at=kept.made_at).update(figures=figures, made_at=began)


def _stale(days: int, fresh_today: timedelta) -> list[date]:
    """Return which of the last ``days`` are to be counted, newest first; today's figures last for ``fresh_today``."""
    newest = today()
    oldest = max(newest - timedelta(days=days - 1), _first_day() or newest)
    kept = dict(DailyFigures.objects.using(database()).filter(day__gte=oldest).values_list("day", "made_at"))
    each = [newest - timedelta(days=back) for back in range((newest - oldest).days + 1)]
    return [day for day in each if _is_stale(day, kept.get(day), _fresh_from(day, fresh_today))]


def _fresh_from(day: date, fresh_today: timedelta) -> datetime:
    return timezone.now() - (fresh_today if day == today() else FRESH)


def _is_stale(day: date, made_at: datetime | None, fresh_from: datetime) -> bool:
    if made_at is None:
        return True
    settled = made_at >= _start(day) + timedelta(days=1) + SETTLES_AFTER
    # Counted again, it would be without what was deleted since.
    return not _may_be_deleted(day) and not settled and made_at < fresh_from


def _may_be_deleted(day: date) -> bool:
    return _start(day) < timezone.now() - conf.current().retention


def _first_day() -> date | None:
    """Return the day of the oldest challenge: nothing is known of those before it."""
    first = Challenge.objects.using(database()).order_by("pk").values_list("pk", flat=True).first()
    return moment_of(first).date() if first else None


def _is_quick(day: date) -> bool:
    start = _start(day)
    rows = Challenge.objects.using(database()).filter(
        pk__gte=first_uuid7(start), pk__lt=first_uuid7(start + timedelta(days=1))
    )
    return len(rows.order_by("pk").values_list("pk")[QUICK : QUICK + 1]) == 0


def _start(day: date) -> datetime:
    return datetime.combine(day, time_of_day(), UTC)
