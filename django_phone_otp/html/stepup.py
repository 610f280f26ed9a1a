"""Step-up: what asks for a verification that is not old, and the page where one is made."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse_lazy

from django_phone_otp.core.numbers import mask_number
from django_phone_otp.exceptions import InvalidToken, PhoneOTPError
from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.forms import RefusableForm
from django_phone_otp.html.page import MembersPage, with_query
from django_phone_otp.services.phones import numbers_of
from django_phone_otp.services.proofs import Proof, redeem
from django_phone_otp.services.recency import note_verification, verified_ago

CONFIRM_URL: Any = reverse_lazy("phone_otp_pages:confirm")
DEFAULT_MINUTES = 10

View = Callable[..., Any]


def verification_required(*, minutes: int = DEFAULT_MINUTES, url: Any = CONFIRM_URL) -> Callable[[View], View]:
    """Let nobody to a view who has not proved control of their number within ``minutes`` in this session.

    Others go to ``url``, where a code is sent to their number, and come back. A form that they sent is
    not sent again: they come back by GET. The view may be asynchronous.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                detour = await sync_to_async(_detour)(request, minutes, url)
                return detour or await view(request, *args, **kwargs)

            return guarded_async

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return _detour(request, minutes, url) or view(request, *args, **kwargs)

        return guarded

    return decorate


def _detour(request: HttpRequest, minutes: int, url: Any) -> HttpResponseRedirect | None:
    """Return where the person must go first; None when they may go on."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    ago = verified_ago(request)
    if ago is None or ago > timedelta(minutes=minutes):
        return send_to_confirm(request, url)
    return None


class VerificationRequiredMixin:
    """``verification_required`` for a class-based view: put it first among the bases."""

    verification_minutes = DEFAULT_MINUTES
    verification_url: Any = CONFIRM_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer, or send the person to prove their number first."""
        if getattr(self, "view_is_async", False):
            return self._dispatch_async(request, *args, **kwargs)
        detour = _detour(request, self.verification_minutes, self.verification_url)
        return detour or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    async def _dispatch_async(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        detour = await sync_to_async(_detour)(request, self.verification_minutes, self.verification_url)
        return detour or await super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


def send_to_confirm(request: HttpRequest, url: Any) -> HttpResponseRedirect:
    """Redirect to the page that asks for a code, and from there back to this one."""
    return redirect_to_confirm(request.get_full_path(), resolve_url(url))


def redirect_to_confirm(onward: str, url: str) -> HttpResponseRedirect:
    """Redirect to ``url``, where a code is asked for, and from there on to ``onward``."""
    return HttpResponseRedirect(with_query(url, {REDIRECT_FIELD_NAME: onward}))


class SendForm(RefusableForm):
    """Nothing but a button."""


class ConfirmView(CodeStep, MembersPage):
    """Prove control of one's number once more, and go back to where one was.

    Nothing is sent before the person asks for it: a page that only somebody's link opened costs no message.
    """

    purpose = "verify"
    flow = "confirmation"
    steps = ("send", "code")
    step_before_code = "send"
    number_changeable = False
    number_masked = True
    send_template_name = "phone_otp/confirm.html"
    change_url: Any = reverse_lazy("phone_otp_pages:number")
    """Where somebody without a number gives one; None offers nothing."""

    def show_send(self) -> HttpResponse:
        """Offer to send a code to the person's number."""
        self.progress.take("done")
        return self._send_page(SendForm())

    def take_send(self) -> HttpResponse:
        """Send it."""
        form = SendForm(self.request.POST)
        form.is_valid()
        number = self._number()
        if not number:
            return self._send_page(form)
        try:
            self.send(number)
        except PhoneOTPError as refusal:
            form.refuse(refusal)
            return self._send_page(form, refusal)
        return self.go_to("code")

    def show_code(self) -> HttpResponse:
        """Ask for the code; where it was given already, go on."""
        return super().show_code() if self.progress.challenge() else self.without_challenge()

    def without_challenge(self) -> HttpResponse:
        """Go on when the code was given already: the answer came for a second time. Else begin again."""
        return self.go_on() if self.progress.take("done") else super().without_challenge()

    def used_before(self) -> HttpResponse | None:
        """Go on: the first click noted it. But a number that is not the person's any more leads nowhere."""
        return self.go_on() if verified_ago(self.request) is not None else None

    def verified(self, proof: Proof) -> HttpResponse:
        """Note the time, and go back. Raises ``InvalidToken`` for a number that is not the person's any more."""
        number = redeem(proof.token, purpose=self.purpose, context=self.get_bound_to())
        self.progress.forget()
        if number not in numbers_of(self.request.user):
            raise InvalidToken
        self.progress.note(done=True)
        note_verification(self.request, number)
        return self.go_on()

    def _number(self) -> str:
        return next(iter(numbers_of(self.request.user)), "")

    def _send_page(self, form: SendForm, refusal: PhoneOTPError | None = None) -> HttpResponse:
        number = self._number()
        change_link = "" if number else self.link(self.change_url)
        return self.page(
            self.send_template_name,
            refusal,
            form=form,
            number=mask_number(number) if number else "",
            change_link=change_link,
        )
