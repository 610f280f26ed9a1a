"""Doing it once: the same browser session or Idempotency-Key never sends a second message."""

import re
from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.exceptions import IdempotencyMismatch, Invalid, Unavailable
from django_phone_otp.services.askers import asker_of, client_of, session_key
from django_phone_otp.services.caching import shared_cache
from django_phone_otp.services.limits import RETRY_WHEN_DOWN

KEPT = 24 * 60 * 60  # seconds that a key is remembered (draft-ietf-httpapi-idempotency-key-header §2.6)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Claim(NamedTuple):
    """A caller's right to do one thing once. ``replay`` says that the same was asked before."""

    client: str
    body: str = ""
    replay: bool = False
    challenge: UUID | None = None

    def settle(self, challenge: UUID) -> None:
        """Remember which challenge answers this key from now on."""
        if self.body:
            _cache("set", self.client, (self.body, challenge), KEPT)

    def release(self) -> None:
        """Forget the key: what was asked did not happen, and may be asked again."""
        if self.body and not self.replay:
            _cache("delete", self.client)


def claim(verb: str, key: str | None, request: HttpRequest | None, *body: bytes, browser: str = "") -> Claim:
    """Claim ``verb`` for this ``Idempotency-Key``, or without one for this browser session.

    ``browser`` is the session's mark where it has one: a new session has no key yet. ``body`` is what was
    asked, part by part. Keys belong to the user, or to the session and address, that sent them. Behind one
    address, only a key that nobody can guess tells people apart.

    Raises ``IdempotencyMismatch`` when the key came with another body, ``Invalid`` for a malformed
    key, ``Unavailable`` when the cache that remembers keys does not answer.
    """
    signer = conf.current().keys.newest
    if key is None:
        key_of_session = browser or session_key(request)
        return Claim(signer.digest("client", b"session", key_of_session.encode()).hex() if key_of_session else "")
    if not _KEY.fullmatch(key):
        raise Invalid({"Idempotency-Key": [_("Use 1 to 255 visible ASCII characters.")]})
    client = signer.digest("client", b"key", verb.encode(), _scope(request, browser).encode(), key.encode()).hex()
    digest = signer.digest("client", b"body", *body).hex()
    if _cache("add", client, (digest, None), KEPT):
        return Claim(client, digest)
    known, challenge = _cache("get", client) or (digest, None)  # None: released in this very moment
    if known != digest:
        raise IdempotencyMismatch
    return Claim(client, digest, replay=True, challenge=challenge)


def _scope(request: HttpRequest | None, browser: str) -> str:
    client = client_of(request)
    if client.startswith("user"):
        return client
    return f"{f'browser {browser}' if browser else client}, address {asker_of(request).address}"


def _cache(operation: str, client: str, *args: object) -> "tuple[str, UUID | None] | None":
    try:
        return getattr(shared_cache(), operation)(f"phone_otp.idempotency.{client}", *args)  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - every cache client raises classes of its own
        raise Unavailable(RETRY_WHEN_DOWN) from None
