"""The step that asks for the code, sends it again, and goes on when it is right."""

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.translation import gettext as _

from django_phone_otp import conf
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import ChallengeClosed, PhoneOTPError
from django_phone_otp.html.forms import CodeForm
from django_phone_otp.html.moment import Moment
from django_phone_otp.html.page import Page
from django_phone_otp.html.wording import explain
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges
from django_phone_otp.services.askers import remember_browser
from django_phone_otp.services.proofs import Proof, is_fresh, peek, prove


class CodeStep(Page):
    """Asks for the code that was sent; ``verified()`` says what a right one leads to."""

    code_template_name = "phone_otp/code.html"
    number_changeable = True
    """Whether the page offers to use another number."""
    number_masked = False
    """Whether most of the number is hidden; it always is for purposes with ``REGISTERED_ONLY``."""
    step_before_code = "number"
    """The step that sends a code."""
    step_after_code = ""
    """The step that a right code leads to, where there is one."""
    submits_by_itself = False
    """Whether a code that the browser read from the message (WebOTP) is sent without a click."""

    def verified(self, proof: Proof) -> HttpResponse:
        """Return what a right code leads to. ``proof.token`` is what ``redeem()`` takes, once."""
        raise ImproperlyConfigured(f"{type(self).__name__} must say what to do with a proof: define verified().")

    def show_code(self) -> HttpResponse:
        """Ask for the code, or say that it is too late for it."""
        challenge = self.progress.challenge()
        if challenge is None:
            return self.go_to(self.step_before_code)
        if challenge.state == ChallengeStatus.VERIFIED and self.step_after_code:
            return self.go_to(self.step_after_code)
        return self.code_page(challenge, CodeForm(digits=challenge.code_length))

    def take_code(self) -> HttpResponse:
        """Judge a code, or send one again."""
        challenge = self.progress.challenge()
        if challenge is None:
            return self.without_challenge()
        if self.request.POST.get("action") == "resend":
            return self._send_again(challenge)
        form = CodeForm(self.request.POST, digits=challenge.code_length)
        if not form.is_valid():
            return self.code_page(challenge, form)
        if form.cleaned_data["reference"] != challenge.reference:  # typed beside another code: it is no guess at this
            words = _("A newer code was sent. Enter the one with the reference %(reference)s.")
            form.add_error("code", words % {"reference": challenge.reference})
            return self.code_page(challenge, form)
        return self._judge(challenge, form)

    def without_challenge(self) -> HttpResponse:
        """Return what an answer leads to that came when nothing was open: too late, or for a second time."""
        return self.go_to(self.step_before_code)

    def used_before(self) -> HttpResponse | None:
        """Return what a second click leads to, when the first has used the proof; None says that it was used."""
        return None

    def code_page(self, challenge: Challenge, form: CodeForm, refusal: PhoneOTPError | None = None) -> HttpResponse:
        """Render the page that asks for a code."""
        said = self.progress.take("said") or ""
        moment = Moment.of(challenge, conf.current(), masked=self.number_masked, said=said)
        number_link = self.url_of(self.step_before_code) if self.number_changeable else ""
        return self.page(
            self.code_template_name, refusal, form=form, moment=moment, challenge=challenge, number_link=number_link
        )

    def _judge(self, challenge: Challenge, form: CodeForm) -> HttpResponse:
        typed, context = form.cleaned_data["code"], self.get_bound_to()
        try:
            proof = challenges.verify(challenge.handle, typed, context=context, request=self.request)
        except PhoneOTPError as refusal:
            # As it is now: the last wrong guess has locked it, or this is a second click.
            challenge = self.progress.challenge() or challenge
            if isinstance(refusal, ChallengeClosed) and challenge.state == ChallengeStatus.VERIFIED:
                return self._again(challenge, form)
            return self._refused(challenge, form, refusal)
        self.request.session.cycle_key()  # it may do more now than before, and whoever knew its key must not
        try:
            response = self.verified(proof)
        except PhoneOTPError as refusal:
            return self._refused(challenge, form, refusal)
        remember_browser(self.request, response, proof.phone)
        return response

    def _again(self, challenge: Challenge, form: CodeForm) -> HttpResponse:
        """Go on with what this session proved before, as long as the proof is worth anything."""
        proof = prove(challenge)
        try:
            peek(proof.token, purpose=self.purpose, context=self.get_bound_to())
            return self.verified(proof)
        except PhoneOTPError as refusal:
            return (is_fresh(proof) and self.used_before()) or self._refused(challenge, form, refusal)

    def _refused(self, challenge: Challenge, form: CodeForm, refusal: PhoneOTPError) -> HttpResponse:
        form.refuse(refusal)
        return self.code_page(challenge, form, refusal)

    def _send_again(self, challenge: Challenge) -> HttpResponse:
        """Send the code again, or a new one when it is too late for the old."""
        asked_for = (self.request.POST.get("reference"), self.request.POST.get("messages"))
        if asked_for != (challenge.reference, str(challenge.messages)):
            # A second click: what it asks for has been done, and the browser dropped the answer that said so.
            self.progress.note(said="resent" if asked_for[0] == challenge.reference else "renewed")
            return self.go_to("code")
        renewed = challenge.state != ChallengeStatus.PENDING
        try:
            challenge = self._another(challenge)
        except PhoneOTPError as refusal:
            form = CodeForm({"reference": challenge.reference}, digits=challenge.code_length)
            form.add_error(None, explain(refusal))
            return self.code_page(challenge, form, refusal)
        self.progress.note(said="renewed" if renewed else "resent")
        return self.go_to("code")

    def _another(self, challenge: Challenge) -> Challenge:
        wanted = self.request.POST.get("channel", "")
        offered = Moment.of(challenge, conf.current()).other_channels
        channel = wanted if wanted in {name for name, _words in offered} else None
        if challenge.state == ChallengeStatus.PENDING:
            return challenges.resend(challenge.handle, channel=channel, request=self.request)
        return self.send(challenge.number, channel=channel)  # it is known: one click is enough (WCAG 3.3.7)
