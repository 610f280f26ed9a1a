"""The circuit: a vendor that fails again and again is left alone, and one probe finds out when it is back."""

import pytest
from django.core.cache import cache

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, DeliveryUncertain, MessageRejected, Scope, SendResult
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Delivery
from django_phone_otp.services import circuit, limits
from django_phone_otp.services.circuit import Circuit
from django_phone_otp.test import outbox
from tests.conftest import PHONE
from tests.races import together
from tests.services.test_delivery import Vendor, vendors
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

DOWN = BackendUnavailable("no connection")


@pytest.fixture(autouse=True)
def _nobody_was_asked():
    Vendor.asked.clear()


def fail(times, alias="default"):
    for _ in range(times):
        look = Circuit(alias)
        assert look.admits()
        look.failed()


def send(last=0):
    try:
        return phone_otp.send(f"+1415555{last:04d}", purpose="signup").delivery_status
    except DeliveryFailed:
        return "refused"


def test_it_opens_after_five_failures_in_a_row(clock):
    fail(5)
    assert not Circuit("default").admits()
    assert Circuit("backup").admits()


def test_a_success_between_failures_keeps_it_closed(clock):
    for _ in range(3):
        fail(4)
        look = Circuit("default")
        assert look.admits()
        look.succeeded()
    assert Circuit("default").admits()


def test_failures_that_are_far_apart_keep_it_closed(clock):
    for _ in range(10):
        fail(1)
        clock.shift(circuit.WITHIN + 1)
    assert Circuit("default").admits()


def test_a_failure_whose_count_has_just_run_out_is_the_first_of_the_next(clock, monkeypatch):
    def incr(key):
        raise ValueError("the key is gone")

    monkeypatch.setattr(cache, "incr", incr)
    fail(8)
    assert Circuit("default").admits()


def test_after_a_minute_a_probe_that_succeeds_closes_it(clock):
    fail(5)
    clock.shift(circuit.OPEN_SECONDS)
    probe = Circuit("default")
    assert probe.admits()
    assert not Circuit("default").admits(), "one probe is enough"
    probe.succeeded()
    assert Circuit("default").admits()
    fail(4)
    assert Circuit("default").admits(), "the failures of before are forgotten"


def test_a_probe_that_fails_opens_it_again(clock):
    fail(5)
    clock.shift(circuit.OPEN_SECONDS)
    probe = Circuit("default")
    assert probe.admits()
    probe.failed()
    assert not Circuit("default").admits()
    clock.shift(circuit.OPEN_SECONDS - 1)
    assert not Circuit("default").admits()
    clock.shift(1)
    assert Circuit("default").admits()


def test_a_probe_that_never_reports_is_followed_by_another(clock):
    fail(5)
    clock.shift(circuit.OPEN_SECONDS)
    assert Circuit("default").admits()
    assert not Circuit("default").admits()
    clock.shift(circuit.PROBE_SECONDS)
    assert Circuit("default").admits()


def test_a_vendor_that_says_for_how_long_is_left_alone_so_long(clock):
    look = Circuit("default")
    assert look.admits()
    look.failed(retry_after=90)
    clock.shift(89)
    assert not Circuit("default").admits()
    clock.shift(2)
    assert Circuit("default").admits()


def test_what_the_vendor_says_counts_for_the_failure_that_opens_too(clock):
    fail(4)
    look = Circuit("default")
    assert look.admits()
    look.failed(retry_after=120)
    clock.shift(119)
    assert not Circuit("default").admits()
    clock.shift(2)
    probe = Circuit("default")
    assert probe.admits()
    probe.failed(retry_after=120)
    clock.shift(119)
    assert not Circuit("default").admits()


def test_a_probe_that_was_not_asked_leaves_its_turn_to_another(clock):
    fail(5)
    clock.shift(circuit.OPEN_SECONDS)
    with vendors(SendResult(id="v"), LIMITS={**UNLIMITED, "send.account": ["1/1h"]}):
        limits.hit_account("default")
        assert send() == "refused"
        assert Vendor.asked == []
    assert Circuit("default").admits()


def test_a_vendor_cannot_shut_itself_off_for_a_day(clock):
    look = Circuit("default")
    assert look.admits()
    look.failed(retry_after=86_400)
    clock.shift(circuit.PAUSE_MAXIMUM + 1)
    assert Circuit("default").admits()


def test_of_many_who_come_at_once_one_probes(redis_cache):
    cache.set("phone_otp.circuit.default.tripped", 1, 60)
    assert sum(together(20, lambda _: Circuit("default").admits())) == 1


