"""Context: what a code is bound to besides number and purpose, such as an amount and a payee."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django_phone_otp.core.keys import fingerprint

VALUE_MAXIMUM = 64  # characters: a payee's name fits, a second message does not
# Phones make a link of any "name.tld", of an address, and of what follows some schemes.
_LINK = re.compile(
    r"://|\w[.。][^\W\d_]{2}|\d{1,3}(?:[.。]\d{1,3}){3}|\b(?:https?|ftp|tel|smsto|sms|mailto|intent|geo|javascript)\s*:",
    re.IGNORECASE,
)
# Characters that take no place on the screen without being control or format characters (Unicode's
# Default_Ignorable_Code_Point): they would split a link for this pattern and not for a phone.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_context(context: Mapping[str, object] | None, fields: Sequence[str]) -> dict[str, str]:
    """Return ``context`` as text, holding just the ``fields`` that the purpose is bound to.

    The values end in a message that carries the sender's name, so a value may not be long, hold a
    line break or another invisible character, or look like a link.

    Raises ``ValueError`` with a sentence for the developer, which repeats no value.
    """
    given = {} if context is None else dict(context)
    if set(given) != set(fields):
        raise ValueError(f"expected {', '.join(fields) or 'no fields'}")
    return {field: _clean_value(field, given[field]) for field in fields}


def _clean_value(field: str, value: object) -> str:
    # A float has no one spelling, and True is an int: neither may decide what a code is bound to.
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"{field} must be text")
    text = str(value)
    if not 0 < len(text) <= VALUE_MAXIMUM:
        raise ValueError(f"{field} must have 1 to {VALUE_MAXIMUM} characters")
    if _IGNORABLE.search(text) or any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise ValueError(f"{field} holds a character that cannot be shown")
    if _LINK.search(unicodedata.normalize("NFKC", text)):
        raise ValueError(f"{field} may not hold a link")
    return text


def context_digest(context: Mapping[str, str]) -> bytes:
    """Return the 32 bytes that stand for ``context`` in a code: the same fields and values, in any order."""
    if not context:
        return b""
    return fingerprint(json.dumps(dict(context), sort_keys=True, ensure_ascii=False).encode())
