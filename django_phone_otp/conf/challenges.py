"""Reading how codes live and what is told of them: purposes, keys, the message, test numbers."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings

from django_phone_otp.conf.defaults import ATTEMPTS_CEILING, DEFAULTS, LIMITS_OF_PURPOSE, OUTCOMES
from django_phone_otp.conf.traffic import read_rates
from django_phone_otp.conf.values import SettingError, duration, is_whole, names, need, section, strings, whole
from django_phone_otp.core import codes
from django_phone_otp.core.keys import KeyRing
from django_phone_otp.core.numbers import UnreadableNumber, compact_number
from django_phone_otp.core.policies import NOTICE, MessageSettings, Purpose, TestNumber
from django_phone_otp.core.statuses import DeliveryStatus

# What every purpose may have of its own, and takes from the key of the same name otherwise.
OF_PURPOSE: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "CODE_LENGTH": whole(codes.MINIMUM_LENGTH, codes.MAXIMUM_LENGTH),
    "CODE_TTL": duration,
    "MAX_ATTEMPTS": whole(1, ATTEMPTS_CEILING),
}


def read_purposes(value: Any, values: dict[str, Any]) -> dict[str, Purpose]:
    """Read ``PURPOSES``."""
    known = ("REGISTERED_ONLY", "SAME_BROWSER", "CONTEXT", "LIMITS", *OF_PURPOSE)
    found = {}
    for name, entry in names(value).items():
        entry = section(entry, known, f"{name!r}: ")
        overrides: dict[str, Any] = {}
        for key, reader in OF_PURPOSE.items():
            try:
                overrides[key.lower()] = reader(entry.get(key, values.get(key, DEFAULTS[key])), values)
            except SettingError as problem:
                raise SettingError(f"{name!r}: {key} {problem}") from None
        for key in ("REGISTERED_ONLY", "SAME_BROWSER"):
            overrides[key.lower()] = entry.get(key, False)
            need(isinstance(overrides[key.lower()], bool), f"{name!r}: {key} must be True or False")
        context = strings(entry.get("CONTEXT", []), "the names of fields", f"{name!r}: CONTEXT ")
        own = read_rates(
            section(entry.get("LIMITS", {}), LIMITS_OF_PURPOSE, f"{name!r}: LIMITS "), f"{name!r}: LIMITS "
        )
        found[name] = Purpose(name, context=context, limits={**values.get("LIMITS", {}), **own}, **overrides)
    need(NOTICE not in {name.lower() for name in found}, f"{NOTICE!r} is kept for messages without a code")
    # Some databases compare without regard to case: a proof for one would be a proof for the other.
    need(len({name.lower() for name in found}) == len(found), "has two names that differ only in case")
    return found


def read_keys(value: Any, _: dict[str, Any]) -> KeyRing:
    """Read ``KEYS``: an empty one stands for Django's own keys."""
    secrets = strings(value, "secrets, newest first")
    return KeyRing(secrets or [str(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def read_user_field(value: Any, _: dict[str, Any]) -> str | None:
    """Read ``USER_FIELD``."""
    need(value is None or (isinstance(value, str) and value), "must be the name of the user model's field, or None")
    return value if value is None else str(value)


def read_message(value: Any, _: dict[str, Any]) -> MessageSettings:
    """Read ``MESSAGE``."""
    known = DEFAULTS["MESSAGE"]
    merged = {**known, **section(value, known)}
    name, domain, app_hash = merged["APP_NAME"], merged["DOMAIN"], merged["ANDROID_APP_HASH"]
    need(isinstance(name, str) and name.isprintable(), "APP_NAME must be text on one line")
    host = r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*"
    need(domain is None or (isinstance(domain, str) and re.fullmatch(host, domain)), "DOMAIN must be a host name")
    well_formed = app_hash is None or (isinstance(app_hash, str) and re.fullmatch(r"[A-Za-z0-9+/]{11}", app_hash))
    need(well_formed, "ANDROID_APP_HASH must have 11 characters of base64")
    need(domain is None or app_hash is None, "set DOMAIN or ANDROID_APP_HASH, not both: each wants the last line")
    return MessageSettings(name, domain, app_hash)


def read_test_numbers(value: Any, _: dict[str, Any]) -> dict[str, TestNumber]:
    """Read ``TEST_NUMBERS``."""
    need(isinstance(value, Mapping), "must be a dict")
    found = {}
    for position, (number, entry) in enumerate(value.items()):
        where = f"entry {position + 1}: "  # the number itself may be somebody's
        entry = section(entry, ("code", "outcome", "until", "allow_in_production"), where)
        try:
            need(isinstance(number, str) and compact_number(number) == number, "")
        except (UnreadableNumber, SettingError):
            raise SettingError(f"{where}the number must be + and digits") from None
        code = entry.get("code")
        digits = isinstance(code, str) and re.fullmatch(r"[0-9]{4,10}", code, re.ASCII)
        need(digits, f"{where}code must be 4 to 10 digits, as text")
        need(entry.get("outcome", "delivered") in OUTCOMES, f"{where}outcome must be one of {', '.join(OUTCOMES)}")
        try:
            until = date.fromisoformat(str(entry.get("until")))
        except ValueError:
            raise SettingError(f"{where}until must be a date such as '2027-01-31'") from None
        allowed = entry.get("allow_in_production", False)
        need(isinstance(allowed, bool), f"{where}allow_in_production must be True or False")
        found[number] = TestNumber(
            str(code),
            DeliveryStatus(entry.get("outcome", "delivered")),
            until,
            allowed,
        )
    return found


def read_hook(value: Any, _: dict[str, Any]) -> str | None:
    """Read ``CHALLENGE_HOOK``."""
    well_formed = value is None or (isinstance(value, str) and "." in value)
    need(well_formed, "must be the dotted path of a callable, or None")
    return value if value is None else str(value)


def read_retention(value: Any, values: dict[str, Any]) -> timedelta:
    """Read ``RETENTION``, which must outlast what it would delete."""
    retention = duration(value, values)
    limits = [values.get("LIMITS", {}), *(purpose.limits for purpose in values.get("PURPOSES", {}).values())]
    windows = [rate.seconds for each in limits for rate in each.get("verify.number", ())]
    # What is deleted cannot be counted: clearing must not give guesses back.
    need(retention.total_seconds() > max(windows, default=0), "must be longer than the windows of 'verify.number'")
    return retention


def read_resend_after(value: Any, _: dict[str, Any]) -> tuple[int, ...]:
    """Read ``RESEND_AFTER``."""
    well_formed = isinstance(value, list | tuple) and value and all(is_whole(item, 0, 86400) for item in value)
    need(well_formed, "must be a list of seconds")
    return tuple(value)
