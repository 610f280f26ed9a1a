"""Before the number changes: whoever only found an open session gets no further."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import include, path

from django_phone_otp.html import ChangeNumberView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.test import latest_code, note_code, outbox
from tests.conftest import PHONE
from tests.html.members.changing import THIRD, ask, enter, give_password, member, proved
from tests.html.pages import CONFIRM, NEW, NUMBER, PASSWORD, PLAIN_TEMPLATES, leads_to

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

LOG_IN_AGAIN = "Log out, log in again"
ADMINISTRATOR = "from an administrator"
DEAD_CACHE = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:1"}}

urlpatterns = [
    path("strict/", ChangeNumberView.as_view(phone_required=True)),
    path("", include("tests.urls")),
]


class TestPassword:
    def test_the_right_one_leads_to_the_number_under_another_session_key(self, sam):
        client = member(sam)
        before = client.session.session_key
        assert "Enter your password" in client.get(NUMBER).content.decode()
        assert leads_to(give_password(client), f"{NUMBER}?step=number")
        assert client.session.session_key != before
        assert leads_to(client.get(NUMBER), f"{NUMBER}?step=number")

    def test_a_wrong_one_says_so(self, sam):
        response = give_password(member(sam), "wrong")
        assert response.status_code == 200
        assert "That password is not right." in response.content.decode()

    def test_an_empty_field_is_no_try(self, sam):
        client = member(sam)
        for _ in range(6):
            response = give_password(client, "")
            assert "Enter your password." in response.content.decode()
        assert leads_to(give_password(client), f"{NUMBER}?step=number")

    def test_five_wrong_ones_end_the_session(self, sam):
        client = member(sam)
        for _ in range(4):
            give_password(client, "wrong")
        assert leads_to(give_password(client, "wrong"), f"/login/?next={NUMBER}")
        assert not client.session.items()

    def test_a_right_one_forgets_the_wrong_ones(self, sam, clock):
        client = member(sam)
        for _ in range(4):
            give_password(client, "wrong")
        give_password(client)
        clock.shift(601)
        give_password(client, "wrong")
        assert "_auth_user_id" in client.session

    def test_the_sixth_in_ten_minutes_is_refused_in_another_session_too(self, sam):
        client = member(sam)
        for _ in range(5):
            give_password(client, "wrong")
        response = give_password(member(sam))
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 660  # a place comes back a tenth of the window late at most
        assert "Too many requests." in response.content.decode()

    def test_right_ones_do_not_count(self, sam, clock):
        client = member(sam)
        for _ in range(7):
            clock.shift(1)
            give_password(client)
            session = client.session
            del session["phone_otp_identity"]
            session.save()
        assert leads_to(give_password(client), f"{NUMBER}?step=number")

    def test_without_a_cache_none_is_judged(self, sam, settings):
        client = member(sam)
        settings.CACHES, settings.TEMPLATES = DEAD_CACHE, PLAIN_TEMPLATES
        response = give_password(client)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert leads_to(client.get(f"{NUMBER}?step=number"), NUMBER)

    def test_it_is_good_for_ten_minutes(self, sam, clock):
        client = proved(sam)
        clock.shift(600)
        assert client.get(f"{NUMBER}?step=number").status_code == 200
        clock.shift(1)
        assert leads_to(client.get(f"{NUMBER}?step=number"), NUMBER)

    def test_that_of_another_account_is_worth_nothing(self, sam):
        other = User.objects.create_user("other", password=PASSWORD)
        bind(other, THIRD)
        client = proved(sam)
        session = client.session
        noted = session["phone_otp_identity"]
        member(other, client)
        session = client.session
        session["phone_otp_identity"] = noted
        session.save()
        assert "Enter your password" in client.get(NUMBER).content.decode()

    def test_asked_for_twice_it_goes_on(self, sam):
        client = proved(sam)
        assert leads_to(give_password(client, "wrong"), NUMBER)


class TestWithoutPassword:
    def test_a_code_to_the_present_number_leads_back_to_the_change(self, codes_only):
        client = member(codes_only)
        first = client.get(f"{NUMBER}?next=/vault/")
        assert first.status_code == 302
        assert first.headers["Location"].startswith(f"{CONFIRM}?next=")
        confirm = first.headers["Location"]
        page = client.post(confirm, follow=True)
        assert [message.number for message in outbox] == [PHONE]
        reference = re.search(r'name="reference" value="(\w+)"', page.content.decode())[1]
        where = page.redirect_chain[-1][0]
        back = client.post(where, {"reference": reference, "code": latest_code(PHONE)})
        assert leads_to(back, f"{NUMBER}?next=/vault/")
        assert leads_to(client.get(f"{NUMBER}?next=/vault/"), f"{NUMBER}?step=number&next=%2Fvault%2F")

    def test_the_verification_is_good_for_ten_minutes(self, codes_only, clock):
        client = member(codes_only)
        note_code(client, codes_only)
        clock.shift(600)
        assert client.get(f"{NUMBER}?step=number").status_code == 200
        clock.shift(1)
        assert leads_to(client.get(f"{NUMBER}?step=number"), NUMBER)

    def test_a_password_that_is_sent_all_the_same_is_not_judged(self, codes_only):
        assert leads_to(give_password(member(codes_only)), NUMBER)


class TestWithNeither:
    def test_a_log_in_in_this_session_is_enough(self, bare):
        client = member(bare)
        assert leads_to(client.get(NUMBER), f"{NUMBER}?step=number")

    def test_one_that_was_long_ago_is_not_and_nothing_redirects(self, bare, clock):
        client = member(bare)
        clock.shift(601)
        response = client.get(NUMBER)
        assert response.status_code == 200
        assert LOG_IN_AGAIN in response.content.decode()
        assert leads_to(client.get(f"{NUMBER}?step=number"), NUMBER)

    def test_a_log_in_elsewhere_is_not(self, bare, clock):
        client = member(bare)
        clock.shift(3600)
        member(bare)
        assert LOG_IN_AGAIN in client.get(NUMBER).content.decode()

    def test_logging_in_again_is(self, bare, clock):
        client = member(bare)
        clock.shift(3600)
        client.logout()
        member(bare, client)
        assert leads_to(client.get(NUMBER), f"{NUMBER}?step=number")


class TestStaff:
    @pytest.fixture
    def boss(self, sam):
        User.objects.update(is_staff=True)
        sam.refresh_from_db()
        return sam

    def test_prove_number_and_password_both(self, boss):
        client = member(boss)
        assert client.get(NUMBER).headers["Location"].startswith(CONFIRM)
        note_code(client, boss)
        assert "Enter your password" in client.get(NUMBER).content.decode()
        assert leads_to(give_password(client), f"{NUMBER}?step=number")

    def test_cannot_do_it_with_the_password_alone(self, boss):
        client = member(boss)
        assert leads_to(give_password(client), NUMBER)
        assert leads_to(client.get(f"{NUMBER}?step=number"), NUMBER)

    def test_get_their_first_number_from_an_administrator(self):
        boss = User.objects.create_user("boss", password=PASSWORD, is_staff=True)
        client = member(boss)
        assert ADMINISTRATOR in client.get(NUMBER).content.decode()
        assert leads_to(give_password(client), NUMBER)
        assert leads_to(ask_once(client), NUMBER)
        assert not outbox


def ask_once(client, number=NEW):
    return client.post(f"{NUMBER}?step=number", {"phone": number})


class TestPhoneRequired:
    def test_the_present_number_is_asked_for_besides_the_password(self, sam):
        client = member(sam)
        assert client.get("/strict/").headers["Location"] == f"{CONFIRM}?next=%2Fstrict%2F"
        note_code(client, sam)
        assert "Enter your password" in client.get("/strict/").content.decode()
        assert leads_to(give_password(client, url="/strict/"), "/strict/?step=number")

    def test_whoever_has_no_number_gives_the_password_alone(self):
        client = member(User.objects.create_user("lou", password=PASSWORD))
        assert leads_to(give_password(client, url="/strict/"), "/strict/?step=number")


@pytest.mark.parametrize("step", ["number", "code"])
def test_nobody_who_is_not_identified_gets_past_the_first_step(sam, step):
    client = member(sam)
    assert leads_to(client.get(f"{NUMBER}?step={step}"), NUMBER)
    assert leads_to(client.post(f"{NUMBER}?step={step}", {"phone": NEW, "code": "123456"}), NUMBER)
    assert not outbox
    assert not Challenge.objects.exists()


@pytest.mark.parametrize("step", ["", "?step=number", "?step=code", "?step=done"])
def test_strangers_are_asked_to_log_in(client, step):
    assert client.get(NUMBER + step).headers["Location"].startswith("/login/?next=")
    assert client.post(NUMBER + step).headers["Location"].startswith("/login/?next=")


def test_a_right_code_that_comes_after_the_ten_minutes_changes_nothing(sam, clock):
    client = proved(sam)
    clock.shift(400)
    page = ask(client)
    clock.shift(201)
    assert leads_to(enter(client, page, NEW), NUMBER)
    assert numbers_of(sam) == [PHONE]
