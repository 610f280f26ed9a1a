"""What may be kept of a vendor's words: short, on one line, without numbers, codes or secrets."""

import re
from collections.abc import Iterable

REDACTED = "[…]"
_LONG_DIGITS = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){6,}")  # seven digits or more: perhaps a phone number


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 200) -> str:
    """Return ``text`` with every secret and every run of digits that could be a number taken out.

    ``secrets`` are exact values: codes, API keys, the message's text. ``limit`` is in characters.
    """
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    text = without(longest_first, text)
    # Invisible characters go before the digits are looked at, or they would hide a number.
    text = without(longest_first, "".join(filter(str.isprintable, " ".join(text.split()))))
    for code in filter(str.isdecimal, longest_first):  # however it is spaced
        text = re.sub("[ .-]?".join(code), REDACTED, text)
    text = _LONG_DIGITS.sub(REDACTED, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def without(secrets: Iterable[str], text: str) -> str:
    """Return ``text`` with every one of the ``secrets`` taken out, and nothing else."""
    for secret in filter(None, secrets):
        text = text.replace(secret, REDACTED)
    return text
