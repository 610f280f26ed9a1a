"""What is known of a number: its calling code, its region, its twins, and what may be shown of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.numbers import (
    Number,
    block_of,
    calling_code,
    is_fictional,
    is_region,
    mask_number,
    may_be_somebodys,
    one_spelling,
    twins,
)


def test_the_repr_of_a_number_hides_it():
    assert repr(Number("+14155550123", "US")) == "<Number +1 ••••• ••123>"


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        ("+919876543210", "+91 ••••• ••210"),
        ("+14155550123", "+1 ••••• ••123"),
        ("+447700900123", "+44 ••••• ••123"),
        ("+3545550123", "+354 ••••1 23"),
        ("+2425550123", "+242 ••••1 23"),
        ("+999123456789", "+9 ••••• •••78 9"),
    ],
)
def test_masking_shows_the_calling_code_and_the_last_three_digits(e164, masked):
    assert mask_number(e164) == masked


@pytest.mark.parametrize(
    ("e164", "code"), [("+14155550123", "1"), ("+447700900123", "44"), ("+3545550123", "354"), ("+999123456", "9")]
)
def test_the_calling_code_is_that_of_the_plan(e164, code):
    assert calling_code(e164) == code


@given(st.integers(10**9, 10**15 - 1).map("+{}".format))
def test_masking_hides_all_but_three_digits_of_the_rest(e164):
    masked = mask_number(e164)
    rest = masked.partition(" ")[2].replace(" ", "")
    assert rest.strip("•") == e164[-3:]
    assert len(rest) + len(calling_code(e164)) + 1 == len(e164)


@pytest.mark.parametrize(("code", "known"), [("IN", True), ("GG", True), ("in", False), ("001", False), ("XX", False)])
def test_a_region_is_an_upper_case_iso_code_that_has_numbers(code, known):
    assert is_region(code) is known


@pytest.mark.parametrize(
    ("number", "one"),
    [
        ("+5491123456789", "+541123456789"),  # Argentina, with and without the 9 of mobiles
        ("+541123456789", "+541123456789"),
        ("+5215512345678", "+525512345678"),  # Mexico, with and without the 1 of before 2019
        ("+525512345678", "+525512345678"),
        ("+5511912345678", "+5511912345678"),  # Brazil's ninth digit is part of the number
        ("+14155550123", "+14155550123"),
        ("+52155123456", "+52155123456"),
    ],
)
def test_of_two_numbers_of_one_phone_limits_see_one(number, one):
    assert one_spelling(number) == one


def test_a_block_is_a_thousand_numbers():
    assert block_of("+14155550123") == block_of("+14155550999") == "+14155550"
    assert block_of("+5491123456789") == block_of("+541123456000") == "+541123456"


@pytest.mark.parametrize(
    ("number", "somebodys"),
    [
        ("+14155550123", False),
        ("+15555550100", False),
        ("+447700900123", False),
        ("+14155551234", True),
        ("+881612345678", True),
        ("+19002345678", True),
    ],
)
def test_which_numbers_may_be_somebodys(number, somebodys):
    assert may_be_somebodys(number) is somebodys


@pytest.mark.parametrize(
    "number",
    [
        *("+12125550100", "+12125550199", "+441134960000", "+441914980999", "+441632960123", "+442079460999"),
        *("+442896496123", "+442920180123", "+447700900999", "+443069990123", "+33199001234", "+33639981234"),
        *("+61255501234", "+61370101234"),
    ],
)
def test_numbers_that_regulators_keep_for_fiction(number):
    assert is_fictional(number)


@pytest.mark.parametrize(
    "number", ["+12125550200", "+12125551000", "+441134970000", "+447700910000", "+33199101234", "+61455501234"]
)
def test_their_neighbours_are_not_fiction(number):
    assert not is_fictional(number)


@pytest.mark.parametrize("pair", [("+5491123456789", "+541123456789"), ("+5215512345678", "+525512345678")])
def test_the_twins_of_a_number_are_both_of_them_whichever_is_asked(pair):
    assert set(twins(pair[0])) == set(twins(pair[1])) == set(pair)
    assert twins(pair[0])[0] == pair[0]


def test_other_numbers_have_no_twin():
    for number in ("+14155550123", "+5411234567890", "+52155123456", "+5511912345678"):
        assert twins(number) == (number,)
