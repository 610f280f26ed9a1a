"""An admin that shows and never changes."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# Generic for the type checker only: Django's own classes take no parameter when they run.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _Paginator = Paginator

MOST_LISTED = 10_000  # rows; more are reached by filters, never by counting a table of millions


class BoundedPaginator(_Paginator):
    """Counts no further than anyone would page."""

    @cached_property
    def count(self) -> int:
        """The number of rows, up to ``MOST_LISTED``."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[:MOST_LISTED].count()


class ReadOnlyAdmin(_ModelAdmin):
    """Lists and shows rows; nothing can be added, changed or deleted by hand."""

    show_full_result_count = False
    paginator = BoundedPaginator
    actions = None
    sortable_by = ()  # by time, through the primary key; any other order would sort the whole table
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow what the filters of these lists ask, and no more: ``?number__startswith=`` would unmask a number."""
        return lookup in {getattr(each, "parameter_name", f"{each}__exact") for each in self.list_filter}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes a row by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes a row by hand; ``clearotp`` does."""
        return False


class ReadOnlyInline(_TabularInline):
    """Shows the rows that belong to one; nothing can be added, changed or deleted by hand."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may see the row may see what belongs to it: there is no list of its own to protect."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes a row by hand."""
        return False


def unbroken(masked: str) -> str:
    """Return a masked number that stays on one line."""
    return masked.replace(" ", "\N{NO-BREAK SPACE}")
