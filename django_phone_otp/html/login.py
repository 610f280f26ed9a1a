"""Logging in: a number, its code, and the person is in."""

from typing import Any

from django.contrib.auth import authenticate
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from django_phone_otp.html.entry import EntryPage, phone_backends
from django_phone_otp.services.phones import find_user
from django_phone_otp.services.proofs import Proof

BACKEND = "django_phone_otp.auth.PhoneTokenBackend"


class LoginView(EntryPage):
    """Log in by phone: ``path("login/", LoginView.as_view(), name="login")``.

    It needs ``PhoneTokenBackend`` among ``AUTHENTICATION_BACKENDS``, and goes on to ``next``, or to
    ``next_page`` or ``LOGIN_REDIRECT_URL``. The session's key changes with the log-in.
    """

    purpose = "login"
    steps = ("number", "code")
    signup_url: Any = None
    """Where to sign up: a URL, or the name of one; None offers no sign-up."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Raise ``ImproperlyConfigured`` when no backend would take the proof."""
        super().setup(request, *args, **kwargs)
        if not any(getattr(backend, "purpose", "") == self.purpose for _, backend in phone_backends()):
            raise ImproperlyConfigured(
                f"{type(self).__name__} logs in with a proof for {self.purpose!r}, which nothing in "
                f"AUTHENTICATION_BACKENDS takes: add {BACKEND!r}, or a subclass with this `purpose`."
            )

    def verified(self, proof: Proof) -> HttpResponse:
        """Log in the user who owns the number. A number that nobody owns goes back to the first step."""
        user = authenticate(self.request, phone_token=proof.token)
        if user is None:
            return self._nobody(proof.phone)
        return self.let_in(user, proof.phone)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where to sign up."""
        return super().get_context_data(signup_link=self.link(self.signup_url), **kwargs)

    def _nobody(self, number: str) -> HttpResponse:
        """Go back to the first step: the number is proved, and opens no account. Only who has the phone gets here."""
        if find_user(number) is not None:  # a second click at the same moment: the first one has used the proof
            return self.go_on()
        self.progress.forget()
        self.progress.note(said="nobody")
        return self.go_to("number")
