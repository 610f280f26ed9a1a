"""How far a session is in one flow: which challenge it opened. What became of it, the database knows.

A session keeps the challenge's primary key, never its handle, token, code or number: the table of
sessions must be worth nothing to whoever reads it.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from django_phone_otp.exceptions import ChallengeNotFound, PhoneOTPError
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges
from django_phone_otp.services.intake import handle_of

SESSION_KEY = "phone_otp_pages"


class Progress:
    """What the session of ``request`` knows of the flow ``name``, which verifies for ``purpose``."""

    def __init__(self, request: HttpRequest, name: str, purpose: str) -> None:
        self.request = request
        self.name = name
        self.purpose = purpose

    def begin(self, challenge: Challenge) -> None:
        """Go on with ``challenge``, in place of another one."""
        self._write(self._read() | {"challenge": challenge.pk.hex})

    def challenge(self) -> Challenge | None:
        """Return the challenge as it stands, or None when there is none."""
        try:
            pk = UUID(hex=self._read().get("challenge", ""))
            found = challenges.status(handle_of(pk, self.purpose, self.request), request=self.request)
        except (ValueError, ChallengeNotFound):  # none was opened, or it was deleted since
            return None
        return found if found.purpose == self.purpose else None  # the project gave the view another purpose since

    def note(self, **facts: Any) -> None:
        """Remember ``facts``: texts, whole numbers and truth values."""
        self._write(self._read() | facts)

    def recall(self, fact: str) -> Any:
        """Return what was noted as ``fact``, or None."""
        return self._read().get(fact)

    def take(self, fact: str) -> Any:
        """Return what was noted as ``fact``, and forget it."""
        entry = self._read()
        value = entry.pop(fact, None)
        if value is not None:
            self._write(entry)
        return value

    def forget(self) -> None:
        """Leave nothing of the flow in the session."""
        flows = dict(self.request.session.get(SESSION_KEY, {}))
        if flows.pop(self.name, None) is not None:
            self.request.session[SESSION_KEY] = flows

    def give_up(self, challenge: Challenge) -> None:
        """Cancel a challenge that this session no longer needs; its guesses go back to the number."""
        with suppress(PhoneOTPError):  # it ended by itself
            challenges.cancel(challenge.handle, request=self.request)

    def _read(self) -> dict[str, Any]:
        return dict(self.request.session.get(SESSION_KEY, {}).get(self.name, {}))

    def _write(self, entry: dict[str, Any]) -> None:
        self.request.session[SESSION_KEY] = self.request.session.get(SESSION_KEY, {}) | {self.name: entry}
