"""Limits: exact on a shared cache, and closed when it fails."""

import pytest
from django.core.cache import cache

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import DeliveryFailed, IncorrectCode, RateLimited, Unavailable
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import limits
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.races import kinds, together
from tests.services.hammer import get_place
from tests.unlimited import UNLIMITED

DEAD_REDIS = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
}


def test_a_limit_passes_just_so_many():
    with override_phone_otp(LIMITS={"send.number": ["4/1h"]}):
        for _ in range(4):
            limits.hit({"send.number": PHONE})
        with pytest.raises(RateLimited):
            limits.hit({"send.number": PHONE})
        limits.hit({"send.number": "+14155550199"})


def test_the_longest_wait_is_reported(clock):
    with override_phone_otp(LIMITS={"send.number": ["1/1m", "1/1d"], "send.ip": ["1/1h"]}):
        buckets = {"send.number": PHONE, "send.ip": "198.51.100.7"}
        limits.hit(buckets)
        for _ in range(3):
            with pytest.raises(RateLimited) as refusal:
                limits.hit(buckets)
            assert 86400 <= refusal.value.retry_after <= 86400 * 1.1


def test_a_limit_says_how_near_it_is():
    with override_phone_otp(LIMITS={"send.number": ["4/1h"], "send.ip": ["10/1h"], "send.global": []}):
        buckets = {"send.number": PHONE, "send.ip": "198.51.100.7", "send.global": ""}
        assert [limits.hit(buckets).strain for _ in range(3)] == [
            (0.25, "send.number"),
            (0.5, "send.number"),
            (0.75, "send.number"),
        ]


def test_a_limit_that_is_lifted_needs_no_cache(settings):
    settings.CACHES = DEAD_REDIS
    with override_phone_otp(LIMITS=UNLIMITED):
        assert limits.hit({"send.number": PHONE, "send.global": ""}) == limits.Hits()
        limits.forget({"send.number": PHONE})


def test_places_that_are_given_back_can_be_taken_again():
    with override_phone_otp(LIMITS={"send.number": ["1/1h"]}):
        limits.hit({"send.number": PHONE}).give_back()
        limits.hit({"send.number": PHONE})
        with pytest.raises(RateLimited):
            limits.hit({"send.number": PHONE})


def test_of_rates_with_one_window_the_smallest_holds_and_counts_once():
    with override_phone_otp(LIMITS={"send.number": ["9/1h", "2/60m", "2/1h"]}):
        for _ in range(2):
            limits.hit({"send.number": PHONE})
        with pytest.raises(RateLimited):
            limits.hit({"send.number": PHONE})


@pytest.mark.parametrize("limit", sorted(UNLIMITED))
def test_no_limit_is_exceeded_across_the_edge_of_a_window(limit, clock):
    """Wherever the edges of a window lie: as many just before any moment, and as many after it, are too many."""
    with override_phone_otp(LIMITS={limit: ["5/1m"]}):
        for offset in range(0, 60, 7):
            taken = []
            for second in (0, 1, 59, 60):
                clock.move_to(f"2026-11-22T1{offset // 10}:00:{offset:02}Z")
                clock.shift(second)
                taken += [second for _ in range(5) if get_place(limit)]
            assert sum(second < 60 for second in taken) == 5
            clock.shift(7200)


def test_every_bucket_is_hit_before_any_is_judged():
    with override_phone_otp(LIMITS={"send.number": ["1/1h"], "send.ip": ["3/1h"]}):
        buckets = {"send.number": PHONE, "send.ip": "198.51.100.7"}
        limits.hit(buckets)
        for _ in range(2):
            with pytest.raises(RateLimited):
                limits.hit(buckets)
        with pytest.raises(RateLimited):
            limits.hit({"send.ip": "198.51.100.7"})


def test_no_number_and_no_address_stands_in_the_cache():
    limits.hit({"send.number": PHONE, "send.ip": "198.51.100.7"})
    assert cache._cache
    assert not [key for key in cache._cache if PHONE in key or "198.51" in key]


