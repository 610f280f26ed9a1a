"""Deliveries in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_phone_otp.admin.filters import AliasFilter, ChannelFilter
from django_phone_otp.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, unbroken
from django_phone_otp.models import Delivery, DeliveryReceipt


class ReceiptInline(ReadOnlyInline):
    """What the vendor said later."""

    model = DeliveryReceipt
    fields = readonly_fields = ("received_at", "at", "status", "reason", "raw")
    ordering = ("pk",)


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
        "price",
        "shown_latency",
        "queued_at",
        "sent_at",
        "delivered_at",
        "poll_at",
        "updated_at",
    )
    inlines = (ReceiptInline,)

    @admin.display(description=_("answered after"))
    def shown_latency(self, delivery: Delivery) -> str:
        """How long the vendor took to answer."""
        return "-" if delivery.latency is None else f"{delivery.latency / 1000:.3f} s"

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
