"""What staff may do to one row: each needs a permission of its own, is confirmed, and is written to the admin's log."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.admin.links import list_of, url_of
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import PhoneOTPError
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import opening, polling, unlocking


class Outcome(StrEnum):
    """What came of one row of many."""

    DONE = "done"
    GONE = "gone"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that may be done to a row.

    ``run`` does it, and returns words on what came of it. With ``shows``, they are for this one answer alone.
    With ``on_many``, it may be done to many rows of a list too; that does it to one of them.
    With ``removes``, the row is gone afterwards. ``form`` asks for more than a yes; ``run`` gets that by name.
    """

    name: str
    permission: str
    label: Any
    question: Any
    run: Callable[..., str]
    applies: Callable[[Any], bool] = lambda _row: True
    shows: bool = False
    on_many: Callable[[Any], Outcome] | None = None
    removes: bool = False
    form: type[forms.Form] = forms.Form

    def is_for(self, request: HttpRequest) -> bool:
        """Tell whether this member of staff may do it."""
        return request.user.has_perm(f"phone_otp.{self.permission}")


def _cancel(challenge: Challenge) -> str:
    done = opening.cancel_pending(challenge.pk)
    return gettext("The challenge is canceled.") if done else gettext("It had ended meanwhile; nothing was changed.")


def _cancel_one(challenge: Challenge) -> Outcome:
    return Outcome.DONE if opening.cancel_pending(challenge.pk) else Outcome.GONE


def _unlock(challenge: Challenge) -> str:
    count = unlocking.unlock(challenge.number)
    words = ngettext(
        "The number is unlocked; %(count)s challenge counts no more.",
        "The number is unlocked; %(count)s challenges count no more.",
        count,
    )
    return words % {"count": count}


def _ask(delivery: Delivery) -> str:
    answers = {
        polling.Answer.MOVED: gettext("The vendor answered with something new."),
        polling.Answer.SAME: gettext("The vendor answered with nothing new."),
        polling.Answer.FAILED: gettext("The vendor gave no answer that can be used. Try again later."),
    }
    return answers[polling.ask(delivery)]


def _ask_one(delivery: Delivery) -> Outcome:
    return Outcome.FAILED if polling.ask(delivery) == polling.Answer.FAILED else Outcome.DONE


OF_CHALLENGES = (
    Action(
        name="reveal",
        permission="reveal_number",
        label=_("Show the number"),
        question=_("Show the full number? That you did is written to the log."),
        run=lambda challenge: str(challenge.number),
        shows=True,
    ),
    Action(
        name="cancel",
        permission="cancel_challenge",
        label=_("Cancel the challenge"),
        question=_("Cancel this challenge? Its code will not work any more."),
        run=_cancel,
        applies=lambda challenge: challenge.state == ChallengeStatus.PENDING,
        on_many=_cancel_one,
    ),
    Action(
        name="unlock",
        permission="unlock_number",
        label=_("Unlock the number"),
        question=_(
            "Give this number its guesses and messages back? Only when you know by other means that the person is "
            "the right one: it lifts what protects the number from guessing. Pending challenges are canceled."
        ),
        run=_unlock,
    ),
)
OF_DELIVERIES = (
    Action(
        name="ask",
        permission="poll_delivery",
        label=_("Ask the vendor now"),
        question=_("Ask the vendor what became of this message?"),
        run=_ask,
        applies=polling.can_ask,
        on_many=_ask_one,
    ),
)


@sensitive_variables()
def action_view(listing: "ModelAdmin[Any]", request: HttpRequest, object_id: str, action: Action) -> HttpResponse:
    """Ask whether ``action`` is meant, and do it when that was said. Raises ``PermissionDenied`` or ``Http404``."""
    row = listing.get_object(request, unquote(object_id))
    if not listing.has_view_permission(request, row) or not action.is_for(request):
        raise PermissionDenied
    if row is None:
        raise Http404
    site, model = listing.admin_site.name, str(listing.opts.model_name)
    back = url_of(site, model, "change", row.pk)
    if not action.applies(row):
        messages.warning(request, gettext("This is not possible any more."))
        return HttpResponseRedirect(back)
    shown, form = "", action.form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        shown = _carry_out(listing, request, row, action, form.cleaned_data)
        if not shown:
            return HttpResponseRedirect(list_of(site, model) if action.removes else back)
    context = {
        **listing.admin_site.each_context(request),
        "title": action.label,
        "opts": listing.opts,
        "row": row,
        "action": action,
        "back": back,
        "shown": shown,
        "form": form,
    }
    return TemplateResponse(request, "admin/phone_otp/action.html", context)


@sensitive_variables()
def _carry_out(
    listing: "ModelAdmin[Any]", request: HttpRequest, row: Any, action: Action, given: dict[str, Any]
) -> str:
    """Do it, and tell what came of it; return what is for this one answer alone, or ``""``."""
    # Before it is done: what cannot be written down is not done.
    listing.log_change(request, row, str(action.label))
    try:
        words = action.run(row, **given)
    except PhoneOTPError as refusal:
        messages.error(request, str(refusal))
        return ""
    if action.shows:
        return words
    messages.success(request, words)
    return ""