def test_failures_of_many_processes_count_together(redis_cache):
    together(5, lambda _: fail(1))
    assert not Circuit("default").admits()


class Broken:
    """A cache that is gone."""

    def __getattr__(self, name):
        raise ConnectionError("the cache is gone")


def test_without_the_cache_every_alias_is_asked(monkeypatch, caplog):
    monkeypatch.setattr(circuit, "shared_cache", Broken)
    look = Circuit("default")
    assert look.admits()
    look.failed()
    look._has_failed = look._is_probe = True
    look.succeeded()
    look.released()
    assert caplog.text.count("The cache for circuits failed: ConnectionError") == 4


def test_healthy_traffic_costs_one_round_trip(monkeypatch):
    calls = []

    class Counting:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(cache, name)

    monkeypatch.setattr(circuit, "shared_cache", Counting)
    with vendors(SendResult(id="v-1")):
        send()
    assert calls == ["get_many"]


def test_an_outage_moves_all_messages_to_the_next_alias_without_asking_the_first(clock):
    with vendors(DOWN, "outbox", LIMITS=UNLIMITED):
        assert [send(last) for last in range(20)] == ["accepted"] * 20
    assert Vendor.asked == ["default"] * 5
    assert len(outbox) == 20
    assert Delivery.objects.filter(alias="backup1").count() == 20
    assert Delivery.objects.filter(alias="default").count() == 5


def test_when_every_alias_is_left_alone_the_caller_is_told_at_once(clock):
    with vendors(DOWN, LIMITS=UNLIMITED):
        assert {send(last) for last in range(7)} == {"refused"}
    assert Vendor.asked == ["default"] * 5
    reason = "every alias on the route failed lately, and is left alone for now"
    assert set(Delivery.objects.exclude(alias="default").values_list("status", "alias", "reason")) == {
        ("failed", "", reason)
    }


def test_what_may_have_left_counts_as_a_failure_of_the_vendor(clock):
    with vendors(DeliveryUncertain("no answer in time"), "outbox", LIMITS=UNLIMITED):
        assert [send(last) for last in range(7)] == ["unknown"] * 5 + ["accepted"] * 2


def test_duplicates_are_no_outage(clock):
    duplicate = DeliveryUncertain("a duplicate", http_status=409)
    with vendors(duplicate, LIMITS=UNLIMITED):
        assert {send(last) for last in range(10)} == {"unknown"}
    assert len(Vendor.asked) == 10


@pytest.mark.parametrize(("http_status", "asked"), [(429, 5), (503, 1)])
def test_only_a_vendor_that_is_out_of_service_is_left_alone_at_once(clock, http_status, asked):
    wait = BackendUnavailable("later", http_status=http_status, retry_after=60)
    with vendors(wait, "outbox", LIMITS=UNLIMITED):
        assert {send(last) for last in range(10)} == {"accepted"}
    assert len(Vendor.asked) == asked


def test_an_outage_is_forgotten_when_nobody_came_for_ten_minutes(clock):
    fail(5)
    clock.shift(circuit.TRIPPED_SECONDS)
    assert [Circuit("default").admits() for _ in range(6)] == [True] * 6


def test_a_fault_in_a_backend_counts_as_a_failure(clock):
    with vendors(KeyError("a fault"), "outbox", LIMITS=UNLIMITED):
        assert [send(last) for last in range(7)] == ["unknown"] * 5 + ["accepted"] * 2


@pytest.mark.parametrize(
    "refusal",
    [MessageRejected("the text"), BackendUnavailable("this number", scope=Scope.RECIPIENT)],
    ids=["message", "number"],
)
def test_refusals_of_a_message_or_number_do_not_shut_a_vendor_off(clock, refusal):
    with vendors(refusal, LIMITS=UNLIMITED):
        for last in range(10):
            send(last)
    assert len(Vendor.asked) == 10


def test_an_account_over_its_own_limit_is_no_outage(clock):
    with vendors("outbox", LIMITS={**UNLIMITED, "send.account": ["1/1h"]}):
        assert [send(last) for last in range(8)] == ["accepted"] + ["refused"] * 7
        clock.shift(3600 * 1.1)
        assert send(9) == "accepted"


def test_opening_and_closing_are_logged_once(clock, caplog):
    fail(5)
    clock.shift(circuit.OPEN_SECONDS)
    probe = Circuit("default")
    assert probe.admits()
    probe.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "Backend 'default' failed 5 times in a row: left alone for a while",
        "Backend 'default' works again",
    ]
    assert PHONE not in caplog.text
