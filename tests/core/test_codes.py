import itertools
import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.codes import (
    MAXIMUM_LENGTH,
    MINIMUM_LENGTH,
    codes_match,
    derive_code,
    normalise_code,
    reference_of,
)
from django_phone_otp.core.keys import Key
from tests.core.scripts import arabic, fullwidth

KEY = Key("a fixed secret of the tests, so that every run derives the same codes")


class ScriptedKey(Key):
    """Gives the digests that it was told."""

    def __init__(self, *digests):
        super().__init__("scripted")
        self.digests = digests
        self.calls = []

    def digest(self, use, *parts):
        self.calls.append((use, parts))
        return self.digests[len(self.calls) - 1]


def chi_square(counts, cells, total):
    expected = total / cells
    seen = sum((count - expected) ** 2 / expected for count in counts.values())
    return seen + (cells - len(counts)) * expected


def within_five_sigma(statistic, cells):
    freedom = cells - 1
    return abs(statistic - freedom) < 5 * math.sqrt(2 * freedom)


def test_a_hundred_thousand_codes_are_spread_evenly():
    total = 100_000
    codes = [derive_code(KEY, serial.to_bytes(16, "big"), length=6) for serial in range(total)]
    assert {len(code) for code in codes} == {6}
    for position in range(6):
        counts = Counter(code[position] for code in codes)
        assert set(counts) == set("0123456789")  # leading zeros are as good as any digit
        assert within_five_sigma(chi_square(counts, 10, total), 10)
    # Pairs of digits must be independent of each other, too.
    assert within_five_sigma(chi_square(Counter(code[:3] for code in codes), 1000, total), 1000)
    assert within_five_sigma(chi_square(Counter(code[3:] for code in codes), 1000, total), 1000)


def test_every_code_of_four_digits_can_come():
    codes = Counter(derive_code(KEY, serial.to_bytes(4, "big"), length=4) for serial in range(130_000))
    assert len(codes) == 10_000
    assert "0000" in codes


@pytest.mark.parametrize("length", range(MINIMUM_LENGTH, MAXIMUM_LENGTH + 1))
def test_a_code_has_its_length_and_is_always_the_same(length):
    code = derive_code(KEY, b"seed", b"row", length=length)
    assert len(code) == length
    assert code.isdecimal()
    assert code == derive_code(
        Key("a fixed secret of the tests, so that every run derives the same codes"), b"seed", b"row", length=length
    )


@pytest.mark.parametrize("parts", [(b"seed", b"rox"), (b"see", b"drow"), (b"seedrow",), (b"row", b"seed"), ()])
def test_other_parts_give_another_code(parts):
    assert derive_code(KEY, *parts, length=10) != derive_code(KEY, b"seed", b"row", length=10)


def test_another_key_gives_another_code():
    assert derive_code(Key("other"), b"seed", length=10) != derive_code(KEY, b"seed", length=10)


@pytest.mark.parametrize("length", [4, 6, 10])
def test_a_word_that_would_bias_the_code_is_thrown_away(length):
    span = 10**length
    ceiling = 2**64 - 2**64 % span
    too_high = b"\xff" * 8 + ceiling.to_bytes(8, "big")
    last = (ceiling - 1).to_bytes(8, "big") + bytes(8)
    assert derive_code(ScriptedKey(too_high + last), length=length) == str(span - 1)


def test_a_digest_that_is_thrown_away_whole_is_followed_by_another():
    key = ScriptedKey(b"\xff" * 32, bytes(7) + b"\x2a" + b"\xff" * 24)
    assert derive_code(key, b"seed", length=6) == "000042"
    (first_use, first_parts), (second_use, second_parts) = key.calls
    assert first_use == second_use == "code"
    assert first_parts != second_parts
    assert first_parts[1:] == second_parts[1:] == (b"seed",)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        ("000042", "000042"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("123\N{EN DASH}456", "123456"),
        ("123\N{NO-BREAK SPACE}456", "123456"),
        ("123\N{NARROW NO-BREAK SPACE}456", "123456"),
        ("1 2 3 4", "1234"),
        ("1234567890", "1234567890"),
    ],
)
def test_a_code_is_read_with_spaces_and_dashes_between_its_digits(typed, code):
    assert normalise_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "123",
        "12345678901",
        fullwidth("123456"),
        arabic("123456"),
        "²²²²²²",
        "①②③④⑤⑥",
        "12345a",
        "0x1234",
        "+123456",
        "1_2345",
        "1e5555",
        "123.456",
        "123456\n",
        "123456\r\n",
        "\t123456",
        "123456\0",
        "123\N{ZERO WIDTH SPACE}456",
        "\N{RIGHT-TO-LEFT MARK}123456",
        "1234 5678 9012 3456 7890 1234 56",
        "1" * 33,
        "1" * 1_000_000,
        " " * 1_000_000 + "123456",
        "\ud800123456",
    ],
    ids=itertools.count(),
)
def test_anything_else_is_not_a_code(typed):
    with pytest.raises(ValueError, match="code") as refusal:
        normalise_code(typed)
    assert not isinstance(refusal.value, UnicodeError)
    assert not any(character.isdigit() for character in str(refusal.value))


@given(
    st.one_of(
        st.text(), st.text("0123456789 -\N{EN DASH}\N{NO-BREAK SPACE}²\n" + fullwidth("1") + arabic("2"), max_size=36)
    )
)
def test_whatever_is_typed_a_code_is_ascii_digits_in_the_order_typed(typed):
    try:
        code = normalise_code(typed)
    except UnicodeError:
        raise
    except ValueError:
        return
    assert MINIMUM_LENGTH <= len(code) <= MAXIMUM_LENGTH
    assert set(code) <= set("0123456789")
    assert "".join(c for c in typed if c in "0123456789") == code
    assert normalise_code(code) == code


def test_codes_are_compared_as_bytes_so_that_no_digit_of_another_script_raises():
    assert codes_match("123456", "123456")
    assert not codes_match("123456", "123457")
    assert not codes_match(fullwidth("123456"), "123456")
    assert not codes_match("123456", "")


def test_a_reference_is_two_letters_that_make_no_word_and_stays_the_same():
    found = {reference_of(bytes([first, second])) for first in range(256) for second in range(64)}
    assert all(re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{2}", reference) for reference in found)
    assert len(found) == 400  # every pair comes up
    assert reference_of(b"one") == reference_of(b"one")
