"""What staff do to many rows of a list at once: those that are ticked, after a question, one after the other."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.admin.actions import Action, Outcome
from django_phone_otp.admin.lists import uuid_or_none
from django_phone_otp.exceptions import PhoneOTPError

if TYPE_CHECKING:
    from django_phone_otp.admin.readonly import ReadOnlyAdmin

MOST_TICKED = 50  # rows: what one page of a list shows
PATIENCE = 10  # seconds that somebody before a page waits; no row is begun after them


@sensitive_variables()
def many_view(listing: "ReadOnlyAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether what was chosen for ticked rows is meant, and do it when that was said.

    Raises ``PermissionDenied``, at the question as at the answer.
    """
    action = next((each for each in listing.list_actions if each.name == request.POST.get("action")), None)
    if not listing.has_view_permission(request) or (action and not action.is_for(request)):
        raise PermissionDenied
    ticked = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
    refusal = _refusal(request, action, len(ticked))
    if action is None or refusal:
        messages.warning(request, refusal)
        return HttpResponseRedirect(request.get_full_path())
    keys = [key for key in map(uuid_or_none, ticked) if key]
    # Whatever the filters of the list say: a row that has ended meanwhile is to be counted, not passed over.
    found = listing.get_queryset(request).filter(pk__in=keys)
    if isinstance(listing.list_select_related, tuple):  # without a field it would be none, or all
        found = found.select_related(*listing.list_select_related)
    rows = list(found)
    possible = [row for row in rows if action.applies(row)]
    others = len(ticked) - len(possible)
    if possible and "confirmed" not in request.POST:
        return _question(listing, request, action, possible, others)
    outcomes = Counter({Outcome.GONE: others})
    outcomes.update(_carry_out(listing, request, action, possible))
    _tell(request, outcomes)
    return HttpResponseRedirect(request.get_full_path())


def _refusal(request: HttpRequest, action: Action | None, ticked: int) -> str:
    """Return in words why nothing is done, or ``""``."""
    if request.POST.get("select_across", "0") not in {"0", ""}:
        return gettext("Only rows that are ticked on one page can be chosen. Nothing was done.")
    if action is None:
        return gettext("No action was chosen. Nothing was done.")
    if not ticked:
        return gettext("No row was ticked. Nothing was done.")
    if ticked > MOST_TICKED:
        return gettext("At most %(count)s rows can be chosen at once. Nothing was done.") % {"count": MOST_TICKED}
    return ""


@sensitive_variables()
def _question(
    listing: "ReadOnlyAdmin", request: HttpRequest, action: Action, possible: list[Any], others: int
) -> HttpResponse:
    context = {
        **listing.admin_site.each_context(request),
        "title": action.label,
        "opts": listing.opts,
        "action": action,
        "rows": possible,
        "others": others,
        "ticked": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox": ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/phone_otp/many.html", context)


@sensitive_variables()
def _carry_out(listing: "ReadOnlyAdmin", request: HttpRequest, action: Action, possible: list[Any]) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    end = time.monotonic() + PATIENCE
    for row in possible:
        outcomes[_do(listing, request, action, row) if time.monotonic() < end else Outcome.LEFT] += 1
    return outcomes


@sensitive_variables()
def _do(listing: "ReadOnlyAdmin", request: HttpRequest, action: Action, row: Any) -> Outcome:
    # Before it is done: what cannot be written down is not done.
    listing.log_change(request, row, str(action.label))
    try:
        return action.on_many(row) if action.on_many else Outcome.GONE
    except PhoneOTPError:
        return Outcome.FAILED


def _tell(request: HttpRequest, outcomes: Counter[Outcome]) -> None:
    words = {
        Outcome.DONE: gettext("%(count)s done"),
        Outcome.GONE: gettext("%(count)s not possible any more"),
        Outcome.FAILED: gettext("%(count)s failed, which can be tried again later"),
        Outcome.LEFT: gettext("%(count)s left, because there was no time for more"),
    }
    said = ", ".join(each % {"count": outcomes[outcome]} for outcome, each in words.items() if outcomes[outcome])
    all_done = outcomes[Outcome.DONE] == outcomes.total()
    messages.add_message(request, messages.SUCCESS if all_done else messages.WARNING, said)
