"""What may be kept of a vendor's words: short, on one line, without numbers, codes or secrets."""

import re
from collections.abc import Iterable

REDACTED = "[…]"
_LONG_DIGITS = re.compile(r"\+?\d(?:[ -]?\d){6,}")  # seven digits or more: perhaps a phone number


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 200) -> str:
    """Return ``text`` with every secret and every run of digits that could be a number taken out.

    ``secrets`` are exact values: codes, API keys, the message's text. ``limit`` is in characters.
    """
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    text = _without(longest_first, text)
    # Invisible characters go before the digits are looked at, or they would hide a number.
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    text = _LONG_DIGITS.sub(REDACTED, _without(longest_first, text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _without(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text
