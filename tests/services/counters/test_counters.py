"""The counters of every kind of cache say the same."""

import time
from dataclasses import replace

import hypothesis
import pytest
from django.core.cache import caches
from django.core.management import call_command
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from django_phone_otp.core.rates import Rate
from django_phone_otp.core.windows import GIVE_BACK, LOOK, SLOTS, TAKE, Tally
from django_phone_otp.services.counters import counters_of, is_exact
from django_phone_otp.services.counters.memcached import MemcachedCounters
from django_phone_otp.services.counters.portable import PortableCounters
from django_phone_otp.services.counters.redis import RedisCounters
from django_phone_otp.services.counters.slots import Slot
from tests import settings as suite
from tests.conftest import need
from tests.races import hang_up, together
from tests.reachable import answers

NOW = 1_790_000_000_000
ONE, MANY = Tally("one", Rate(3, 60)), Tally("many", Rate(5, 86400))


def used(counters, *tallies, moment=NOW):
    return [reading.used for reading in counters.count([replace(t, step=LOOK) for t in tallies], moment)]


@pytest.fixture
def counters(each_cache):
    return counters_of(caches["default"])


def test_each_cache_has_its_own_way(redis_cache):
    assert isinstance(counters_of(caches["default"]), RedisCounters)


def test_memcached_has_its_own_way(memcached_cache):
    assert isinstance(counters_of(caches["default"]), MemcachedCounters)


def test_other_caches_are_counted_in_by_djangos_calls():
    assert isinstance(counters_of(caches["default"]), PortableCounters)


def test_a_limit_passes_just_so_many_and_then_says_how_long_to_wait(counters):
    readings = [counters.count([ONE], NOW)[0] for _ in range(5)]
    assert [reading.used for reading in readings] == [1, 2, 3, 3, 3]
    leaves = (ONE.slot(NOW) + SLOTS + 1) * ONE.width
    assert [reading.wait for reading in readings] == [0, 0, 0, *[(leaves - NOW) / 1000] * 2]


def test_every_counter_is_asked_also_where_another_is_full(counters):
    for _ in range(5):
        counters.count([ONE, MANY], NOW)
    assert used(counters, ONE, MANY) == [3, 5]


def test_who_keeps_asking_does_not_put_off_when_a_place_comes_back(counters):
    for _ in range(3):
        counters.count([ONE], NOW)
    wait = counters.count([ONE], NOW)[0].wait
    for late in range(0, 60_000, 5_000):
        counters.count([ONE], NOW + late)
    assert counters.count([ONE], NOW + int(wait * 1000) - 1)[0].wait
    assert not counters.count([ONE], NOW + int(wait * 1000))[0].wait


def test_what_is_given_back_can_be_taken_again_in_the_slot_where_it_was_taken(counters):
    for _ in range(3):
        counters.count([ONE], NOW)
    counters.count([replace(ONE, step=GIVE_BACK)], NOW)
    assert used(counters, ONE) == [2]
    assert not counters.count([ONE], NOW + 30_000)[0].wait
    assert counters.count([ONE], NOW + 30_000)[0].wait


def test_nothing_is_given_back_in_a_slot_where_nothing_is_left(counters):
    for step in (TAKE, GIVE_BACK, GIVE_BACK, TAKE):
        counters.count([replace(ONE, step=step)], NOW)
    assert used(counters, ONE) == [1]


def test_nothing_is_given_back_that_was_not_taken(counters):
    for _ in range(3):
        counters.count([replace(ONE, step=GIVE_BACK)], NOW)
    assert used(counters, ONE) == [0]
    counters.count([ONE, replace(MANY, step=GIVE_BACK)], NOW)
    assert used(counters, ONE, MANY) == [1, 0]


def test_a_look_takes_no_place_and_says_when_there_is_none(counters):
    for _ in range(9):
        assert counters.count([replace(ONE, step=LOOK)], NOW)[0] == (0, 0)
    for _ in range(3):
        counters.count([ONE], NOW)
    assert counters.count([replace(ONE, step=LOOK)], NOW)[0].wait > 60 - 6


def test_what_is_forgotten_counts_no_more(counters):
    for late in (0, 20_000, 40_000):
        counters.count([ONE, MANY], NOW + late)
    counters.forget([ONE], NOW + 50_000)
    assert used(counters, ONE, MANY, moment=NOW + 50_000) == [0, 3]


def test_windows_of_different_length_are_counted_apart(counters):
    longer = replace(ONE, rate=Rate(3, 3600))
    counters.count([ONE], NOW)
    assert used(counters, ONE, longer) == [1, 0]


def test_a_window_of_months_is_kept(counters):
    """Over 30 days, memcached takes a lifetime for a date."""
    long = Tally("long", Rate(1, 90 * 86400))
    counters.count([long], NOW)
    assert counters.count([long], NOW)[0].wait


def test_of_many_at_once_just_so_many_pass(counters):
    tally = Tally("race", Rate(25, 3600))

    def take(_):
        return counters_of(caches["default"]).count([tally, MANY], NOW)[0].wait == 0

    assert sum(together(40, take)) == 25


