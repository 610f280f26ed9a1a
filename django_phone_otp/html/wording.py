"""What a refusal says to the person: what happened, and what to do now."""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_phone_otp.exceptions import (
    DeliveryFailed,
    IncorrectCode,
    Invalid,
    InvalidPhone,
    InvalidToken,
    NumberNotAllowed,
    PhoneOTPError,
    RateLimited,
    ResendTooSoon,
    TooManyAttempts,
    Unavailable,
)

FEW_LEFT = 2  # guesses from which on the person is told how many there are

# What a number itself says. What the project denies in silence (prefixes, test numbers) stays unsaid.
_READING = {
    "unreadable": _("Choose the country, or begin with + and the country code."),
    "too_long": _("This is too long for a phone number. Enter one number, with nothing after it."),
    "characters": _("Enter one phone number: digits, spaces, dashes and brackets, with + before the country code."),
    "extension": _("Numbers with an extension cannot get messages. Enter the number of a mobile phone."),
    "invalid": _("Enter a real phone number. Check the country and the digits."),
    "type": _("Enter a phone number."),
}
_EXPENSIVE = _("This is a special-rate number, which cannot get codes. Enter the number of a mobile phone.")
_KINDS = {
    "region": _("We do not send codes to this country. Use a number of another country."),
    "satellite": _("Satellite phones cannot get codes. Enter the number of a mobile phone."),
    "toll_free": _("Toll-free numbers cannot get codes. Enter the number of a mobile phone."),
    "pager": _("Pagers cannot get codes. Enter the number of a mobile phone."),
    "voicemail": _("Voicemail cannot get codes. Enter the number of a mobile phone."),
    "uan": _("Company numbers cannot get codes. Enter the number of a mobile phone."),
    "personal": _("Forwarding numbers cannot get codes. Enter the number of a mobile phone."),
    "fictional": _("This number is kept free for films and books. Enter the number of your own phone."),
    **dict.fromkeys(("premium", "shared_cost", "special_rate"), _EXPENSIVE),
}


def explain(refusal: PhoneOTPError) -> str:
    """Return what to tell the person of ``refusal``; it never repeats what they typed."""
    for kind, words in _WORDS.items():
        if isinstance(refusal, kind):
            return words(refusal)
    return str(refusal)


def wait_of(seconds: int) -> str:
    """Return how long to wait, in words, rounded up."""
    if seconds < 90:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // 60)
    if minutes < 90:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-minutes // 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def _number(refusal: InvalidPhone) -> str:
    known = _KINDS if isinstance(refusal, NumberNotAllowed) else _READING
    return str(known.get(refusal.reason, refusal))


def _incorrect(refusal: IncorrectCode) -> str:
    wrong = gettext("That code is not right. Check the newest message, and enter its code again.")
    left = refusal.attempts_left
    if left > FEW_LEFT:
        return wrong
    if left <= 0:
        return gettext("That code is not right, and it was the last try. Ask for a new code.")
    tries = ngettext("You have %(count)d try left.", "You have %(count)d tries left.", left) % {"count": left}
    return f"{wrong} {tries}"


def _invalid(refusal: Invalid) -> str:
    # A field that the person cannot see, such as the key of a form, is no use to them.
    messages: Iterable[object] = refusal.errors.get("code") or [gettext("Something went wrong. Try again.")]
    return " ".join(map(str, messages))


def _later(words: str, refusal: RateLimited | ResendTooSoon | TooManyAttempts | Unavailable) -> str:
    return words % {"wait": wait_of(refusal.retry_after)}


_WORDS: dict[type[PhoneOTPError], Callable[[Any], str]] = {
    InvalidPhone: _number,
    IncorrectCode: _incorrect,
    Invalid: _invalid,
    InvalidToken: lambda _: gettext("Too much time has gone by since the code was entered. Verify your number again."),
    DeliveryFailed: lambda _: gettext("The code could not be sent. Check the number, or try again in a minute."),
    RateLimited: lambda refusal: _later(gettext("Too many requests. Try again in %(wait)s."), refusal),
    ResendTooSoon: lambda refusal: _later(
        gettext("A code was sent a moment ago. You can ask for another in %(wait)s."), refusal
    ),
    TooManyAttempts: lambda refusal: _later(
        gettext("Too many wrong codes were entered. Ask for a new code in %(wait)s."), refusal
    ),
    Unavailable: lambda refusal: _later(
        gettext("Codes cannot be sent or checked right now. Try again in %(wait)s."), refusal
    ),
}
