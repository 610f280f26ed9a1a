import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.contexts import VALUE_MAXIMUM, clean_context, context_digest


def test_the_fields_come_out_as_text_in_the_order_of_the_purpose():
    given_context = {"payee": "Ana & Co.", "amount": Decimal("12.50")}
    cleaned = clean_context(given_context, ("amount", "payee"))
    assert list(cleaned.items()) == [("amount", "12.50"), ("payee", "Ana & Co.")]
    assert clean_context({"amount": 3}, ("amount",)) == {"amount": "3"}


@pytest.mark.parametrize("context", [None, {}])
def test_a_purpose_without_fields_takes_no_context(context):
    assert clean_context(context, ()) == {}


@pytest.mark.parametrize(
    ("context", "fields", "said"),
    [
        (None, ("amount",), "expected amount"),
        ({}, ("amount", "payee"), "expected amount, payee"),
        ({"amount": "1"}, ("amount", "payee"), "expected amount, payee"),
        ({"amount": "1", "evil": "x"}, ("amount",), "expected amount"),
        ({"evil": "x"}, (), "expected no fields"),
        ({1: "x"}, ("amount",), "expected amount"),
    ],
)
def test_a_field_too_few_or_too_many_is_refused_with_the_names_expected(context, fields, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        clean_context(context, fields)


@pytest.mark.parametrize("value", [None, True, False, 1.5, b"x", ["x"], {"x": "y"}, object()], ids=itertools.count())
def test_a_value_that_has_more_than_one_spelling_is_refused(value):
    with pytest.raises(ValueError, match="amount must be text"):
        clean_context({"amount": value}, ("amount",))


@pytest.mark.parametrize("value", ["", "x" * (VALUE_MAXIMUM + 1), "x" * 1_000_000, 10**5000], ids=itertools.count())
def test_a_value_is_neither_empty_nor_a_second_message(value):
    with pytest.raises(ValueError, match=r"\D") as refusal:
        clean_context({"amount": value}, ("amount",))
    assert "xx" not in str(refusal.value)


def test_a_value_as_long_as_allowed_is_taken():
    assert clean_context({"payee": "é" * VALUE_MAXIMUM}, ("payee",)) == {"payee": "é" * VALUE_MAXIMUM}


@pytest.mark.parametrize(
    "value",
    [
        "Ana\n@evil.example #123456",
        "Ana\r",
        "Ana\tB",
        "Ana\0",
        "Ana\N{RIGHT-TO-LEFT OVERRIDE}B",
        "Ana\N{ZERO WIDTH SPACE}B",
        "Ana\N{LINE SEPARATOR}B",
        "Ana\N{PARAGRAPH SEPARATOR}B",
        "Ana\ud800",
        "Ana\ue000",
        "Ana\U000e0041",
    ],
    ids=ascii,
)
def test_a_value_with_a_character_that_cannot_be_shown_is_refused_and_not_repeated(value):
    with pytest.raises(ValueError, match="payee holds a character that cannot be shown") as refusal:
        clean_context({"payee": value}, ("payee",))
    assert "Ana" not in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    ["https://evil.example", "see HTTP://evil.example", "ftp://x", "www.evil.example", "WWW.evil", "evil.example/win"],
)
def test_a_value_that_looks_like_a_link_is_refused_and_not_repeated(value):
    with pytest.raises(ValueError, match="payee may not hold a link") as refusal:
        clean_context({"payee": value}, ("payee",))
    assert "evil" not in str(refusal.value)


@pytest.mark.parametrize("value", ["Dr. Ana Müller-O'Neil", "€ 12.50", "ACME S.A.", "भारत", "AC/DC", "1/2", "😀"])
def test_an_honest_name_or_amount_is_taken(value):
    assert clean_context({"payee": value}, ("payee",)) == {"payee": value}


def test_the_digest_depends_on_fields_and_values_and_not_on_their_order():
    digest = context_digest({"amount": "12", "payee": "Ana"})
    assert len(digest) == 32
    assert digest == context_digest({"payee": "Ana", "amount": "12"})
    others = [{"amount": "12"}, {"amount": "12", "payee": "Anà"}, {"amount": "Ana", "payee": "12"}, {}]
    assert digest not in [context_digest(other) for other in others]
    assert context_digest({}) == b""


CONTEXTS = st.dictionaries(st.text(max_size=3), st.text(st.characters(exclude_categories=["Cs"]), max_size=3))


@given(CONTEXTS, CONTEXTS)
def test_two_contexts_never_share_a_digest(first, second):
    assert (context_digest(first) == context_digest(second)) is (first == second)


@given(
    st.dictionaries(st.sampled_from(["amount", "payee"]), st.one_of(st.text(), st.integers(), st.floats(), st.none()))
)
def test_whatever_is_given_it_is_clean_or_a_value_error(context):
    try:
        cleaned = clean_context(context, ("amount", "payee"))
    except UnicodeError:
        raise
    except ValueError:
        return
    assert set(cleaned) == {"amount", "payee"}
    assert all("\n" not in value and 0 < len(value) <= VALUE_MAXIMUM for value in cleaned.values())
