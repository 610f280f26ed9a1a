"""A second click goes where the first one led, and never logs the person out, whichever cookie it carries."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.test import latest_code
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db
NEW = "+14155550124"


@pytest.fixture
def owner(client):
    user = User.objects.create_user("owner", password="made-up-Words-9")
    bind(user, PHONE)
    client.force_login(user)
    return user


def twin(client):
    """Return the same browser as it was before the first click's answer came."""
    other = Client()
    other.cookies["sessionid"] = client.cookies["sessionid"].value
    return other


def typed(client, url, number):
    page = client.get(url).content.decode()
    return {"reference": re.search(r'name="reference" value="(\w+)"', page)[1], "code": latest_code(number)}


def test_a_password_is_taken_twice(client, owner):
    before = twin(client)
    answer = {"password": "made-up-Words-9"}
    assert client.post("/phone/number/", answer).headers["Location"] == "/phone/number/?step=number"
    late = before.post("/phone/number/", answer)
    assert late.headers["Location"] == "/phone/number/"
    assert "sessionid" not in late.cookies


def test_a_confirmation_goes_on_twice(client, owner):
    client.post("/phone/confirm/?next=/vault/")
    url = "/phone/confirm/?step=code&next=/vault/"
    answer, before = typed(client, url, PHONE), twin(client)
    assert client.post(url, answer).headers["Location"] == "/vault/"
    late = before.post(url, answer)
    assert (late.headers["Location"], "sessionid" in late.cookies) == (url, False)
    assert client.get(url).headers["Location"] == "/vault/"  # where that leads, with the cookie of the first answer


def test_a_confirmation_that_is_sent_again_goes_on(client, owner):
    client.post("/phone/confirm/?next=/vault/")
    url = "/phone/confirm/?step=code&next=/vault/"
    answer = typed(client, url, PHONE)
    for _ in range(2):
        assert client.post(url, answer).headers["Location"] == "/vault/"
    assert "Send code" in client.get("/phone/confirm/").content.decode()  # a new one may be asked for


def test_of_two_at_the_same_moment_both_go_on(client, owner):
    client.post("/phone/confirm/?next=/vault/")
    url = "/phone/confirm/?step=code&next=/vault/"
    answer, flow = typed(client, url, PHONE), client.session["phone_otp_pages"]
    client.post(url, answer)
    session = client.session
    session["phone_otp_pages"] = flow  # the second one read the session before the first wrote it
    session.save()
    assert client.post(url, answer).headers["Location"] == "/vault/"
    assert Challenge.objects.get().attempts == 1


def test_a_change_of_number_is_done_once_and_said_twice(client, owner):
    client.post("/phone/number/", {"password": "made-up-Words-9"})
    client.post("/phone/number/?step=number", {"phone": NEW})
    url = "/phone/number/?step=code"
    answer, before = typed(client, url, NEW), twin(client)
    for _ in range(2):
        assert client.post(url, answer).headers["Location"] == "/phone/number/?step=done"
    late = before.post(url, answer)
    assert (late.headers["Location"], "sessionid" in late.cookies) == (url, False)
    assert numbers_of(owner) == [NEW]


def test_who_never_was_logged_in_is_asked_to_log_in(client):
    assert client.post("/phone/confirm/").headers["Location"] == "/login/?next=/phone/confirm/"
