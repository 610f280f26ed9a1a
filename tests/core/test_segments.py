import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_phone_otp.core.segments import Encoding, count_segments, usual_segments

# 3GPP TS 23.038 §6.2.1, in the order of its code points, and §6.2.1.1.
ESCAPE = "\x1b"
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ" + ESCAPE + "ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {"\f": 10, "^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
PLAIN = ALPHABET.replace(ESCAPE, "")


def test_the_alphabet_of_the_oracle_has_128_places():
    assert len(ALPHABET) == 128
    assert len(set(ALPHABET)) == 128


def by_hand(text):
    """Encode, then cut off whole segments, as a handset's sender would."""
    try:
        septets = []
        for character in text:
            septets += [27, EXTENSION[character]] if character in EXTENSION else [PLAIN_CODES[character]]
        return Encoding.GSM7, septets, cut(septets, 160, 153, lambda last: last == 27)
    except KeyError:
        raw = text.encode("utf-16-be")
        units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        return Encoding.UCS2, units, cut(units, 70, 67, lambda last: 0xD800 <= last < 0xDC00)


PLAIN_CODES = {character: place for place, character in enumerate(ALPHABET) if character != ESCAPE}


def cut(units, single, joined, begins_a_pair):
    if not units:
        return 0
    if len(units) <= single:
        return 1
    count = 0
    while units:
        end = joined
        if len(units) > joined and begins_a_pair(units[joined - 1]):
            end -= 1
        units, count = units[end:], count + 1
    return count


@settings(max_examples=400)
@given(
    st.one_of(
        st.text(st.sampled_from(PLAIN), min_size=140, max_size=480),
        st.text(st.sampled_from(PLAIN + "".join(EXTENSION) * 6), max_size=480),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=220),
        st.text(st.sampled_from("aé😀ç€"), max_size=220),
    )
)
def test_a_text_takes_as_many_segments_as_when_cut_by_hand(text):
    encoding, units, count = by_hand(text)
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.count) == (encoding, len(units), count)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),  # the escape would be the 153rd septet
        ("a" * 151 + "€" + "a" * 153, "GSM-7", 306, 2),
        ("ç", "UCS-2", 1, 1),
        ("ç" * 70, "UCS-2", 70, 1),
        ("ç" * 71, "UCS-2", 71, 2),
        ("ç" * 134, "UCS-2", 134, 2),
        ("ç" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("😀" * 66, "UCS-2", 132, 2),
        ("😀" * 67, "UCS-2", 134, 3),  # 33 in each, or a pair would be cut in two
        ("ç" + "😀" * 66, "UCS-2", 133, 2),
        ("a" * 66 + "😀" + "a" * 66, "UCS-2", 134, 3),
        ("\N{GREEK CAPITAL LETTER DELTA}`", "UCS-2", 2, 1),
        ("\x1b", "UCS-2", 1, 1),
    ],
)
def test_the_boundaries(text, encoding, units, count):
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.count) == (encoding, units, count)


def test_a_short_message_takes_one_segment_in_latin_letters_and_two_elsewhere():
    assert usual_segments("123456 is yours\N{HORIZONTAL ELLIPSIS}") == 1  # a sign that costs a segment is no script
    assert usual_segments("123456 código Ş") == 1
    assert usual_segments("123456 आपका Example कोड है") == 2
    assert usual_segments("123456 هو رمز التحقق") == 2
    assert usual_segments("123456") == 1
