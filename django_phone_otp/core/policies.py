"""What a project decided: purposes, routes, vendor accounts, the message's names, test numbers."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django_phone_otp.core.rates import Rate
from django_phone_otp.core.statuses import DeliveryStatus

NOTICE = "notice"
"""The purpose of messages that bring no code. No purpose of a project may have this name."""


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One alias of ``BACKENDS``: the dotted path of a class, and its keyword arguments."""

    path: str
    options: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a number is verified, with what it overrides; ``limits`` has all of ``LIMITS``, its own included."""

    name: str
    registered_only: bool
    code_length: int
    code_ttl: timedelta
    max_attempts: int
    context: tuple[str, ...]
    same_browser: bool
    limits: Mapping[str, tuple[Rate, ...]]


@dataclass(frozen=True, slots=True)
class Route:
    """Aliases for a kind of number; an empty set means any.

    They are tried in order. With ``weights``, one for each alias, the order is drawn anew for every
    message; an alias of weight 0 comes after all others.
    """

    backends: tuple[str, ...]
    regions: frozenset[str]
    channels: frozenset[str]
    purposes: frozenset[str]
    weights: tuple[int, ...] = ()

    def matches(self, *, region: str, channel: str, purpose: str) -> bool:
        """Tell whether this route takes such a message."""
        return (not self.regions or region in self.regions) and self.takes(channel, purpose)

    def takes(self, channel: str, purpose: str) -> bool:
        """Tell whether this route takes such messages to some region."""
        return (not self.channels or channel in self.channels) and (not self.purposes or purpose in self.purposes)

    def order(self) -> tuple[str, ...]:
        """Return the aliases in the order in which to try them."""
        if not self.weights:
            return self.backends
        # Efraimidis and Spirakis: sorting by random() ** (1 / weight) draws without replacement by weight.
        keys = [random.random() ** (1 / weight) if weight else -1.0 for weight in self.weights]  # noqa: S311
        return tuple(alias for _, alias in sorted(zip(keys, self.backends, strict=True), key=lambda pair: -pair[0]))


@dataclass(frozen=True, slots=True)
class MoneyBudget:
    """What messages cost: the price of a segment by region, in the project's currency."""

    prices: Mapping[str, Decimal]

    def estimate(self, region: str, segments: int) -> Decimal | None:
        """Return what ``segments`` to ``region`` cost, or None when no price is known."""
        price = self.prices.get(region, self.prices.get("*"))
        return None if price is None else price * segments


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
