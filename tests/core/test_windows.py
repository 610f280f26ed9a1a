"""Sliding windows: whatever the moments, no window of that length holds more than the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.rates import Rate
from django_phone_otp.core.windows import AHEAD, SLOTS, Tally, seconds_until_room

NOW = 1_790_000_000_000  # milliseconds


def allowed(rate, moments):
    """Return which of the ``moments`` get a place, by the arithmetic alone."""
    tally, counts, taken = Tally("k", rate), {}, []
    for moment in moments:
        if not seconds_until_room(tally, counts, moment):
            counts[tally.slot(moment)] = counts.get(tally.slot(moment), 0) + 1
            taken.append(moment)
    return taken


rates = st.builds(Rate, st.integers(1, 6), st.sampled_from([1, 7, 60, 300, 3600, 86400]))


@given(rates, st.lists(st.floats(0, 5), max_size=60), st.integers(0, 10**6))
def test_no_window_wherever_it_begins_holds_more_than_the_limit(rate, places, offset):
    """``places`` are in lengths of the window."""
    moments = sorted(NOW + offset + int(place * rate.seconds * 1000) for place in places)
    taken = allowed(rate, moments)
    for first in taken:
        assert sum(first <= moment < first + rate.seconds * 1000 for moment in taken) <= rate.count


@given(rates, st.lists(st.floats(0, 3), min_size=1, max_size=40))
def test_a_place_comes_back_when_it_was_said_to_and_no_later_than_a_tenth_after_the_window(rate, places):
    tally, counts = Tally("k", rate), {}
    moments = sorted(NOW + int(place * rate.seconds * 1000) for place in places)
    for moment in moments:
        wait = seconds_until_room(tally, counts, moment)
        if wait:
            back = moment + round(wait * 1000)
            assert seconds_until_room(tally, counts, back) == 0
            assert seconds_until_room(tally, counts, back - 1) > 0
            assert wait <= rate.seconds * (1 + 1 / SLOTS) + 0.001 * SLOTS
        else:
            counts[tally.slot(moment)] = counts.get(tally.slot(moment), 0) + 1


@pytest.mark.parametrize(("seconds", "width"), [(1, 100), (7, 700), (60, 6000), (86400, 8_640_000)])
def test_the_slots_of_a_window_are_no_shorter_than_it(seconds, width):
    tally = Tally("k", Rate(1, seconds))
    assert tally.width == width
    assert tally.width * SLOTS >= seconds * 1000
    assert tally.lifetime * 1000 >= tally.width * (SLOTS + AHEAD + 1)


def test_a_slot_that_another_servers_clock_has_begun_already_counts_too():
    tally = Tally("k", Rate(2, 60))
    ahead = {tally.slot(NOW) + AHEAD: 2}
    assert seconds_until_room(tally, ahead, NOW) > 60


def test_what_has_left_the_window_does_not_count():
    tally = Tally("k", Rate(1, 60))
    assert seconds_until_room(tally, {tally.slot(NOW) - SLOTS - 1: 9}, NOW) == 0
    assert seconds_until_room(tally, {tally.slot(NOW) - SLOTS: 1}, NOW) > 0
