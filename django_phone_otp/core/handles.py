"""Handles and tokens: a primary key and a 128-bit tag, sealed so that a forged one costs no database work."""

import hmac
import re
import uuid

from django_phone_otp.core import base64url
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
    return base64url.encode(pk.bytes + tag)


def unseal(ring: KeyRing, use: str, sealed: object, bound_to: str = "") -> uuid.UUID | None:
    """Return the primary key that ``sealed`` names, or None when no key of the ring signed it for ``bound_to``."""
    raw = _decode(sealed)
    if raw is None:
        return None
    pk, tag = raw[:16], raw[16:]
    for key in ring:
        if hmac.compare_digest(_tag(key, use, pk, bound_to), tag):
            return uuid.UUID(bytes=pk)
    return None


def named(sealed: str) -> uuid.UUID | None:
    """Return the primary key that ``sealed`` claims to name, whoever made it: for staff, who may see every row."""
    raw = _decode(sealed)
    return uuid.UUID(bytes=raw[:16]) if raw else None


def _decode(sealed: object) -> bytes | None:
    """Return the primary key and the tag, or None for what has not even the form."""
    if not isinstance(sealed, str) or _SEALED.fullmatch(sealed) is None:
        return None
    return base64url.decode(sealed)


def _tag(key: Key, use: str, pk: bytes, bound_to: str) -> bytes:
    return key.digest(use, pk, *([bound_to.encode()] if bound_to else []))[:_TAG_BYTES]
