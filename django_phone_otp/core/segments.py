"""SMS segments: how a text is encoded and how many messages a vendor bills for it (3GPP TS 23.038)."""

from dataclasses import dataclass
from enum import StrEnum

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")  # each takes an escape before it: two septets


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
    if all(character in _GSM7_BASIC or character in _GSM7_EXTENSION for character in text):
        widths = [2 if character in _GSM7_EXTENSION else 1 for character in text]
        return Segments(Encoding.GSM7, sum(widths), _pack(widths, single=160, joined=153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Segments(Encoding.UCS2, sum(widths), _pack(widths, single=70, joined=67))


def _pack(widths: list[int], *, single: int, joined: int) -> int:
    if sum(widths) <= single:
        return 1 if widths else 0
    count, used = 1, 0
    for width in widths:
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return count
