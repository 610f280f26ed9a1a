import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.backends.answers import HTTPAnswer
from django_phone_otp.backends.base import BackendUnavailable, DeliveryUncertain, MessageRejected, Scope
from django_phone_otp.backends.refusals import BALANCE, DUPLICATE, ECHO, QUOTE_MAXIMUM, UNCLEAR, Verdict, judge, quote

TEXT = "424242 is your Example code.\nIt expires in 5 minutes."
KEY = 'key/"with"+all='
LIMIT = Verdict(BackendUnavailable, "over the number's limit", Scope.RECIPIENT, retry_after=300)
VERDICTS = {"E1": BALANCE, "E2": LIMIT}
CODES = ["", "E1", "E2", "E3"]


def judged(status, body=b"{}", code="", *, has_id=False):
    return judge(HTTPAnswer(status, {}, body), code, VERDICTS, has_id=has_id)


@given(
    st.integers(100, 199) | st.integers(300, 399) | st.integers(500, 999),
    st.sampled_from(CODES),
    st.booleans(),
    st.binary(max_size=20),
)
def test_an_interim_answer_a_redirect_and_a_server_error_are_never_certain(status, code, has_id, body):
    assert judged(status, body, code, has_id=has_id) is UNCLEAR
    assert UNCLEAR.error is DeliveryUncertain


@given(st.integers(100, 999), st.sampled_from(CODES), st.binary(max_size=20))
def test_an_answer_that_names_a_message_is_never_certain(status, code, body):
    assert judged(status, body, code, has_id=True) is UNCLEAR


@given(st.integers(200, 299), st.sampled_from(CODES), st.binary(max_size=20))
def test_a_success_is_certain_only_with_a_code_that_the_vendor_is_known_by(status, code, body):
    verdict = judged(status, body, code)
    assert verdict is VERDICTS[code] if code in VERDICTS else verdict.error is DeliveryUncertain


@pytest.mark.parametrize("status", [200, 299, 400, 401, 408, 409, 429])
def test_the_vendors_own_code_comes_before_the_status(status):
    assert judged(status, code="E1") is BALANCE
    assert judged(status, code="E2") is LIMIT


@given(st.integers(400, 499))
def test_without_a_code_the_status_decides_and_an_unknown_one_refuses_the_message(status):
    expected = {
        **dict.fromkeys((401, 402, 403, 404, 405, 429), BackendUnavailable),
        **dict.fromkeys((408, 409), DeliveryUncertain),
    }
    for code in ("", "E3"):
        assert judged(status, code=code).error is expected.get(status, MessageRejected)


def test_a_duplicate_may_have_been_sent_before():
    assert judged(409) is DUPLICATE
    assert DUPLICATE.error.may_have_left


def test_only_over_the_rate_there_is_a_time_to_wait():
    assert judged(429).retry_after == 60
    assert judged(401).retry_after is None


def test_a_body_that_cannot_be_read_is_told_from_one_that_says_nothing():
    for code in ("", "E3"):
        assert judged(200, b"<html>", code).reason == judged(200, b"[]", code).reason == "an answer that cannot be read"
        assert judged(200, b'{"error": "E3"}', code).reason == "no clear answer"


@pytest.mark.parametrize("said", [None, 5, True, [], {}, "", "  \n"], ids=repr)
def test_what_is_no_sentence_is_not_quoted(said):
    assert quote(said, [], TEXT) == ""


def test_a_sentence_is_quoted_on_one_line_without_secrets_and_cut_off():
    assert quote("No such\nsender  KLRHXA", [], TEXT) == "No such sender KLRHXA"
    assert quote(f"Key {KEY} for 424242", [KEY, "424242", ""], TEXT) == "Key […] for […]"
    assert quote("Call +91 98765 43210", [], TEXT) == "Call […]"
    assert len(quote("x" * 500, [], TEXT)) == QUOTE_MAXIMUM
    assert len(quote("x" * 500, [], TEXT, limit=64)) == 64


@pytest.mark.parametrize(
    "spelt",
    [
        json.dumps(KEY),
        json.dumps(json.dumps(KEY)),
        json.dumps(KEY).replace("/", "\\/"),
        quote_plus(KEY),
        quote_plus(json.dumps(KEY)),
    ],
)
def test_a_secret_in_another_spelling_leaves_nothing_to_quote(spelt):
    assert quote(f"Bad key {spelt}", [KEY], TEXT) == ""
    assert quote(f"Bad key {spelt}", ["another"], TEXT) != ""


@pytest.mark.parametrize(
    "said",
    [
        TEXT,
        f"Bad text: {TEXT}",
        "Bad text: is your Example code",
        json.dumps({"text": TEXT}),
        quote_plus(TEXT),
        f"{'.' * 100} {TEXT[-ECHO:]}",
    ],
)
def test_a_sentence_that_repeats_the_message_is_not_quoted(said):
    assert quote(said, ["424242"], TEXT) == ""


def test_a_few_characters_in_common_are_no_echo():
    assert quote(f"Bad:{TEXT[7 : 7 + ECHO - 1]}", [], TEXT) != ""


@given(st.text(), st.lists(st.text('ab/"\\+% ', min_size=3, max_size=8), max_size=3), st.text(max_size=50))
def test_whatever_is_said_what_is_kept_has_no_secret_and_is_short(said, secrets, text):
    kept = quote(f"{said} {' '.join(secrets)}", secrets, text)
    assert len(kept) <= QUOTE_MAXIMUM
    assert kept.isprintable()
    assert not [secret for secret in secrets if secret in kept]
