"""The statistics page: it stands where the list of the days' figures would be."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_phone_otp.admin.charts import Chart, Series
from django_phone_otp.models import DailyFigures
from django_phone_otp.services import stats
from django_phone_otp.services.stats import DAY, DIMENSIONS, Line, Statistics

# Generic for the type checker only: Django's own class takes no parameter when it runs.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[DailyFigures]
else:
    _ModelAdmin = admin.ModelAdmin

SPANS = (7, 30, 90, 365)  # days
USUAL_SPAN = 30
DAYS_AS_THEY_ARE = 31  # more are drawn week by week
LINES_SHOWN = 100  # of regions and days there are more than anybody reads
_WORDS = {
    "alias": gettext_lazy("alias"),
    "region": gettext_lazy("region"),
    "purpose": gettext_lazy("purpose"),
    "channel": gettext_lazy("channel"),
    DAY: gettext_lazy("day"),
}


class Choice(NamedTuple):
    """A link that changes what is shown."""

    words: Any
    url: str
    is_chosen: bool = False


class Asked(NamedTuple):
    """What the address asks for."""

    days: int
    by: str
    only: dict[str, str]

    @classmethod
    def from_request(cls, request: HttpRequest) -> "Asked":
        """Read it; what makes no sense is as if it were not there."""
        days, by = request.GET.get("days", ""), request.GET.get("by", "")
        only = {name: request.GET[name][:32] for name in DIMENSIONS if name in request.GET}
        spans = {str(span): span for span in SPANS}
        return cls(spans.get(days, USUAL_SPAN), by if by in _WORDS else DIMENSIONS[0], only)

    def but(self, **changes: Any) -> str:
        """Return the address of the same with ``changes``; None takes something away."""
        query = {"days": self.days, "by": self.by, **self.only, **changes}
        return f"?{urlencode({name: value for name, value in query.items() if value is not None})}"

    def narrowed_to(self, line: Line) -> str:
        """Return the address of what one line is about; ``""`` for a day, which nothing can be narrowed to."""
        return "" if self.by == DAY else self.but(**{self.by: line.name})


@admin.register(DailyFigures)
class StatisticsAdmin(_ModelAdmin):
    """What was sent, what arrived and what was verified."""

    def get_urls(self) -> list[Any]:
        """One page, and nothing to add, change or delete."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.page), name=name)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds figures by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes figures by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes figures by hand."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the figures of some days, told apart by what was chosen."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = Asked.from_request(request)
        read = stats.read(asked.days, asked.by, asked.only)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Statistics"),
            "opts": self.opts,
            "read": read,
            "spans": [Choice(_span(span), asked.but(days=span), span == asked.days) for span in SPANS],
            "dimensions": [Choice(_WORDS[name], asked.but(by=name), name == asked.by) for name in _WORDS],
            "narrowed": [
                Choice(f"{_WORDS[name]}: {value or '-'}", asked.but(**{name: None}))
                for name, value in asked.only.items()
            ],
            "dimension": _WORDS[asked.by],
            "lines": [(_row(line), asked.narrowed_to(line)) for line in read.lines[:LINES_SHOWN]],
            "hidden": max(0, len(read.lines) - LINES_SHOWN),
            "total": _row(read.total),
            "charts": _charts(read, asked.days),
            "reasons": read.total.reasons.most_common(LINES_SHOWN),
            "refused": read.refused.most_common(),
        }
        return TemplateResponse(request, "admin/phone_otp/statistics.html", context)


def _span(days: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def _row(line: Line) -> dict[str, Any]:
    """Return what a line of the table shows, in words."""
    return {
        "name": line.name or "-",
        "challenges": line.challenges,
        "messages": line.messages,
        "delivery_rate": _percent(line.delivery_rate),
        "verification_rate": _percent(line.verification_rate),
        "to_deliver": _times(line, "deliver"),
        "to_verify": _times(line, "verify"),
        "cost": _money(line.cost, 2),
        "cost_per_verification": _money(line.cost_per_verification, 4),
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _times(line: Line, what: str) -> str:
    """Return the median and the 95th percentile."""
    median, most = line.seconds_to(what, 0.5), line.seconds_to(what, 0.95)
    return "-" if median is None or most is None else f"{_duration(median)} / {_duration(most)}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{_two_digits(seconds)} s"
    return f"{_two_digits(seconds / 60)} min" if seconds < 100 * 60 else f"{_two_digits(seconds / 3600)} h"


def _two_digits(amount: float) -> str:
    """Round no further than the figures are exact."""
    return f"{amount:.1f}" if amount < 10 else f"{amount:.0f}"


def _money(amount: Decimal | None, places: int) -> str:
    return "-" if amount is None else f"{amount:,.{places}f}"


def _charts(read: Statistics, days: int) -> list[Chart]:
    days_each = 1 if days <= DAYS_AS_THEY_ARE else 7
    lines = stats.merge(read.days, days_each)
    labels = [line.name[5:] if days_each == 1 else line.name for line in lines]
    rest = [line.messages - line.delivered for line in lines]
    return [
        Chart(
            _("Messages"),
            labels,
            [
                Series(_("Delivered"), "first", [line.delivered for line in lines]),
                Series(_("not, or not known"), "second", rest),
            ],
            stacked=True,
        ),
        Chart(
            _("Rates"),
            labels,
            [
                Series(_("Delivered"), "first", [_hundredths(line.delivery_rate) for line in lines]),
                Series(_("Verified"), "second", [_hundredths(line.verification_rate) for line in lines]),
            ],
            unit="%",
        ),
        *(_chart_of_times(title, what, lines, labels) for title, what in _timed()),
    ]


def _timed() -> list[tuple[str, str]]:
    return [(_("Time to deliver"), "deliver"), (_("Time to verify"), "verify")]


def _chart_of_times(title: str, what: str, lines: list[Line], labels: list[str]) -> Chart:
    series = [
        Series(_("median"), "first", [line.seconds_to(what, 0.5) for line in lines]),
        Series(_("95th percentile"), "second", [line.seconds_to(what, 0.95) for line in lines]),
    ]
    return Chart(title, labels, series, unit=" s")


def _hundredths(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
