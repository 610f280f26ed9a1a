"""Blocks in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from django_phone_otp.admin.blocking import OF_BLOCKS, block_view, may_block
from django_phone_otp.admin.filters import BeforeFilter, TimeFilter
from django_phone_otp.admin.links import list_of, url_of
from django_phone_otp.admin.readonly import ReadOnlyAdmin, unbroken
from django_phone_otp.exceptions import Invalid
from django_phone_otp.models import Block
from django_phone_otp.services import blocks


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    """What gets no message, because staff said so."""

    list_display = ("shown_value", "reason", "created_at")
    list_filter = (BeforeFilter, TimeFilter)
    change_list_template = "admin/phone_otp/block_list.html"
    row_actions = OF_BLOCKS
    ordering = ("-pk",)  # by time, through the primary key
    fields = ("shown_value", "reason", "created_at")

    def get_urls(self) -> list[Any]:
        """Add the form."""
        form = path("block/", self.admin_site.admin_view(self.block), name="phone_otp_block_block")
        return [form, *super().get_urls()]

    def block(self, request: HttpRequest) -> HttpResponse:
        """Block what is typed into a form."""
        return block_view(request, self)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer the form to who may block."""
        form = url_of(self.admin_site.name, "block", "block") if may_block(request) else ""
        return super().changelist_view(request, {**(extra_context or {}), "form_url": form})

    @method_decorator([require_POST, sensitive_post_parameters()])
    def search(self, request: HttpRequest) -> HttpResponse:
        """Go to the block of what is asked for, or to the narrowest one that covers the number."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = blocks.find(request.POST.get("q", ""))
        except Invalid as refusal:
            messages.warning(request, " ".join(str(text) for text in refusal.errors["value"]))
            return HttpResponseRedirect(list_of(self.admin_site.name, "block"))
        if found is None:
            messages.warning(request, gettext("This is not blocked."))
            return HttpResponseRedirect(list_of(self.admin_site.name, "block"))
        return HttpResponseRedirect(url_of(self.admin_site.name, "block", "change", found.pk))

    @admin.display(description=_("what is blocked"))
    def shown_value(self, block: Block) -> str:
        """The prefix, the region, or the masked number."""
        return unbroken(str(block))
