"""Signing up under fire: clicks at the same moment, sessions that want one number, and nothing half done."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client

from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services.phones import bind, is_taken
from django_phone_otp.services.proofs import prove, redeem
from django_phone_otp.test import latest_code, outbox
from tests.conftest import PHONE
from tests.html.pages import SIGNUP, ask, enter, hidden, leads_to, reach_details, sign_up, step, with_cookies_of, words
from tests.races import kinds, together

CODE, DETAILS = step(SIGNUP, "code"), step(SIGNUP, "details")
NEW = "+14155550124"
pytestmark = pytest.mark.usefixtures("unlimited")
at_once = pytest.mark.django_db(transaction=True)


def user_of(client):
    return client.session.get("_auth_user_id")


@at_once
def test_of_twenty_right_codes_at_once_in_one_session_all_go_on_and_one_is_judged(client):
    page = ask(client)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    tabs = [with_cookies_of(client) for _ in range(20)]
    outcomes = together(20, lambda n: tabs[n].post(CODE, answer))
    assert kinds(outcomes) == {"HttpResponseRedirect": 20}
    challenge = Challenge.objects.get()
    assert (challenge.status, challenge.attempts, challenge.redeemed_at) == ("verified", 1, None)
    # Whichever answer the browser keeps, the account is made once.
    for tab in tabs:
        tab.post(DETAILS, {"reference": answer["reference"], "username": "sam"})
    assert User.objects.count() == VerifiedPhone.objects.count() == 1


@at_once
def test_twenty_clicks_on_send_before_the_first_cookie_are_one_message(client):
    key = hidden(client.get(SIGNUP), "key")
    outcomes = together(20, lambda n: Client().post(SIGNUP, {"phone": PHONE, "key": key}).status_code)
    assert kinds(outcomes) == {"int": 20}
    assert set(outcomes) == {302}
    assert len(outbox) == Challenge.objects.count() == 1


@pytest.mark.django_db
class TestHalfDone:
    def test_a_number_and_a_code_own_nothing(self, client):
        ask(client)
        assert not is_taken(PHONE)
        enter(client)
        client.get(DETAILS)
        assert not is_taken(PHONE)
        assert not User.objects.exists()

    def test_nobody_who_only_began_is_in_the_way_of_the_owner(self, client):
        """A12: whoever began first, with a code or without, has nothing once the owner signed up."""
        thief = Client()
        ask(thief)
        enter(thief)  # somebody who held the phone for a moment
        reference = hidden(thief.get(DETAILS), "reference")
        ask(client)
        enter(client)
        mine = hidden(client.get(DETAILS), "reference")
        assert client.post(DETAILS, {"reference": mine, "username": "owner"}).status_code == 302
        answer = thief.post(DETAILS, {"reference": reference, "username": "thief"})
        assert "belongs to another account" in words(answer)
        assert [phone.user.username for phone in VerifiedPhone.objects.all()] == ["owner"]
        assert not User.objects.filter(username="thief").exists()
        assert user_of(thief) is None

    def test_a_sign_up_that_was_left_for_another_number_owns_nothing(self, client):
        ask(client)
        enter(client)
        old = hidden(client.get(DETAILS), "reference")
        ask(client, phone=NEW)
        client.post(DETAILS, {"reference": old, "username": "sam"})
        assert leads_to(client.get(DETAILS), CODE)
        assert not User.objects.exists()

    def test_a_back_to_the_number_shows_none_that_was_verified(self, client):
        ask(client)
        enter(client)
        assert PHONE not in client.get(SIGNUP).content.decode()

    def test_who_is_logged_in_already_signs_up_another_account(self, client):
        kim = User.objects.create_user("kim")
        bind(kim, NEW)
        client.force_login(kim, backend="django.contrib.auth.backends.ModelBackend")
        ask(client)
        enter(client)
        reference = hidden(client.get(DETAILS), "reference")
        client.post(DETAILS, {"reference": reference, "username": "sam"})
        assert user_of(client) == str(User.objects.get(username="sam").pk)
        assert VerifiedPhone.objects.get(number=NEW).user == kim

    def test_details_that_were_typed_beside_another_number_make_no_account(self, client):
        ask(client)
        enter(client)
        old = hidden(client.get(DETAILS), "reference")
        ask(client, phone=NEW)  # in another tab
        enter(client, phone=NEW)
        assert leads_to(client.post(DETAILS, {"reference": old, "username": "sam"}), DETAILS)
        assert not User.objects.exists()
        assert f"{NEW} is verified." in words(client.get(DETAILS))

    def test_the_proof_is_spent_with_the_account(self, client):
        sign_up(client)
        challenge = Challenge.objects.get()
        assert challenge.redeemed_at is not None
        with pytest.raises(InvalidToken):
            redeem(prove(challenge).token, purpose="signup")


@at_once
def test_of_twenty_clicks_on_the_last_button_at_once_one_makes_the_account(client):
    reference = reach_details(client)
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
    reference = reach_details(client)
    tabs = [with_cookies_of(client) for _ in range(20)]
    outcomes = together(
        20, lambda n: tabs[n].post(DETAILS, {"reference": reference, "username": f"sam{n}"}).status_code
    )
    assert kinds(outcomes) == {"int": 20}
    assert User.objects.count() == VerifiedPhone.objects.count() == 1


@at_once
def test_of_three_sessions_that_proved_one_number_one_gets_it():
    clients = [Client() for _ in range(3)]
    references = [reach_details(client) for client in clients]

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

    answer = {"reference": reach_details(client), "username": "sam"}
    twin, form = with_cookies_of(client), Signup.get_details_form

    def let_the_first_pass(view, **kwargs):
        monkeypatch.undo()
        twin.post(DETAILS, answer)
        return form(view, **kwargs)

    monkeypatch.setattr(Signup, "get_details_form", let_the_first_pass)
    assert leads_to(client.post(DETAILS, {**answer, "username": "kim"}), "/account/")


@pytest.mark.django_db
def test_a_name_that_somebody_else_took_at_the_same_moment_is_said_and_the_proof_is_not_spent(client, monkeypatch):
    from example_project.website.views import Signup

    reference = reach_details(client, PHONE)
    get_details_form = Signup.get_details_form

    def just_before(view, **kwargs):
        monkeypatch.undo()
        form = get_details_form(view, **kwargs)
        assert form.is_valid()
        User.objects.create_user("sam")
        return form

    monkeypatch.setattr(Signup, "get_details_form", just_before)
    answer = client.post(DETAILS, {"reference": reference, "username": "sam"})
    assert "already exists" in words(answer)
    assert not VerifiedPhone.objects.exists()
    assert client.post(DETAILS, {"reference": reference, "username": "kim"}).status_code == 302
    assert VerifiedPhone.objects.get().user.username == "kim"


@pytest.mark.django_db
def test_a_fault_in_the_project_is_no_page_of_ours(client, monkeypatch):
    from example_project.website.views import Signup

    reference = reach_details(client, PHONE)

    def fail(view, form, number):
        raise IntegrityError("a rule of the project's own")

    monkeypatch.setattr(Signup, "create_user", fail)
    with pytest.raises(IntegrityError, match="a rule"):
        client.post(DETAILS, {"reference": reference, "username": "sam"})


@at_once
def test_people_who_sign_up_at_the_same_moment_all_do():
    clients, answers = [Client() for _ in range(6)], []
    for n, client in enumerate(clients):
        answers.append({"reference": reach_details(client, f"+1415555{100 + n:04}"), "username": f"sam{n}"})
    outcomes = together(6, lambda n: clients[n].post(DETAILS, answers[n]).status_code)
    assert outcomes == [302] * 6
    assert User.objects.count() == 6
