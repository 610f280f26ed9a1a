"""A2: whatever goes wrong around a guess, its count stands."""

from collections import Counter

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, override_phone_otp
from tests.attacks.attackers import PHONE, browser, guess_wrong, wrong
from tests.conftest import every_database
from tests.races import together
from tests.unlimited import UNLIMITED

on_its_own = pytest.mark.django_db(transaction=True)


class Breaks:
    """A project's middleware that fails after each request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        self.get_response(request)
        raise RuntimeError("a fault in the project")


@pytest.fixture(autouse=True)
def _ten_guesses():
    with override_phone_otp(LIMITS=UNLIMITED, MAX_ATTEMPTS=10):
        yield


@pytest.fixture
def atomic_requests(monkeypatch):
    """Run every view of the project in a transaction."""
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)


def open_challenge():
    """Return the handle that an attacker has, and the code that only the owner knows."""
    handle = browser().send().json()["challenge"]
    return handle, latest_code(PHONE)


def assert_counted(handle, code):
    assert Challenge.objects.get().attempts == 10
    assert browser().verify(handle, code).status_code == 429


@on_its_own
def test_a2_atomic_requests_take_no_guess_back(atomic_requests):
    handle, code = open_challenge()
    assert guess_wrong(12, handle, code) == {"incorrect_code": 10, "too_many_attempts": 2}
    assert_counted(handle, code)


@on_its_own
def test_a2_receivers_that_raise_take_no_guess_back(atomic_requests, faulty_receivers):
    handle, code = open_challenge()
    assert guess_wrong(12, handle, code) == {"incorrect_code": 10, "too_many_attempts": 2}
    assert_counted(handle, code)


@on_its_own
def test_a2_a_middleware_that_raises_takes_no_guess_back(atomic_requests, settings):
    handle, code = open_challenge()
    whole = settings.MIDDLEWARE
    settings.MIDDLEWARE = [f"{__name__}.Breaks", *whole]
    assert [browser().verify(handle, wrong(code, n)).status_code for n in range(10)] == [500] * 10
    settings.MIDDLEWARE = whole
    assert_counted(handle, code)


@every_database
def test_a2_many_at_once_in_transactions_of_the_project_take_no_guess_back(database, faulty_receivers, monkeypatch):
    monkeypatch.setitem(database.settings_dict, "ATOMIC_REQUESTS", True)
    handle, code = open_challenge()

    def guess(position):
        # Each thread has connections of its own, so each has to be told.
        connections[database.alias].settings_dict["ATOMIC_REQUESTS"] = True
        return browser().verify(handle, wrong(code, position)).json()["code"]

    assert Counter(together(30, guess)) == {"incorrect_code": 10, "too_many_attempts": 20}
    assert_counted(handle, code)


@on_its_own
def test_a2_where_counts_could_be_taken_back_no_guess_is_judged():
    handle, code = open_challenge()
    for guess in (wrong(code), code):
        with pytest.raises(ImproperlyConfigured), transaction.atomic():
            phone_otp.verify(handle, guess)
    assert Challenge.objects.get().attempts == 0
