"""How long ago a session proved control of its user's number: for what asks for a verification that is not old."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

SESSION_KEY = "phone_otp_verified"


def note_verification(request: HttpRequest) -> None:
    """Remember in the session that its user has just proved control of their number.

    Call it after a log-in, which may change the session. It ends with the session, as at log-out.
    """
    request.session[SESSION_KEY] = {"user": str(request.user.pk), "at": int(timezone.now().timestamp())}


def verified_ago(request: HttpRequest) -> timedelta | None:
    """Return how long ago the user of this session proved control of their number in it; None for never."""
    user: Any = getattr(request, "user", None)
    noted = request.session.get(SESSION_KEY) if user is not None and user.is_authenticated else None
    if not isinstance(noted, dict) or noted.get("user") != str(user.pk):
        return None
    # A clock that was put back makes nothing younger than now.
    return max(timedelta(0), timedelta(seconds=int(timezone.now().timestamp()) - int(noted.get("at", 0))))
