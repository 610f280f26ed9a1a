"""Filters by what the settings name: asking the table which values it holds would read all of it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf


class _SettingFilter(admin.SimpleListFilter):
    setting: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Return the names in the setting."""
        return [(name, name) for name in getattr(conf.current(), self.setting)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list to the choice."""
        return queryset.filter(**{self.parameter_name or "": self.value()}) if self.value() else queryset


class PurposeFilter(_SettingFilter):
    """By purpose."""

    title = _("purpose")
    parameter_name = "purpose"
    setting = "purposes"


class AliasFilter(_SettingFilter):
    """By alias."""

    title = _("alias")
    parameter_name = "alias"
    setting = "backends"


class ChannelFilter(_SettingFilter):
    """By channel."""

    title = _("channel")
    parameter_name = "channel"
    setting = "channels"
