"""Refusals as problem documents (RFC 9457), each with a stable ``code``."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    ChallengeNotFound,
    ChallengeRequired,
    DeliveryFailed,
    IdempotencyMismatch,
    IncorrectCode,
    Invalid,
    InvalidPhone,
    InvalidToken,
    NumberNotAllowed,
    NumberTaken,
    PhoneOTPError,
    RateLimited,
    ResendTooSoon,
    RetryLater,
    TooManyAttempts,
    Unavailable,
)

CONTENT_TYPE = "application/problem+json"
STATUSES: Mapping[type[PhoneOTPError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    InvalidPhone: HTTPStatus.BAD_REQUEST,
    NumberNotAllowed: HTTPStatus.BAD_REQUEST,
    IncorrectCode: HTTPStatus.BAD_REQUEST,
    InvalidToken: HTTPStatus.BAD_REQUEST,
    ChallengeRequired: HTTPStatus.FORBIDDEN,
    ChallengeNotFound: HTTPStatus.NOT_FOUND,
    ChallengeClosed: HTTPStatus.CONFLICT,
    NumberTaken: HTTPStatus.CONFLICT,
    ChallengeExpired: HTTPStatus.GONE,
    IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    ResendTooSoon: HTTPStatus.TOO_MANY_REQUESTS,
    DeliveryFailed: HTTPStatus.BAD_GATEWAY,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
DATABASE_DOWN_RETRY = 30  # seconds: about what a database takes to fail over

logger = logging.getLogger("django_phone_otp")


def handle(error: Exception, _: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler for these views; None lets a fault of the code through as the 500 that it is.

    Unlike DRF's own it never rolls a transaction back: what was counted stands.
    """
    if isinstance(error, OperationalError | InterfaceError | InternalError):  # the last: a replica that only reads
        logger.error("The database failed: %s", type(error).__name__)
        error = Unavailable(DATABASE_DOWN_RETRY)
    if isinstance(error, PermissionDenied):
        error = drf.PermissionDenied()
    if isinstance(error, drf.ParseError):
        error = Invalid({"body": [_first(error.detail)]})
    if isinstance(error, PhoneOTPError):
        status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
        return problem(status, error.code, str(error), **_details(error))
    if isinstance(error, drf.APIException):
        challenge = getattr(error, "auth_header", None)
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        return problem(HTTPStatus(error.status_code), error.default_code, _first(error.detail), headers=headers)
    return None


def problem(
    status: HTTPStatus, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> Response:
    """Return one problem document; ``extra`` members stand beside the standard ones."""
    body = {
        "type": f"urn:django-phone-otp:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status.value,
        "detail": detail,
        "code": code,
        **extra,
    }
    return Response(body, status=status.value, headers=dict(headers or {}), content_type=CONTENT_TYPE)


def _details(error: PhoneOTPError) -> dict[str, Any]:
    match error:
        case Invalid():
            return {"errors": {field: list(_flatten(messages)) for field, messages in error.errors.items()}}
        case InvalidPhone():
            return {"errors": {"phone": [str(error)]}}
        case IncorrectCode():
            return {"attempts_left": error.attempts_left}
        case ChallengeRequired():
            return {"demand": error.demand}
        case RetryLater():
            return {"retry_after": error.retry_after, "headers": {"Retry-After": str(error.retry_after)}}
    return {}


def _flatten(messages: Any) -> Iterator[str]:
    """Yield every message in what DRF says of one field, which is nested where the value was."""
    if isinstance(messages, Mapping):
        messages = messages.values()
    elif not isinstance(messages, list | tuple):
        yield str(messages)
        return
    for message in messages:
        yield from _flatten(message)


def _first(detail: Any) -> str:
    return next(_flatten(detail), "")
