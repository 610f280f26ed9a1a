"""SMS segments: how a text is encoded and how many messages a vendor bills for it (3GPP TS 23.038)."""

import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")  # each takes an escape before it: two septets
_GSM7 = _GSM7_BASIC | _GSM7_EXTENSION


class Encoding(StrEnum):
    """How a text travels."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segments:
    """``count`` segments, and the ``units`` that the text takes: septets, or 16-bit units in UCS-2."""

    encoding: Encoding
    units: int
    count: int


def count_segments(text: str) -> Segments:
    """Count the segments of ``text``.

    One segment holds 160 septets or 70 UCS-2 units; with more, a header leaves 153 or 67 in each,
    and a character of two units is never split over two segments (3GPP TS 23.040 §9.2.3.24.1).
    """
    characters = set(text)
    if characters <= _GSM7:
        return _pack(text, Encoding.GSM7, characters & _GSM7_EXTENSION, single=160, joined=153)
    wide = {character for character in characters if ord(character) > 0xFFFF}
    return _pack(text, Encoding.UCS2, wide, single=70, joined=67)


def usual_segments(text: str) -> int:
    """Return how many segments a short message takes in the script of ``text``: one in Latin letters, else two.

    Hindi and Arabic have 70 characters to a segment, which code, name, expiry and last line do not fit into.
    Names of apps and websites are in Latin letters there too, so a third of others makes it another script.
    """
    letters = [character for character in text if unicodedata.category(character)[0] in "LM"]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return 2 if 3 * (len(letters) - latin) > len(letters) else 1


def _pack(text: str, encoding: Encoding, wide: AbstractSet[str], *, single: int, joined: int) -> Segments:
    """Fill segments with ``text``, in which the ``wide`` characters take two units."""
    units = len(text) + sum(map(text.count, wide))
    if units <= single:
        return Segments(encoding, units, 1 if text else 0)
    count, used = 1, 0
    for character in text:
        width = 2 if character in wide else 1
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return Segments(encoding, units, count)
