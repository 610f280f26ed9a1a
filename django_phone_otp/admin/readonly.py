"""An admin that shows and never changes."""

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from django_phone_otp.admin.actions import Action, action_view
from django_phone_otp.admin.exports import export_view
from django_phone_otp.admin.links import url_of
from django_phone_otp.admin.lists import BoundedPaginator, WindowedChangeList
from django_phone_otp.admin.many import MOST_TICKED, many_view
from django_phone_otp.admin.search import search_view
from django_phone_otp.admin.sheets import Sheet

# Generic for the type checker only: Django's own classes take no parameter when they run.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline


class ReadOnlyAdmin(_ModelAdmin):
    """Lists and shows rows; nothing can be added, changed or deleted by hand."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # it counts for every choice of every filter
    paginator = BoundedPaginator
    change_list_template = "admin/phone_otp/change_list.html"
    change_form_template = "admin/phone_otp/change_form.html"
    row_actions: ClassVar[tuple[Action, ...]] = ()
    """What may be done to one row, beside looking at it."""
    sheet: ClassVar[Sheet | None] = None
    """What an export writes of these rows; None where there is none."""
    sortable_by = ()  # by time, through the primary key; any other order would sort the whole table
    list_per_page = list_max_show_all = MOST_TICKED

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[WindowedChangeList]:
        """Return the list that looks at the newest rows only."""
        return WindowedChangeList

    @property
    def list_actions(self) -> list[Action]:
        """Those of ``row_actions`` that may be done to many rows at once."""
        return [action for action in self.row_actions if action.on_many]

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Offer beside the list what this member of staff may do to many rows; none of the site's own actions.

        Since Django 6.1 the page of one row asks too: it has links of its own.
        """
        if getattr(action_location, "value", "CHANGE_LIST") != "CHANGE_LIST":
            return {}
        return {
            action.name: (action.on_many, action.name, action.label)
            for action in self.list_actions
            if action.is_for(request)
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or do what was chosen for rows of it."""
        if request.method == "POST":
            return many_view(self, request)
        offered = {"may_export": self.has_export_permission(request)}
        return super().changelist_view(request, {**offered, **(extra_context or {})})

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the list may export it with one more permission."""
        may = request.user.has_perm(f"phone_otp.export_{self.opts.model_name}")
        return self.sheet is not None and self.has_view_permission(request) and may

    def export(self, sheet: Sheet, request: HttpRequest) -> HttpResponseBase:
        """Export the list, after a question."""
        return export_view(self, request, sheet)

    def get_urls(self) -> list[Any]:
        """Add the search, the export and the actions."""
        name, wrap = f"phone_otp_{self.opts.model_name}", self.admin_site.admin_view
        search = path("search/", wrap(self.search), name=f"{name}_search")
        hide = sensitive_post_parameters()  # a reason may be asked for, and hold what it should not
        acts = [
            path(f"<path:object_id>/{act.name}/", wrap(hide(partial(self.act, act))), name=f"{name}_{act.name}")
            for act in self.row_actions
        ]
        sheets = [path("export/", wrap(partial(self.export, self.sheet)), name=f"{name}_export")] if self.sheet else []
        return [search, *sheets, *acts, *super().get_urls()]

    def act(self, action: Action, request: HttpRequest, object_id: str) -> HttpResponse:
        """Do one of ``row_actions`` to a row, after a question."""
        return action_view(self, request, object_id, action)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer what this member of staff may do to the row as it is now."""
        row, model = kwargs["obj"], self.opts.model_name or ""
        context["possible"] = [
            (action.label, url_of(self.admin_site.name, model, action.name, row.pk))
            for action in self.row_actions
            if action.is_for(request) and action.applies(row)
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(require_POST)
    def search(self, request: HttpRequest) -> HttpResponse:
        """Go to what staff ask for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return search_view(request, self.admin_site.name, self.opts.model_name or "")

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