def test_a_limit_is_exact_on_redis_when_many_come_at_once(redis_cache):
    with override_phone_otp(LIMITS={"send.number": ["25/1h"]}):
        outcomes = together(40, lambda n: limits.hit({"send.number": PHONE}))
    assert kinds(outcomes) == {"Hits": 25, "RateLimited": 15}


@pytest.mark.django_db
def test_who_is_refused_for_the_address_does_not_use_up_a_strangers_number(rf):
    attacker = rf.post("/", REMOTE_ADDR="203.0.113.9")
    with override_phone_otp(LIMITS={"send.ip": ["1/1h"]}):
        phone_otp.send("+14155550100", purpose="signup", request=attacker)
        for _ in range(12):
            with pytest.raises(RateLimited):
                phone_otp.send(PHONE, purpose="signup", request=attacker)
        owner = rf.post("/", REMOTE_ADDR="198.51.100.7")
        assert phone_otp.send(PHONE, purpose="signup", request=owner).number == PHONE


@pytest.mark.django_db
class TestFailsClosed:
    def test_without_the_cache_nothing_is_sent(self, settings):
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable) as refusal:
            phone_otp.send(PHONE, purpose="signup")
        assert refusal.value.retry_after == 30
        assert not outbox
        assert not Challenge.objects.exists()

    def test_without_the_cache_no_guess_is_judged(self, settings, rf):
        challenge = phone_otp.send(PHONE, purpose="signup")
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable):
            phone_otp.verify(challenge.handle, latest_code(PHONE), request=rf.post("/"))
        assert Challenge.objects.get().attempts == 0

    def test_an_idempotency_key_that_cannot_be_remembered_is_refused(self, settings, rf):
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable):
            phone_otp.send(PHONE, purpose="signup", request=rf.post("/"), idempotency_key="made-up-key")

    def test_a_cache_that_does_not_count_is_no_permission(self, monkeypatch):
        monkeypatch.setattr(cache, "add", lambda *args, **kwargs: False)
        with pytest.raises(Unavailable):
            phone_otp.send(PHONE, purpose="signup")

    def test_without_the_cache_no_guess_is_judged_without_a_request_either(self, settings):
        challenge = phone_otp.send(PHONE, purpose="signup")
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable):
            phone_otp.verify(challenge.handle, latest_code(PHONE))
        assert Challenge.objects.get().attempts == 0

    def test_a_cache_that_keeps_nothing_is_no_permission(self, settings):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        with pytest.raises(Unavailable):
            phone_otp.send(PHONE, purpose="signup")

    def test_counters_that_cannot_be_emptied_are_told(self, settings):
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable):
            limits.forget({"send.number": PHONE})

    def test_the_api_answers_503_with_a_time_to_come_back(self, api, settings):
        handle = api.send().json()["challenge"]
        settings.CACHES = DEAD_REDIS
        for response in (api.send(), api.verify(handle, "000000")):
            assert response.status_code == 503
            assert response["Retry-After"] == "30"


