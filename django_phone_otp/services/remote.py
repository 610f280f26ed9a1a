"""A second opinion: some vendors can check the code that they sent, and a project may want them asked."""

import logging

from django_phone_otp.backends import backends
from django_phone_otp.backends.base import BaseBackend, DeliveryError
from django_phone_otp.exceptions import Unavailable
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.transactions import database

RETRY_WHEN_DOWN = 30  # seconds: about what a vendor takes to come back from a short outage

logger = logging.getLogger("django_phone_otp")

Question = tuple[BaseBackend, str]


def question_about(challenge: Challenge) -> Question | None:
    """Return the backend to ask about the code of ``challenge``, and what it knows the code by; else None.

    That is the one through which its newest message went. Without such a backend in the settings it
    costs no query.
    """
    aliases = [alias for alias in backends if backends.can_build(alias) and backends[alias].checks_codes]
    if not aliases:
        return None
    sent = Delivery.objects.using(database()).filter(challenge=challenge.pk, sent_at__isnull=False)
    newest = sent.order_by("-pk").values_list("alias", "check_id").first()
    if newest is None or newest[0] not in aliases or not newest[1]:
        return None
    return backends[newest[0]], newest[1]


def confirms(question: Question, code: str) -> bool:
    """Ask the vendor whether ``code`` is right. Raises ``Unavailable`` when it has no answer."""
    backend, check_id = question
    try:
        return backend.check_code(check_id, code) is True  # whatever else a class may return
    except DeliveryError as failure:
        logger.warning("Backend %r could not check a code: %s", backend.alias, type(failure).__name__)
    except Exception as problem:  # noqa: BLE001 - a fault in a backend: no answer is no yes
        logger.error("Backend %r raised %s", backend.alias, type(problem).__name__)
    raise Unavailable(RETRY_WHEN_DOWN)
