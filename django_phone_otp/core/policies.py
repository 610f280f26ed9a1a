"""What a project decided: purposes, routes, vendor accounts, the message's names, test numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django_phone_otp.core.statuses import DeliveryStatus


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One alias of ``BACKENDS``: the dotted path of a class, and its keyword arguments."""

    path: str
    options: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a number is verified, with what it overrides."""

    name: str
    registered_only: bool
    code_length: int
    code_ttl: timedelta
    max_attempts: int
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """An ordered list of aliases for a kind of number; an empty set means any."""

    backends: tuple[str, ...]
    regions: frozenset[str]
    channels: frozenset[str]
    purposes: frozenset[str]

    def matches(self, *, region: str, channel: str, purpose: str) -> bool:
        """Tell whether this route takes such a message."""
        asked = ((self.regions, region), (self.channels, channel), (self.purposes, purpose))
        return all(not allowed or value in allowed for allowed, value in asked)


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """What the message text names: the app, the web domain or the Android app that may read the code."""

    app_name: str
    domain: str | None
    android_app_hash: str | None


@dataclass(frozen=True, slots=True)
class TestNumber:
    """A number that never reaches a vendor: its code, its delivery's scripted end, and its last day."""

    __test__ = False  # pytest would collect it

    code: str = field(repr=False)
    outcome: DeliveryStatus
    until: date
    allow_in_production: bool
