"""What a message says: a template per purpose, in the person's language, and the line that phones read."""

from django.template.loader import select_template
from django.utils import timezone, translation

from django_phone_otp import conf
from django_phone_otp.backends.base import BaseBackend, Message, MessageRejected
from django_phone_otp.models import Challenge, Delivery

TEMPLATES = ("phone_otp/message/{purpose}.txt", "phone_otp/message/default.txt")


def compose(delivery: Delivery, code: str, backend: BaseBackend) -> Message:
    """Return the message of ``delivery`` for ``backend``, worded in the language that its challenge was asked for in.

    Raises ``MessageRejected`` when the vendor may not carry these words.
    """
    challenge = delivery.challenge
    app_name = conf.current().message.app_name
    # What is left now, rounded up: a resend does not make the code live longer.
    minutes = max(1, -int(-(challenge.expires_at - timezone.now()).total_seconds() // 60))
    variables = {
        **challenge.context,
        "code": code,
        "app_name": app_name,
        "minutes": str(minutes),
        "reference": challenge.reference,
    }
    if not (code or backend.sends_text):
        raise MessageRejected("the vendor words its messages itself, and has codes alone")
    message = Message(
        number=challenge.number,
        channel=delivery.channel,
        purpose=challenge.purpose,
        text=_text(challenge, delivery.channel, code, minutes),
        code=code,
        variables=variables,
        language=challenge.language,
        key=str(delivery.pk),
    )
    return backend.worded(message)


def _text(challenge: Challenge, channel: str, code: str, minutes: int) -> str:
    context = {
        "code": code,
        "app_name": conf.current().message.app_name,
        "minutes": minutes,
        "reference": challenge.reference,
        "purpose": challenge.purpose,
        "channel": channel,
        "context": challenge.context,
    }
    with translation.override(challenge.language or None):
        template = select_template([name.format(purpose=challenge.purpose) for name in TEMPLATES])
        text = str(template.render(context)).strip()
    return text + _last_line(channel, code)


def _last_line(channel: str, code: str) -> str:
    """Return what binds the code to a website (WICG origin-bound codes) or to an Android app (SMS Retriever)."""
    settings = conf.current().message
    # WhatsApp's authentication templates take no such line, a voice would read it out, and notices have no code.
    if channel != "sms" or not code:
        return ""
    if settings.domain:
        return f"\n\n@{settings.domain} #{code}"
    if settings.android_app_hash:
        return f"\n\n{settings.android_app_hash}"
    return ""
