"""Changing one's number: nobody who only found an open session does, and the owner hears of it."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import include, path

from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.html import ChangeNumberView
from django_phone_otp.models import Challenge, Delivery, VerifiedPhone
from django_phone_otp.services import challenges
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.services.proofs import redeem
from django_phone_otp.test import latest_code, note_code, outbox, override_phone_otp
from tests import settings as suite
from tests.conftest import PHONE
from tests.html.pages import PASSWORD
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

NUMBER, CONFIRM, NEW, THIRD = "/phone/number/", "/phone/confirm/", "+14155550124", "+14155550125"
LOG_IN_AGAIN = "Log out, log in again"
ADMINISTRATOR = "from an administrator"
DEAD_CACHE = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:1"}}
# Without the messages that the example site shows below its pages: it keeps them in the cache.
PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
PLAIN_PAGES = [{**suite.TEMPLATES[0], "OPTIONS": {"context_processors": PROCESSORS}}]

urlpatterns = [
    path("strict/", ChangeNumberView.as_view(phone_required=True)),
    path("", include("tests.urls")),
]


@pytest.fixture
def codes_only():
    """An account with a number and no password."""
    user = User.objects.create_user("kim", "kim@example.com")
    bind(user, PHONE)
    return user


@pytest.fixture
def bare():
    """An account with neither."""
    return User.objects.create_user("lou", "lou@example.com")


@pytest.fixture
def change(django_capture_on_commit_callbacks):
    """Return a function that gives a new number and its code; whatever a commit starts is done."""

    def change(client, number=NEW, url=NUMBER):
        page = ask(client, number, url)
        with django_capture_on_commit_callbacks(execute=True):
            return enter(client, page, number, url)

    return change


def ask(client, number=NEW, url=NUMBER):
    return client.post(f"{url}?step=number", {"phone": number}, follow=True)


def enter(client, page, number, url=NUMBER):
    reference = re.search(r'name="reference" value="(\w+)"', page.content.decode())[1]
    return client.post(f"{url}?step=code", {"reference": reference, "code": latest_code(number)})


def give_password(client, password=PASSWORD, url=NUMBER):
    return client.post(url, {"password": password})


def member(user, client=None):
    client = client or Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def proved(user):
    """Return a client of somebody who gave their password."""
    client = member(user)
    give_password(client)
    return client


def leads_to(response, url):
    return (response.status_code, response.headers.get("Location")) == (302, url)


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
        settings.CACHES, settings.TEMPLATES = DEAD_CACHE, PLAIN_PAGES
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


class TestChanged:
    def test_the_new_number_is_the_only_one(self, sam, change):
        bind(sam, THIRD)
        client = proved(sam)
        assert leads_to(change(client), f"{NUMBER}?step=done")
        assert list(VerifiedPhone.objects.values_list("user", "number")) == [(sam.pk, NEW)]
        page = client.get(f"{NUMBER}?step=done").content.decode()
        assert "Your number is changed" in page
        assert NEW in page
        assert "A notice goes to the old number." in page

    def test_the_old_number_and_the_mail_address_are_told(self, sam, change):
        change(proved(sam))
        notice = outbox[-1]
        assert (notice.number, notice.code, notice.channel) == (PHONE, "", "sms")
        assert notice.text == (
            "The phone number of your Example account was changed. If this was not you, contact Example at once."
        )
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["sam@example.com"], "Your Example phone number was changed")
        assert "was changed. Codes go to the new number" in letter.body
        for words in (notice.text, letter.subject, letter.body):
            assert PHONE[2:] not in words
            assert NEW[2:] not in words

    def test_they_are_told_in_the_language_of_whoever_did_it(self, sam, change):
        client = Client(headers={"accept-language": "de"})
        give_password(member(sam, client))
        change(client)
        assert "Telefonnummer" in outbox[-1].text
        assert outbox[-1].language == "de"
        assert "Telefonnummer" in mail.outbox[0].subject + mail.outbox[0].body

    def test_of_a_first_number_the_mail_address_is_told_and_nobody_else(self, bare, change):
        client = member(bare)
        assert leads_to(change(client), f"{NUMBER}?step=done")
        assert [(message.number, bool(message.code)) for message in outbox] == [(NEW, True)]
        (letter,) = mail.outbox
        assert letter.subject == "A phone number was added to your Example account"
        page = client.get(f"{NUMBER}?step=done").content.decode()
        assert "Your number is verified" in page
        assert "notice" not in page

    def test_the_same_number_again_tells_nobody(self, sam, change):
        client = proved(sam)
        assert leads_to(change(client, PHONE), f"{NUMBER}?step=done")
        assert [bool(message.code) for message in outbox] == [True]
        assert not mail.outbox
        assert "A notice" not in client.get(f"{NUMBER}?step=done").content.decode()

    def test_what_was_verified_for_the_old_number_is_void(self, sam, change):
        client = proved(sam)
        with override_phone_otp(LIMITS=UNLIMITED):
            spare = challenges.send(PHONE, purpose="signup")
            token = challenges.verify(spare.handle, latest_code(PHONE)).token
            pending = challenges.send(PHONE, purpose="login")
            change(client)
        with pytest.raises(InvalidToken):
            redeem(token, purpose="signup")
        assert challenges.status(pending.handle).status == "canceled"

    def test_the_number_is_proved_and_the_session_key_is_another(self, sam, change):
        client = proved(sam)
        before = client.session.session_key
        change(client)
        assert client.session.session_key != before
        assert client.get("/vault/").status_code == 200

    def test_a_second_click_on_the_right_code_is_done(self, sam, django_capture_on_commit_callbacks):
        client = proved(sam)
        page = ask(client)
        with django_capture_on_commit_callbacks(execute=True):
            enter(client, page, NEW)
            assert leads_to(enter(client, page, NEW), f"{NUMBER}?step=done")
        assert len(mail.outbox) == 1

    def test_a_second_click_at_the_same_moment_is_done(self, sam):
        """The second request read the session before the first one wrote it."""
        client = proved(sam)
        page = ask(client)
        before = dict(client.session.items())
        enter(client, page, NEW)
        session = client.session
        session["phone_otp_pages"] = before["phone_otp_pages"]
        session.save()
        assert leads_to(enter(client, page, NEW), f"{NUMBER}?step=done")
        assert numbers_of(sam) == [NEW]

    def test_a_code_without_a_challenge_begins_again(self, sam):
        client = proved(sam)
        assert leads_to(client.post(f"{NUMBER}?step=code", {"code": "123456"}), f"{NUMBER}?step=number")

    def test_it_is_said_only_after_a_change_and_until_the_next(self, sam, change):
        client = proved(sam)
        assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)
        change(client)
        assert client.get(f"{NUMBER}?step=done").status_code == 200
        assert client.get(f"{NUMBER}?step=done").status_code == 200
        client.get(f"{NUMBER}?step=number")
        assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)

    def test_it_goes_on_to_where_the_person_was(self, sam, change):
        client = proved(sam)
        change(client)
        assert 'href="/vault/"' in client.get(f"{NUMBER}?step=done&next=/vault/").content.decode()
        assert leads_to(client.post(f"{NUMBER}?step=done&next=/vault/"), "/vault/")
        assert leads_to(client.post(f"{NUMBER}?step=done&next=https://example.org/"), "/account/")


def test_a_number_of_another_account_stays_there(sam, change):
    bind(User.objects.create_user("other"), NEW)
    client = proved(sam)
    response = change(client)
    assert response.status_code == 200
    assert "This number belongs to another account." in response.content.decode()
    assert numbers_of(sam) == [PHONE]
    assert not mail.outbox
    assert outbox[-1].code
    assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)


def test_whoever_has_no_password_is_logged_out_elsewhere_and_stays_in_here(codes_only, change):
    here, elsewhere = member(codes_only), member(codes_only)
    note_code(here, codes_only)
    change(here)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_whoever_has_one_stays_logged_in_everywhere(sam, change):
    here, elsewhere = proved(sam), member(sam)
    change(here)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 200


def test_a_notice_that_cannot_be_sent_changes_nothing_of_the_answer(sam, change, monkeypatch, caplog):
    def send_mail(*_):
        raise ConnectionRefusedError(f"no mail for {PHONE}")

    monkeypatch.setattr("django_phone_otp.services.notices.send_mail", send_mail)
    assert leads_to(change(proved(sam)), f"{NUMBER}?step=done")
    assert "The notice could not be mailed: ConnectionRefusedError" in caplog.text
    assert PHONE not in caplog.text
    assert (outbox[-1].number, outbox[-1].code) == (PHONE, "")


def test_an_old_number_that_gets_no_messages_any_more_fails_only_its_notice(sam, change):
    client = proved(sam)
    with override_phone_otp(DENIED_PREFIXES=[PHONE]):
        assert leads_to(change(client), f"{NUMBER}?step=done")
        page = client.get(f"{NUMBER}?step=done").content.decode()
    notice = Delivery.objects.get(challenge__purpose="notice")
    assert (notice.status, notice.reason) == ("failed", "the number is refused (prefix)")
    assert "A notice goes to the old number." in page  # that it arrived, the page does not say
    assert [letter.to for letter in mail.outbox] == [["sam@example.com"]]
