"""Deliveries in the admin."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.admin.actions import OF_DELIVERIES
from django_phone_otp.admin.filters import (
    AliasFilter,
    BeforeFilter,
    ChannelFilter,
    NumberFilter,
    PurposeFilter,
    RegionFilter,
    SettingFilter,
    TimeFilter,
    UserFilter,
    VendorIdFilter,
)
from django_phone_otp.admin.links import may_see, url_of
from django_phone_otp.admin.lists import WindowedChangeList
from django_phone_otp.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, unbroken
from django_phone_otp.admin.sheets import DELIVERIES
from django_phone_otp.core.identifiers import first_uuid7, moment_of
from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt

MARGIN = timedelta(hours=1)  # no message is handed over when its code has expired; this is for a queue's delay


class ReceiptInline(ReadOnlyInline):
    """What the vendor said later."""

    model = DeliveryReceipt
    fields = readonly_fields = ("received_at", "at", "status", "reason", "raw")
    ordering = ("pk",)


class DeliveryChangeList(WindowedChangeList):
    """A window of deliveries. Filters that ask their challenges look at those that can have them, and no others."""

    challenges: QuerySet[Challenge] | None = None

    def window_from(self, rows: QuerySet[Any], oldest: UUID) -> QuerySet[Any]:
        """Return the rows from ``oldest`` on."""
        life = max(purpose.code_ttl for purpose in conf.current().purposes.values()) + MARGIN
        first = first_uuid7(moment_of(oldest) - life)
        self.challenges = Challenge.objects.filter(pk__gte=first)
        return super().window_from(rows, oldest).filter(challenge_id__gte=first)

    def windows(self, request: HttpRequest) -> Iterator[QuerySet[Any]]:
        """Return all that the filters let through, however old: they look at the challenges of no window."""
        self.challenges = None
        return super().windows(request)

    def get_filters(self, request: HttpRequest) -> Any:
        """Return the filters, and tell them which challenges can matter."""
        found = super().get_filters(request)
        for each in found[0]:
            if isinstance(each, SettingFilter):
                each.challenges = self.challenges
        return found


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Each hand-over of a message to a vendor, and what became of it."""

    list_display = ("queued_at", "shown_number", "purpose", "channel", "alias", "status", "reason", "segments")
    list_filter = (
        NumberFilter,
        UserFilter,
        VendorIdFilter,
        BeforeFilter,
        TimeFilter,
        "status",
        AliasFilter,
        PurposeFilter,
        RegionFilter,
        ChannelFilter,
    )
    list_select_related = ("challenge",)
    row_actions = OF_DELIVERIES
    sheet = DELIVERIES
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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Lead to the challenge whoever may see it."""
        if may_see(request, Challenge):
            return self.fields
        return ["named_challenge" if name == "shown_challenge" else name for name in self.fields]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[WindowedChangeList]:
        """Return the list that looks at the newest rows only, and at their challenges."""
        return DeliveryChangeList

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
    def named_challenge(self, delivery: Delivery) -> str:
        """The challenge, for whoever may not see its page."""
        return str(delivery.challenge)

    @admin.display(description=_("challenge"))
    def shown_challenge(self, delivery: Delivery) -> str:
        """A link to the challenge."""
        url = url_of(self.admin_site.name, "challenge", "change", delivery.challenge_id)
        return format_html('<a href="{}">{}</a>', url, delivery.challenge)
