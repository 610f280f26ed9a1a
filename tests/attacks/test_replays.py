"""A7: what was worth something once is worth nothing twice, later, or for something else."""

from collections import Counter

import pytest
from django.contrib.auth.models import User

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.test import latest_code
from tests.attacks.attackers import PHONE, browser
from tests.conftest import every_database
from tests.races import kinds, together


def prove():
    """Return the handle, the code and the token of a sign-up that an attacker saw."""
    own = browser()
    handle = own.send().json()["challenge"]
    code = latest_code(PHONE)
    return handle, code, own.verify(handle, code).json()["token"]


@pytest.mark.django_db
def test_a7_a_code_works_once():
    handle, code, _ = prove()
    assert [browser().verify(handle, code).status_code for _ in range(5)] == [409] * 5


@every_database
def test_a7_of_twenty_redeems_of_one_token_one_succeeds(database):
    token = prove()[2]
    outcomes = together(20, lambda n: phone_otp.redeem(token, purpose="signup"))
    assert kinds(outcomes) == {"InvalidToken": 19, "str": 1}
    with pytest.raises(InvalidToken):
        phone_otp.peek(token, purpose="signup")


@pytest.mark.django_db
def test_a7_a_token_is_worth_nothing_for_another_purpose():
    token = prove()[2]
    for purpose in ("login", "payment"):
        with pytest.raises(InvalidToken):
            phone_otp.redeem(token, purpose=purpose)
    assert phone_otp.redeem(token, purpose="signup") == PHONE


@pytest.mark.django_db
def test_a7_a_sign_up_is_no_log_in(client):
    phone_otp.bind(User.objects.create_user("owner"), PHONE)
    own = browser()
    token = own.verify(own.send().json()["challenge"], latest_code(PHONE)).json()["token"]
    response = client.post("/accounts/login/", {"phone_token": token}, content_type="application/json")
    assert response.status_code == 400
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_a7_a_log_in_logs_in_once():
    phone_otp.bind(User.objects.create_user("owner"), PHONE)
    own = browser()
    token = own.verify(own.send(purpose="login").json()["challenge"], latest_code(PHONE)).json()["token"]
    answers = Counter(
        browser().client.post("/accounts/login/", {"phone_token": token}, content_type="application/json").status_code
        for _ in range(5)
    )
    assert answers == {200: 1, 400: 4}


@pytest.mark.django_db
def test_a7_a_token_dies_after_ten_minutes(clock):
    for seconds, alive in ((599, True), (600, False)):
        own = browser()
        token = own.verify(own.send().json()["challenge"], latest_code(PHONE)).json()["token"]
        clock.shift(seconds)
        if alive:
            assert phone_otp.peek(token, purpose="signup") == PHONE
        else:
            with pytest.raises(InvalidToken):
                phone_otp.redeem(token, purpose="signup")


@pytest.mark.django_db
def test_a7_handles_and_tokens_do_not_stand_for_each_other():
    handle, code, token = prove()
    with pytest.raises(InvalidToken):
        phone_otp.redeem(handle, purpose="signup")
    for call in ("status", "cancel", "resend"):
        assert browser().post(call, {"challenge": token}).status_code == 404
    assert browser().verify(token, code).status_code == 404


@pytest.mark.django_db
def test_a7_no_character_of_a_token_can_be_changed():
    token = prove()[2]
    for position, character in enumerate(token):
        forged = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        with pytest.raises(InvalidToken):
            phone_otp.redeem(forged, purpose="signup")
    for forged in (f"{token}A", token[:-1], f" {token}", f"{token}\n", f"{token}=", ""):
        with pytest.raises(InvalidToken):
            phone_otp.redeem(forged, purpose="signup")
    assert phone_otp.redeem(token, purpose="signup") == PHONE
