"""Logging in by token: ``"django_phone_otp.auth.PhoneTokenBackend"`` in ``AUTHENTICATION_BACKENDS``."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.services.phones import find_user, is_active
from django_phone_otp.services.proofs import redeem

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class PhoneTokenBackend(BaseBackend):
    """``authenticate(request, phone_token=token)`` gives the active user who owns the proved number.

    It takes proofs for the purpose ``login``; a subclass may set another ``purpose``.
    """

    purpose = "login"
    by_phone = True  # how the admin tells such a log-in, which the phone alone made, from one by password

    @sensitive_variables()
    def authenticate(  # type: ignore[override]  # Django's own backends narrow the keywords the same way
        self, request: HttpRequest | None, phone_token: str | None = None, **_: Any
    ) -> "AbstractBaseUser | None":
        """Spend the token and return its user; None when it proves nothing, or for nobody's number."""
        if phone_token is None:
            return None
        try:
            return find_user(redeem(phone_token, purpose=self.purpose))
        except InvalidToken:
            return None

    def get_user(self, user_id: Any) -> Any:
        """Return the user of a session, as long as the account is active."""
        user = get_user_model()._default_manager.filter(pk=user_id).first()
        return user if user is not None and is_active(user) else None