def test_at_the_edge_of_a_slot_two_clocks_let_no_more_through(counters):
    """Half of the callers are in the slot already that comes next."""
    tally = Tally("edge", Rate(25, 60))
    edge = (tally.slot(NOW) + 1) * tally.width

    def take(position):
        return counters_of(caches["default"]).count([tally], edge - position % 2)[0].wait == 0

    assert sum(together(40, take)) <= 25


steps = st.tuples(st.sampled_from([TAKE, TAKE, LOOK, GIVE_BACK]), st.integers(0, 90_000))


@pytest.fixture
def every_cache(settings):
    """The counters of Redis, memcached and this process, side by side."""
    for server in suite.SHARED_CACHES:
        need(server, answers(server))
    settings.CACHES = {**suite.SHARED_CACHES, "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    yield [counters_of(caches[alias]) for alias in settings.CACHES]
    hang_up()


@hypothesis.settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=25))
def test_the_three_ways_of_counting_agree(every_cache, history):
    moments = [NOW + late for _, late in history]
    said = []
    for counters in every_cache:
        counters.forget([ONE], NOW)
        counters.forget([ONE], NOW + 60_000)
        counters.forget([ONE], NOW + 100_000)
        answers = []
        for (step, _), moment in zip(history, sorted(moments), strict=True):
            (reading,) = counters.count([replace(ONE, step=step)], moment)
            answers.append(None if step == GIVE_BACK else reading)
        said.append(answers)
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize(
    ("kind", "exact"),
    [
        ("redis.RedisCache", True),
        ("memcached.PyMemcacheCache", True),
        ("locmem.LocMemCache", False),
        ("filebased.FileBasedCache", False),
        ("db.DatabaseCache", False),
        ("dummy.DummyCache", False),
    ],
)
def test_which_caches_are_known_to_count_exactly(settings, tmp_path, kind, exact):
    location = str(tmp_path) if "file" in kind else "127.0.0.1:1"
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{kind}", "LOCATION": location}}
    assert is_exact(caches["default"]) is exact


def test_redis_is_given_the_script_again_when_it_forgot(redis_cache):
    counters = counters_of(caches["default"])
    counters.count([ONE], NOW)
    redis_cache._cache.get_client(write=True).script_flush()
    assert counters.count([ONE], NOW)[0].used == 2


class TestPymemcache:
    def test_counts_through_a_pool_of_connections_too(self, memcached_cache, settings):
        own = settings.CACHES["default"]
        settings.CACHES = {"default": {**own, "OPTIONS": {"use_pooling": True}}}
        counters = counters_of(caches["default"])
        assert [counters.count([ONE], NOW)[0].wait > 0 for _ in range(4)] == [False, False, False, True]
        counters.forget([ONE], NOW)
        assert used(counters, ONE) == [0]
        hang_up()

    def test_spread_over_servers_keeps_a_counter_together(self, memcached_cache, settings):
        """Two names of one server: each counter has its slots on one of them, and all are counted."""
        own = settings.CACHES["default"]
        settings.CACHES = {"default": {**own, "LOCATION": ["127.0.0.1:11211", "localhost:11211"]}}
        counters = counters_of(caches["default"])
        tallies = [Tally(f"spread{n}", Rate(2, 60)) for n in range(12)]
        waits = [[reading.wait > 0 for reading in counters.count(tallies, NOW)] for _ in range(3)]
        assert waits == [[False] * 12, [False] * 12, [True] * 12]
        assert used(counters, *tallies) == [2] * 12
        hang_up()

    def test_a_server_that_is_gone_is_an_error_and_not_a_zero(self, settings):
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:1"}
        }
        with pytest.raises(ConnectionRefusedError):
            counters_of(caches["default"]).count([ONE], NOW)


@pytest.fixture(params=["file", "database"])
def slow_cache(request, settings, tmp_path, db):
    """A cache that counts by reading and writing anew, with a lifetime of its own for what it writes."""
    kind = {"file": "filebased.FileBasedCache", "database": "db.DatabaseCache"}[request.param]
    location = str(tmp_path) if request.param == "file" else "phone_otp_cache"
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{kind}", "LOCATION": location}}
    if request.param == "database":
        call_command("createcachetable", verbosity=0)
    return caches["default"]


def test_a_cache_of_files_or_tables_keeps_a_count_as_long_as_its_window(slow_cache, clock):
    hourly = Tally("hourly", Rate(20, 3600))
    passed = 0
    for _ in range(60):
        now = int(time.time() * 1000)
        passed += sum(not counters_of(slow_cache).count([hourly], now)[0].wait for _ in range(2))
        clock.shift(59)
    assert passed == 20


def test_memcached_keeps_a_slot_a_second_longer_since_its_clock_ticks_once_in_one(memcached_cache, monkeypatch):
    sent = []
    counters = counters_of(caches["default"])
    monkeypatch.setattr(
        MemcachedCounters, "_ask", lambda _, server, commands: sent.extend(commands) or iter([b"1"] * 2)
    )
    counters.exchange([Slot("key", "home", 2)], [])
    assert sent[0].split()[3] == b"3"


def test_a_cache_that_keeps_nothing_is_an_error(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    with pytest.raises(LookupError):
        counters_of(caches["default"]).count([ONE], NOW)
