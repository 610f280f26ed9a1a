"""Routing: which alias gets a message first, and which next."""

from collections import Counter

import pytest
from django.core.exceptions import ImproperlyConfigured

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, SendResult
from django_phone_otp.core.policies import Route
from django_phone_otp.models import Delivery
from django_phone_otp.test import outbox, override_phone_otp
from tests.services.test_delivery import LOCMEM, Vendor, vendors
from tests.unlimited import UNLIMITED

NOWHERE = frozenset()


def route(backends, weights=()):
    return Route(tuple(backends), NOWHERE, NOWHERE, NOWHERE, tuple(weights))


def test_without_weights_the_order_is_the_one_that_was_written():
    assert {route("abc").order() for _ in range(50)} == {("a", "b", "c")}


def test_weights_split_the_first_place_in_their_proportion():
    firsts = Counter(route(("kaleyra", "aoc"), (80, 20)).order()[0] for _ in range(10_000))
    # Binomial with n = 10,000 and p = 0.8: ten standard deviations are 400.
    assert 7_600 < firsts["kaleyra"] < 8_400
    assert firsts["kaleyra"] + firsts["aoc"] == 10_000


def test_every_alias_with_a_weight_has_its_place_in_the_order():
    for _ in range(200):
        assert sorted(route("abc", (5, 3, 1)).order()) == ["a", "b", "c"]


def test_an_alias_of_weight_zero_comes_after_all_others():
    orders = {route("zab", (0, 1, 1)).order() for _ in range(200)}
    assert orders == {("a", "b", "z"), ("b", "a", "z")}


@pytest.mark.django_db
def test_traffic_is_split_between_aliases():
    aliases = {name: {"BACKEND": LOCMEM} for name in ("default", "kaleyra", "aoc")}
    weights = [{"backends": {"kaleyra": 50, "aoc": 50, "default": 0}}]
    with override_phone_otp(BACKENDS=aliases, ROUTES=weights, LIMITS=UNLIMITED):
        for last in range(60):
            phone_otp.send(f"+1415555{last:04d}", purpose="signup")
    used = Counter(Delivery.objects.values_list("alias", flat=True))
    assert used["kaleyra"] + used["aoc"] == 60
    assert min(used["kaleyra"], used["aoc"]) > 5  # none would be, by chance, once in 10**10 runs


@pytest.mark.django_db
def test_a_message_of_a_split_route_fails_over_to_the_others():
    Vendor.asked.clear()
    with vendors(BackendUnavailable("down"), "outbox"):
        from django.conf import settings

        split = [{"backends": {"default": 1, "backup1": 0}}]
        with override_phone_otp(BACKENDS=settings.PHONE_OTP["BACKENDS"], ROUTES=split):
            phone_otp.send("+14155550123", purpose="signup")
    assert Vendor.asked == ["default"]
    assert len(outbox) == 1


@pytest.mark.django_db
def test_an_alias_that_cannot_be_built_is_passed_over_and_said(caplog):
    backends = {"default": {"BACKEND": "nowhere.Backend"}, "spare": {"BACKEND": LOCMEM}}
    with override_phone_otp(BACKENDS=backends, ROUTES=[{"backends": ["default", "spare"]}]):
        assert phone_otp.send("+14155550123", purpose="signup").delivery_status == "accepted"
        assert phone_otp.send("+14155550124", purpose="signup").delivery_status == "accepted"
    assert set(Delivery.objects.values_list("alias", flat=True)) == {"spare"}
    assert caplog.text.count("BACKENDS['default']: cannot import 'nowhere.Backend'") == 1


@pytest.mark.django_db
def test_when_no_alias_can_be_built_the_developer_is_told():
    with override_phone_otp(BACKENDS={"default": {"BACKEND": "nowhere.Backend"}}), pytest.raises(ImproperlyConfigured):
        phone_otp.send("+14155550123", purpose="signup")


@pytest.mark.django_db
def test_the_price_of_a_message_is_estimated_by_its_region_and_segments():
    long = {"MESSAGE": {"APP_NAME": "Ä" * 200}}
    prices = {"PRICES": {"IN": "0.0025", "*": "0.06"}}
    with vendors(SendResult(id="v"), BUDGET=prices, **long):
        phone_otp.send("+919876543210", purpose="signup")
        phone_otp.send("+14155550123", purpose="signup")
    with vendors(BackendUnavailable("down"), "outbox", BUDGET=prices):
        phone_otp.send("+14155550124", purpose="signup")
    segments = Delivery.objects.order_by("pk").first().segments
    assert segments > 1
    found = [str(price) for price in Delivery.objects.order_by("pk").values_list("price", flat=True)]
    assert found == [f"{segments * 0.0025:.6f}", f"{segments * 0.06:.6f}", "None", "0.060000"]


@pytest.mark.django_db
def test_without_a_price_for_its_region_nothing_is_estimated():
    with vendors(SendResult(id="v"), BUDGET={"PRICES": {"IN": "0.0025"}}):
        phone_otp.send("+14155550123", purpose="signup")
    assert Delivery.objects.get().price is None
