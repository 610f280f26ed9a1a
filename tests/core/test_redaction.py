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
