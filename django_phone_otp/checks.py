"""System checks: every setting has an id, and some findings matter only for ``check --deploy``."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks
from django.core.cache import caches
from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import select_template
from django.utils.module_loading import import_string

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.addresses import is_loopback
from django_phone_otp.core.keys import MINIMUM_LENGTH
from django_phone_otp.core.numbers import may_be_somebodys
from django_phone_otp.services.caching import cache_alias
from django_phone_otp.services.counters import is_exact
from django_phone_otp.services.messages import TEMPLATES
from django_phone_otp.services.samples import samples

SETTING_IDS = {
    "": "E001",
    "BACKENDS": "E002",
    "ROUTES": "E003",
    "PURPOSES": "E004",
    "CHANNELS": "E005",
    "REGIONS": "E006",
    "DEFAULT_REGION": "E007",
    "CODE_LENGTH": "E008",
    "CODE_TTL": "E009",
    "MAX_ATTEMPTS": "E010",
    "RESEND_AFTER": "E011",
    "LIMITS": "E012",
    "TRUSTED_PROXIES": "E013",
    "KEYS": "E014",
    "TOKEN_TTL": "E015",
    "USER_FIELD": "E016",
    "MESSAGE": "E017",
    "DISPATCHER": "E018",
    "TEST_NUMBERS": "E019",
    "RETENTION": "E020",
    "BUDGET": "E026",
    "DENIED_PREFIXES": "E029",
    "CHALLENGE_HOOK": "E039",
}
"""The check id of each key of ``PHONE_OTP``; an unknown key has that of the dict itself."""

LIFETIME_MAXIMUM = timedelta(minutes=10)  # NIST SP 800-63B-4 §3.1.3.2; ASVS 5.0 6.5.5
SAFE_CODE_LENGTH = 6  # digits: at least 20 bits (ASVS 5.0 6.5.4)
SECRET_KEY_MINIMUM = 50  # characters, as Django's own security.W009
_UNSHARED = ("LocMemCache", "DummyCache")


def _error(check_id: str, message: str, hint: str | None = None) -> CheckMessage:
    return checks.Error(message, hint=hint, id=f"phone_otp.{check_id}")


def _warning(check_id: str, message: str, hint: str | None = None) -> CheckMessage:
    return checks.Warning(message, hint=hint, id=f"phone_otp.{check_id}")


@register(Tags.security)
def check_settings(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Check ``PHONE_OTP``: its keys and types first, and what they name only when those are right."""
    _, problems = conf.read()
    if problems:
        return [
            _error(SETTING_IDS.get(key, SETTING_IDS[""]), conf.describe(key, message))
            for key, message in problems.items()
        ]
    return [
        *_check_backends(),
        *_check_channels(),
        *_check_names(),
        *(list(_check_templates()) or _check_texts()),
        *_check_clock(),
    ]


