"""Changing one's number: who it is, the new number, its code; and the old number hears of it."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.db import router, transaction
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _

from django_phone_otp.exceptions import PhoneOTPError
from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.forms import PasswordForm
from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.html.stepup import send_to_confirm
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.passwords import is_password
from django_phone_otp.services.phones import numbers_of, rebind
from django_phone_otp.services.proofs import Proof, redeem
from django_phone_otp.services.recency import note_verification, verified_ago

IDENTIFIED_FOR = timedelta(minutes=10)  # as long as a proof is good for (TOKEN_TTL's default)
WRONG_PASSWORDS = 5  # then the session ends: it may be somebody else's


class ChangeNumberView(LoginRequiredMixin, NumberStep, CodeStep):
    """Change one's number, or give a first one.

    First the person proves who they are: by the password, or without one by a code to the present number,
    or without a number by a log-in that is not old. At the end the new number is the only one, what was
    verified for the old one is void, and the old number and the e-mail address are told.
    """

    purpose = "verify"
    flow = "change of number"
    steps = ("identity", "number", "code", "done")
    public = False
    identity_template_name = "phone_otp/identity.html"
    done_template_name = "phone_otp/changed.html"
    confirm_url: Any = reverse_lazy("phone_otp_pages:confirm")
    """Where a code to the present number is asked for."""

    def show_identity(self) -> HttpResponseBase:
        """Ask who it is, unless that is known."""
        if self.is_identified():
            return self.go_to("number")
        user: Any = self.request.user
        if user.has_usable_password():
            return self.page(self.identity_template_name, form=PasswordForm())
        if numbers_of(user):
            return send_to_confirm(self.request, self.confirm_url)
        return redirect_to_login(self.request.get_full_path())

    def take_identity(self) -> HttpResponseBase:
        """Judge the password. After some wrong ones the session ends."""
        form = PasswordForm(self.request.POST)
        if not form.is_valid():
            return self.page(self.identity_template_name, form=form)
        try:
            right = is_password(self.request, form.cleaned_data["password"])
        except PhoneOTPError as refusal:
            form.refuse(refusal)
            return self.page(self.identity_template_name, refusal, form=form)
        if right:
            self.progress.note(identified=_now(), wrong=0)
            return self.go_to("number")
        wrong = (self.progress.recall("wrong") or 0) + 1
        if wrong >= WRONG_PASSWORDS:
            self.request.session.flush()
            return redirect_to_login(self.request.get_full_path())
        self.progress.note(wrong=wrong)
        form.add_error("password", _("That password is not right."))
        return self.page(self.identity_template_name, form=form)

    def is_identified(self) -> bool:
        """Tell whether the person proved lately who they are: by password, by phone, or else by logging in."""
        user: Any = self.request.user
        if user.has_usable_password():
            return 0 <= _now() - (self.progress.recall("identified") or 0) <= IDENTIFIED_FOR.total_seconds()
        ago = verified_ago(self.request)
        if ago is None and not numbers_of(user) and user.last_login is not None:
            ago = timezone.now() - user.last_login
        return ago is not None and ago <= IDENTIFIED_FOR

    def show_number(self) -> HttpResponse:
        """Ask for the new number."""
        self.progress.take("done")
        return super().show_number() if self.is_identified() else self.go_to("identity")

    def take_number(self) -> HttpResponse:
        """Send a code to the new number."""
        return super().take_number() if self.is_identified() else self.go_to("identity")

    def take_code(self) -> HttpResponse:
        """Judge the code of the new number."""
        return super().take_code() if self.is_identified() else self.go_to("identity")

    def without_challenge(self) -> HttpResponse:
        """Begin again, or say that it was done: the answer came for a second time."""
        return self.go_to("done" if self.progress.recall("done") else "number")

    def verified(self, proof: Proof) -> HttpResponse:
        """Change the number. Raises ``NumberTaken`` when another account has it."""
        with transaction.atomic(using=router.db_for_write(VerifiedPhone)):
            number = redeem(proof.token, purpose=self.purpose, context=self.get_bound_to())
            former = rebind(self.request.user, number)
        self.progress.forget()
        self.progress.note(done=True, told=bool(former))
        self.request.session.cycle_key()
        note_verification(self.request)
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


def _now() -> int:
    return int(timezone.now().timestamp())
