"""The ``PHONE_OTP`` setting: read once, typed, checked, and read anew when tests override it."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from django_phone_otp.core import codes
from django_phone_otp.core.addresses import Network
from django_phone_otp.core.keys import KeyRing
from django_phone_otp.core.numbers import ANY_REGION, UnreadableNumber, compact_number, is_region
from django_phone_otp.core.policies import BackendSettings, MessageSettings, Purpose, Route, TestNumber
from django_phone_otp.core.rates import Rate, parse_rate
from django_phone_otp.core.statuses import DeliveryStatus

SETTING = "PHONE_OTP"
INLINE_DISPATCHER = "django_phone_otp.services.delivery.deliver"
ANY = "*"
CHANNELS = ("sms", "whatsapp", "voice")
OUTCOMES = tuple(s for s in DeliveryStatus if s not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING})
LONGEST = timedelta(days=36525)  # far beyond any use, and within what dates can be reckoned with
ATTEMPTS_CEILING = 100  # consecutive failures (NIST SP 800-63B-4 §3.2.2)

DEFAULTS: dict[str, Any] = {
    "BACKENDS": {"default": {"BACKEND": "django_phone_otp.backends.console.ConsoleBackend"}},
    "ROUTES": [],
    "PURPOSES": {"signup": {}, "login": {}, "verify": {}},
    "CHANNELS": ["sms"],
    "REGIONS": [],
    "DEFAULT_REGION": None,
    "CODE_LENGTH": 6,
    "CODE_TTL": timedelta(minutes=5),
    "MAX_ATTEMPTS": 5,
    "RESEND_AFTER": [30, 40, 60, 90, 120],
    "LIMITS": {
        "send.number": ["3/5m", "10/1d"],
        "send.ip": ["20/1h"],
        "send.account": [],
        "verify.number": ["15/1d"],
        "verify.ip": ["60/1h"],
    },
    "TRUSTED_PROXIES": [],
    "KEYS": [],
    "TOKEN_TTL": timedelta(minutes=10),
    "USER_FIELD": None,
    "MESSAGE": {"APP_NAME": "", "DOMAIN": None, "ANDROID_APP_HASH": None},
    "DISPATCHER": INLINE_DISPATCHER,
    "TEST_NUMBERS": {},
    "RETENTION": timedelta(days=30),
}


class SettingError(ValueError):
    """A setting's value is not usable. The text says what would be."""


@dataclass(frozen=True, slots=True)
class PhoneOTPSettings:
    """All of ``PHONE_OTP``, checked and with every default filled in."""

    backends: Mapping[str, BackendSettings]
    routes: tuple[Route, ...]
    purposes: Mapping[str, Purpose]
    channels: tuple[str, ...]
    regions: frozenset[str]
    default_region: str | None
    resend_after: tuple[int, ...]
    limits: Mapping[str, tuple[Rate, ...]]
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


