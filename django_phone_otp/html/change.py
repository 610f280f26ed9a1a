"""Changing one's number: who it is, the new number, its code; and the old number hears of it."""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import redirect_to_login
from django.db import router, transaction
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from django_phone_otp.exceptions import PhoneOTPError
from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.forms import PasswordForm
from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.html.page import MembersPage
from django_phone_otp.html.stepup import send_to_confirm
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.identity import Missing, missing_proof, note_password
from django_phone_otp.services.passwords import is_password
from django_phone_otp.services.phones import numbers_of, rebind
from django_phone_otp.services.proofs import Proof, redeem
from django_phone_otp.services.recency import note_verification

WRONG_PASSWORDS = 5  # then the session ends: it may be somebody else's


class ChangeNumberView(NumberStep, CodeStep, MembersPage):
    """Change one's number, or give a first one.

    First the person proves who they are, as ``services.identity`` says. At the end the new number is the only
    one, what was verified for the old one is void, the old number and the e-mail address are told, and an
    account without a password is logged out everywhere else.
    """

    purpose = "verify"
    flow = "change of number"
    steps = ("identity", "number", "code", "done")
    phone_required = False
    """Whether the present number must be proved even by those who have a password; of staff it always must."""
    identity_template_name = "phone_otp/identity.html"
    done_template_name = "phone_otp/changed.html"
    confirm_url: Any = reverse_lazy("phone_otp_pages:confirm")
    """Where a code to the present number is asked for."""

    def run_step(self, act: str, step: str) -> HttpResponseBase:
        """Let nobody past the first step who has not proved who they are."""
        if step in {"number", "code"} and self._missing():
            return self.go_to("identity")
        return super().run_step(act, step)

    def show_identity(self) -> HttpResponseBase:
        """Ask for what is missing."""
        missing = self._missing()
        if missing is None:
            return self.go_to("number")
        if missing == Missing.PHONE:
            return send_to_confirm(self.request, self.confirm_url)
        return self._identity_page(PasswordForm(), missing)

    def take_identity(self) -> HttpResponseBase:
        """Judge the password. After some wrong ones the session ends."""
        missing, form = self._missing(), PasswordForm(self.request.POST)
        if missing != Missing.PASSWORD:
            return self.go_to("identity")
        if not form.is_valid():
            return self._identity_page(form, missing)
        try:
            right = is_password(self.request, form.cleaned_data["password"])
        except PhoneOTPError as refusal:
            form.refuse(refusal)
            return self._identity_page(form, missing, refusal)
        if right:
            note_password(self.request)
            self.progress.take("wrong")
            return self.go_to("number")
        wrong = (self.progress.recall("wrong") or 0) + 1
        if wrong >= WRONG_PASSWORDS:
            self.request.session.flush()
            return redirect_to_login(self.request.get_full_path())
        self.progress.note(wrong=wrong)
        form.add_error("password", _("That password is not right."))
        return self._identity_page(form, missing)

    def show_number(self) -> HttpResponse:
        """Ask for the new number."""
        self.progress.take("done")
        return super().show_number()

    def without_challenge(self) -> HttpResponse:
        """Begin again, or say that it was done: the answer came for a second time."""
        return self.go_to("done" if self.progress.recall("done") else "number")

    def used_before(self) -> HttpResponse:
        """Say that it was done."""
        return self.go_to("done")

    def verified(self, proof: Proof) -> HttpResponse:
        """Change the number. Raises ``NumberTaken`` when another account has it."""
        user: Any = self.request.user
        with transaction.atomic(using=router.db_for_write(VerifiedPhone)):
            number = redeem(proof.token, purpose=self.purpose, context=self.get_bound_to())
            former = rebind(user, number)
        self.progress.forget()
        self.progress.note(done=True, told=bool(former))
        update_session_auth_hash(self.request, user)
        note_verification(self.request, number)
        return self.go_to("done")

    def show_done(self) -> HttpResponse:
        """Say which number is the person's now."""
        if not self.progress.recall("done"):
            return self.go_to("identity")
        number = next(iter(numbers_of(self.request.user)), "")
        told = self.progress.recall("told")
        return self.page(self.done_template_name, number=number, told=told, onward=self.get_success_url())

    def take_done(self) -> HttpResponse:
        """Go on."""
        return self.go_on()

    def _missing(self) -> Missing | None:
        return missing_proof(self.request, phone_required=self.phone_required)

    def _identity_page(
        self, form: PasswordForm, missing: Missing, refusal: PhoneOTPError | None = None
    ) -> HttpResponse:
        return self.page(self.identity_template_name, refusal, form=form, missing=missing.value)
