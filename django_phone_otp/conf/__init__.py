"""The ``PHONE_OTP`` setting: read once, typed, checked, and read anew when tests override it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from django_phone_otp.conf import challenges, traffic
from django_phone_otp.conf.defaults import ATTEMPTS_CEILING, DEFAULTS, INLINE_DISPATCHER, SETTING
from django_phone_otp.conf.values import SettingError, duration, unknown
from django_phone_otp.core.addresses import Network
from django_phone_otp.core.keys import KeyRing
from django_phone_otp.core.numbers import ANY_REGION
from django_phone_otp.core.policies import BackendSettings, MessageSettings, MoneyBudget, Purpose, Route, TestNumber
from django_phone_otp.core.rates import Rate

__all__ = [
    "ATTEMPTS_CEILING",
    "DEFAULTS",
    "INLINE_DISPATCHER",
    "SETTING",
    "PhoneOTPSettings",
    "SettingError",
    "current",
    "describe",
    "read",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class PhoneOTPSettings:
    """All of ``PHONE_OTP``, checked and with every default filled in."""

    backends: Mapping[str, BackendSettings]
    routes: tuple[Route, ...]
    purposes: Mapping[str, Purpose]
    channels: tuple[str, ...]
    regions: frozenset[str]
    default_region: str | None
    denied_prefixes: tuple[str, ...]
    resend_after: tuple[int, ...]
    limits: Mapping[str, tuple[Rate, ...]]
    challenge_hook: str | None
    budget: MoneyBudget
    trusted_proxies: tuple[Network, ...]
    keys: KeyRing
    token_ttl: timedelta
    user_field: str | None
    message: MessageSettings
    dispatcher: str
    test_numbers: Mapping[str, TestNumber] = field(repr=False)
    retention: timedelta

    def allows_region(self, region: str) -> bool:
        """Tell whether messages may go to ``region``; an empty ``REGIONS`` is an error only for ``check --deploy``."""
        return not self.regions or ANY_REGION in self.regions or region in self.regions


_current: PhoneOTPSettings | None = None


def current() -> PhoneOTPSettings:
    """Return the settings in force.

    Raises ``ImproperlyConfigured`` with the first problem that ``manage.py check`` would report.
    """
    global _current
    if _current is None:
        values, problems = read()
        if problems:
            key, message = next(iter(problems.items()))
            raise ImproperlyConfigured(describe(key, message))
        _current = _build(values)
    return _current


def read() -> tuple[dict[str, Any], dict[str, str]]:
    """Read every key of ``PHONE_OTP``: the typed values, and the problems by key (``""`` for the dict itself)."""
    given = getattr(settings, SETTING, {})
    if not isinstance(given, Mapping):
        return {}, {"": "must be a dict"}
    values: dict[str, Any] = {}
    problems: dict[str, str] = {str(key): unknown(key, DEFAULTS) for key in given if key not in DEFAULTS}
    for key, reader in _READERS.items():
        try:
            values[key] = reader(given.get(key, DEFAULTS[key]), values)
        except SettingError as problem:
            problems[key] = str(problem)
    return values, problems


def describe(key: str, message: str) -> str:
    """Return the sentence about a problem of ``key``, or of the dict itself for ``""``."""
    return f"{SETTING}[{key!r}]: {message}" if key else f"{SETTING}: {message}"


def _build(values: dict[str, Any]) -> PhoneOTPSettings:
    renamed = {key.lower(): value for key, value in values.items()}
    defaults_of_purposes = {key.lower() for key in challenges.OF_PURPOSE}
    return PhoneOTPSettings(**{key: value for key, value in renamed.items() if key not in defaults_of_purposes})


_READERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "BACKENDS": traffic.read_backends,
    "CHANNELS": traffic.read_channels,
    "REGIONS": traffic.read_regions,
    "DEFAULT_REGION": traffic.read_default_region,
    "DENIED_PREFIXES": traffic.read_denied_prefixes,
    **challenges.OF_PURPOSE,
    "LIMITS": traffic.read_limits,
    "PURPOSES": challenges.read_purposes,
    "ROUTES": traffic.read_routes,
    "RESEND_AFTER": challenges.read_resend_after,
    "CHALLENGE_HOOK": challenges.read_hook,
    "BUDGET": traffic.read_budget,
    "TRUSTED_PROXIES": traffic.read_trusted_proxies,
    "KEYS": challenges.read_keys,
    "TOKEN_TTL": duration,
    "USER_FIELD": challenges.read_user_field,
    "MESSAGE": challenges.read_message,
    "DISPATCHER": traffic.read_dispatcher,
    "TEST_NUMBERS": challenges.read_test_numbers,
    "RETENTION": challenges.read_retention,
}


def _forget(*, setting: str, **_: Any) -> None:
    global _current
    if setting in {SETTING, "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _current = None


setting_changed.connect(_forget, dispatch_uid="django_phone_otp.conf")
