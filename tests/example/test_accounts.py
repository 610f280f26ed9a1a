"""The example project: a number that was verified signs a user up and logs a user in."""

import pytest
from django.contrib.auth.models import User

from django_phone_otp.models import VerifiedPhone
from django_phone_otp.test import latest_code, outbox
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def prove(api):
    """Return a function that proves a number for a purpose and gives the token."""

    def run(purpose, phone=PHONE):
        return api.verify(api.send(phone, purpose).json()["challenge"], latest_code(phone)).json()["token"]

    return run


def post(client, url, **body):
    return client.post(url, body, content_type="application/json")


def test_a_verified_number_signs_a_user_up_and_in(client, prove):
    response = post(client, "/accounts/signup/", username="sam", phone_token=prove("signup"))
    assert (response.status_code, response.json()) == (201, {"username": "sam"})
    user = User.objects.get()
    assert VerifiedPhone.objects.get().user == user
    assert not user.has_usable_password()
    assert client.session["_auth_user_id"] == str(user.pk)


def test_the_same_number_logs_its_user_in(client, prove):
    post(client, "/accounts/signup/", username="sam", phone_token=prove("signup"))
    client.logout()
    response = post(client, "/accounts/login/", phone_token=prove("login"))
    assert (response.status_code, response.json()) == (200, {"username": "sam"})
    assert "Logged in as <strong>sam</strong>" in client.get("/").content.decode()


def test_logging_in_changes_the_session_key(client, prove):
    post(client, "/accounts/signup/", username="sam", phone_token=prove("signup"))
    client.logout()
    client.get("/")
    client.session.save()
    before = client.session.session_key
    post(client, "/accounts/login/", phone_token=prove("login"))
    assert client.session.session_key != before


def test_a_token_signs_up_once(client, prove):
    token = prove("signup")
    post(client, "/accounts/signup/", username="sam", phone_token=token)
    client.logout()
    response = post(client, "/accounts/signup/", username="kim", phone_token=token)
    assert response.status_code == 400
    assert list(response.json()) == ["phone_token"]
    assert User.objects.count() == 1


def test_a_name_that_is_taken_does_not_cost_the_token(client, prove):
    User.objects.create_user("sam")
    token = prove("signup")
    assert post(client, "/accounts/signup/", username="sam", phone_token=token).json() == {
        "username": ["This field must be unique."]
    }
    assert post(client, "/accounts/signup/", username="kim", phone_token=token).status_code == 201


def test_a_number_that_is_taken_makes_no_second_account(client, prove):
    post(client, "/accounts/signup/", username="sam", phone_token=prove("signup"))
    client.logout()
    response = post(client, "/accounts/signup/", username="kim", phone_token=prove("signup"))
    assert response.status_code == 400
    assert list(response.json()) == ["phone_token"]
    assert list(User.objects.values_list("username", flat=True)) == ["sam"]


@pytest.mark.parametrize("token", ["", "x", "A" * 43, None])
def test_nobody_logs_in_without_a_proof(client, token):
    response = post(client, "/accounts/login/", phone_token=token)
    assert response.status_code == 400
    assert "_auth_user_id" not in client.session


def test_a_number_that_nobody_has_gets_no_message_and_no_log_in(client, api):
    response = api.send(purpose="login")
    assert response.status_code == 201
    assert not outbox


def test_the_page_about_terminals_has_the_commands(client, settings):
    page = client.get("/terminal/", headers={"Host": "localhost"}).content.decode()
    for said in (
        "/api/phone/send/",
        "/phone/inbox.json",
        "/api/phone/verify/",
        "/accounts/signup/",
        "/accounts/login/",
    ):
        assert f"http://localhost{said}" in page
    assert 'href="/phone/inbox/"' in page
