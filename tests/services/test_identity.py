"""Who it is, proved again: what is missing, for whom, and for how long it is good."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore

from django_phone_otp.services.identity import Missing, has_password, missing_proof, note_login, note_password
from django_phone_otp.services.phones import bind
from django_phone_otp.services.recency import note_verification
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db

PASSWORD, PHONE_FIRST, LOGIN, ADMINISTRATOR = Missing.PASSWORD, Missing.PHONE, Missing.LOGIN, Missing.ADMINISTRATOR


@pytest.fixture
def request_of(rf):
    """Return a function that makes a request of a user, in a session of its own."""

    def request_of(user):
        request = rf.get("/")
        request.user, request.session = user, SessionStore()
        return request

    return request_of


def account(*, password=False, number=False, staff=False):
    user = User.objects.create_user("sam", password="an old horse on a green hill" if password else None)
    user.is_staff = staff
    user.save()
    if number:
        bind(user, PHONE)
    return user


@pytest.mark.parametrize(
    ("has", "first", "then"),
    [
        ({"password": True}, PASSWORD, PASSWORD),
        ({"password": True, "number": True}, PASSWORD, PASSWORD),
        ({"number": True}, PHONE_FIRST, None),
        ({}, LOGIN, LOGIN),
        ({"staff": True}, ADMINISTRATOR, ADMINISTRATOR),
        ({"staff": True, "password": True}, ADMINISTRATOR, ADMINISTRATOR),
        ({"staff": True, "number": True}, PHONE_FIRST, None),
        ({"staff": True, "password": True, "number": True}, PHONE_FIRST, PASSWORD),
    ],
    ids=lambda value: "+".join(value) or "nothing" if isinstance(value, dict) else str(value),
)
def test_what_is_missing_depends_on_what_the_account_has(request_of, has, first, then):
    request = request_of(account(**has))
    assert missing_proof(request) == first
    note_verification(request, PHONE)
    assert missing_proof(request) == then


def test_where_the_phone_is_required_it_comes_before_the_password(request_of):
    request = request_of(account(password=True, number=True))
    assert missing_proof(request, phone_required=True) == PHONE_FIRST
    note_verification(request, PHONE)
    assert missing_proof(request, phone_required=True) == PASSWORD
    note_password(request)
    assert missing_proof(request, phone_required=True) is None


@pytest.mark.parametrize(
    ("note", "has"), [("password", {"password": True}), ("login", {}), ("phone", {"number": True})]
)
def test_each_proof_is_good_for_ten_minutes(request_of, clock, note, has):
    request = request_of(account(**has))
    if note == "password":
        note_password(request)
    elif note == "login":
        note_login(request, request.user)
    else:
        note_verification(request, PHONE)
    clock.shift(600)
    assert missing_proof(request) is None
    clock.shift(1)
    assert missing_proof(request) is not None


def test_a_password_changes_the_sessions_key(request_of):
    request = request_of(account(password=True))
    request.session.create()
    before = request.session.session_key
    note_password(request)
    assert request.session.session_key != before


def test_one_note_leaves_the_other(request_of):
    user = account()
    request = request_of(user)
    note_login(request, user)
    note_password(request)
    assert missing_proof(request) is None  # by the log-in
    user.set_password("an old horse on a green hill")
    assert missing_proof(request) is None  # by the password


def test_a_log_in_is_noted_by_djangos_signal_and_counts_for_nobody_else(request_of):
    user = account()
    request = request_of(user)
    user_logged_in.send(User, request=request, user=user)
    assert missing_proof(request) is None
    request.user = User.objects.create_user("kim")
    assert missing_proof(request) == LOGIN


def test_a_log_in_without_a_session_is_not_noted():
    note_login(SimpleNamespace(), SimpleNamespace(pk=7))


@pytest.mark.parametrize("note", ["nonsense", [], {}, {"user": "0"}])
def test_what_is_no_note_is_worth_nothing(request_of, note):
    request = request_of(account())
    request.session["phone_otp_identity"] = note
    assert missing_proof(request) == LOGIN


def test_a_user_model_may_know_of_no_passwords():
    assert not has_password(SimpleNamespace())
    assert has_password(SimpleNamespace(has_usable_password=lambda: True))


def test_a_user_model_may_know_of_no_staff(request_of):
    user = SimpleNamespace(pk=account(number=True).pk, is_authenticated=True)
    assert missing_proof(request_of(user)) == PHONE_FIRST
