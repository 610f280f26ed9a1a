"""A person's verified numbers, for the page of a user in a project's own admin."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from django_phone_otp.admin.readonly import ReadOnlyInline, unbroken
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.phones import unbind

# Generic for the type checker only: Django's own class takes no parameter when it runs.
if TYPE_CHECKING:
    from django.http import HttpRequest

    _FormSet = BaseInlineFormSet[Any, Any, Any]
else:
    _FormSet = BaseInlineFormSet


class _Unbinding(_FormSet):
    def delete_existing(self, obj: VerifiedPhone, commit: bool = True) -> None:
        """Unverify: whoever proved the number before must prove it again."""
        if commit:
            unbind(obj.user, obj.number)


class VerifiedPhoneInline(ReadOnlyInline):
    """The numbers of a user, masked, with when each was verified.

    Whoever may delete verified phones may unverify a number by the box beside it; nothing can be added or
    changed by hand, since a number is the person's only when a code was entered.
    """

    model = VerifiedPhone
    formset = _Unbinding
    fields = readonly_fields = ("shown_number", "verified_at")
    ordering = ("-verified_at", "-pk")
    can_delete = True

    def has_view_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Whoever may see verified phones sees them here."""
        return request.user.has_perm("phone_otp.view_verifiedphone") or self.has_delete_permission(request, obj)

    def has_delete_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Whoever may delete verified phones may unverify."""
        return request.user.has_perm("phone_otp.delete_verifiedphone")

    @admin.display(description=_("number"))
    def shown_number(self, phone: VerifiedPhone) -> str:
        """The masked number."""
        return unbroken(str(phone))
