"""Passwords, asked again: whoever finds an open session cannot try them out in it."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed

from django_phone_otp.exceptions import RateLimited, Unavailable
from django_phone_otp.services.passwords import is_password
from django_phone_otp.test import override_phone_otp
from tests.races import kinds, together
from tests.services.test_limits import DEAD_REDIS

pytestmark = pytest.mark.django_db
PASSWORD = "an old horse on a green hill"


class Generous(ModelBackend):
    """Finds somebody for every password, who is not always the one that was asked about."""

    def authenticate(self, request, username=None, password=None, **_):
        return User.objects.get(username="kim")


@pytest.fixture
def sam():
    return User.objects.create_user("sam", password=PASSWORD)


@pytest.fixture
def request_of(rf):
    """Return a function that makes a request of a user, from an address."""

    def make(user, address="203.0.113.9"):
        request = rf.post("/", REMOTE_ADDR=address)
        request.user, request.session = user, {}
        return request

    return make


def test_the_right_one_is_right_and_others_are_not(sam, request_of):
    assert is_password(request_of(sam), PASSWORD)
    assert not is_password(request_of(sam), f" {PASSWORD}")
    assert not is_password(request_of(sam), "")


def test_that_of_somebody_else_is_wrong(sam, request_of):
    User.objects.create_user("kim", password="made-up-Words-9")
    assert not is_password(request_of(sam), "made-up-Words-9")


def test_a_backend_that_finds_somebody_else_says_nothing_of_this_user(sam, request_of, settings):
    User.objects.create_user("kim")
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Generous"]
    assert not is_password(request_of(sam), PASSWORD)


def test_nobody_without_a_password_gives_the_right_one(request_of):
    user = User.objects.create_user("codes-only")
    for password in ("", "None", user.password):
        assert not is_password(request_of(user), password)


def test_the_account_has_five_wrong_ones_wherever_they_come_from(sam, request_of):
    for n in range(5):
        assert not is_password(request_of(sam, f"203.0.113.{n}"), "wrong")
    with pytest.raises(RateLimited):
        is_password(request_of(sam, "203.0.113.77"), PASSWORD)
    other = User.objects.create_user("other", password=PASSWORD)
    assert is_password(request_of(other), PASSWORD)


def test_right_ones_use_nothing_up(sam, request_of):
    assert all(is_password(request_of(sam), PASSWORD) for _ in range(20))


def test_each_counts_against_the_address_as_a_guess_does(sam, request_of):
    with override_phone_otp(LIMITS={"verify.ip": ["3/1h"]}):
        for _ in range(3):
            is_password(request_of(sam), PASSWORD)
        with pytest.raises(RateLimited):
            is_password(request_of(sam), PASSWORD)
        assert is_password(request_of(sam, "203.0.113.77"), PASSWORD)


def test_without_a_cache_none_is_judged(sam, request_of, settings):
    settings.CACHES = DEAD_REDIS
    with pytest.raises(Unavailable):
        is_password(request_of(sam), PASSWORD)


def test_the_project_hears_of_a_wrong_one_and_not_which_it_was(sam, request_of):
    heard = []

    def hear(credentials, **_):
        heard.append(credentials)

    user_login_failed.connect(hear)
    try:
        is_password(request_of(sam), "wrong")
    finally:
        user_login_failed.disconnect(hear)
    assert heard == [{"username": "sam", "password": "*" * 20}]


@pytest.mark.django_db(transaction=True)
def test_of_twenty_tries_at_once_no_more_than_five_are_judged(sam, request_of):
    request = request_of(sam)
    outcomes = together(20, lambda n: is_password(SimpleNamespace(**vars(request)), "wrong"))
    assert kinds(outcomes) == {"RateLimited": 15, "bool": 5}
    assert True not in outcomes
