import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.backends.answers import LONGEST_WAIT, HTTPAnswer

BODY = {"data": [{"id": "m-1", "n": 7, "yes": True, "none": None}, "x"], "": {"a": 0}, "half": 0.5}
paths = st.lists(st.sampled_from(["data", "id", "n", "", "a"]) | st.text(max_size=3) | st.integers(-3, 3), max_size=4)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(["data", "id"]), inside),
)


def answer(body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTPAnswer(200, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


@given(bodies.map(lambda body: json.dumps(body).encode()) | st.binary(), paths)
def test_nothing_that_a_vendor_can_say_raises(body, path):
    found = answer(body)
    found.find(*path)
    text = found.text(*path)
    assert isinstance(text, str)
    assert isinstance(found.redacted([text]), str)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((), BODY),
        (("data", 0, "id"), "m-1"),
        (("data", 1), "x"),
        (("", "a"), 0),
        (("data", 2), None),
        (("data", "0"), None),
        ((0,), None),
        (("data", 1, 0), None),
        (("data", 1, "x"), None),
        (("nothing", "there"), None),
        (("data", 0, "none", "more"), None),
    ],
    ids=str,
)
def test_a_place_is_found_or_is_none(path, found):
    assert answer(BODY).find(*path) == found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("data", 0, "id"), "m-1"),
        (("data", 0, "n"), "7"),
        (("", "a"), "0"),
        (("data", 0, "yes"), ""),
        (("data", 0, "none"), ""),
        (("half",), ""),
        (("data",), ""),
        ((), ""),
    ],
    ids=str,
)
def test_only_text_and_whole_numbers_are_text(path, text):
    assert answer(BODY).text(*path) == text


@pytest.mark.parametrize("status", range(100, 600, 100))
def test_only_200_to_299_is_ok(status):
    assert HTTPAnswer(status, {}, b"").ok is (status == 200)
    assert HTTPAnswer(status + 99, {}, b"").ok is (status == 200)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("9" * 5000, LONGEST_WAIT),
        ("-1", None),
        ("1.5", None),
        ("१२", None),
        ("", None),
        ("60, 60", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 10:01:30 GMT", 90),
        ("Sunday, 22-Nov-26 10:01:30 GMT", 90),
        ("Sun, 22 Nov 2026 15:31:30 +0530", 90),
        ("Sun, 22 Nov 2026 10:01:30", 90),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_WAIT),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Sun, 22 Nov 2026 10:01:30 +999999999999999999", None),
        (f"Sun, 22 Nov {'9' * 30} 10:01:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_longer_than_a_day(clock, value, seconds):
    assert answer({}, Retry_After=value).retry_after == seconds


def test_without_the_header_there_is_no_wait():
    assert answer({}).retry_after is None


@given(
    st.text()
    | st.datetimes(timezones=st.just(UTC)).map(format_datetime)
    | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{0,8} [+-]?[0-9A-Z]{0,9}\Z")
)
def test_any_retry_after_is_a_wait_within_bounds_or_none(value):
    wait = answer({}, Retry_After=value).retry_after
    assert wait is None or 0 <= wait <= LONGEST_WAIT


@given(st.integers(0, 86_399))
def test_a_date_says_the_same_as_its_seconds(seconds):
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    wait = answer({}, Retry_After=format_datetime(moment, usegmt=True)).retry_after
    assert wait <= seconds


def test_what_is_redacted_is_short_and_has_no_secret():
    kept = answer(b"\xff key-1 " + b"x" * 5000).redacted(["key-1"])
    assert "key-1" not in kept
    assert len(kept) <= 200
