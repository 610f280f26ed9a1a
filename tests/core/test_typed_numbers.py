"""Numbers as people type them: every usual spelling is one number, and anything else is refused with its reason."""

import itertools

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from django_phone_otp.core.numbers import (
    REFUSED_TYPES,
    TYPED_MAXIMUM,
    RefusedNumber,
    UnreadableNumber,
    compact_number,
    is_region,
    parse_number,
    with_region,
)
from tests.core.scripts import arabic, devanagari, fullwidth

US = "+14155550123"
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("typed", "default_region", "e164"),
    [
        ("+14155550123", None, US),
        ("+1 (415) 555-0123", None, US),
        ("(415) 555-0123", "US", US),
        ("415.555.0123", "US", US),
        ("4155550123", "US", US),
        ("0014155550123", "GB", US),
        ("01114155550123", "US", US),
        ("  +1 415 555 0123  ", None, US),
        ("\t+1 415 555 0123\r\n", None, US),
        ("(+1) 415 555 0123", None, US),
        ("+1\N{NO-BREAK SPACE}415\N{NARROW NO-BREAK SPACE}555 0123", None, US),
        ("+1\N{EN DASH}415\N{NON-BREAKING HYPHEN}555\N{FULLWIDTH HYPHEN-MINUS}0123", None, US),
        ("+" + arabic("14155550123"), None, US),
        ("\N{FULLWIDTH PLUS SIGN}" + fullwidth("14155550123"), None, US),
        ("+" + devanagari("14155550123"), None, US),
        ("+44 (0)7911 123456", None, "+447911123456"),
        ("+4407911123456", None, "+447911123456"),
        ("07911123456", "GB", "+447911123456"),
        ("+5491155550123", None, "+5491155550123"),
    ],
)
def test_every_usual_spelling_gives_one_e164(typed, default_region, e164):
    assert parse_number(typed, default_region).e164 == e164


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "+",
        "()",
        "+14155550123;ext=1",
        "+14155550123x99",
        "+14155550123 x99",
        "+14155550123#77",
        "+14155550123 ext. 5",
        "tel:+14155550123",
        "tel:4155550123;phone-context=+1",
        "+14155550123;phone-context=+44",
        "+14155550123;isub=12",
        "+1415\N{ZERO WIDTH SPACE}5550123",
        "+1415\N{SOFT HYPHEN}5550123",
        "\N{RIGHT-TO-LEFT OVERRIDE}+14155550123",
        "+14155550123\0",
        "\0+14155550123",
        "++14155550123",
        "+1+4155550123",
        "abc+14155550123",
        "1-800-FLOWERS",
        "+1415555CALL",
        "+1 415 555 0123 call me",
        "+55 015 11 96123-4567",
        "+14155550123\n+14155550124",
        "+14155550123\r\nX: y",
        "+14155550123,+14155550124",
        "+14155550123/+14155550124",
        "+14155550123;+14155550124",
        "+14155550123 +14155550124",
        "*#06#",
        "+1911",
        "12345",
        "+5215512345678",
        "+551161234567",
        "+22501234567",
        "+39236618300",
        "+3900236618300",
        "+447700900123",
        "+15555550100",
        "+" + "1" * 40,
        "1" * 1_000_000,
        "²" * 11,
        "+①④①⑤⑤⑤⑤⓪①②③",
        "\ud800",
        "4155550123",
    ],
    ids=itertools.count(),
)
def test_anything_else_is_unreadable(typed):
    with pytest.raises(UnreadableNumber) as refusal:
        parse_number(typed)
    assert not isinstance(refusal.value, RefusedNumber)
    assert str(refusal.value) == refusal.value.reason
    assert not any(character.isdigit() for character in refusal.value.reason)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("+449098790000", "premium"),
        ("+19002345678", "premium"),
        ("+979123456789", "premium"),
        ("+881612345678", "satellite"),
        ("+870773123456", "satellite"),
        ("+88299123456", "satellite"),
        ("+883510012345", "satellite"),
        ("+447012345678", "personal"),
        ("+80012345678", "toll_free"),
        ("+18005550123", "toll_free"),
        ("+448081570123", "toll_free"),
        ("+16005551234", "special_rate"),
        ("+443001234567", "uan"),
        ("+447640123456", "pager"),
        ("+41860123456789", "voicemail"),
    ],
)
def test_a_number_that_is_valid_and_dangerous_is_refused_with_its_reason(typed, reason):
    with pytest.raises(RefusedNumber) as refusal:
        parse_number(typed)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("kind", sorted(REFUSED_TYPES))
