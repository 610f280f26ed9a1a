"""What makes a browser known for a number: only the right cookie, for that number, for a while."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.keys import KeyRing
from django_phone_otp.core.lanes import ENTRIES, KNOWN, LIFETIME, STRANGERS, add_entry, entries_of, lane_of

RING = KeyRing(["a-made-up-secret-of-enough-length-0001"])
NUMBER, OTHER = "+14155550123", "+14155550199"
NOW = 1_790_000_000


def lane(cookie, number=NUMBER, now=NOW, ring=RING):
    return lane_of(ring, entries_of(cookie), number, now)


@pytest.fixture
def cookie():
    return add_entry(RING, [], NUMBER, NOW)


def test_a_cookie_makes_a_browser_known_for_its_number_and_for_no_other(cookie):
    assert lane(cookie) == lane(cookie, now=NOW + 1000) == KNOWN
    assert lane(cookie, OTHER) == lane("") == STRANGERS


def test_it_ends_after_ninety_days_and_clocks_may_differ_a_little(cookie):
    assert lane(cookie, now=NOW + LIFETIME - 1)
    assert lane(cookie, now=NOW + LIFETIME) == STRANGERS
    assert lane(cookie, now=NOW - 60) == KNOWN
    assert lane(cookie, now=NOW - 61) == STRANGERS


def test_verifying_again_makes_it_last_longer_and_the_cookie_no_longer(cookie):
    fresh = add_entry(RING, entries_of(cookie), NUMBER, NOW + 1000)
    assert lane(fresh, now=NOW + LIFETIME) == KNOWN
    assert len(entries_of(fresh)) == 1


def test_a_browser_is_known_for_a_few_numbers_the_newest(cookie):
    numbers = [f"+141555501{last:02}" for last in range(ENTRIES + 1)]
    for number in numbers:
        cookie = add_entry(RING, entries_of(cookie), number, NOW)
    assert [bool(lane(cookie, number)) for number in numbers] == [False] + [True] * ENTRIES
    assert len(cookie) < 120


def test_a_new_key_takes_the_entries_of_the_old_one(cookie):
    ring = KeyRing(["a-made-up-secret-of-enough-length-0002", "a-made-up-secret-of-enough-length-0001"])
    assert lane(cookie, ring=ring) == KNOWN
    assert len(entries_of(add_entry(ring, entries_of(cookie), NUMBER, NOW))) == 1
    assert lane(cookie, ring=KeyRing(["a-made-up-secret-of-enough-length-0002"])) == STRANGERS


def test_the_cookie_does_not_tell_the_number(cookie):
    assert "4155550123" not in cookie


@given(st.text(max_size=300))
def test_whatever_a_client_writes_makes_no_browser_known(cookie_text):
    assert lane(cookie_text) == STRANGERS


@given(st.integers(0, 26), st.sampled_from("AZaz09-_"))
def test_one_changed_character_makes_no_browser_known(position, character):
    cookie = add_entry(RING, [], NUMBER, NOW)
    changed = cookie[:position] + character + cookie[position + 1 :]
    # The last character has spare bits.
    if entries_of(changed) != entries_of(cookie):
        assert lane(changed) == STRANGERS
