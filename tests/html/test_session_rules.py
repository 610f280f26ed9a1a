"""Sessions of the pages: another key after each proof, nothing worth stealing in them, no use to anybody else."""

import json
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import numbers_of
from django_phone_otp.services.proofs import prove
from django_phone_otp.test import latest_code, note_code, outbox
from tests.conftest import PHONE
from tests.html.pages import (
    CONFIRM,
    LOGIN,
    NEW,
    NUMBER,
    PASSWORD,
    SIGNUP,
    again,
    ask,
    enter,
    hidden,
    key_of,
    leads_to,
    log_in,
    sign_up,
    step,
    with_cookies_of,
    words,
)
from tests.services.test_races import wrong

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
PASSWORDS = "django.contrib.auth.backends.ModelBackend"


def user_of(client):
    return client.session.get("_auth_user_id")


# ---- Keys ----


def by_log_in(client):
    return log_in(client)


def by_password(client):
    return client.post(NUMBER, {"password": PASSWORD})


def by_step_up(client):
    client.post(CONFIRM)
    return enter(client, CONFIRM)


def enter_new(client):
    page = client.get(step(NUMBER, "code"))
    return client.post(step(NUMBER, "code"), {"reference": hidden(page, "reference"), "code": latest_code(NEW)})


def ask_new(client):
    client.post(step(NUMBER, "number"), {"phone": NEW})


def test_a_log_in_changes_the_key_and_the_one_that_was_fixed_before_is_worth_nothing(client, sam):
    client.get(LOGIN)
    ask(client, LOGIN)
    thief, before = with_cookies_of(client), key_of(client)
    enter(client, LOGIN)
    assert user_of(client) == str(sam.pk)
    assert key_of(client) != before
    assert not Session.objects.filter(session_key=before).exists()
    assert thief.get("/account/").status_code == 302
    assert leads_to(thief.get(step(LOGIN, "code")), LOGIN)


def test_a_key_that_was_made_up_is_not_taken(client, sam):
    client.cookies["sessionid"] = "a" * 32
    log_in(client)
    assert key_of(client) != "a" * 32
    assert not Session.objects.filter(session_key="a" * 32).exists()


def test_a_right_code_changes_the_key_of_a_sign_up_and_its_end_does_again(client):
    ask(client)
    keys = [key_of(client)]
    thief = with_cookies_of(client)
    enter(client)
    keys.append(key_of(client))
    assert thief.get(step(SIGNUP, "details")).status_code == 302
    reference = hidden(client.get(step(SIGNUP, "details")), "reference")
    assert thief.post(step(SIGNUP, "details"), {"username": "thief", "reference": reference}).status_code == 302
    thief = with_cookies_of(client)
    page = client.get(step(SIGNUP, "details"))
    client.post(step(SIGNUP, "details"), {"reference": hidden(page, "reference"), "username": "sam"})
    keys.append(key_of(client))
    assert len(set(keys)) == 3
    assert thief.get("/account/").status_code == 302
    assert list(User.objects.values_list("username", flat=True)) == ["sam"]


def test_a_wrong_code_changes_nothing(client, sam):
    ask(client, LOGIN)
    before = key_of(client)
    enter(client, LOGIN, wrong(latest_code(PHONE)))
    assert key_of(client) == before


@pytest.mark.parametrize("proof", [by_password, by_step_up])
def test_what_proves_who_it_is_changes_the_key_and_who_knew_the_old_one_is_out(client, sam, proof):
    client.force_login(sam, backend=PASSWORDS)
    thief, before = with_cookies_of(client), key_of(client)
    assert thief.get("/account/").status_code == 200
    assert proof(client).status_code == 302
    assert key_of(client) != before
    assert user_of(client) == str(sam.pk)
    assert thief.get("/account/").status_code == 302
    assert leads_to(thief.get(step(NUMBER, "number")), f"/login/?next={NUMBER}%3Fstep%3Dnumber")


def test_a_change_of_number_changes_the_key_and_who_knew_the_old_one_is_out(client, sam):
    client.force_login(sam, backend=PASSWORDS)
    by_password(client)
    ask_new(client)
    thief, before = with_cookies_of(client), key_of(client)
    assert leads_to(enter_new(client), step(NUMBER, "done"))
    assert key_of(client) != before
    assert thief.get("/account/").status_code == 302
    assert numbers_of(sam) == [NEW]


# ---- What is in them ----


def everything(client):
    """Return all that the sessions' table and this browser's cookies hold."""
    rows = [(row.session_key, row.session_data, json.dumps(row.get_decoded())) for row in Session.objects.all()]
    return repr(rows) + repr({name: morsel.value for name, morsel in client.cookies.items()})


class Watched(Client):
    """Keeps all that was asked and answered."""

    def __init__(self):
        super().__init__()
        self.bodies, self.around = [], []

    def request(self, **request):
        response = super().request(**request)
        self.bodies.append(response.content.decode())
        self.around += [response.headers.items(), response.cookies.output(), request["PATH_INFO"]]
        self.around += [request["QUERY_STRING"], everything(self)]
        return response


def secrets_of(number):
    """Return what names or proves any challenge of a number, with the code of each."""
    found = {message.code for message in outbox if message.number == number and message.code}
    for challenge in Challenge.objects.filter(number=number):
        found.add(challenge.handle)
        with suppress(AssertionError):  # it was not verified
            found.add(prove(challenge).token)
    return found


def assert_nothing_leaked(watched, number, *, shown):
    around, bodies = repr(watched.around), "".join(watched.bodies)
    digits = number[2:]
    assert len(secrets_of(number)) >= 2
    for secret in secrets_of(number):
        assert secret not in around
        assert secret not in bodies
    assert digits not in around
    assert (digits in bodies) == shown
    for challenge in Challenge.objects.filter(number=number):
        for name in (str(challenge.pk), challenge.pk.hex):
            assert name not in bodies  # the primary key stays on the server


