"""Blocking and unblocking: on the page of a challenge, on that of a block, and by what is typed into a form."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from django_phone_otp.admin.actions import Action
from django_phone_otp.admin.links import list_of
from django_phone_otp.core.numbers import TYPED_MAXIMUM
from django_phone_otp.exceptions import Invalid
from django_phone_otp.models import PREFIX_MARK, Block
from django_phone_otp.services import blocks

PERMISSION = "block_number"


def what_is_blocked(block: Block) -> str:
    """Say in words what a block holds back; one number is masked."""
    if block.is_number:
        return gettext("the number %(number)s, however it is written") % {"number": block}
    if block.value.endswith(PREFIX_MARK):
        return gettext("all numbers that begin with %(prefix)s") % {"prefix": block.value.removesuffix(PREFIX_MARK)}
    return gettext("all numbers of the region %(region)s") % {"region": block.value}


class ReasonForm(forms.Form):
    """Why something is blocked."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For whoever looks at it later. Do not write a number here."),
        max_length=blocks.REASON_MAXIMUM,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 40}),
    )

    @sensitive_variables()
    def clean_reason(self) -> str:
        """Read it."""
        try:
            return blocks.read_reason(self.cleaned_data["reason"])
        except Invalid as refusal:
            raise ValidationError([*refusal.errors["reason"]]) from None


class BlockForm(ReasonForm):
    """What is to be blocked, and why. ``row`` is the block that is meant, once the form is valid."""

    value = forms.CharField(
        label=_("Number, prefix or region"),
        help_text=_("Such as +14155550123, +1415* for all numbers that begin so, or GB."),
        max_length=TYPED_MAXIMUM,
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 40}),
    )
    field_order = ("value", "reason")
    row: Block

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Read what is meant."""
        given = self.cleaned_data
        if "value" in given and "reason" in given:
            try:
                self.row = blocks.read(given["value"], reason=given["reason"])
            except Invalid as refusal:
                raise ValidationError(dict(refusal.errors)) from None
        return given


@sensitive_variables()
def _block(number: str, reason: str) -> str:
    if blocks.block(number, reason=reason):
        return gettext("The number is blocked.")
    return gettext("It was blocked already; nothing was changed.")


@sensitive_variables()
def _unblock(value: str) -> str:
    if not blocks.unblock(value):
        return gettext("It was not blocked any more; nothing was changed.")
    # What covers a number is named to nobody: block after block of prefixes, a masked number could be read.
    wider = None if Block(value=value).is_number else blocks.find(value)
    if wider is None:
        return gettext("Its own block is gone; a wider one, if there is any, still holds.")
    # It must not look as if messages went there again.
    return gettext("Its own block is gone; it is still blocked with %(what)s.") % {"what": what_is_blocked(wider)}


OF_NUMBERS = (
    Action(
        name="block",
        permission=PERMISSION,
        label=_("Block the number"),
        question=_(
            "Send no more messages to this number, for whatever purpose? Codes that it has already go on working."
        ),
        run=lambda challenge, reason: _block(challenge.number, reason),
        form=ReasonForm,
        applies=lambda challenge: not blocks.is_stored(challenge.number),
    ),
    Action(
        name="unblock",
        permission=PERMISSION,
        label=_("Unblock the number"),
        question=_("Let messages go to this number again?"),
        run=lambda challenge: _unblock(challenge.number),
        applies=lambda challenge: blocks.is_stored(challenge.number),
    ),
)
OF_BLOCKS = (
    Action(
        name="unblock",
        permission=PERMISSION,
        label=_("Unblock"),
        question=_("Let messages go there again?"),
        run=lambda block: _unblock(block.value),
        removes=True,
    ),
)


@sensitive_post_parameters()
@sensitive_variables()
def block_view(request: HttpRequest, listing: "ModelAdmin[Any]") -> HttpResponse:
    """Ask what to block, say what that is, and do it once that was confirmed. Raises ``PermissionDenied``.

    What is typed is posted at each step, and is in no address: those are kept in logs.
    """
    if not listing.has_view_permission(request) or not may_block(request):
        raise PermissionDenied
    back = list_of(listing.admin_site.name, "block")
    form = BlockForm(request.POST or None)
    row = form.row if form.is_valid() else None
    if row is not None and blocks.is_stored(row.value):
        messages.warning(request, gettext("It was blocked already; nothing was changed."))
        return HttpResponseRedirect(back)
    if row is not None and "confirmed" in request.POST:
        # Before it is done: what cannot be written down is not done.
        listing.log_addition(request, row, gettext("Blocked"))
        blocks.put(row)
        messages.success(request, gettext("Blocked: %(what)s.") % {"what": what_is_blocked(row)})
        return HttpResponseRedirect(back)
    context = {
        **listing.admin_site.each_context(request),
        "title": _("Block a number, a prefix or a region"),
        "opts": listing.opts,
        "form": form,
        "row": row,
        "what": what_is_blocked(row) if row is not None else "",
        "back": back,
    }
    return TemplateResponse(request, "admin/phone_otp/block.html", context)


def may_block(request: HttpRequest) -> bool:
    """Tell whether this member of staff may block and unblock."""
    return request.user.has_perm(f"phone_otp.{PERMISSION}")