@register(Tags.security, deploy=True)
def check_deployment(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Check what is fine on a developer's machine and not in production."""
    if conf.read()[1]:
        return []  # check_settings() says what is wrong
    return [*_check_exposure(), *_check_codes(), *_check_keys(), *_check_cache()]


def _check_backends() -> Iterator[CheckMessage]:
    for alias in backends:
        try:
            yield from backends[alias].check()
        except ImproperlyConfigured as problem:
            yield _error("E021", f"PHONE_OTP: {problem}")


def _check_names() -> Iterator[CheckMessage]:
    current = conf.current()
    fields = {field.name: field for field in get_user_model()._meta.concrete_fields if not field.is_relation}
    if current.user_field and current.user_field not in fields:
        message = f"the user model has no field {current.user_field!r}; it has {', '.join(sorted(fields))}"
        yield _error("E016", f"PHONE_OTP['USER_FIELD']: {message}")
    elif current.user_field and not fields[current.user_field].unique:
        message = f"{current.user_field!r} is not unique, so one number might log in as either of two users"
        yield _error("E016", f"PHONE_OTP['USER_FIELD']: {message}")
    if any(purpose.same_browser for purpose in current.purposes.values()) and not _has_sessions():
        message = "SAME_BROWSER needs a session: add django.contrib.sessions and its SessionMiddleware."
        yield _error("E040", f"PHONE_OTP['PURPOSES']: {message}")
    yield from _check_callable("DISPATCHER", current.dispatcher)
    if current.challenge_hook:
        yield from _check_callable("CHALLENGE_HOOK", current.challenge_hook)


def _has_sessions() -> bool:
    for path in settings.MIDDLEWARE:
        try:
            middleware = import_string(path)
        except ImportError:
            continue  # Django says so when it starts
        if isinstance(middleware, type) and issubclass(middleware, SessionMiddleware):
            return True
    return False


def _check_callable(key: str, path: str) -> Iterator[CheckMessage]:
    try:
        found = import_string(path)
    except (ImportError, ValueError) as problem:
        yield _error(SETTING_IDS[key], f"PHONE_OTP[{key!r}]: {problem}")
    else:
        if not callable(found):
            yield _error(SETTING_IDS[key], f"PHONE_OTP[{key!r}]: {path!r} cannot be called")


def _check_templates() -> Iterator[CheckMessage]:
    for purpose in conf.current().purposes:
        try:
            select_template([name.format(purpose=purpose) for name in TEMPLATES])
        except TemplateSyntaxError as problem:
            yield _error("E023", f"The message template for {purpose!r} has a fault: {problem}")
        except (TemplateDoesNotExist, ImproperlyConfigured):
            hint = "TEMPLATES needs the DjangoTemplates backend with APP_DIRS, or a directory that has this file."
            yield _error("E023", f"The message template {TEMPLATES[-1]!r} cannot be found.", hint)
            return  # nor will it be for the other purposes


def _check_texts() -> Iterator[CheckMessage]:
    """Word every message once: what a register would refuse, and what costs more than one segment."""
    for sample in samples():
        about = f"BACKENDS[{sample.alias!r}]: the message for {sample.purpose!r} in {sample.language!r}"
        if sample.refusal:
            yield _error("E027", f"{about} would not be sent: {sample.refusal}.")
        elif sample.segments.count > sample.usual:
            size = f"{sample.segments.units} units of {sample.segments.encoding}"
            hint = "Shorten the template or APP_NAME, or keep to the characters of GSM-7."
            yield _warning("W028", f"{about} takes {sample.segments.count} segments ({size}).", hint)


def _check_channels() -> Iterator[CheckMessage]:
    spoken: set[str] = set()
    for alias in backends:
        if not backends.can_build(alias):
            return  # _check_backends() says why
        spoken |= backends[alias].channels
    for channel in conf.current().channels:
        if channel not in spoken:
            yield _error("E024", f"PHONE_OTP['CHANNELS']: no alias in BACKENDS speaks {channel!r}.")


def _check_clock() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield _error("E025", "USE_TZ = False: when clocks are put back, a code would live an hour longer.")


def _check_exposure() -> Iterator[CheckMessage]:
    current = conf.current()
    for alias in backends:
        if not backends.can_build(alias):
            continue  # check_settings() says why
        base_url = getattr(backends[alias], "base_url", "")
        if base_url.startswith("http://") and not is_loopback(base_url):
            yield _error("E038", f"PHONE_OTP['BACKENDS'][{alias!r}] would send codes and keys without encryption.")
        if backends[alias].development:
            yield _error("E030", f"PHONE_OTP['BACKENDS'][{alias!r}] is for development: nobody gets its messages.")
    if not current.regions:
        hint = "Name the regions of your users, such as ['IN'], or write ['*'] for all."
        yield _error("E031", "PHONE_OTP['REGIONS'] is empty, so anyone can have messages sent anywhere.", hint)
    if any(number.allow_in_production for number in current.test_numbers.values()):
        yield _warning("W032", "PHONE_OTP['TEST_NUMBERS'] has a number with a fixed code allowed in production.")
    if any(may_be_somebodys(number) for number in current.test_numbers):
        hint = "Take one that is kept free for fiction, such as +1 415 555 0100, or +44 7700 900123."
        yield _error("E041", "PHONE_OTP['TEST_NUMBERS'] has a number that may be somebody's.", hint)


def _check_codes() -> Iterator[CheckMessage]:
    current = conf.current()
    for purpose in current.purposes.values():
        if purpose.code_length < SAFE_CODE_LENGTH:
            yield _error("E033", f"The codes of {purpose.name!r} have under {SAFE_CODE_LENGTH} digits.")
        if purpose.code_ttl > LIFETIME_MAXIMUM:
            yield _error("E034", f"The codes of {purpose.name!r} live longer than 10 minutes.")
    if current.token_ttl > LIFETIME_MAXIMUM:
        yield _error("E034", "PHONE_OTP['TOKEN_TTL'] is longer than 10 minutes.")


def _check_keys() -> Iterator[CheckMessage]:
    given: Iterable[str] = getattr(settings, "PHONE_OTP", {}).get("KEYS", ())
    if any(len(key.encode()) < MINIMUM_LENGTH for key in given):
        yield _error("E035", f"PHONE_OTP['KEYS'] has a secret of under {MINIMUM_LENGTH} bytes.")
    secret = settings.SECRET_KEY
    weak = len(secret) < SECRET_KEY_MINIMUM or len(set(secret)) < 5 or secret.startswith("django-insecure-")
    if not given and weak:
        hint = "Set KEYS to a list of random secrets, or make SECRET_KEY long and random."
        yield _error("E035", "PHONE_OTP['KEYS'] is empty, and the SECRET_KEY that stands in for it is weak.", hint)


def _check_cache() -> Iterator[CheckMessage]:
    hint = "Use Redis or memcached; under the alias 'phone_otp' if 'default' must be something else."
    alias = cache_alias()
    try:
        cache = caches[alias]
    except Exception as problem:  # noqa: BLE001 - its client may be missing, or its options wrong
        yield _error("E037", f"The cache {alias!r}, for limits, cannot be built: {type(problem).__name__}", hint)
        return
    if type(cache).__name__ in _UNSHARED:
        yield _error("E036", f"The cache {alias!r} is not shared, so each process counts limits of its own.", hint)
    elif not is_exact(cache):
        message = f"The cache {alias!r} is not known to count exactly, so some get past the limits."
        yield _error("E037", message, hint)
