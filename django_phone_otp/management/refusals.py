"""What the services refuse, and what rows of the project's hold back, in the words of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db.models import ProtectedError, RestrictedError

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


def why(held_back: ProtectedError | RestrictedError) -> str:
    """Name the models of the rows that hold others back: Django's own words would show the rows."""
    rows = held_back.protected_objects if isinstance(held_back, ProtectedError) else held_back.restricted_objects
    models = ", ".join(sorted({row._meta.label for row in rows}))
    return f"Rows of {models} refer to what is to be deleted, and must go first (on_delete)."
