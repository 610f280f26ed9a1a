"""A35 and A36: whoever breaks the cache, empties it, or finds one that counts for one process only, gains nothing."""

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox
from tests.attacks.attackers import PHONE, browser, wrong
from tests.services.test_limits import DEAD_REDIS

pytestmark = pytest.mark.django_db

BACKENDS = "django.core.cache.backends."
DUMMY = {"default": {"BACKEND": f"{BACKENDS}dummy.DummyCache"}}
DEAD_MEMCACHED = {"default": {"BACKEND": f"{BACKENDS}memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:1"}}


class Forgets(LocMemCache):
    """A cache that somebody empties before each call."""

    def incr(self, *args, **kwargs):
        self.clear()
        super().add(args[0], 0)
        return super().incr(*args, **kwargs)


class Faulty(LocMemCache):
    """A cache that answers some calls and fails at others."""

    fails = ()

    def _call(self, name, *args, **kwargs):
        if name in self.fails:
            raise ConnectionResetError("the cache is gone")
        return getattr(super(), name)(*args, **kwargs)

    def add(self, *args, **kwargs):
        return self._call("add", *args, **kwargs)

    def incr(self, *args, **kwargs):
        return self._call("incr", *args, **kwargs)

    def get_many(self, *args, **kwargs):
        return self._call("get_many", *args, **kwargs)


def ours(name):
    return {"default": {"BACKEND": f"{__name__}.{name}", "LOCATION": name}}


def assert_closed(handle, code):
    """Try everything; nothing was sent, nothing was judged, and the answer says when to come back."""
    for answer in (
        browser().send("+12125550123"),
        browser().send("+12125550123", headers={"Idempotency-Key": "made-up"}),
        browser().post("resend", {"challenge": handle}),
        browser().verify(handle, wrong(code)),
        browser().verify(handle, code),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer["Retry-After"] == "30"
    assert len(outbox) == 1
    stored = Challenge.objects.get()
    assert (stored.attempts, stored.status, stored.messages) == (0, "pending", 1)


@pytest.mark.parametrize(
    "caches",
    [DEAD_REDIS, DEAD_MEMCACHED, DUMMY],
    ids=["Redis is gone", "memcached is gone", "a cache that keeps nothing"],
)
def test_a35_without_a_cache_nothing_is_sent_and_no_guess_is_judged(caches, settings, clock):
    handle = browser().send().json()["challenge"]
    clock.shift(60)
    settings.CACHES = caches
    assert_closed(handle, latest_code(PHONE))


@pytest.mark.parametrize("fails", [("incr",), ("get_many",), ("incr", "add", "get_many")], ids=str)
def test_a35_a_cache_that_fails_half_way_lets_nothing_through(fails, settings, clock, monkeypatch):
    handle = browser().send().json()["challenge"]
    clock.shift(60)
    settings.CACHES = ours("Faulty")
    monkeypatch.setattr(Faulty, "fails", fails)
    assert_closed(handle, latest_code(PHONE))


def test_a35_a_cache_of_the_apps_own_is_the_one_that_counts(settings, clock):
    handle = browser().send().json()["challenge"]
    clock.shift(60)
    settings.CACHES = {"default": settings.CACHES["default"], "phone_otp": DEAD_REDIS["default"]}
    assert_closed(handle, latest_code(PHONE))


def test_a35_emptying_the_cache_gives_no_guesses_back(clock):
    judged = 0
    for _ in range(12):
        handle = browser().send().json().get("challenge")
        for n in range(6) if handle else ():
            judged += browser().verify(handle, wrong(latest_code(PHONE), n)).status_code == 400
            cache.clear()
        cache.clear()
    assert judged == 15
    assert browser().send().json()["code"] == "too_many_attempts"


def test_a35_with_a_cache_that_forgets_everything_at_once_guesses_are_still_counted(settings):
    settings.CACHES = ours("Forgets")
    judged = 0
    for _ in range(12):
        handle = browser().send().json().get("challenge")
        for n in range(6) if handle else ():
            judged += browser().verify(handle, wrong(latest_code(PHONE), n)).status_code == 400
    assert judged == 15


def test_a35_who_was_refused_for_the_cache_may_come_again(settings):
    whole = settings.CACHES
    settings.CACHES = DEAD_REDIS
    assert browser().send().status_code == 503
    settings.CACHES = whole
    own = browser()
    assert own.verify(own.send().json()["challenge"], latest_code(PHONE)).status_code == 200


@pytest.mark.parametrize("switch", ["RATELIMIT_ENABLE", "RATELIMIT_FAIL_OPEN"])
def test_a35_no_setting_of_a_limiter_opens_the_gates(switch, settings):
    setattr(settings, switch, switch == "RATELIMIT_FAIL_OPEN")
    assert [browser().send().status_code for _ in range(4)] == [201, 201, 201, 429]
    settings.CACHES = DEAD_REDIS
    assert browser().send().status_code == 503


FOUND = {
    "locmem.LocMemCache": {"E036"},
    "dummy.DummyCache": {"E036"},
    "filebased.FileBasedCache": {"E037"},
    "db.DatabaseCache": {"E037"},
    "redis.RedisCache": set(),
    "memcached.PyMemcacheCache": set(),
}


@pytest.mark.parametrize(("name", "ids"), FOUND.items())
@pytest.mark.parametrize("alias", ["default", "phone_otp"])
def test_a36_a_cache_that_does_not_count_for_all_processes_stops_a_deployment(name, ids, alias, settings, tmp_path):
    good = {"BACKEND": f"{BACKENDS}redis.RedisCache", "LOCATION": "redis://127.0.0.1:6379/9"}
    bad = {"BACKEND": BACKENDS + name, "LOCATION": str(tmp_path) if "file" in name else "127.0.0.1:11211"}
    settings.CACHES = {"default": good, alias: bad}
    with pytest.raises(SystemCheckError) as problems:  # the backend of the tests is one, in any case
        call_command("check", deploy=True)
    assert {check_id for check_id in ("E036", "E037") if f"phone_otp.{check_id}" in str(problems.value)} == ids