def test_a_sign_up_shows_the_number_on_its_pages_and_leaves_it_nowhere_else(clock):
    sam = Watched()
    ask(sam)
    sam.post(step(SIGNUP, "code"), {"reference": "AE", "code": "000000"})
    clock.shift(30)
    again(sam)
    page = sam.get(step(SIGNUP, "code"))
    code = latest_code(PHONE)
    assert enter(sam, code=wrong(code), reference=hidden(page, "reference")).status_code == 200
    enter(sam, code=code, reference=hidden(page, "reference"))
    page = sam.get(step(SIGNUP, "details"))
    sam.post(step(SIGNUP, "details"), {"reference": hidden(page, "reference"), "username": ""})
    sam.post(step(SIGNUP, "details"), {"reference": hidden(page, "reference"), "username": "sam"})
    assert User.objects.count() == 1
    assert_nothing_leaked(sam, PHONE, shown=True)


def test_a_log_in_shows_the_number_nowhere(sam):
    client = Watched()
    assert leads_to(log_in(client), "/account/")
    assert_nothing_leaked(client, PHONE, shown=False)


def test_a_step_up_shows_the_number_nowhere(sam):
    client = Watched()
    client.force_login(sam, backend=PASSWORDS)
    client.get(CONFIRM)
    by_step_up(client)
    client.get("/vault/")
    assert_nothing_leaked(client, PHONE, shown=False)


def test_a_change_leaves_the_new_number_on_its_pages_alone(sam):
    client = Watched()
    client.force_login(sam, backend=PASSWORDS)
    by_password(client)
    ask_new(client)
    enter_new(client)
    client.get(step(NUMBER, "done"))
    assert_nothing_leaked(client, NEW, shown=True)


def test_sessions_in_cookies_hold_no_secret_and_do_all_the_same(client, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    seen = []
    ask(client)
    seen.append(key_of(client))
    enter(client)
    seen.append(key_of(client))
    page = client.get(step(SIGNUP, "details"))
    client.post(step(SIGNUP, "details"), {"reference": hidden(page, "reference"), "username": "sam"})
    seen.append(key_of(client))
    assert client.get("/vault/").status_code == 200
    salt = "django.contrib.sessions.backends.signed_cookies"
    text = repr([signing.loads(value, salt=salt) for value in seen])
    for secret in (*secrets_of(PHONE), PHONE[2:]):
        assert secret not in text


def test_after_a_log_in_nothing_of_it_is_left_but_when_it_was(client, sam):
    client.post(SIGNUP, {"phone": NEW})  # begun, and left
    log_in(client)
    pages = client.session["phone_otp_pages"]
    assert "login" not in pages
    assert client.session["phone_otp_verified"]["user"] == str(sam.pk)


def test_after_a_sign_up_nothing_of_it_is_left(client):
    sign_up(client)
    assert client.session["phone_otp_pages"] == {}


def test_after_a_log_out_nothing_is_left_at_all(client, sam):
    log_in(client)
    client.post("/logout/")
    assert not client.session.items()
    assert client.get("/vault/").headers["Location"].startswith("/login/")


# ---- Whose they are ----


def test_another_browser_can_do_nothing_with_somebodys_challenge(client):
    page = ask(client)
    code, thief = latest_code(PHONE), Client()
    for answer in (
        {"reference": hidden(page, "reference"), "code": code},
        {"action": "resend", "reference": hidden(page, "reference"), "messages": "1"},
        {"username": "thief", "reference": hidden(page, "reference")},
    ):
        for name in ("code", "details"):
            assert leads_to(thief.post(step(SIGNUP, name), answer), SIGNUP)
    challenge = Challenge.objects.get()
    assert (challenge.status, challenge.attempts, challenge.messages) == ("pending", 0, 1)
    assert not User.objects.exists()
    assert leads_to(enter(client), step(SIGNUP, "details"))


def test_another_browser_that_asks_for_the_same_number_gets_a_challenge_of_its_own(client):
    """A53: it can neither end the first nor use its code."""
    mine = ask(client)
    code, thief = latest_code(PHONE), Client()
    theirs = ask(thief)
    assert Challenge.objects.filter(status="pending").count() == 2
    assert hidden(mine, "reference") == hidden(client.get(step(SIGNUP, "code")), "reference")
    answer = enter(thief, code=code, reference=hidden(theirs, "reference"))
    assert "That code is not right." in words(answer)
    assert leads_to(enter(client, code=code), step(SIGNUP, "details"))


def test_a_code_for_another_flow_of_the_same_session_is_not_judged_there(client, sam):
    """One for step-up does not change the number, although both verify for one purpose."""
    client.force_login(sam, backend=PASSWORDS)
    by_password(client)
    client.post(CONFIRM)
    assert leads_to(client.get(step(NUMBER, "code")), step(NUMBER, "number"))
    answer = {"reference": Challenge.objects.get().reference, "code": latest_code(PHONE)}
    assert leads_to(client.post(step(NUMBER, "code"), answer), step(NUMBER, "number"))
    assert Challenge.objects.get().status == "pending"


def test_flows_for_one_number_in_one_session_do_not_end_each_other(client, sam):
    client.force_login(sam, backend=PASSWORDS)
    note_code(client, sam)
    by_password(client)
    client.post(CONFIRM)
    ask_new(client)
    assert dict(Challenge.objects.values_list("number", "status")) == {PHONE: "pending", NEW: "pending"}
    assert enter(client, CONFIRM).status_code == 302
    assert leads_to(enter_new(client), step(NUMBER, "done"))
