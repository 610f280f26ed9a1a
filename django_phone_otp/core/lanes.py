"""Known browsers: what a cookie holds for each number that was verified in it, and the lane that this opens.

An entry is a moment, a random value and a tag over both and the number, so it is worth something for that
number only, names nobody, and needs no database. Its lane is a digest of the random value.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator

from django_phone_otp.core.keys import KeyRing, fingerprint

STRANGERS = ""  # the lane of everybody else
ENTRIES = 4  # numbers that one browser is known for: a family's; the oldest goes
# Operators give a number that was given up to somebody else after 45 days at the earliest in the United
# States (47 CFR 52.15(f)(1)(ii)), and usually after 90.
LIFETIME = 90 * 24 * 60 * 60  # seconds

_NONCE_BYTES = 12
_TAG_BYTES = 16  # 128 bits, as handles have
_ENTRY = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 4 + 12 + 16 bytes in base64url without padding


def entries_of(cookie: str) -> list[bytes]:
    """Return the entries that ``cookie`` may hold, newest first; whatever is no entry is left out."""
    return list(_decoded(cookie.split(".")[:ENTRIES]))


def open_lane(ring: KeyRing, entries: Iterable[bytes], number: str, now: int) -> str:
    """Return the lane that ``entries`` open for ``number`` (E.164) at ``now`` (Unix seconds), or ``STRANGERS``."""
    return next((_lane(entry) for entry in entries if _opens(ring, entry, number, now)), STRANGERS)


def add_entry(ring: KeyRing, entries: Iterable[bytes], number: str, now: int) -> str:
    """Return the cookie that holds ``entries`` and a fresh one for ``number``, in the lane that it had there."""
    kept = list(entries)
    old = next((entry for entry in kept if _opens(ring, entry, number, now)), None)
    body = now.to_bytes(4, "big") + (old[4 : 4 + _NONCE_BYTES] if old else secrets.token_bytes(_NONCE_BYTES))
    fresh = body + _tag(ring.newest.digest("lane", number.encode(), body))
    texts = [fresh, *(entry for entry in kept if entry is not old)][:ENTRIES]
    return ".".join(base64.urlsafe_b64encode(entry).rstrip(b"=").decode() for entry in texts)


def _decoded(texts: Iterable[str]) -> Iterator[bytes]:
    for text in texts:
        if _ENTRY.fullmatch(text):
            try:
                yield base64.b64decode(text + "=", altchars=b"-_", validate=True)
            except binascii.Error:  # pragma: no cover - the pattern above leaves nothing to complain of
                continue


def _opens(ring: KeyRing, entry: bytes, number: str, now: int) -> bool:
    body, tag = entry[:-_TAG_BYTES], entry[-_TAG_BYTES:]
    if not 0 <= now - int.from_bytes(body[:4], "big") < LIFETIME:
        return False
    return any(hmac.compare_digest(_tag(key.digest("lane", number.encode(), body)), tag) for key in ring)


def _tag(digest: bytes) -> bytes:
    return digest[:_TAG_BYTES]


def _lane(entry: bytes) -> str:
    return fingerprint(b"lane", entry[4 : 4 + _NONCE_BYTES]).hex()[:32]
