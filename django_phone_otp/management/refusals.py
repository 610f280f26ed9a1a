"""What the services refuse, in the words of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from django_phone_otp.exceptions import Invalid, InvalidPhone, PhoneOTPError


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Raise ``CommandError`` for whatever the services refuse: it says why, and names no number."""
    try:
        yield
    except InvalidPhone as refusal:
        raise CommandError(f"{refusal} ({refusal.reason})") from None
    except Invalid as refusal:
        raise CommandError(" ".join(str(text) for texts in refusal.errors.values() for text in texts)) from None
    except PhoneOTPError as refusal:
        raise CommandError(str(refusal)) from None
