"""What may be kept of a vendor's words: short, on one line, without numbers, codes or secrets."""

import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

REDACTED = "[…]"
_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")  # as JSON writes a character
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
    if _reveals(text, longest_first):
        return REDACTED
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _reveals(text: str, secrets: Iterable[str]) -> bool:
    """Tell whether the digits of a secret are still there: in other signs, escaped, or with anything between them.

    Of a number the last seven count. Base64 and its like are not looked into.
    """
    if not any(character.isnumeric() or character in "%&" for character in text):
        return False
    once = unquote(text)
    plain = html.unescape(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), unquote(once)))
    spellings = [_digits(spelling) for spelling in (text, once, plain)]  # "42%4242" is no escape, and reads as one
    numeric = [secret.removeprefix("+")[-7:] for secret in secrets if secret.removeprefix("+").isdecimal()]
    return any(secret in digits for secret in numeric for digits in spellings)


def _digits(text: str) -> str:
    """Return the digits of ``text``, whatever signs they are written in, as 0 to 9."""
    return "".join(str(unicodedata.decimal(sign)) for sign in unicodedata.normalize("NFKC", text) if sign.isdecimal())


def without(secrets: Iterable[str], text: str) -> str:
    """Return ``text`` with every one of the ``secrets`` taken out, and nothing else."""
    for secret in filter(None, secrets):
        text = text.replace(secret, REDACTED)
    return text
