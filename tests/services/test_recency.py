"""How long ago a session proved its user's number: what is noted, and when the note is worth nothing."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser, User

from django_phone_otp.services.phones import bind, rebind
from django_phone_otp.services.recency import SESSION_KEY, note_verification, since, verified_ago
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
OTHER = "+14155550124"


@pytest.fixture
def sam():
    user = User.objects.create_user("sam")
    bind(user, PHONE)
    return user


@pytest.fixture
def noted(sam):
    """A request of somebody who has just proved their number."""
    request = SimpleNamespace(session={}, user=sam)
    note_verification(request, PHONE)
    return request


def test_it_is_as_long_ago_as_the_server_says(noted, clock):
    assert verified_ago(noted) == timedelta(0)
    clock.shift(90)
    assert verified_ago(noted) == timedelta(seconds=90)


def test_the_note_holds_no_number(noted):
    text = json.dumps(noted.session)
    assert PHONE[2:] not in text
    assert noted.session[SESSION_KEY].keys() == {"user", "number", "at"}


def test_nobody_who_is_not_logged_in_has_proved_anything(noted):
    noted.user = AnonymousUser()
    assert verified_ago(noted) is None
    del noted.user
    assert verified_ago(noted) is None


def test_a_session_without_a_note_has_proved_nothing(sam):
    assert verified_ago(SimpleNamespace(session={}, user=sam)) is None


@pytest.mark.parametrize("note", [None, True, "yes", 7, [], {}, {"user": "1"}, {"at": 99999999999}])
def test_what_is_no_note_is_worth_nothing(noted, note):
    noted.session[SESSION_KEY] = note
    assert verified_ago(noted) is None


def test_the_note_of_another_user_is_worth_nothing_even_with_the_same_number(noted):
    """As after a change of number from one account to another in one browser."""
    kim = User.objects.create_user("kim")
    rebind(noted.user, OTHER)
    bind(kim, PHONE)
    noted.user = kim
    assert verified_ago(noted) is None


def test_a_number_that_is_the_users_no_more_proves_nothing(noted):
    rebind(noted.user, OTHER)
    assert verified_ago(noted) is None


def test_one_of_several_numbers_is_enough(noted):
    bind(noted.user, OTHER)
    assert verified_ago(noted) == timedelta(0)


def test_the_users_own_field_is_asked_where_there_is_one(sam):
    with override_phone_otp(USER_FIELD="last_name"):
        request = SimpleNamespace(session={}, user=sam)
        note_verification(request, PHONE)
        assert verified_ago(request) is None  # the field is empty
        bind(sam, PHONE)
        assert verified_ago(request) == timedelta(0)


@pytest.mark.parametrize("at", [None, "1700000000", 17.5, []])
def test_a_note_without_a_time_is_older_than_anything(noted, at):
    noted.session[SESSION_KEY]["at"] = at
    assert verified_ago(noted) > timedelta(days=365)


def test_a_clock_that_was_put_back_makes_nothing_younger_than_now(noted, clock):
    clock.shift(-3600)
    assert verified_ago(noted) == since(99999999999) == timedelta(0)
