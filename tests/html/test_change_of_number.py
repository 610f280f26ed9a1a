"""Changing one's number from two sessions at once, and codes that are on their way while it changes."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import CONFIRM, LOGIN, NEW, NUMBER, PASSWORD, ask, enter, hidden, leads_to, log_in, step, words
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
THIRD = "+14155550125"
CODE = step(NUMBER, "code")


def identified(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.post(NUMBER, {"password": PASSWORD})
    return client


def ask_new(client, phone=NEW):
    client.post(step(NUMBER, "number"), {"phone": phone})
    return client.get(CODE)


def enter_new(client, phone=NEW, code=None):
    return enter(client, NUMBER, code, phone=phone)


def test_two_sessions_change_it_one_after_the_other_and_one_number_is_left(sam):
    first, second = identified(sam), identified(sam)
    ask_new(first)
    ask_new(second, THIRD)
    assert leads_to(enter_new(first), step(NUMBER, "done"))
    assert leads_to(enter_new(second, THIRD), step(NUMBER, "done"))
    assert list(VerifiedPhone.objects.values_list("number", flat=True)) == [THIRD]


def test_a_wrong_code_changes_nothing(sam):
    client = identified(sam)
    ask_new(client)
    assert "That code is not right." in words(enter_new(client, code=wrong(latest_code(NEW))))
    assert numbers_of(sam) == [PHONE]


def test_codes_on_their_way_to_the_old_number_log_nobody_in(sam):
    thief = Client()
    page = ask(thief, LOGIN)
    code = latest_code(PHONE)
    client = identified(sam)
    ask_new(client)
    enter_new(client)
    answer = enter(thief, LOGIN, code, reference=hidden(page, "reference"))
    assert answer.status_code == 200
    assert "_auth_user_id" not in thief.session
    assert Challenge.objects.get(purpose="login").status == "canceled"


def test_the_old_number_logs_nobody_in_and_the_new_one_does(sam):
    client = identified(sam)
    ask_new(client)
    enter_new(client)
    sent = len(outbox)
    ask(Client(), LOGIN)
    assert len(outbox) == sent
    assert leads_to(log_in(Client(), NEW), "/account/")


def test_a_step_up_in_another_session_is_worth_nothing_after_it(sam):
    other = identified(sam)
    other.post(CONFIRM)
    enter(other, CONFIRM)
    assert other.get("/vault/").status_code == 200
    client = identified(sam)
    ask_new(client)
    enter_new(client)
    assert other.get("/vault/").headers["Location"].startswith(CONFIRM)


def test_a_number_that_somebody_else_took_meanwhile_is_told_beside_the_field(sam):
    client = identified(sam)
    ask_new(client)
    bind(User.objects.create_user("kim"), NEW)
    page = enter_new(client)
    assert page.status_code == 200
    assert "This number belongs to another account." in words(page)
    assert (numbers_of(sam), Challenge.objects.get().redeemed_at) == ([PHONE], None)


def test_who_is_asked_for_the_password_again_goes_on_with_the_same_code(sam, clock):
    client = identified(sam)
    clock.shift(500)
    ask_new(client)
    clock.shift(101)
    assert leads_to(client.get(CODE), NUMBER)
    client.post(NUMBER, {"password": PASSWORD})
    assert leads_to(enter_new(client), step(NUMBER, "done"))
    assert numbers_of(sam) == [NEW]


def test_the_users_own_field_is_changed_where_there_is_one(sam):
    with override_phone_otp(USER_FIELD="last_name", LIMITS=UNLIMITED):
        bind(sam, PHONE)
        client = identified(sam)
        ask_new(client)
        assert leads_to(enter_new(client), step(NUMBER, "done"))
        sam.refresh_from_db()
        assert sam.last_name == NEW


def test_five_wrong_passwords_end_the_session_and_what_it_had_proved(sam):
    client = identified(sam)
    session = client.session
    del session["phone_otp_identity"]
    session.save()
    said = [client.post(NUMBER, {"password": "wrong"}) for _ in range(5)]
    assert all("That password is not right." in words(page) for page in said[:4])
    assert leads_to(said[4], f"/login/?next={NUMBER}")
    assert "_auth_user_id" not in client.session
    assert client.get("/account/").status_code == 302
