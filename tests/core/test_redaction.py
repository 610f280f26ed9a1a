import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.redaction import REDACTED, redact
from tests.core.scripts import fullwidth


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("invalid number +14155550123!", "invalid number […]!"),
        ("to 14155550123", "to […]"),
        ("to 415-555-0123 now", "to […] now"),
        ("to 415 555 0123 now", "to […] now"),
        ('{"code":402,"to":"447700900123"}', '{"code":402,"to":"[…]"}'),
        ("error 402 in 123456 ms", "error 402 in 123456 ms"),
        ("to " + fullwidth("14155550123"), "to […]"),
    ],
)
def test_what_could_be_a_number_is_taken_out(text, kept):
    assert redact(text) == kept


def test_every_secret_is_taken_out_the_longer_before_the_shorter():
    text = "key abc-def, code 424242, abc"
    assert redact(text, ["abc", "abc-def", "424242", ""]) == f"key {REDACTED}, code {REDACTED}, {REDACTED}"


HIDDEN = {
    "spaced": "4 2 4 2 4 2",
    "dotted": "4.2.4.2.4.2",
    "words-between": "4 then 2, then 4 and 2 and 42",
    "commas": "4,2,4,2,4,2",
    "brackets": "[4][2][4][2][4][2]",
    "full-width": fullwidth("424242"),
    "arabic": "\u0664\u0662\u0664\u0662\u0664\u0662",
    "devanagari": "\u096a\u0968\u096a\u0968\u096a\u0968",
    "mathematical": "\U0001d7d2\U0001d7d0\U0001d7d2\U0001d7d0\U0001d7d2\U0001d7d0",
    "circled": "\u2463\u2461\u2463\u2461\u2463\u2461",
    "superscript": "\u2074\u00b2\u2074\u00b2\u2074\u00b2",
    "circled-and-plain": "4\u2461\u2463\u24614\u2461",
    "percent-between": "42%4242",
    "ampersands-between": "4&2&42&&42",
    "percent": "%34%32%34%32%34%32",
    "percent-twice": "%2534%2532%2534%2532%2534%2532",
    "json": "\\u0034\\u0032\\u0034\\u0032\\u0034\\u0032",
    "json-in-json": "\\\\u0034\\\\u0032\\\\u0034\\\\u0032\\\\u0034\\\\u0032",
    "html": "&#52;&#50;&#52;&#50;&#52;&#50;",
    "html-hex": "&#x34;&#x32;&#x34;&#x32;&#x34;&#x32;",
    "combining": "4\u03012\u03014\u03012\u03014\u03012\u0301",
    "zero-width": "4\u200b2\u200b4\u200b2\u200b4\u200b2",
    "a-line-each": "4\n2\n4\n2\n4\n2",
}


@pytest.mark.parametrize("spelt", HIDDEN.values(), ids=HIDDEN)
def test_a_code_in_any_spelling_takes_the_text_with_it(spelt):
    kept = redact(f"No such code: {spelt}!", ["424242"])
    assert kept in {REDACTED, f"No such code: {REDACTED}!"}
    assert redact(f"No such code: {spelt}!", ["131313"]) != REDACTED


@pytest.mark.parametrize("secret", ["+14155550123", "14155550123", "5550123"])
@pytest.mark.parametrize(
    "spelt",
    [
        "ends in 555, then 0123",
        "555 01 and 23",
        "%35%35%35%30%31%32%33",
        "5x5x5x0x1x2x3",
    ],
)
def test_of_a_number_the_last_seven_digits_tell_enough(secret, spelt):
    assert redact(spelt, [secret]) == REDACTED
    assert redact(spelt, ["+14155550124"]) != REDACTED


def test_what_only_looks_like_a_secret_is_kept():
    assert redact("error 42 after 4 tries, 24 left", ["424242", "+14155550123"]) == "error 42 after 4 tries, 24 left"
    assert redact("50% & more", ["424242"]) == "50% & more"
    assert redact("key abc 4 2 4", ["abc4242"]) == "key abc 4 2 4"


@given(
    st.text(max_size=30),
    st.from_regex(r"\A[0-9]{4,8}\Z"),
    st.lists(st.text(st.characters(exclude_categories=["Nd", "No", "Cs"]), max_size=3), min_size=9, max_size=9),
)
def test_whatever_stands_between_the_digits_of_a_code_nobody_reads_it(around, code, between):
    spelt = "".join(pair for digit, more in zip(code, between, strict=False) for pair in (digit, more))
    kept = redact(f"{around}|{spelt}|{around}", [code])
    assert code not in "".join(filter(str.isdecimal, kept))


def test_a_text_becomes_one_printable_line():
    assert redact("one\r\ntwo\t three\x00\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}") == "one two three[31m"


def test_a_long_text_is_cut_and_says_so():
    assert redact("x" * 200) == "x" * 200
    assert redact("x" * 201) == "x" * 199 + "…"
    assert redact("abcdef", limit=4) == "abc…"


def test_a_secret_across_the_cut_is_gone():
    assert "s3cr3t" not in redact("x" * 197 + "s3cr3t-value", ["s3cr3t-value"])


@given(st.text(), st.lists(st.text("abc123", min_size=4, max_size=8), max_size=3), st.integers(1, 60))
def test_whatever_the_vendor_says_the_rest_is_short_printable_and_without_long_numbers(text, secrets, limit):
    kept = redact(text + " ".join(secrets) + " +14155550123", secrets, limit=limit)
    assert len(kept) <= limit
    assert kept.isprintable()
    assert "4155550123" not in kept
    assert not any(secret in kept for secret in secrets)


def test_a_number_split_by_invisible_characters_is_taken_out():
    assert "0123" not in redact("+1415\N{ZERO WIDTH SPACE}555\N{ZERO WIDTH SPACE}0123")


def test_a_secret_split_over_lines_is_taken_out():
    text = "Your code\nis 424242"
    assert "424242" not in redact(f"body: {text}", [text])
