"""What log-in and sign-up share: both end with somebody logged in, in a session of another key."""

from typing import Any

from django.conf import settings
from django.contrib.auth import load_backend, login
from django.http import HttpResponse

from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.services.recency import note_verification


class EntryPage(NumberStep, CodeStep):
    """A flow at whose end the person is in."""

    def let_in(self, user: Any, number: str, backend: str | None = None) -> HttpResponse:
        """Log ``user`` in, who proved ``number`` just now, leave nothing of the flow behind, and go on."""
        self.progress.forget()
        login(self.request, user, backend=backend)
        note_verification(self.request, number)
        return self.go_on()

    def without_challenge(self) -> HttpResponse:
        """Go where the first click led, when the answer came for a second time. Else begin again."""
        if self.request.user.is_authenticated:
            return self.go_on()
        if self.was_cycled():
            first_led_to = self.step_after_code if self._step() == "code" else ""
            return self.go_to(first_led_to) if first_led_to else self.go_on()
        return super().without_challenge()

    def used_before(self) -> HttpResponse:
        """Go on: the first click let the person in."""
        return self.go_on()


def phone_backends() -> list[tuple[str, Any]]:
    """Return the authentication backends that take a proof, with the paths that the project gave them."""
    found = [(path, load_backend(path)) for path in settings.AUTHENTICATION_BACKENDS]
    return [(path, backend) for path, backend in found if getattr(backend, "by_phone", False)]
