"""Every refusal, typed: each class has a stable ``code``, and no text of theirs ever holds a number, code or token."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PhoneOTPError(Exception):
    """Root of every refusal. ``code`` is stable and for programs; ``str()`` is a sentence for people.

    Misconfiguration is deliberately not among them: that is Django's ``ImproperlyConfigured``.
    """

    code: ClassVar[str] = "error"
    message: ClassVar[str | Promise] = _("Something went wrong.")

    def __str__(self) -> str:
        return str(self.message)


class Invalid(PhoneOTPError):
    """What was given has the wrong form. ``errors`` maps each field to its messages."""

    code = "invalid"
    message = _("Not valid: %(fields)s.")

    def __init__(self, errors: Mapping[str, Sequence[str | Promise]]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return str(self.message) % {"fields": ", ".join(self.errors)}


class InvalidPhone(PhoneOTPError):
    """The text is not one phone number. ``reason`` says why, for staff."""

    code = "invalid_phone"
    message = _("Enter a phone number, with its country code.")

    def __init__(self, reason: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason


class NumberNotAllowed(InvalidPhone):
    """The number exists, and no message goes to numbers of its kind or region."""

    code = "number_not_allowed"
    message = _("Messages cannot be sent to this number. Use another one.")


class IncorrectCode(PhoneOTPError):
    """The guess was counted and was wrong; ``attempts_left`` guesses remain for this challenge."""

    code = "incorrect_code"
    message = _("That code is not right.")

    def __init__(self, attempts_left: int) -> None:
        super().__init__(attempts_left)
        self.attempts_left = attempts_left


class ChallengeNotFound(PhoneOTPError):
    """The handle names no challenge, or was not made by this project."""

    code = "challenge_not_found"
    message = _("There is no such verification. Ask for a new code.")


class ChallengeClosed(PhoneOTPError):
    """The challenge was verified or canceled before."""

    code = "challenge_closed"
    message = _("This verification is finished. Ask for a new code.")


class ChallengeExpired(PhoneOTPError):
    """The challenge is past its time."""

    code = "challenge_expired"
    message = _("That code has expired. Ask for a new one.")


class IdempotencyMismatch(PhoneOTPError):
    """The same Idempotency-Key came before with another body."""

    code = "idempotency_mismatch"
    message = _("This Idempotency-Key was used for another request.")


class RetryLater(PhoneOTPError):
    """A refusal that time lifts: ``retry_after`` is in whole seconds, at least 1."""

    def __init__(self, retry_after: float) -> None:
        # Rounded up: a client that waits just as long as it was told must not be refused again.
        self.retry_after = max(1, -int(-retry_after // 1))
        super().__init__(self.retry_after)


class RateLimited(RetryLater):
    """A limit on messages or guesses was reached."""

    code = "rate_limited"
    message = _("Too many requests. Wait a little, then try again.")


class ChallengeRequired(PhoneOTPError):
    """Limits are near, and the project's ``CHALLENGE_HOOK`` wants something first.

    ``demand`` says what, for the client. Nothing was sent and no guess was judged; the same may be asked
    again, with what is demanded.
    """

    code = "challenge_required"
    message = _("Confirm that you are not a robot, then try again.")

    def __init__(self, demand: Mapping[str, str]) -> None:
        super().__init__(demand)
        self.demand = dict(demand)


class TooManyAttempts(RetryLater):
    """No guess is left, for this challenge or for the number."""

    code = "too_many_attempts"
    message = _("No guesses are left. Ask for a new code later.")


class ResendTooSoon(RetryLater):
    """The next message may not be asked for yet."""

    code = "resend_too_soon"
    message = _("A code was sent a moment ago. Wait before asking for another.")


class DeliveryFailed(PhoneOTPError):
    """Every vendor on the route said that the message was not sent."""

    code = "delivery_failed"
    message = _("The code could not be sent. Try again.")


class Unavailable(RetryLater):
    """A guard that fails closed could not be read."""

    code = "unavailable"
    message = _("Verification is not available right now. Try again in a moment.")


class InvalidToken(PhoneOTPError):
    """The token is forged, spent, expired, or proves another purpose."""

    code = "invalid_token"
    message = _("This proof is not valid. Verify the number again.")


class NumberTaken(PhoneOTPError):
    """The number is bound to another account."""

    code = "number_taken"
    message = _("This number belongs to another account.")
