"""Where vendors push receipts: one view for all of them. It changes what a delivery says, and lets nobody in."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.backends import backends
from django_phone_otp.backends.base import BaseBackend, MalformedWebhook, Receipt
from django_phone_otp.core.addresses import client_ip
from django_phone_otp.services import receipts
from django_phone_otp.services.askers import origin

BODY_MAXIMUM = 256 * 1024  # bytes: a thousand receipts, many times what vendors send together
METHODS = ("GET", "POST")  # callback profiles offer both

# What a call that makes no sense raises; OSError: the caller went away.
_UNREADABLE = (MalformedWebhook, BadRequest, MultiPartParserError, OSError, SuspiciousOperation)

logger = logging.getLogger("django_phone_otp")


@login_not_required
@csrf_exempt  # the secret in the path says who calls
@never_cache
@transaction.non_atomic_requests  # each receipt stands for itself, and signals follow its commit
@sensitive_variables()
def receive(request: HttpRequest, alias: str, secret: str) -> HttpResponse:
    """Take a vendor's receipts for ``alias``.

    A wrong secret, network or alias is 404, and tells nothing. With the right one all is 200, what
    cannot be read too: a vendor that is told of an error sends the same again. A database that is
    gone is 503, so that it does.
    """
    response = HttpResponse(status=_answer(request, alias, secret))
    # Django logs the path of an error's request, and this path has the secret.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answer(request: HttpRequest, alias: str, secret: str) -> int:
    backend = backends[alias] if backends.can_build(alias) else None
    if backend is None or not _is_known(secret, backend) or not _is_near(request, backend):
        return 404
    if request.method not in METHODS:
        return 405
    try:
        receipts.receive(alias, _read(request, backend))
    except DatabaseError as problem:
        logger.error("Backend %r: a receipt could not be kept: %s", alias, type(problem).__name__)
        return 503
    except _UNREADABLE as problem:
        logger.warning("Backend %r: a receipt that cannot be read: %s", alias, type(problem).__name__)
    except Exception as problem:  # noqa: BLE001 - a fault in a backend; its report would show the secret
        logger.error("Backend %r raised %s", alias, type(problem).__name__)
    return 200


def _read(request: HttpRequest, backend: BaseBackend) -> list[Receipt]:
    if len(request.body) > BODY_MAXIMUM:
        raise MalformedWebhook("too long")
    return backend.parse_webhook(request)


def _is_known(secret: str, backend: BaseBackend) -> bool:
    """Compare with every secret, so that time does not tell which was nearly right."""
    return sum(constant_time_compare(secret, known) for known in backend.webhook_secrets) > 0


def _is_near(request: HttpRequest, backend: BaseBackend) -> bool:
    """Tell whether the call comes from where the vendor's calls may come from."""
    if not backend.webhook_networks:
        return True
    address = client_ip(*origin(request))
    return address is not None and any(address in network for network in backend.webhook_networks)
