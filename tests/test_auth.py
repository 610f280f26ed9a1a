import pytest
from django.contrib.auth import authenticate, get_user
from django.contrib.auth.models import User
from django.db import transaction

import django_phone_otp as phone_otp
from django_phone_otp.auth import PhoneTokenBackend
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code

pytestmark = pytest.mark.django_db

PHONE = "+14155550123"


class SignupTokenBackend(PhoneTokenBackend):
    purpose = "signup"


@pytest.fixture
def user():
    user = User.objects.create_user("sam", password="correct horse")
    bind(user, PHONE)
    return user


def token_for(purpose="login"):
    challenge = phone_otp.send(PHONE, purpose=purpose)
    return phone_otp.verify(challenge.handle, latest_code(PHONE)).token


def test_a_token_logs_its_owner_in_once(user, rf):
    token = token_for()
    assert authenticate(rf.post("/"), phone_token=token) == user
    assert authenticate(rf.post("/"), phone_token=token) is None


def test_a_request_is_not_needed(user):
    assert authenticate(None, phone_token=token_for()) == user


def test_a_token_for_another_purpose_logs_nobody_in_and_is_not_spent(user):
    token = token_for("signup")
    assert authenticate(None, phone_token=token) is None
    assert phone_otp.redeem(token, purpose="signup") == PHONE


def test_a_subclass_takes_another_purpose(user):
    assert SignupTokenBackend().authenticate(None, phone_token=token_for("signup")) == user
    assert SignupTokenBackend().authenticate(None, phone_token=token_for("login")) is None


def test_a_number_that_is_nobodys_logs_nobody_in(user):
    token = token_for()
    user.verified_phones.all().delete()
    assert authenticate(None, phone_token=token) is None
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="login")


def test_an_inactive_user_is_not_logged_in_nor_kept_logged_in(user, client):
    token, later = token_for(), token_for()
    client.force_login(user, backend="django_phone_otp.auth.PhoneTokenBackend")
    assert get_user(client).is_authenticated
    User.objects.update(is_active=False)
    assert authenticate(None, phone_token=token) is None
    assert not get_user(client).is_authenticated
    User.objects.update(is_active=True)
    assert authenticate(None, phone_token=later) == user


@pytest.mark.parametrize("token", ["", "junk", "A" * 43, "\0", "é", 7, ["x"], {"x": "y"}], ids=repr)
def test_what_is_no_token_logs_nobody_in(user, token):
    assert authenticate(None, phone_token=token) is None


def test_a_handle_is_no_token(user):
    challenge = phone_otp.send(PHONE, purpose="login")
    phone_otp.verify(challenge.handle, latest_code(PHONE))
    assert authenticate(None, phone_token=challenge.handle) is None


def test_other_credentials_are_left_to_other_backends(user, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert PhoneTokenBackend().authenticate(None) is None
        assert PhoneTokenBackend().authenticate(None, username="sam", password="correct horse") is None
    assert authenticate(None, username="sam", password="correct horse") == user


def test_the_user_of_a_session_is_found_by_primary_key(user):
    assert PhoneTokenBackend().get_user(user.pk) == user
    assert PhoneTokenBackend().get_user(user.pk + 1) is None


def test_inside_a_transaction_that_rolls_back_the_token_is_unspent(user):
    token = token_for()
    with transaction.atomic():
        assert authenticate(None, phone_token=token) == user
        transaction.set_rollback(True)
    assert authenticate(None, phone_token=token) == user
