"""Who asks: an address, a user or a session, and whether this browser is known for a number."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core import lanes
from django_phone_otp.core.addresses import Network, client_address
from django_phone_otp.core.numbers import one_spelling

COOKIE = "phone_otp_known"
SESSION_KEY = "phone_otp_browser"
_COOKIE_MAXIMUM = 512  # characters; what `lanes` makes has under 120


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something. Without a request, nothing is known of them. ``address`` is what limits count by."""

    request: HttpRequest | None = field(repr=False)
    address: str = ""
    entries: tuple[bytes, ...] = field(default=(), repr=False)

    def lane(self, number: str) -> str:
        """Return the lane of this browser for ``number``: that of those who are known for it, or of strangers."""
        return lanes.lane_of(conf.current().keys, self.entries, one_spelling(number), _seconds())

    def message_buckets(self, *, known: bool) -> Mapping[str, str]:
        """Return what a message counts against by its sender.

        Browsers that are ``known`` for the number have places of their own at their address, which strangers
        there cannot use up.
        """
        if self.request is None:
            return {}
        buckets = {"send.ip": f"{self.address}{' known' if known else ''}"}
        # Asking for the user may cost a query.
        client = client_of(self.request) if conf.current().limits["send.client"] else ""
        return {**buckets, "send.client": client} if client else buckets

    def guess_buckets(self, known_for: str = "") -> Mapping[str, str]:
        """Return what a guess counts against by its sender: a browser that is ``known_for`` the number by that."""
        if self.request is None:
            return {}
        return {"verify.ip": f"known for {known_for}" if known_for else self.address}


def asker_of(request: HttpRequest | None) -> Asker:
    """Return who makes ``request``."""
    if request is None:
        return Asker(None)
    cookie = getattr(request, "COOKIES", {}).get(COOKIE, "")[:_COOKIE_MAXIMUM]
    entries = tuple(lanes.entries_of(cookie)) if cookie else ()
    return Asker(request, client_address(*origin(request)), entries)


def origin(request: HttpRequest) -> tuple[str, str, Sequence[Network]]:
    """Return what tells where ``request`` came from: the peer, ``X-Forwarded-For``, and which proxies to believe."""
    peer, forwarded_for = request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_FORWARDED_FOR")
    return peer or "", forwarded_for or "", conf.current().trusted_proxies  # servers on Unix sockets give no peer


def client_of(request: HttpRequest | None) -> str:
    """Return the user who is logged in, or else the session, or ``""``."""
    user = getattr(request, "user", None)
    pk = getattr(user, "pk", None)
    if pk is not None and getattr(user, "is_authenticated", False):  # users of stateless tokens may have no key
        return f"user {pk}"
    key = session_key(request)
    return f"session {key}" if key else ""


def session_key(request: HttpRequest | None) -> str:
    """Return the key of the request's session, or ``""``."""
    return getattr(getattr(request, "session", None), "session_key", None) or ""


def remember_browser(request: HttpRequest, response: Any, number: str) -> None:
    """Let this browser be known for ``number``, which was just verified in it: set the cookie on ``response``.

    It goes where the session's cookie goes, and lasts as long as a number usually stays with a person.
    """
    value = lanes.add_entry(conf.current().keys, asker_of(request).entries, one_spelling(number), _seconds())
    response.set_cookie(
        COOKIE,
        value,
        max_age=lanes.LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def browser_of(request: HttpRequest | None) -> str:
    """Return what marks this browser in its session, for challenges that are bound to it; ``""`` without a mark."""
    session = getattr(request, "session", None)
    return "" if session is None else str(session.get(SESSION_KEY, ""))


def mark_browser(request: HttpRequest | None) -> str:
    """Return this browser's mark, made now if need be. It outlives a log-in, and goes with a log-out.

    Returns ``""`` without a session: then nothing can be bound.
    """
    session = getattr(request, "session", None)
    if session is None:
        return ""
    return str(session.setdefault(SESSION_KEY, secrets.token_urlsafe(16)))


def _seconds() -> int:
    return int(timezone.now().timestamp())
