"""Notices: messages without a code, which tell the owner of a number or address what was done to their account."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core.codes import SEED_BYTES
from django_phone_otp.core.identifiers import uuid7
from django_phone_otp.core.policies import NOTICE
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge
from django_phone_otp.services.dispatch import dispatch, new_delivery
from django_phone_otp.services.numbers import region_of

CHANNEL = "sms"  # on WhatsApp, businesses may send codes and texts that were approved one by one

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def tell_of_change(user: Any, former: list[str], language: str) -> None:
    """Tell the ``former`` numbers of ``user``, and the e-mail address, that the number was changed.

    Without former numbers, the e-mail address is told that one was added.

    No limit holds a notice back: whoever used up an owner's messages could change the number unseen. It
    never fails what it tells of: what goes wrong is logged, and on the delivery.
    """
    for number in former:
        with _logged("sent"):
            _send(number, language)
    address = getattr(user, user.get_email_field_name(), "") if hasattr(user, "get_email_field_name") else ""
    if address:
        with _logged("mailed"):
            _mail(address, "number_changed" if former else "number_added", language)


@contextmanager
def _logged(done: str) -> Iterator[None]:
    """Let one notice fail without the others: templates, databases and mail servers fail in many ways."""
    try:
        yield
    except Exception as problem:  # noqa: BLE001 - the number is changed all the same
        logger.error("The notice could not be %s: %s", done, type(problem).__name__)


def _send(number: str, language: str) -> None:
    """Send a notice as the message of a challenge that is closed from its start: no code can be guessed."""
    now = timezone.now()
    pk = uuid7()
    challenge = Challenge.objects.create(
        pk=pk,
        number=number,
        region=region_of(number),
        purpose=NOTICE,
        lane=pk.hex,  # of its own: notices take no turns
        serial=1,
        channel=CHANNEL,
        language=language,
        status=ChallengeStatus.CANCELED,
        max_attempts=0,
        code_length=0,
        seed=secrets.token_bytes(SEED_BYTES),
        key_id=conf.current().keys.newest.id,
        created_at=now,
        expires_at=now,
        resend_at=now,
        closed_at=now,
    )
    delivery = new_delivery(challenge, CHANNEL)
    delivery.save(force_insert=True)
    dispatch(delivery)


def _mail(address: str, template: str, language: str) -> None:
    context = {"app_name": conf.current().message.app_name}
    with translation.override(language or None):
        subject = " ".join(render_to_string(f"phone_otp/email/{template}_subject.txt", context).split())
        body = render_to_string(f"phone_otp/email/{template}.txt", context).strip()
    send_mail(subject, body, None, [address])
