"""Lists that cost the same however many rows there are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from django_phone_otp.core.identifiers import first_uuid7

# Generic for the type checker only: Django's own class takes no parameter when it runs.
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

MOST_LISTED = 10_000  # rows that a list looks at; what is older is reached by a link, never by reading millions
TIMES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


class BoundedPaginator(_Paginator):
    """Counts no further than anyone would page."""

    @cached_property
    def count(self) -> int:
        """The number of rows, up to ``MOST_LISTED``."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[:MOST_LISTED].count()


class WindowedChangeList(ChangeList):
    """Looks at the newest ``MOST_LISTED`` rows, or those before a row or within a time; filters choose among these.

    A filter for something rare would else read the whole table for one page. Rows that are named by what an
    index finds, through a filter that is ``exact``, are shown whatever their age.
    """

    oldest: UUID | None = None
    """The row at which the window ends; None where nothing older is left."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Return the rows of the window that the filters let through.

        Raises ``IncorrectLookupParameters``: the list then says so, or shows everything.
        """
        if any("\0" in value for value in request.GET.values()):  # PostgreSQL has no text with it, and would say so
            raise IncorrectLookupParameters
        rows = self._between(request)
        self.root_queryset = rows if self._is_exact(request) else self._window(rows)
        return super().get_queryset(request, exclude_parameters)

    def windows(self, request: HttpRequest) -> Iterator[QuerySet[Any]]:
        """Return all that the filters let through, window after window, newest first, however old it is.

        What the filters ask for is found out now; each window is looked for when it is its turn, and its
        rows are read by whoever takes it.
        """
        rows = self._between(request)
        self.root_queryset = rows
        passed = super().get_queryset(request).order_by("-pk")  # an address may ask for another order
        return iter([passed]) if self._is_exact(request) else self._windows_of(rows, passed)

    def window_from(self, rows: QuerySet[Any], oldest: UUID) -> QuerySet[Any]:
        """Return the rows from ``oldest`` on."""
        return rows.filter(pk__gte=oldest)

    def _is_exact(self, request: HttpRequest) -> bool:
        exact = {getattr(each, "parameter_name", "") for each in self.list_filter if getattr(each, "exact", False)}
        return any(request.GET.get(name) for name in exact)

    def _between(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows before the row, and within the time, that the address names."""
        rows: QuerySet[Any] = self.model_admin.get_queryset(request)  # the root may be a window already
        before, time = uuid_or_none(request.GET.get("before", "")), TIMES.get(request.GET.get("time", ""))
        if before:
            rows = rows.filter(pk__lt=before)
        if time:
            rows = rows.filter(pk__gte=first_uuid7(timezone.now() - time))
        return rows

    def _window(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        self.oldest = _end_of_window(rows)
        return rows if self.oldest is None else self.window_from(rows, self.oldest)

    def _windows_of(self, rows: QuerySet[Any], passed: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
        left, shown = rows, passed
        while (oldest := _end_of_window(left)) is not None:
            yield self.window_from(shown, oldest)
            # Of all rows, not of those that were left: every condition of before would stay in the query.
            left, shown = rows.filter(pk__lt=oldest), passed.filter(pk__lt=oldest)
        yield shown


def _end_of_window(rows: QuerySet[Any]) -> UUID | None:
    """Return the oldest of the newest ``MOST_LISTED`` rows, or None where nothing older is left."""
    # By primary key, which sorts by time and is the only index that every list shares.
    last = rows.order_by("-pk").values_list("pk", flat=True)[MOST_LISTED - 1 : MOST_LISTED + 1]
    ends = list(last)
    return ends[0] if len(ends) == 2 else None


def uuid_or_none(text: str) -> UUID | None:
    """Return the UUID that ``text`` is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