@pytest.mark.django_db
class TestACacheOfOurOwn:
    def test_counts_where_there_is_one(self, settings):
        settings.CACHES = {**DEAD_REDIS, "phone_otp": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        assert phone_otp.send(PHONE, purpose="signup", idempotency_key="made-up-key").number == PHONE

    def test_fails_closed_alone(self, settings):
        settings.CACHES = {"default": settings.CACHES["default"], "phone_otp": DEAD_REDIS["default"]}
        with pytest.raises(Unavailable):
            phone_otp.send(PHONE, purpose="signup")


@pytest.mark.django_db
class TestAnAccount:
    STARTMESSAGING = "django_phone_otp.backends.startmessaging.StartMessagingBackend"

    def through(self, **options):
        """Send through an account whose vendor nobody reaches: what is refused before is what is looked at."""
        options = {"api_key": "made-up", "base_url": "http://127.0.0.1:1", **options}
        backend = {"BACKEND": self.STARTMESSAGING, "OPTIONS": options}
        return override_phone_otp(BACKENDS={"default": backend}, LIMITS={"send.number": []})

    def hits(self, count):
        """Return how many of so many requests the account has room for."""
        return sum(not limits.hit_account("default") for _ in range(count))

    def test_keeps_to_the_rate_that_its_vendor_documents(self, clock):
        with self.through():
            assert self.hits(25) == 20
            clock.shift(1.1)
            assert self.hits(25) == 20

    def test_keeps_to_the_rate_that_it_was_given(self, clock):
        with self.through(account_rate="3/1m"):
            assert self.hits(5) == 3
            clock.shift(1)
            assert self.hits(5) == 0

    def test_says_how_long_until_it_has_a_place_and_counts_nothing_meanwhile(self, clock):
        with override_phone_otp(
            BACKENDS={
                "default": {
                    "BACKEND": self.STARTMESSAGING,
                    "OPTIONS": {"api_key": "made-up", "base_url": "http://127.0.0.1:1", "account_rate": "2/1m"},
                }
            },
            LIMITS={"send.account": ["3/1d"]},
        ):
            assert self.hits(2) == 2
            assert 60 <= limits.hit_account("default") <= 66
            clock.shift(66)
            assert self.hits(3) == 1, "the wait took no place of the day"

    @pytest.mark.parametrize(("documented", "own"), [("6/1m", "3/60s"), ("3/1m", "6/1m")])
    def test_has_one_count_where_its_rate_and_its_vendors_have_one_window(self, documented, own, clock):
        backend = {
            "BACKEND": self.STARTMESSAGING,
            "OPTIONS": {"api_key": "made-up", "base_url": "http://127.0.0.1:1", "account_rate": documented},
        }
        with override_phone_otp(BACKENDS={"default": backend}, LIMITS={"send.account": [own]}):
            assert self.hits(9) == 3

    def test_over_its_rate_is_passed_over_and_no_vendor_is_asked(self, clock):
        with self.through(account_rate="1/1h"):
            limits.hit_account("default")
            with pytest.raises(DeliveryFailed):
                phone_otp.send(PHONE, purpose="signup")
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.reason) == ("failed", "the account's own limit was reached")
        assert delivery.latency is None

    def test_without_a_cache_sends_nothing(self, monkeypatch):
        with self.through():
            monkeypatch.setattr(cache, "add", lambda *args, **kwargs: False)
            with pytest.raises(Unavailable):
                limits.hit_account("default")


@pytest.mark.django_db
class TestWhoAsks:
    @pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
    def test_a_forged_header_gains_nothing(self, api, header):
        with override_phone_otp(LIMITS={"send.ip": ["3/1h"]}):
            codes = [api.send(f"+1415555010{n}", headers={header: f"198.51.100.{n}"}).status_code for n in range(6)]
        assert codes == [201, 201, 201, 429, 429, 429]

    def test_behind_a_trusted_proxy_each_client_counts_alone(self, api):
        with override_phone_otp(LIMITS={"send.ip": ["1/1h"]}, TRUSTED_PROXIES=["127.0.0.0/8"]):
            forwarded = ["198.51.100.1", "198.51.100.2", "203.0.113.9, 198.51.100.1"]
            codes = [
                api.send(f"+1415555010{n}", headers={"X-Forwarded-For": hops}).status_code
                for n, hops in enumerate(forwarded)
            ]
        assert codes == [201, 201, 429]

    def test_a_call_without_a_request_counts_against_no_address(self):
        with override_phone_otp(LIMITS={"send.ip": ["1/1h"], "verify.ip": ["1/1h"]}):
            for n in range(3):
                challenge = phone_otp.send(f"+1415555010{n}", purpose="signup")
                with pytest.raises(IncorrectCode):
                    phone_otp.verify(challenge.handle, "000000")
