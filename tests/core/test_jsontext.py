import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.jsontext import DEEPEST, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=200,
)


@given(VALUES, st.booleans())
def test_whatever_json_can_say_is_read(value, ascii_only):
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"\\"]}":', "}")])
def test_what_is_nested_too_deep_is_refused_before_it_is_parsed(opening, closing):
    assert read_json((opening * DEEPEST + "0" + closing * DEEPEST).encode())
    with pytest.raises(ValueError, match="too deep"):
        read_json((opening * (DEEPEST + 1) + "0" + closing * (DEEPEST + 1)).encode())


def test_brackets_in_texts_and_side_by_side_are_not_depth():
    flat = [{"a": '[[{"' * 1000, "b": ["\\", "[\\"] * 500}] * 200
    assert read_json(json.dumps(flat).encode()) == flat


@pytest.mark.parametrize(
    "body", [b"", b"[", b'"', b"[" * 60_000, b'{"a": "\xff"}', "[]".encode("utf-16")], ids=lambda body: repr(body[:9])
)
def test_what_is_no_json_in_utf_8_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011 - which of its subclasses does not matter
        read_json(body)


def test_a_byte_order_mark_is_passed_over():
    assert read_json(b"\xef\xbb\xbf[1]") == [1]
