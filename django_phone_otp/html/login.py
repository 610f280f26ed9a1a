"""Logging in: a number, its code, and the person is in."""

from typing import Any

from django.contrib.auth import authenticate, get_backends, login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.services.proofs import Proof
from django_phone_otp.services.recency import note_verification

BACKEND = "django_phone_otp.auth.PhoneTokenBackend"


class LoginView(NumberStep, CodeStep):
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
        takers = [backend for backend in get_backends() if getattr(backend, "by_phone", False)]
        if not any(getattr(backend, "purpose", "") == self.purpose for backend in takers):
            raise ImproperlyConfigured(
                f"{type(self).__name__} logs in with a proof for {self.purpose!r}, which nothing in "
                f"AUTHENTICATION_BACKENDS takes: add {BACKEND!r}, or a subclass with this `purpose`."
            )

    def verified(self, proof: Proof) -> HttpResponse:
        """Log in the user who owns the number. A number that nobody owns goes back to the first step."""
        user = authenticate(self.request, phone_token=proof.token)
        self.progress.forget()
        if user is None:
            return self._nobody(proof.phone)
        login(self.request, user)
        note_verification(self.request)
        return self.go_on()

    def without_challenge(self) -> HttpResponse:
        """Go on when the person is in already: the answer came for a second time. Else begin again."""
        return self.go_on() if self.request.user.is_authenticated else super().without_challenge()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where to sign up."""
        return super().get_context_data(signup_link=resolve_url(self.signup_url) if self.signup_url else "", **kwargs)

    def _nobody(self, number: str) -> HttpResponse:
        """Say that the number is proved, and no account has it: only who has the phone gets here."""
        if self.request.user.is_authenticated:  # a second click
            return self.go_on()
        form = self.form_class(self.request, {"phone": number})
        form.is_valid()
        form.add_error("phone", _("No account in use has this number. Sign up, or use another number."))
        return self.number_page(form)
