"""Signing up: a number, its code, then the project's own form. Until all is there, nobody owns anything."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.http import HttpResponse

from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import InvalidToken, NumberTaken
from django_phone_otp.html.entry import EntryPage, phone_backends
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind, is_taken
from django_phone_otp.services.proofs import Proof, is_fresh, peek, prove, redeem


class SignupView(EntryPage):
    """Sign up with a verified number and a form of the project's: subclass it, and set ``details_form_class``.

    The form's ``save()`` must return the new user; or override ``create_user()``. The user, the number and
    the spent proof are one transaction.
    """

    purpose = "signup"
    steps = ("number", "code", "details")
    step_after_code = "details"
    details_template_name = "phone_otp/details.html"
    details_form_class: type[forms.BaseForm] | None = None
    login_url: Any = None
    """Where to log in: a URL, or the name of one; None offers no log-in."""

    def create_user(self, form: Any, number: str) -> Any:
        """Make the user for a valid form and a verified ``number`` (E.164), inside the transaction."""
        return form.save()

    def verified(self, proof: Proof) -> HttpResponse:
        """Ask for the rest."""
        return self.go_to("details")

    def show_details(self) -> HttpResponse:
        """Ask for what an account needs besides the number."""
        return self._with_proof(lambda challenge, _proof: self.details_page(challenge, self.get_details_form()))

    def take_details(self) -> HttpResponse:
        """Make the account, and log in."""
        return self._with_proof(self._sign_up)

    def get_details_form(self, **kwargs: Any) -> Any:
        """Return the project's form."""
        if self.details_form_class is None:
            raise ImproperlyConfigured(f"{type(self).__name__} needs a form: set details_form_class.")
        return self.details_form_class(**kwargs)

    def details_page(self, challenge: Challenge, form: Any) -> HttpResponse:
        """Render the page with the project's form; for a number that has an account, the way to log in."""
        return self.page(
            self.details_template_name,
            form=form,
            number=challenge.number,
            taken=is_taken(challenge.number),
            challenge=challenge,
            number_link=self.url_of("number"),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where to log in."""
        return super().get_context_data(login_link=self.link(self.login_url), **kwargs)

    def _with_proof(self, act: Callable[[Challenge, Proof], HttpResponse]) -> HttpResponse:
        """Act on the proof that this session made, or go back to where one is made."""
        challenge = self.progress.challenge()
        if challenge is None:
            return self.without_challenge()
        if challenge.state != ChallengeStatus.VERIFIED:
            return self.go_to("code")
        proof = prove(challenge)
        try:
            peek(proof.token, purpose=self.purpose, context=self.get_bound_to())
            return act(challenge, proof)
        except InvalidToken:
            if is_fresh(proof):  # a second click, while the first one made the account
                return self.used_before()
            self.progress.note(said="late")
            return self.go_to("number")

    def _sign_up(self, challenge: Challenge, proof: Proof) -> HttpResponse:
        if self.request.POST.get("reference") != challenge.reference:
            return self.go_to("details")  # the page was for another number: show this one's first
        form = self.get_details_form(data=self.request.POST, files=self.request.FILES)
        if not form.is_valid():
            return self.details_page(challenge, form)
        try:
            user = self._make_account(form, proof)
        except NumberTaken:
            return self.details_page(challenge, form)
        except IntegrityError:
            # Between the form's look and the row somebody else took, say, the name: look again.
            form = self.get_details_form(data=self.request.POST, files=self.request.FILES)
            if form.is_valid():
                raise
            return self.details_page(challenge, form)
        paths = [path for path, _backend in phone_backends()] or settings.AUTHENTICATION_BACKENDS
        return self.let_in(user, proof.phone, backend=paths[0])

    def _make_account(self, form: Any, proof: Proof) -> Any:
        with transaction.atomic(using=router.db_for_write(get_user_model())):
            number = redeem(proof.token, purpose=self.purpose, context=self.get_bound_to())
            user = self.create_user(form, number)
            _close_empty_password(user)
            bind(user, number)
        return user


def _close_empty_password(user: Any) -> None:
    """Let an account that was made without a password have none: Django takes an empty one for one in use."""
    if getattr(user, "password", None) == "":
        user.set_unusable_password()
        user.save(update_fields=["password"])
