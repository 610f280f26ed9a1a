"""One text for one value, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.base64url import decode, encode


@given(st.binary(max_size=64))
def test_what_was_encoded_comes_back(raw):
    assert decode(encode(raw)) == raw
    assert not set(encode(raw)) & set("+/=")


@given(st.text(max_size=64))
def test_no_other_text_stands_for_a_value(text):
    raw = decode(text)
    assert raw is None or encode(raw) == text


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A+/A", "AAA=", "ÄÄÄÄ", "AAAA\n", " AAA"])
def test_what_is_spelled_otherwise_is_refused(text):
    assert decode(text) is None
