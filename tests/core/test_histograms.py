import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.histograms import SHORTEST, bucket_of, percentile

SECONDS = st.floats(SHORTEST, 10**7)


@given(SECONDS)
def test_what_is_read_back_is_at_most_five_percent_off(seconds):
    assert percentile({bucket_of(seconds): 1}, 0.5) == pytest.approx(seconds, rel=0.05)


@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_that_of_the_nearest_rank(times, share):
    counts = {}
    for seconds in times:
        counts[bucket_of(seconds)] = counts.get(bucket_of(seconds), 0) + 1
    ranked = sorted(times)
    exact = next(each for place, each in enumerate(ranked, 1) if place >= share * len(ranked))
    assert percentile(counts, share) == pytest.approx(exact, rel=0.05)


def test_of_nothing_there_is_no_percentile():
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.001])
def test_clocks_that_disagree_are_counted_as_the_shortest_time(seconds):
    assert bucket_of(seconds) == bucket_of(SHORTEST)
