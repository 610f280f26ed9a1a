import time
import uuid
from datetime import UTC, datetime, timedelta

import time_machine
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.core.identifiers import first_uuid7, moment_of, uuid7

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_an_id_has_the_version_and_variant_of_rfc_9562():
    for _ in range(500):
        made = uuid7()
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_an_id_begins_with_the_milliseconds_of_its_time():
    with time_machine.travel(NOON, tick=False):
        assert uuid7().int >> 80 == int(NOON.timestamp() * 1000)


def test_ids_of_one_moment_differ():
    with time_machine.travel(NOON, tick=False):
        assert len({uuid7() for _ in range(2000)}) == 2000


def test_all_random_bits_are_used():
    ones = zeros = 0
    for _ in range(200):
        made = uuid7().int
        ones, zeros = ones | made, zeros | ~made
    random = (1 << 62) - 1
    assert ones & random == random
    assert zeros & random == random


def test_ids_sort_by_time():
    made = []
    for step in range(20):
        with time_machine.travel(NOON + timedelta(milliseconds=step), tick=False):
            made += [uuid7()]
    assert made == sorted(made)


def test_the_first_id_of_a_moment_is_below_every_id_from_then_on_and_above_all_before():
    first = first_uuid7(NOON)
    assert first.version == 7
    assert first.variant == uuid.RFC_4122
    with time_machine.travel(NOON, tick=False):
        assert all(first <= uuid7() for _ in range(200))
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert first < uuid7()
    with time_machine.travel(NOON - timedelta(milliseconds=1), tick=False):
        assert all(uuid7() < first for _ in range(200))


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(milliseconds=2), timedelta(days=30_000)),
)
def test_first_ids_sort_as_their_moments_do(moment, later):
    assert first_uuid7(moment) < first_uuid7(moment + later)


def test_ids_made_within_one_millisecond_are_in_order(monkeypatch):
    moments = iter(range(1_800_000_000_000_000_000, 1_800_000_000_001_000_000, 1_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    made = [uuid7() for _ in range(1000)]
    assert made == sorted(made)
    assert len({one.int >> 80 for one in made}) == 1


def test_when_an_id_was_made_is_read_back_to_the_millisecond():
    moment = datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=UTC)
    assert moment_of(first_uuid7(moment)) == moment
