"""An account's own rate: passed over where another alias may take the message, and waited for where none does."""

import itertools
from types import SimpleNamespace

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, SendResult
from django_phone_otp.core import identifiers
from django_phone_otp.exceptions import DeliveryFailed, Unavailable
from django_phone_otp.models import Delivery
from django_phone_otp.services import delivery as delivering
from django_phone_otp.services import handover, limits
from tests.services import test_delivery
from tests.services.test_delivery import Vendor, vendors
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

TAKEN = SendResult(id="v")
FULL = "the account's own limit was reached"


class Rated(Vendor):
    """An account with a rate that its vendor documents."""

    def __init__(self, *, alias, act, account_rate="2/1s", **options):
        super().__init__(alias=alias, act=act, **options)
        self.account_rate = account_rate


@pytest.fixture(autouse=True)
def pauses(clock, monkeypatch):
    """List the pauses, and let time go on in place of making them."""
    Vendor.asked.clear()
    made = []

    def pause(seconds):
        made.append(seconds)
        clock.shift(seconds)

    monkeypatch.setattr(handover.time, "sleep", pause)
    return made


def through(*acts, **changes):
    return vendors(*acts, kind="Rated", **{"LIMITS": UNLIMITED, **changes})


@pytest.fixture(autouse=True)
def _in_order(monkeypatch):
    """Let rows sort as they were made, though time stands still; and the vendors be those of here."""
    ticks = itertools.count(1_790_000_000_000_000_000, 1_000_000)
    monkeypatch.setattr(identifiers, "time", SimpleNamespace(time_ns=lambda: next(ticks)))
    monkeypatch.setattr(test_delivery, "HERE", f"{__name__}.")


def send(count=1):
    for last in range(count):
        phone_otp.send(f"+1415555{last:04}", purpose="signup")


def rows():
    return list(Delivery.objects.order_by("pk").values_list("alias", "status", "reason"))


def test_the_only_account_is_waited_for_and_no_vendor_is_asked_too_often(pauses):
    with through(TAKEN):
        send(5)
    assert Vendor.asked == ["default"] * 5
    assert len(pauses) == 2
    assert sum(pauses) <= delivering.PATIENCE
    assert rows() == [("default", "accepted", "")] * 5


def test_a_wait_that_is_too_long_is_no_wait(pauses):
    with through(TAKEN, LIMITS={**UNLIMITED, "send.account": ["1/1m"]}):
        send()
        with pytest.raises(DeliveryFailed):
            phone_otp.send("+14155550199", purpose="signup")
    assert pauses == []
    assert rows()[1] == ("default", "failed", FULL)


def test_with_another_alias_on_the_route_nobody_waits(pauses):
    with through(TAKEN, TAKEN):
        send(4)
    assert pauses == []
    assert Vendor.asked == ["default", "default", "backup1", "backup1"]
    assert rows()[2:] == [("default", "failed", FULL), ("backup1", "accepted", "")] * 2


def test_when_every_account_is_full_the_one_with_the_first_place_is_waited_for(pauses):
    with through(TAKEN, TAKEN):
        send(5)
    assert len(pauses) == 1
    assert Vendor.asked[4:] == ["default"]
    assert rows()[-3:] == [("default", "failed", FULL), ("backup1", "failed", FULL), ("default", "accepted", "")]


def test_when_the_others_fail_the_full_one_is_waited_for(pauses):
    with through(TAKEN, BackendUnavailable("no connection")):
        send(3)
    assert len(pauses) == 1
    assert rows()[-3:] == [
        ("default", "failed", FULL),
        ("backup1", "failed", "no connection"),
        ("default", "accepted", ""),
    ]


def test_when_nobody_can_take_it_the_person_is_told(pauses):
    full = {**UNLIMITED, "send.account": ["1/1d"]}
    with through(TAKEN, TAKEN, LIMITS=full):
        send(2)
        with pytest.raises(DeliveryFailed):
            phone_otp.send("+14155550199", purpose="signup")
    assert pauses == []
    assert Vendor.asked == ["default", "backup1"]


def test_an_alias_whose_circuit_opened_meanwhile_is_not_waited_for(pauses, monkeypatch):
    full = [1.0]
    monkeypatch.setattr(limits, "hit_account", lambda alias, **_: full.pop() if full else 0)
    looks = iter([True, True, False])
    monkeypatch.setattr("django_phone_otp.services.routing.Circuit.admits", lambda _: next(looks))
    with through(TAKEN, BackendUnavailable("no connection")), pytest.raises(DeliveryFailed):
        send()
    assert Vendor.asked == ["backup1"]


def test_an_account_that_cannot_be_counted_is_not_asked(monkeypatch):
    def fault(alias, **_):
        raise Unavailable(30)

    monkeypatch.setattr(limits, "hit_account", fault)
    with through(TAKEN), pytest.raises(DeliveryFailed):
        send()
    assert Vendor.asked == []
    assert rows() == [("default", "failed", "the account's limit could not be counted")]