def test_every_costly_kind_is_refused_in_every_region_that_has_it(kind):
    examples = [phonenumbers.example_number_for_type(region, kind) for region in REGIONS]
    numbers = [number for number in examples if number is not None and phonenumbers.number_type(number) == kind]
    assert numbers
    for number in numbers:
        with pytest.raises(RefusedNumber) as refusal:
            parse_number(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
        assert refusal.value.reason == REFUSED_TYPES[kind]


@pytest.mark.parametrize("region", REGIONS)
def test_the_mobile_numbers_of_every_region_are_read_in_e164_and_as_typed_at_home(region):
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:  # a region that has no mobile numbers of its own
        number = phonenumbers.example_number(region)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    read = parse_number(e164)
    assert read.e164 == e164
    # Some regions share their numbers with a bigger one, which libphonenumber then names.
    assert read.region in phonenumbers.region_codes_for_country_code(number.country_code)
    assert parse_number(international) == read
    assert parse_number(national, region) == read


@pytest.mark.parametrize(
    ("e164", "region"),
    [
        ("+14155550123", "US"),
        ("+18765550123", "JM"),
        ("+16475550123", "CA"),
        ("+17875550123", "PR"),
        ("+447911123456", "GG"),
        ("+447797712345", "JE"),
        ("+447624123456", "IM"),
        ("+77011234567", "KZ"),
        ("+79161234567", "RU"),
    ],
)
def test_the_region_is_that_of_the_number_and_not_of_its_calling_code_or_of_the_default(e164, region):
    assert parse_number(e164).region == region
    assert parse_number(e164, "US").region == region
    assert parse_number(e164, "GB").region == region


def test_a_number_longer_than_any_spelling_is_refused_before_it_is_read(monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("phonenumbers was asked")

    monkeypatch.setattr(phonenumbers, "parse", never)
    with pytest.raises(UnreadableNumber, match="too_long"):
        parse_number("+1" + " " * TYPED_MAXIMUM + "4155550123")


def test_a_number_as_long_as_allowed_is_read():
    typed = "+1 415 555 0123".ljust(TYPED_MAXIMUM)
    assert len(typed) == TYPED_MAXIMUM
    assert parse_number(typed).e164 == US


SPELLINGS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789+() .-\N{NO-BREAK SPACE}\N{EN DASH}" + fullwidth("123") + arabic("45"), max_size=34),
    st.builds(
        lambda prefix, digits, tail: prefix + digits + tail,
        st.sampled_from(
            ["", "+", "00", "011", "(0)", "+1", "+44", "+44(0)", "+39", "+54", "+52", "+55", "+225", "+881"]
        ),
        st.text("0123456789 -.", min_size=4, max_size=14),
        st.sampled_from(["", " ", ".", "-", ")", "x1", ";ext=1", "\n", "#"]),
    ),
)


@settings(max_examples=600)
@given(SPELLINGS, st.sampled_from([None, "US", "GB", "IN", "IT", "BR", "AR", "MX", "SM", "VA", "KZ"]))
@example("+" + "9" * 31, None)
def test_whatever_is_typed_it_is_unreadable_or_one_e164_that_reads_as_itself(typed, default_region):
    try:
        number = parse_number(typed, default_region)
    except UnreadableNumber:
        return
    assert compact_number(number.e164) == number.e164
    assert is_region(number.region)
    assert parse_number(number.e164) == number
    assert parse_number(number.e164, default_region) == number


@settings(max_examples=300)
@given(
    st.sampled_from(REGIONS),
    st.sampled_from([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE]),
    st.lists(st.sampled_from([" ", "-", ".", "(", ")", "\N{NO-BREAK SPACE}", "\N{HYPHEN}"]), min_size=3, max_size=3),
    st.data(),
)
def test_punctuation_never_makes_another_number(region, kind, marks, data):
    known = phonenumbers.example_number_for_type(region, kind)
    if known is None:
        return
    e164 = phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)
    typed = e164
    for mark in marks:
        at = data.draw(st.integers(2, len(typed)))
        typed = typed[:at] + mark + typed[at:]
    try:
        assert parse_number(typed).e164 == e164
    except RefusedNumber:
        raise
    except UnreadableNumber:
        pass


@pytest.mark.parametrize(
    ("typed", "compact"),
    [
        ("+15555550100", "+15555550100"),
        ("+1 (555) 555-0100", "+15555550100"),
        ("+44 7700 900123", "+447700900123"),
        ("+" + fullwidth("44 7700 900123"), "+447700900123"),
        ("+1234567", "+1234567"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_a_fictional_number_is_compacted_without_asking_whether_it_exists(typed, compact):
    assert compact_number(typed) == compact


@pytest.mark.parametrize(
    "typed",
    ["", "15555550100", "+05555550100", "+123456", "+1234567890123456", "+1555555010x", "+1555555\n0100", "1" * 33],
)
def test_what_is_not_e164_is_not_compacted(typed):
    with pytest.raises(UnreadableNumber):
        compact_number(typed)


def test_a_number_that_is_refused_is_still_known():
    with pytest.raises(RefusedNumber) as refusal:
        parse_number("+881612345678")
    assert (refusal.value.number.e164, refusal.value.number.region) == ("+881612345678", "")
    assert "881612345678" not in str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("+1 415 555 0123", None, "+14155550123"),
        ("+1 415 555 0123", "IN", "+14155550123"),  # the + wins over the list
        ("(415) 555-0123", "US", "+14155550123"),
        ("98765 43210", "IN", "+919876543210"),
        ("098765 43210", "IN", "+919876543210"),
        ("00 91 98765 43210", "DE", "+919876543210"),
        ("00919876543210", "US", "+919876543210"),  # there the prefix is 011
        ("00919876543210", None, "+919876543210"),
        ("\u202a+91 98765 43210\u202c", None, "+919876543210"),  # as copied from a list of contacts
        (" \u200e+91\u00a098765\u00a043210\u200f ", None, "+919876543210"),
        ("+1 900 234 5678", None, "+19002345678"),  # refused later, with its reason
    ],
)
def test_a_typed_number_gets_its_country(typed, region, number):
    assert with_region(typed, region) == number


@pytest.mark.parametrize("typed", ["98765 43210", "00 call me", "tel:+14155550123", "+1415555012\u200b3", "", "0000"])
def test_what_is_no_number_stays_as_it_was_typed(typed):
    assert with_region(typed, None) == typed.strip()
    with pytest.raises(UnreadableNumber):
        parse_number(with_region(typed, None))


@given(st.text(max_size=40), st.sampled_from([None, "US", "IN", "DE"]))
def test_reading_a_typed_number_never_fails(typed, region):
    with_region(typed, region)
