"""Filters by what the settings name: asking the table which values it holds would read all of it."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.admin.lists import TIMES, uuid_or_none
from django_phone_otp.core.numbers import twins
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.phones import numbers_of

_WORDS = {"hour": _("past hour"), "day": _("past day"), "week": _("past 7 days"), "month": _("past 30 days")}


def path_to(field: str, model: type[Model]) -> str:
    """Return how a query of ``model`` names a field of its own, or else of its challenge."""
    return field if any(each.name == field for each in model._meta.fields) else f"challenge__{field}"


def with_vendor_id(deliveries: QuerySet[Any], vendor_id: str | None) -> QuerySet[Any]:
    """Return those that a vendor calls so, under whatever alias: named, so that the index finds them."""
    return deliveries.filter(alias__in=list(_aliases_of_rows()), vendor_id=vendor_id)


def _aliases_of_rows() -> Iterator[str]:
    """Yield the aliases that deliveries have, those that left the settings too, by a look into the index for each."""
    alias: str | None = ""
    named = Delivery.objects.order_by("alias").values_list("alias", flat=True)
    while (alias := named.filter(alias__gt=alias).first()) is not None:
        yield alias


class SettingFilter(admin.SimpleListFilter):
    """By what the settings name. ``challenges`` are those that can matter, in a list of something that has one."""

    challenges: QuerySet[Challenge] | None = None

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Return what the settings name."""

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Return the names in the settings."""
        return [(name, name) for name in self.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the choice."""
        chosen = {str(self.parameter_name): self.value()}
        if not self.value():
            return queryset
        if path_to(str(self.parameter_name), queryset.model) in chosen:
            return queryset.filter(**chosen)
        # Not by a join: a database would look up the challenge of each row by itself.
        challenges = Challenge.objects.all() if self.challenges is None else self.challenges
        return queryset.filter(challenge__in=challenges.filter(**chosen))


class PurposeFilter(SettingFilter):
    """By purpose."""

    title = _("purpose")
    parameter_name = "purpose"

    def names(self) -> Iterable[str]:
        """The purposes of the settings."""
        return conf.current().purposes


class AliasFilter(SettingFilter):
    """By alias."""

    title = _("alias")
    parameter_name = "alias"

    def names(self) -> Iterable[str]:
        """The aliases of the settings."""
        return conf.current().backends


class ChannelFilter(SettingFilter):
    """By channel."""

    title = _("channel")
    parameter_name = "channel"

    def names(self) -> Iterable[str]:
        """The channels of the settings."""
        return conf.current().channels


class RegionFilter(SettingFilter):
    """By region: those that the settings name anywhere."""

    title = _("region")
    parameter_name = "region"

    def names(self) -> Iterable[str]:
        """The regions that messages may go to, that routes lead to, that have prices, and the default."""
        settings = conf.current()
        named = {*settings.regions, *settings.budget.prices, settings.default_region or "*"}
        named.update(region for route in settings.routes for region in route.regions)
        return named - {"*"}

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Return the names, and the choice when it was written into the address."""
        chosen = str(self.used_parameters.get("region", "")).upper()
        return [(name, name) for name in sorted({*self.names(), chosen} - {""})]

    def value(self) -> str | None:
        """The choice, however it was written."""
        chosen = super().value()
        return chosen.upper() if chosen else None


class _Listed(admin.SimpleListFilter):
    """What is not on its list is no choice."""

    def value(self) -> str | None:
        """The choice, if it is one."""
        chosen = super().value()
        return chosen if chosen in dict(self.lookup_choices) else None


class StateFilter(_Listed):
    """By the state of a challenge now; ``expired`` is stored nowhere."""

    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Return the states."""
        return [(state.value, state.value) for state in ChallengeStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the choice."""
        state, now = self.value(), timezone.now()
        if state is None:
            return queryset
        pending = Q(status=ChallengeStatus.PENDING)
        is_so = {
            ChallengeStatus.PENDING.value: pending & Q(expires_at__gt=now),
            ChallengeStatus.EXPIRED.value: pending & Q(expires_at__lte=now),
        }
        return queryset.filter(is_so.get(state, Q(status=state)))


class _OfWindow(admin.SimpleListFilter):
    """What ``WindowedChangeList`` looks at: where its window begins and ends."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave the list as it is: the window is narrowed already."""
        return queryset


class TimeFilter(_Listed, _OfWindow):
    """By age."""

    title = _("time")
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, Any]]:
        """Return the times."""
        return [(name, _WORDS[name]) for name in TIMES]


class _Named(admin.SimpleListFilter):
    """What a link or a search has put into the address; beside the list it is shown only to be taken back."""

    word: ClassVar[Any]

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, Any]]:
        """Return the choice that was made, if one was."""
        chosen = self.used_parameters.get(self.parameter_name or "")
        return [(chosen, self.word)] if chosen else []


class _Exact(_Named):
    """What an index finds: it is shown whatever its age, and no window is needed."""

    exact = True


class BeforeFilter(_Named, _OfWindow):
    """Rows before a row: where the list before this one ended."""

    title = _("older ones")
    parameter_name = "before"
    word = _("before the list you came from")


class NumberFilter(_Exact):
    """The number of a challenge, named by the challenge: no number is in an address, nor in the log of a server."""

    title = _("number")
    parameter_name = "number_of"
    word = _("this number")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the number, however it may be written."""
        pk = uuid_or_none(self.value() or "")
        number = Challenge.objects.filter(pk=pk).values_list("number", flat=True).first() if pk else None
        field = path_to("number", queryset.model)
        return queryset.filter(**{f"{field}__in": twins(number)}) if number else queryset.none()


class UserFilter(_Exact):
    """The numbers that a user has now."""

    title = _("user")
    parameter_name = "user"
    word = _("this user's numbers")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the user's numbers."""
        try:
            user = get_user_model()._default_manager.filter(pk=self.value() or "").first()
        except (ValueError, ValidationError):  # no primary key of users looks like this
            user = None
        numbers = [twin for number in (numbers_of(user) if user else []) for twin in twins(number)]
        return queryset.filter(**{f"{path_to('number', queryset.model)}__in": numbers})


class VendorIdFilter(_Exact):
    """What a vendor calls a message."""

    title = _("vendor's id")
    parameter_name = "vendor_id"

    @property
    def word(self) -> str:
        """The id itself: it names a message and nobody."""
        return str(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the id."""
        return with_vendor_id(queryset, self.value())
