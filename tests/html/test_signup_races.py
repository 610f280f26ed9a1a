"""Signing up under fire: clicks at the same moment, sessions that want one number, and nothing half done."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.test import override_phone_otp
from tests.html.pages import SIGNUP, ask, enter, hidden, leads_to, step, with_cookies_of
from tests.races import kinds, together
from tests.unlimited import UNLIMITED

CODE, DETAILS = step(SIGNUP, "code"), step(SIGNUP, "details")
NEW = "+14155550124"
at_once = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _unlimited():
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


def user_of(client):
    return client.session.get("_auth_user_id")


@at_once
def test_of_twenty_clicks_on_the_last_button_at_once_one_makes_the_account(client):
    ask(client)
    enter(client)
    reference = hidden(client.get(DETAILS), "reference")
    tabs = [with_cookies_of(client) for _ in range(20)]
    answer = {"reference": reference, "username": "sam"}
    outcomes = together(20, lambda n: tabs[n].post(DETAILS, answer).status_code)
    assert kinds(outcomes) == {"int": 20}
    assert set(outcomes) <= {302, 200}
    assert User.objects.count() == VerifiedPhone.objects.count() == 1
    assert [user_of(tab) for tab in tabs if user_of(tab)] == [str(User.objects.get().pk)]


@at_once
def test_of_twenty_names_at_once_one_makes_an_account(client):
    """The names differ, so that nothing but the proof holds them apart."""
    ask(client)
    enter(client)
    reference = hidden(client.get(DETAILS), "reference")
    tabs = [with_cookies_of(client) for _ in range(20)]
    outcomes = together(
        20, lambda n: tabs[n].post(DETAILS, {"reference": reference, "username": f"sam{n}"}).status_code
    )
    assert kinds(outcomes) == {"int": 20}
    assert User.objects.count() == VerifiedPhone.objects.count() == 1


@at_once
def test_of_three_sessions_that_proved_one_number_one_gets_it():
    clients = [Client() for _ in range(3)]
    references = []
    for client in clients:
        ask(client)
        enter(client)
        references.append(hidden(client.get(DETAILS), "reference"))

    def finish(n):
        return clients[n].post(DETAILS, {"reference": references[n], "username": f"sam{n}"}).status_code

    outcomes = together(3, finish)
    assert sorted(outcomes) == [200, 200, 302]
    assert User.objects.count() == VerifiedPhone.objects.count() == 1
    assert Challenge.objects.exclude(redeemed_at=None).count() == 1


@at_once
def test_a_second_click_on_the_last_button_while_the_first_is_at_work_goes_on(client, monkeypatch):
    """The first click ends between the second one's look at the session and its own; no thread is needed."""
    from example_project.website.views import Signup

    ask(client)
    enter(client)
    answer = {"reference": hidden(client.get(DETAILS), "reference"), "username": "sam"}
    twin, form = with_cookies_of(client), Signup.get_details_form

    def let_the_first_pass(view, **kwargs):
        monkeypatch.undo()
        twin.post(DETAILS, answer)
        return form(view, **kwargs)

    monkeypatch.setattr(Signup, "get_details_form", let_the_first_pass)
    assert leads_to(client.post(DETAILS, {**answer, "username": "kim"}), "/account/")


@at_once
def test_people_who_sign_up_at_the_same_moment_all_do():
    clients, answers = [Client() for _ in range(6)], []
    for n, client in enumerate(clients):
        phone = f"+1415555{100 + n:04}"
        ask(client, phone=phone)
        enter(client, phone=phone)
        answers.append({"reference": hidden(client.get(DETAILS), "reference"), "username": f"sam{n}"})
    outcomes = together(6, lambda n: clients[n].post(DETAILS, answers[n]).status_code)
    assert outcomes == [302] * 6
    assert User.objects.count() == 6
