"""How long ago a session proved control of its user's number: for what asks for a verification that is not old."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core.base64url import encode
from django_phone_otp.services.phones import numbers_of

SESSION_KEY = "phone_otp_verified"


def note_verification(request: HttpRequest, number: str) -> None:
    """Remember in the session that its user has just proved control of ``number`` (E.164).

    Call it after a log-in, which may change the session. It ends with the session, as at log-out, and is
    worth nothing once the number is not the user's any more.
    """
    key = conf.current().keys.newest
    request.session[SESSION_KEY] = {
        "user": str(request.user.pk),
        "number": encode(key.digest("recency", number.encode())),
        "at": int(timezone.now().timestamp()),
    }


def verified_ago(request: HttpRequest) -> timedelta | None:
    """Return how long ago the user of this session proved control of a number of theirs in it; None for never."""
    user: Any = getattr(request, "user", None)
    noted = request.session.get(SESSION_KEY) if user is not None and user.is_authenticated else None
    if not isinstance(noted, dict) or noted.get("user") != str(user.pk) or not _is_theirs(noted.get("number"), user):
        return None
    return since(noted.get("at"))


def since(seconds: object) -> timedelta:
    """Return the time since ``seconds``, which a session kept. A clock that was put back makes nothing younger."""
    then = seconds if isinstance(seconds, int) else 0
    return max(timedelta(0), timedelta(seconds=int(timezone.now().timestamp()) - then))


def _is_theirs(digest: object, user: Any) -> bool:
    keys, numbers = list(conf.current().keys), numbers_of(user)
    return digest in {encode(key.digest("recency", number.encode())) for key in keys for number in numbers}
