"""What messages will look like: each purpose, in each language, in the words that its aliases may carry."""

from collections.abc import Iterator
from typing import NamedTuple

from django.conf import global_settings, settings
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import BaseBackend, MessageRejected
from django_phone_otp.core.policies import Purpose
from django_phone_otp.core.segments import Encoding, Segments, count_segments, usual_segments
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.messages import compose
from django_phone_otp.services.routing import carriers

# Not numbers of anybody: no number begins with 0 after its calling code. India has rules of its own.
_INDIA, _ELSEWHERE = "+910000000000", "+10000000000"
_CONTEXT = "0"  # a field of the context: fits every kind of variable in a registered text
_NOTHING = Segments(Encoding.GSM7, 0, 0)


class Sample(NamedTuple):
    """How one message turned out: its segments, with how many are usual in its script, or why it cannot be sent."""

    alias: str
    purpose: str
    language: str
    segments: Segments = _NOTHING
    usual: int = 1
    refusal: str = ""


def samples() -> Iterator[Sample]:
    """Word an SMS for each purpose and language, through each alias that may get it and reaches people."""
    for purpose in conf.current().purposes.values():
        for alias, india in dict(carriers(purpose.name, "sms")).items():
            if not backends.can_build(alias):
                continue  # `check` says why
            if "sms" in backends[alias].channels and not backends[alias].development:
                for language in _languages():
                    yield _sample(backends[alias], purpose, language, india)


def _sample(backend: BaseBackend, purpose: Purpose, language: str, india: bool) -> Sample:
    challenge = Challenge(
        number=_INDIA if india else _ELSEWHERE,
        purpose=purpose.name,
        language=language,
        context=dict.fromkeys(purpose.context, _CONTEXT),
        expires_at=timezone.now() + purpose.code_ttl,
    )
    named = Sample(backend.alias, purpose.name, language)
    try:
        message = compose(Delivery(challenge=challenge, channel="sms"), "0" * purpose.code_length, backend)
    except MessageRejected as refusal:
        return named._replace(refusal=refusal.reason)
    except Exception as problem:  # noqa: BLE001 - whatever a project's template does, the check goes on
        return named._replace(refusal=f"its template raised {type(problem).__name__}")
    if not backend.sends_text:
        return named
    return named._replace(segments=count_segments(message.text), usual=usual_segments(message.text))


def _languages() -> list[str]:
    """Return the languages that the project chose; Django's own list of a hundred is no choice."""
    if settings.LANGUAGES == global_settings.LANGUAGES:
        return [settings.LANGUAGE_CODE]
    return [code for code, _ in settings.LANGUAGES]
