"""The step that asks for a number and sends a code there."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import IdempotencyMismatch, PhoneOTPError
from django_phone_otp.html.forms import NumberForm
from django_phone_otp.html.page import Page
from django_phone_otp.models import Challenge
from django_phone_otp.services import askers
from django_phone_otp.services.intake import take_purpose

_SAID = {
    "late": _("Too much time has gone by since the code was entered. Verify your number again."),
    "nobody": _("No active account has this number. Sign up, or use another number."),
}


class NumberStep(Page):
    """Asks for a number; the step ``code`` is next."""

    number_template_name = "phone_otp/number.html"
    form_class: type[NumberForm] = NumberForm

    def show_number(self) -> HttpResponse:
        """Ask for the number: the one of before, where it may be shown."""
        if take_purpose(self.purpose).same_browser:
            askers.mark_browser(self.request)  # before the first click, so that a second one is the same browser's
        return self.number_page(self.form_class(self.request, initial=self.get_initial()))

    def take_number(self) -> HttpResponse:
        """Send a code, and go on to ask for it."""
        form = self.form_class(self.request, self.request.POST)
        if not form.is_valid():
            return self.number_page(form)
        former, key = self.progress.challenge(), form.cleaned_data["key"]
        if former is not None and key and (key, former.number) == (self.progress.recall("key"), form.number):
            return self.go_to("code")  # a second click: what it asks for has been done
        try:
            challenge = self._send(form)
        except PhoneOTPError as refusal:
            form.refuse(refusal)
            return self.number_page(form, refusal)
        if former is not None and former.pk != challenge.pk:
            self.progress.give_up(former)
        self.progress.note(key=key)
        return self.go_to("code")

    def get_initial(self) -> dict[str, Any]:
        """Return what the fields show first."""
        if take_purpose(self.purpose).registered_only:
            return {}  # who sits down at this browser next need not read it
        challenge = self.progress.challenge()
        is_open = challenge is not None and challenge.state == ChallengeStatus.PENDING
        return {"phone": challenge.number} if challenge is not None and is_open else {}

    def number_page(self, form: NumberForm, refusal: PhoneOTPError | None = None) -> HttpResponse:
        """Render the page that asks for a number."""
        said = self.progress.take("said") or ""
        return self.page(self.number_template_name, refusal, form=form, said=_SAID.get(said, ""))

    def _send(self, form: NumberForm) -> Challenge:
        try:
            return self.send(form.number, key=form.cleaned_data["key"] or None)
        except IdempotencyMismatch:  # the page was kept by the browser, and the number corrected there
            return self.send(form.number)
