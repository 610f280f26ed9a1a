"""Challenges in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_phone_otp.admin.actions import OF_CHALLENGES
from django_phone_otp.admin.blocking import OF_NUMBERS
from django_phone_otp.admin.filters import (
    BeforeFilter,
    ChannelFilter,
    NumberFilter,
    PurposeFilter,
    RegionFilter,
    StateFilter,
    TimeFilter,
    UserFilter,
)
from django_phone_otp.admin.links import list_of, may_see, url_of_user
from django_phone_otp.admin.readonly import ReadOnlyAdmin, unbroken
from django_phone_otp.admin.sheets import CHALLENGES
from django_phone_otp.admin.timeline import timeline_of
from django_phone_otp.core.lanes import KNOWN
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.phones import find_owner
from django_phone_otp.services.unlocking import SET_ASIDE


@admin.register(Challenge)
class ChallengeAdmin(ReadOnlyAdmin):
    """Who was asked to prove which number, and how it went."""

    list_display = ("created_at", "shown_number", "region", "purpose", "channel", "shown_status", "shown_attempts")
    list_filter = (
        NumberFilter,
        UserFilter,
        BeforeFilter,
        TimeFilter,
        StateFilter,
        PurposeFilter,
        RegionFilter,
        ChannelFilter,
    )
    change_form_template = "admin/phone_otp/challenge.html"
    row_actions = (*OF_CHALLENGES, *OF_NUMBERS)
    sheet = CHALLENGES
    ordering = ("-pk",)  # by time, through the primary key
    fields = (
        "id",
        "shown_number",
        "region",
        "purpose",
        "channel",
        "language",
        "shown_status",
        "shown_attempts",
        "streak",
        "shown_lane",
        "messages",
        "decoy",
        "created_at",
        "expires_at",
        "resend_at",
        "closed_at",
        "redeemed_at",
    )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show what became of the challenge, and what else there is about its number."""
        challenge: Challenge = kwargs["obj"]
        site = self.admin_site.name
        owner, sees_messages = find_owner(challenge.number), may_see(request, Delivery)
        context |= {
            "timeline": timeline_of(challenge, site, linked=sees_messages),
            "challenges_url": list_of(site, "challenge", number_of=challenge.pk),
            "deliveries_url": list_of(site, "delivery", number_of=challenge.pk) if sees_messages else "",
            "owner": owner,
            "owner_url": url_of_user(site, request, owner) if owner else "",
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("number"))
    def shown_number(self, challenge: Challenge) -> str:
        """The masked number."""
        return unbroken(challenge.masked_number)

    @admin.display(description=_("asked for by"))
    def shown_lane(self, challenge: Challenge) -> str:
        """Whether a known browser asked, or a stranger; and whether staff unlocked the number since."""
        known = challenge.lane.endswith(KNOWN)
        asker = gettext("a browser that is known for this number") if known else gettext("a stranger")
        if challenge.lane.startswith(SET_ASIDE):
            return gettext("%(asker)s; set aside when the number was unlocked") % {"asker": asker}
        return asker

    @admin.display(description=_("status"))
    def shown_status(self, challenge: Challenge) -> str:
        """The state now, ``expired`` included."""
        return challenge.status_at(timezone.now())

    @admin.display(description=_("attempts"))
    def shown_attempts(self, challenge: Challenge) -> str:
        """How many guesses of how many."""
        return f"{challenge.attempts}/{challenge.max_attempts}"
