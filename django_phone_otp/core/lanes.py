"""Lanes: what a number's guesses and messages are counted in, that of strangers or that of known browsers.

A browser is known for a number that was verified in it. Its cookie holds an entry for each: a moment, and a tag
over that and the number. So an entry is worth something for that number only, names nobody, and needs no database.
"""

import hmac
import re
from collections.abc import Iterable

from django_phone_otp.core import base64url
from django_phone_otp.core.keys import Key, KeyRing

STRANGERS = ""
# One lane for all browsers that are known for a number: with one for each, whoever has the phone for a while could
# make many, and guess in all of them when the phone is somebody else's.
KNOWN = "known"

ENTRIES = 4  # numbers that one browser is known for: a family's; the oldest goes
# Operators give a number that was given up to somebody else after 45 days at the earliest in the United
# States (47 CFR 52.15(f)(1)(ii)), and usually after 90.
LIFETIME = 90 * 24 * 60 * 60  # seconds

CLOCKS_DIFFER = 60  # seconds at most by which the server that made an entry may be ahead

_MOMENT_BYTES = 4
_TAG_BYTES = 16  # 128 bits, as handles have
_ENTRY = re.compile(r"[A-Za-z0-9_-]{27}", re.ASCII)  # 4 + 16 bytes in base64url without padding


def entries_of(cookie: str) -> list[bytes]:
    """Return the entries that ``cookie`` may hold, newest first; whatever is no entry is left out."""
    texts = filter(_ENTRY.fullmatch, cookie.split(".")[:ENTRIES])
    return [entry for entry in map(base64url.decode, texts) if entry is not None]


def lane_of(ring: KeyRing, entries: Iterable[bytes], number: str, now: int) -> str:
    """Return the lane of a browser with these ``entries`` for ``number`` (E.164) at ``now`` (Unix seconds)."""
    return KNOWN if any(_is_for(ring, entry, number, now) for entry in entries) else STRANGERS


def add_entry(ring: KeyRing, entries: Iterable[bytes], number: str, now: int) -> str:
    """Return the cookie that holds ``entries`` and a fresh one for ``number``, in place of the one that it had."""
    moment = now.to_bytes(_MOMENT_BYTES, "big")
    others = [entry for entry in entries if not _is_for(ring, entry, number, now)]
    kept = [moment + _tag(ring.newest, number, moment), *others][:ENTRIES]
    return ".".join(map(base64url.encode, kept))


def _is_for(ring: KeyRing, entry: bytes, number: str, now: int) -> bool:
    moment, tag = entry[:_MOMENT_BYTES], entry[_MOMENT_BYTES:]
    if not -CLOCKS_DIFFER <= now - int.from_bytes(moment, "big") < LIFETIME:
        return False
    return any(hmac.compare_digest(_tag(key, number, moment), tag) for key in ring)


def _tag(key: Key, number: str, moment: bytes) -> bytes:
    return key.digest("lane", number.encode(), moment)[:_TAG_BYTES]
