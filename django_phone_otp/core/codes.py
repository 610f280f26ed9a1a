"""One-time codes: derived from a key and a row, never stored; and what a person may type for one."""

import hashlib
import hmac
import itertools
import re
import struct
import unicodedata

from django_phone_otp.core.keys import Key

MINIMUM_LENGTH = 4  # below it even one guess is worth trying; fewer than 6 is a deploy error
MAXIMUM_LENGTH = 10
SEED_BYTES = 16
_TYPED_MAXIMUM = 32  # characters a person may type for a code, separators included
_REFERENCE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # without vowels, so that no word comes up (RFC 8628 §6.1)
_DIGITS = re.compile(rf"[0-9]{{{MINIMUM_LENGTH},{MAXIMUM_LENGTH}}}", re.ASCII)


def derive_code(key: Key, *parts: bytes, length: int) -> str:
    """Return the code of ``length`` digits that ``key`` gives to ``parts``.

    Every code, leading zeros included, is equally likely: 64-bit words of the HMAC are taken one
    by one, and a word past the last whole multiple of ``10**length`` is thrown away, not folded in
    (NIST SP 800-63B-4 §3.1.3.2 asks for an approved random source; RFC 4226's truncation is biased).
    """
    span = 10**length
    ceiling = 2**64 - 2**64 % span
    words = (
        word
        for counter in itertools.count()
        for word in struct.unpack(">4Q", key.digest("code", counter.to_bytes(4, "big"), *parts))
    )
    return str(next(word for word in words if word < ceiling) % span).zfill(length)


def normalise_code(typed: str) -> str:
    """Return the digits of what a person typed or pasted, without spaces and dashes between them.

    Raises ``ValueError`` for anything but 4 to 10 ASCII digits: ``int()``, ``isdigit()`` and ``$``
    would each let other digits or a line break through.
    """
    if len(typed) > _TYPED_MAXIMUM:
        raise ValueError("too long for a code")
    digits = "".join(c for c in typed if unicodedata.category(c) not in {"Zs", "Pd"})
    if _DIGITS.fullmatch(digits) is None:
        raise ValueError("a code is digits only")
    return digits


def codes_match(first: str, second: str) -> bool:
    """Compare two codes in constant time (ASVS 5.0 11.2.4)."""
    return hmac.compare_digest(first.encode(), second.encode())


def reference_of(identifier: bytes) -> str:
    """Return the two letters by which a person tells the message of one challenge from another's.

    They are no secret, and say nothing about the code.
    """
    digest = hashlib.sha256(identifier).digest()
    return "".join(_REFERENCE_LETTERS[byte % len(_REFERENCE_LETTERS)] for byte in digest[:2])
