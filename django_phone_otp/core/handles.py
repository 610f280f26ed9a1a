"""Handles and tokens: a primary key and a 128-bit tag, sealed so that a forged one costs no database work."""

import base64
import binascii
import hmac
import re
import uuid

from django_phone_otp.core.keys import Key, KeyRing

HANDLE = "handle"  # names a challenge to a client
TOKEN = "token"  # noqa: S105 - proves that a challenge was verified

_TAG_BYTES = 16  # 128 bits, as ASVS 5.0 11.5.1 asks
_SEALED = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 32 bytes in base64url without padding


def seal(ring: KeyRing, use: str, pk: uuid.UUID, bound_to: str = "") -> str:
    """Return the 43-character base64url text that names ``pk`` for one ``use``, signed by the newest key.

    With ``bound_to``, it is worth nothing without the same text.
    """
    tag = _tag(ring.newest, use, pk.bytes, bound_to)
    return base64.urlsafe_b64encode(pk.bytes + tag).rstrip(b"=").decode()


def unseal(ring: KeyRing, use: str, sealed: object, bound_to: str = "") -> uuid.UUID | None:
    """Return the primary key that ``sealed`` names, or None when no key of the ring signed it for ``bound_to``."""
    if not isinstance(sealed, str) or _SEALED.fullmatch(sealed) is None:
        return None
    try:
        raw = base64.b64decode(sealed + "=", altchars=b"-_", validate=True)
    except binascii.Error:  # pragma: no cover - the pattern above leaves nothing to complain of
        return None
    # base64 leaves two spare bits in the last character: one text only may stand for one challenge.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != sealed:
        return None
    pk, tag = raw[:16], raw[16:]
    for key in ring:
        if hmac.compare_digest(_tag(key, use, pk, bound_to), tag):
            return uuid.UUID(bytes=pk)
    return None


def _tag(key: Key, use: str, pk: bytes, bound_to: str) -> bytes:
    return key.digest(use, pk, *([bound_to.encode()] if bound_to else []))[:_TAG_BYTES]
