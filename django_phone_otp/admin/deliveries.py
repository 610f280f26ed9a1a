"""Deliveries in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_phone_otp.admin.filters import AliasFilter, ChannelFilter
from django_phone_otp.admin.readonly import ReadOnlyAdmin, unbroken
from django_phone_otp.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Each hand-over of a message to a vendor, and what became of it."""

    list_display = ("queued_at", "shown_number", "purpose", "channel", "alias", "status", "reason", "segments")
    list_filter = ("status", AliasFilter, ChannelFilter)
    list_select_related = ("challenge",)
    ordering = ("-pk",)
    fields = (
        "id",
        "shown_challenge",
        "shown_number",
        "purpose",
        "channel",
        "alias",
        "status",
        "vendor_id",
        "vendor_code",
        "reason",
        "segments",
        "queued_at",
        "updated_at",
    )

    @admin.display(description=_("number"))
    def shown_number(self, delivery: Delivery) -> str:
        """The masked number."""
        return unbroken(delivery.challenge.masked_number)

    @admin.display(description=_("purpose"))
    def purpose(self, delivery: Delivery) -> str:
        """Why the number is verified."""
        return delivery.challenge.purpose

    @admin.display(description=_("challenge"))
    def shown_challenge(self, delivery: Delivery) -> str:
        """A link to the challenge."""
        url = reverse(
            "admin:phone_otp_challenge_change", args=[delivery.challenge_id], current_app=self.admin_site.name
        )
        return format_html('<a href="{}">{}</a>', url, delivery.challenge)
