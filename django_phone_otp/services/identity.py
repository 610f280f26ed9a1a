"""Who it is, proved again by somebody who is logged in, before they change what opens the account."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from django_phone_otp.services.phones import numbers_of
from django_phone_otp.services.recency import since, verified_ago

GOOD_FOR = timedelta(minutes=10)  # as long as a proof (TOKEN_TTL's default)
SESSION_KEY = "phone_otp_identity"


class Missing(StrEnum):
    """What a person must still prove, or who must help them."""

    PASSWORD = "password"  # noqa: S105 - the name of a step
    PHONE = "phone"
    LOGIN = "login"
    ADMINISTRATOR = "administrator"


def missing_proof(request: HttpRequest, *, phone_required: bool = False) -> Missing | None:
    """Return what the request's user must prove next, or None when it is known that it is they.

    That is the password; of those who have none the present number; of those who have no number either that
    they logged in lately, in this session.

    With ``phone_required``, and always for staff, the present number as well as the password: the admin may be
    behind both, and whoever has the password alone could put their own number there. Staff without a number
    get their first one from an administrator.
    """
    user: Any = request.user
    has_number = bool(numbers_of(user))
    if getattr(user, "is_staff", False) and not has_number:
        return Missing.ADMINISTRATOR
    if has_number and (phone_required or getattr(user, "is_staff", False) or not has_password(user)):
        ago = verified_ago(request)
        if ago is None or ago > GOOD_FOR:
            return Missing.PHONE
    if has_password(user):
        return None if _fresh(request, "password") else Missing.PASSWORD
    return None if has_number or _fresh(request, "login") else Missing.LOGIN


def has_password(user: Any) -> bool:
    """Tell whether ``user`` has a password: not every user model knows of them."""
    return bool(user.has_usable_password()) if hasattr(user, "has_usable_password") else False


def note_password(request: HttpRequest) -> None:
    """Remember in the session that its user gave the right password just now; the session gets another key."""
    request.session.cycle_key()  # whoever knows the old one must not ride along
    _note(request, request.user, "password")


def note_login(request: HttpRequest, user: Any, **_: Any) -> None:
    """Remember in the session when its user logged in: the receiver of Django's ``user_logged_in``.

    The account's own ``last_login`` tells of any session.
    """
    if hasattr(request, "session"):  # tokens have none
        _note(request, user, "login")


def _note(request: HttpRequest, user: Any, what: str) -> None:
    noted = _noted(request, user)
    request.session[SESSION_KEY] = {**noted, "user": str(user.pk), what: int(timezone.now().timestamp())}


def _noted(request: HttpRequest, user: Any) -> dict[str, Any]:
    noted = request.session.get(SESSION_KEY)
    return noted if isinstance(noted, dict) and noted.get("user") == str(user.pk) else {}


def _fresh(request: HttpRequest, what: str) -> bool:
    noted = _noted(request, request.user)
    return what in noted and since(noted[what]) <= GOOD_FOR
