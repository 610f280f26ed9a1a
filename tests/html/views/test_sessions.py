"""What a session of the pages is worth: nothing to whoever reads it, and nothing in another browser."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from django_phone_otp import conf
from django_phone_otp.core import handles
from django_phone_otp.html.page import Page
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.services.proofs import prove
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, Api
from tests.html.views.people import Person, wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
URL, CODE = "/signup/", "/signup/?step=code"


def arrive(url=URL):
    person = Person()
    person.open(url)
    person.send(url, PHONE)
    return person


def spellings(number):
    """Return how a number may be hidden in a text."""
    digits = number.removeprefix("+")
    return [number, digits, digits[-10:], "-".join((digits[1:4], digits[4:7], digits[7:]))]


class Witness:
    """Walks a flow by hand, and keeps whatever left the server and whatever lies in its sessions."""

    def __init__(self):
        self.person, self.seen, self.bodies = Person(), [], []

    def note(self, response):
        self.seen += [f"{name}: {value}" for name, value in response.headers.items()]
        self.seen += [str(cookie) for cookie in response.cookies.values()]
        self.seen.append(response.wsgi_request.get_full_path())
        self.seen += [json.dumps(row.get_decoded()) for row in Session.objects.all()]
        self.bodies.append(response.content.decode())
        if response.status_code == 302:
            return self.note(self.person.client.get(response.headers["Location"]))
        self.person.page = response
        return response

    def send(self, url):
        self.note(self.person.client.get(url))
        self.note(self.person.client.post(url, {"phone": PHONE, "key": self.person.hidden("key")}))

    def enter(self, url, code):
        answer = {"code": code, "reference": self.person.hidden("reference")}
        self.note(self.person.client.post(f"{url}?step=code", answer))


@pytest.mark.parametrize("url", ["/signup/", "/login/"])
def test_handle_token_code_and_number_leave_the_server_nowhere(url):
    bind(User.objects.create_user("kim"), "+14155550124" if url == "/signup/" else PHONE)
    witness = Witness()
    witness.send(url)
    code, challenge = latest_code(PHONE), Challenge.objects.get()
    shown_before = list(witness.bodies)
    guess = wrong(code)
    witness.enter(url, guess)
    stored = [str(row) for row in Session.objects.values_list("session_data", flat=True)]
    witness.enter(url, code)
    token = prove(Challenge.objects.get()).token
    hidden = {challenge.handle, token, code, guess, *spellings(PHONE)}
    for text in (*witness.seen, *stored):
        assert not [word for word in hidden if word in text], text
    pages = witness.bodies[:-1] if url == "/login/" else witness.bodies  # the last is the person's own account
    for body in pages:
        assert challenge.handle not in body
        assert token not in body
        assert code not in body
    assert any(PHONE in body for body in shown_before) is (url == "/signup/")


def test_the_session_keeps_which_challenge_is_meant_and_nothing_else_of_it():
    person = Person()
    person.open(URL)
    key = person.hidden("key")
    person.send(URL, PHONE)
    kept = Session.objects.get().get_decoded()
    assert kept == {"phone_otp_pages": {"signup": {"challenge": Challenge.objects.get().pk.hex, "key": key}}}


def test_another_browser_has_nothing():
    arrive()
    code, reference = latest_code(PHONE), Challenge.objects.get().reference
    thief = Client()
    assert thief.get(CODE).headers["Location"] == URL
    assert thief.post(CODE, {"code": code, "reference": reference}).headers["Location"] == URL
    assert Challenge.objects.values_list("status", "attempts").get() == ("pending", 0)


def test_another_browser_sends_nothing_again(clock):
    person = arrive()
    clock.shift(30)
    asked = {"action": "resend", "reference": person.hidden("reference"), "messages": "1"}
    assert Client().post(CODE, asked).headers["Location"] == URL
    assert len(outbox) == 1


@pytest.fixture
def _bound():
    purposes = {"signup": {"SAME_BROWSER": True}, "login": {"REGISTERED_ONLY": True}, "verify": {}}
    with override_phone_otp(PURPOSES=purposes, LIMITS=UNLIMITED):
        yield


@pytest.mark.usefixtures("_bound")
class TestSameBrowser:
    def test_the_pages_lead_through(self, clock):
        person = arrive()
        person.enter(URL, wrong(latest_code(PHONE)))
        clock.shift(30)
        person.again(URL)
        assert len(outbox) == 2
        person.enter(URL, latest_code(PHONE))
        assert person.url == f"{URL}?step=details"

    def test_the_handle_is_worth_nothing_elsewhere(self):
        person = arrive()
        challenge = Challenge.objects.get()
        mark = person.client.session["phone_otp_browser"]
        bound = handles.seal(conf.current().keys, handles.HANDLE, challenge.pk, mark)
        stranger = Person()
        stranger.open(URL)  # which marks this browser
        for client in (Client(), stranger.client):
            assert Api(client).verify(bound, latest_code(PHONE)).status_code == 404
        assert Challenge.objects.values_list("status", "attempts").get() == ("pending", 0)
        assert Api(person.client).verify(bound, latest_code(PHONE)).status_code == 200

    def test_a_double_click_is_one_message(self):
        person = Person()
        person.open(URL)
        key = person.hidden("key")
        for _ in range(2):
            person.send(URL, PHONE, key=key)
        assert len(outbox) == Challenge.objects.count() == 1

    def test_a_browser_with_a_mark_of_its_own_has_nothing(self):
        arrive()
        code = latest_code(PHONE)
        thief = Person()
        thief.open(URL)
        answer = thief.client.post(CODE, {"code": code, "reference": Challenge.objects.get().reference})
        assert answer.headers["Location"] == URL
        assert Challenge.objects.get().attempts == 0


@pytest.fixture
def _atomic():
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_atomic")
def test_wrong_codes_count_although_every_request_is_a_transaction():
    person = arrive()
    for by in (1, 2, 3):
        person.enter(URL, wrong(latest_code(PHONE), by))
        assert Challenge.objects.get().attempts == by
    person.enter(URL, latest_code(PHONE))
    assert person.url == f"{URL}?step=details"


def test_every_page_is_outside_of_such_transactions():
    views = [subclass.as_view() for subclass in every_page()]
    assert len(views) >= 5
    for view in views:
        assert "default" in view._non_atomic_requests


def every_page():
    found = list(Page.__subclasses__())
    for page in found:
        found += [sub for sub in page.__subclasses__() if sub not in found]
    return [page for page in found if re.match(r"django_phone_otp\.|example_project\.", page.__module__) and page.steps]
