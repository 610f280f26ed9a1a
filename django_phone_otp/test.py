"""What a project's own tests use: no vendor, every message in ``outbox``, settings merged for a while."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.test.utils import TestContextDecorator, override_settings

from django_phone_otp.backends.locmem import outbox
from django_phone_otp.core.numbers import compact_number

__all__ = ["latest_code", "note_code", "outbox", "override_phone_otp"]

_LOCMEM = {"default": {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}}
_MERGED = ("LIMITS", "MESSAGE")  # a test that sets one limit means that one


def latest_code(number: str) -> str:
    """Return the code of the newest message in ``outbox`` to ``number`` (E.164, spaces allowed).

    Raises ``LookupError`` when there is none.
    """
    wanted = compact_number(number)
    for message in reversed(outbox):
        if message.number == wanted:
            return message.code
    raise LookupError("no message to this number is in the outbox")


def note_code(client: Client, user: Any) -> None:
    """Let it be as if ``user``, who is logged in with ``client``, had entered a code to their number just now.

    Raises ``LookupError`` when the user has no number.
    """
    # Here, because they need the apps loaded, and settings may be imported together with this module.
    from django_phone_otp.services.phones import numbers_of  # noqa: PLC0415
    from django_phone_otp.services.recency import note_verification  # noqa: PLC0415

    number = next(iter(numbers_of(user)), None)
    if number is None:
        raise LookupError("the user has no number: bind() one first")
    request = HttpRequest()
    request.session, request.user = client.session, user
    note_verification(request, number)
    request.session.save()


class override_phone_otp(TestContextDecorator):  # noqa: N801 - named as override_settings is
    """Change keys of ``PHONE_OTP`` for a test, a test class or a ``with`` block, and keep the others.

    Messages go to ``outbox``, which starts empty, unless ``BACKENDS`` is given. ``LIMITS`` and
    ``MESSAGE`` are merged key by key.
    """

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes

    def enable(self) -> None:
        """Put the changes in force."""
        given: Mapping[str, Any] = getattr(settings, "PHONE_OTP", {})
        merged = {**given, "BACKENDS": _LOCMEM, **self.changes}
        for key in _MERGED:
            if key in self.changes:
                merged[key] = {**given.get(key, {}), **self.changes[key]}
        self._override = override_settings(PHONE_OTP=merged)
        self._override.enable()
        outbox.clear()

    def disable(self) -> None:
        """Put back what was before."""
        self._override.disable()
