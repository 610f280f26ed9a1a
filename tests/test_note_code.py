"""``note_code``: how a project's own tests get past a view that asks for a verification which is not old."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.services.phones import bind
from django_phone_otp.test import note_code, outbox
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam():
    return User.objects.create_user("sam", password="an old horse on a green hill")


@pytest.fixture
def inside(client, sam):
    assert client.login(username="sam", password="an old horse on a green hill")
    return client


def test_it_opens_what_asks_for_a_fresh_code_and_sends_nothing(inside, sam):
    bind(sam, PHONE)
    assert inside.get("/vault/").status_code == 302
    note_code(inside, sam)
    assert inside.get("/vault/").status_code == 200
    assert not outbox


def test_it_goes_by_the_clock(inside, sam, clock):
    bind(sam, PHONE)
    note_code(inside, sam)
    clock.shift(301)
    assert inside.get("/vault/").status_code == 302


def test_it_opens_nothing_for_another_client(inside, sam):
    bind(sam, PHONE)
    note_code(inside, sam)
    elsewhere = Client()
    elsewhere.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    assert elsewhere.get("/vault/").status_code == 302


def test_without_a_number_it_says_what_is_missing(inside, sam):
    with pytest.raises(LookupError, match="bind"):
        note_code(inside, sam)
    assert "phone_otp_verified" not in inside.session