def unknown(key: object, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return the sentence that says ``key`` is unknown and, when one is close, which name was meant."""
    close = difflib.get_close_matches(str(key).upper(), [name.upper() for name in known], n=1, cutoff=0.6)
    meant = next((name for name in known if close and name.upper() == close[0]), None)
    if meant:
        return f"unknown; did you mean {meant!r}?"
    return f"unknown; known are {', '.join(sorted(known))}" if known else "unknown; there are none"


def _build(values: dict[str, Any]) -> PhoneOTPSettings:
    renamed = {key.lower(): value for key, value in values.items()}
    defaults_of_purposes = {"code_length", "code_ttl", "max_attempts"}
    return PhoneOTPSettings(**{key: value for key, value in renamed.items() if key not in defaults_of_purposes})


def _need(condition: object, message: str) -> None:
    if not condition:
        raise SettingError(message)


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _whole(low: int, high: int) -> Callable[[Any, dict[str, Any]], int]:
    def reader(value: Any, _: dict[str, Any]) -> int:
        _need(_is_whole(value, low, high), f"must be a whole number from {low} to {high}")
        return int(value)

    return reader


def _duration(value: Any, _: dict[str, Any]) -> timedelta:
    well_formed = isinstance(value, timedelta) and timedelta(seconds=1) <= value <= LONGEST
    _need(well_formed, "must be a timedelta from a second to a hundred years")
    assert isinstance(value, timedelta)  # noqa: S101 - for the type checker
    return value


def _strings(value: Any, what: str, where: str = "") -> tuple[str, ...]:
    well_formed = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
    _need(well_formed, f"{where}must be a list of {what}")
    return tuple(value)


def _section(value: Any, known: Mapping[str, Any] | tuple[str, ...], where: str = "") -> Mapping[str, Any]:
    """Return ``value`` as a dict whose keys are all ``known``."""
    _need(isinstance(value, Mapping), f"{where}must be a dict")
    for key in value:
        _need(key in known, f"{where}{key!r} is {unknown(key, known)}")
    return dict(value)


def _names(value: Any) -> dict[str, Any]:
    _need(isinstance(value, Mapping) and value, "must be a dict with at least one entry")
    for name in value:
        well_formed = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name, re.ASCII)
        _need(well_formed, f"{name!r} is not a name: up to 32 letters, digits, - and _")
    return dict(value)


def _backends(value: Any, _: dict[str, Any]) -> dict[str, BackendSettings]:
    found = {}
    for alias, entry in _names(value).items():
        entry = _section(entry, ("BACKEND", "OPTIONS"), f"{alias!r}: ")
        path, options = entry.get("BACKEND"), entry.get("OPTIONS", {})
        _need(isinstance(path, str) and "." in path, f"{alias!r}: BACKEND must be the dotted path of a class")
        _need(isinstance(options, Mapping), f"{alias!r}: OPTIONS must be a dict")
        found[alias] = BackendSettings(str(path), dict(options))
    _need("default" in found, "must have the alias 'default', which takes what no route does")
    return found


def _channels(value: Any, _: dict[str, Any]) -> tuple[str, ...]:
    channels = _strings(value, f"channels: {', '.join(CHANNELS)}")
    _need(channels and set(channels) <= set(CHANNELS), f"must name some of {', '.join(CHANNELS)}")
    return channels


def _purposes(value: Any, values: dict[str, Any]) -> dict[str, Purpose]:
    known = ("REGISTERED_ONLY", "CODE_LENGTH", "CODE_TTL", "MAX_ATTEMPTS", "CONTEXT")
    found = {}
    for name, entry in _names(value).items():
        entry = _section(entry, known, f"{name!r}: ")
        overrides = {}
        for key in ("CODE_LENGTH", "CODE_TTL", "MAX_ATTEMPTS"):
            try:
                overrides[key.lower()] = _READERS[key](entry.get(key, values.get(key, DEFAULTS[key])), values)
            except SettingError as problem:
                raise SettingError(f"{name!r}: {key} {problem}") from None
        registered_only = entry.get("REGISTERED_ONLY", False)
        _need(isinstance(registered_only, bool), f"{name!r}: REGISTERED_ONLY must be True or False")
        context = _strings(entry.get("CONTEXT", []), "the names of fields", f"{name!r}: CONTEXT ")
        found[name] = Purpose(name, registered_only, context=context, **overrides)
    # Some databases compare without regard to case: a proof for one would be a proof for the other.
    _need(len({name.lower() for name in found}) == len(found), "has two names that differ only in case")
    return found


def _routes(value: Any, values: dict[str, Any]) -> tuple[Route, ...]:
    _need(isinstance(value, list | tuple), "must be a list of dicts")
    found = []
    for position, entry in enumerate(value):
        where = f"[{position}]: "
        entry = _section(entry, ("regions", "channels", "purposes", "backends"), where)
        backends = _strings(entry.get("backends"), "aliases", f"{where}backends ")
        _need(backends, f"{where}backends must name at least one alias")
        keys = ("regions", "channels", "purposes")
        kinds = {key: frozenset(_strings(entry.get(key, ()), key, f"{where}{key} ")) for key in keys}
        kinds = {key: frozenset() if ANY in names else names for key, names in kinds.items()}
        for known, names in (("BACKENDS", backends), ("PURPOSES", kinds["purposes"])):
            for name in names:
                _need(name in values.get(known, (name,)), f"{where}{name!r} is not in {known}")
        _need(kinds["channels"] <= set(CHANNELS), f"{where}channels must name some of {', '.join(CHANNELS)}")
        _need(all(map(is_region, kinds["regions"])), f"{where}regions must be codes such as 'IN'")
        found.append(Route(backends, **kinds))
    return tuple(found)


def _regions(value: Any, _: dict[str, Any]) -> frozenset[str]:
    regions = frozenset(_strings(value, "regions such as 'IN', or '*' for all"))
    for region in regions:
        _need(region == ANY_REGION or is_region(region), f"{region!r} is not a region: use codes such as 'IN', or '*'")
    return regions


def _default_region(value: Any, _: dict[str, Any]) -> str | None:
    _need(value is None or (isinstance(value, str) and is_region(value)), "must be a region such as 'IN', or None")
    return value if value is None else str(value)


def _resend_after(value: Any, _: dict[str, Any]) -> tuple[int, ...]:
    well_formed = isinstance(value, list | tuple) and value and all(_is_whole(item, 0, 86400) for item in value)
    _need(well_formed, "must be a list of seconds")
    return tuple(value)


def _limits(value: Any, _: dict[str, Any]) -> dict[str, tuple[Rate, ...]]:
    known = DEFAULTS["LIMITS"]
    found = {}
    for name, rates in {**known, **_section(value, known)}.items():
        try:
            found[name] = tuple(parse_rate(rate) for rate in _strings(rates, "rates such as '3/5m'"))
        except ValueError as problem:
            raise SettingError(f"{name!r}: {problem}") from None
    _need(found["verify.number"], "'verify.number' may not be empty: it is what bounds guessing")
    return found


def _trusted_proxies(value: Any, _: dict[str, Any]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item) for item in _strings(value, "networks such as '10.0.0.0/8'"))
    except ValueError as problem:
        raise SettingError(str(problem)) from None


def _keys(value: Any, _: dict[str, Any]) -> KeyRing:
    secrets = _strings(value, "secrets, newest first")
    return KeyRing(secrets or [str(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _user_field(value: Any, _: dict[str, Any]) -> str | None:
    _need(value is None or (isinstance(value, str) and value), "must be the name of the user model's field, or None")
    return value if value is None else str(value)


def _message(value: Any, _: dict[str, Any]) -> MessageSettings:
    known = DEFAULTS["MESSAGE"]
    merged = {**known, **_section(value, known)}
    name, domain, app_hash = merged["APP_NAME"], merged["DOMAIN"], merged["ANDROID_APP_HASH"]
    _need(isinstance(name, str) and name.isprintable(), "APP_NAME must be text on one line")
    host = r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*"
    _need(domain is None or (isinstance(domain, str) and re.fullmatch(host, domain)), "DOMAIN must be a host name")
    well_formed = app_hash is None or (isinstance(app_hash, str) and re.fullmatch(r"[A-Za-z0-9+/]{11}", app_hash))
    _need(well_formed, "ANDROID_APP_HASH must have 11 characters of base64")
    _need(domain is None or app_hash is None, "set DOMAIN or ANDROID_APP_HASH, not both: each wants the last line")
    return MessageSettings(name, domain, app_hash)


def _dispatcher(value: Any, _: dict[str, Any]) -> str:
    _need(isinstance(value, str) and "." in value, "must be the dotted path of a callable")
    return str(value)


def _test_numbers(value: Any, _: dict[str, Any]) -> dict[str, TestNumber]:
    _need(isinstance(value, Mapping), "must be a dict")
    found = {}
    for position, (number, entry) in enumerate(value.items()):
        where = f"entry {position + 1}: "  # the number itself may be somebody's
        entry = _section(entry, ("code", "outcome", "until", "allow_in_production"), where)
        try:
            _need(isinstance(number, str) and compact_number(number) == number, "")
        except (UnreadableNumber, SettingError):
            raise SettingError(f"{where}the number must be + and digits") from None
        code = entry.get("code")
        digits = isinstance(code, str) and re.fullmatch(r"[0-9]{4,10}", code, re.ASCII)
        _need(digits, f"{where}code must be 4 to 10 digits, as text")
        _need(entry.get("outcome", "delivered") in OUTCOMES, f"{where}outcome must be one of {', '.join(OUTCOMES)}")
        try:
            until = date.fromisoformat(str(entry.get("until")))
        except ValueError:
            raise SettingError(f"{where}until must be a date such as '2027-01-31'") from None
        allowed = entry.get("allow_in_production", False)
        _need(isinstance(allowed, bool), f"{where}allow_in_production must be True or False")
        found[number] = TestNumber(
            str(code),
            DeliveryStatus(entry.get("outcome", "delivered")),
            until,
            allowed,
        )
    return found


def _retention(value: Any, values: dict[str, Any]) -> timedelta:
    retention = _duration(value, values)
    windows = [rate.seconds for rate in values.get("LIMITS", {}).get("verify.number", ())]
    # What is deleted cannot be counted: clearing must not give guesses back.
    _need(retention.total_seconds() > max(windows, default=0), "must be longer than the windows of 'verify.number'")
    return retention


_READERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "BACKENDS": _backends,
    "CHANNELS": _channels,
    "REGIONS": _regions,
    "DEFAULT_REGION": _default_region,
    "CODE_LENGTH": _whole(codes.MINIMUM_LENGTH, codes.MAXIMUM_LENGTH),
    "CODE_TTL": _duration,
    "MAX_ATTEMPTS": _whole(1, ATTEMPTS_CEILING),
    "PURPOSES": _purposes,
    "ROUTES": _routes,
    "RESEND_AFTER": _resend_after,
    "LIMITS": _limits,
    "TRUSTED_PROXIES": _trusted_proxies,
    "KEYS": _keys,
    "TOKEN_TTL": _duration,
    "USER_FIELD": _user_field,
    "MESSAGE": _message,
    "DISPATCHER": _dispatcher,
    "TEST_NUMBERS": _test_numbers,
    "RETENTION": _retention,
}


def _forget(*, setting: str, **_: Any) -> None:
    global _current
    if setting in {SETTING, "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _current = None


setting_changed.connect(_forget, dispatch_uid="django_phone_otp.conf")
