"""Logging in by phone: who gets in, what the page tells, and what a second click does."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import include, path

from django_phone_otp.auth import PhoneTokenBackend
from django_phone_otp.html import LoginView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import LOGIN, ask, enter, hidden, key_of, leads_to, log_in, step, with_cookies_of, words
from tests.races import kinds, together
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("unlimited")]
CODE = step(LOGIN, "code")
OPEN = {"login": {}, "verify": {}}  # without REGISTERED_ONLY
NOBODY = "No active account has this number. Sign up, or use another number."
# All show the same digits when they are masked, so that whole pages can be compared.
KINDS = {
    "registered": PHONE,
    "unknown": "+12125550123",
    "inactive": "+13125550123",
    "another region": "+18765550123",
    "premium": "+19005550123",
    "denied prefix": "+16465550123",
}


class OwnBackend(PhoneTokenBackend):
    purpose = "verify"


class OwnLogin(LoginView):
    purpose = "verify"
    flow = "own"
    next_page = "/vault/"


urlpatterns = [path("own/", OwnLogin.as_view()), path("", include("tests.urls"))]


def user_of(client):
    return client.session.get("_auth_user_id")


def test_a_number_and_its_code_log_its_user_in(client, sam):
    assert leads_to(log_in(client), "/account/")
    assert user_of(client) == str(sam.pk)
    assert client.session["_auth_user_backend"] == "django_phone_otp.auth.PhoneTokenBackend"
    assert client.get("/vault/").status_code == 200  # the number was proved just now


def test_a_wrong_code_logs_nobody_in(client, sam):
    ask(client, LOGIN)
    assert "That code is not right." in words(enter(client, LOGIN, wrong(latest_code(PHONE))))
    assert user_of(client) is None


def test_the_code_of_another_purpose_logs_nobody_in(client, sam):
    client.post("/signup/", {"phone": PHONE})
    code = latest_code(PHONE)
    page = ask(client, LOGIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django_phone_otp.models.reference_of", lambda pk: hidden(page, "reference"))
        answer = enter(client, LOGIN, code)
    assert code != latest_code(PHONE)
    assert "That code is not right." in words(answer)
    assert user_of(client) is None


class TestStrangers:
    """Whose number is no account's: nobody is told but who has the phone."""

    @pytest.fixture(autouse=True)
    def _some_are_registered(self, unlimited, sam):
        bind(User.objects.create_user("inactive", is_active=False), KINDS["inactive"])
        limits = {**UNLIMITED, "send.number": ["3/5m"]}
        with override_phone_otp(LIMITS=limits, REGIONS=["US"], DENIED_PREFIXES=["+1646"], RESEND_AFTER=[30, 40]):
            yield

    def test_all_numbers_get_the_same_pages_byte_for_byte(self, clock):
        seen = {kind: walk(number, clock) for kind, number in KINDS.items()}
        assert {message.number for message in outbox} == {PHONE}
        for kind, answers in seen.items():
            assert answers == seen["registered"], kind

    def test_whoever_is_not_registered_is_never_right(self):
        for kind, number in KINDS.items():
            if kind != "registered":
                client = Client()
                ask(client, LOGIN, number)
                reference = hidden(client.get(CODE), "reference")
                for code in ("000000", "123456"):
                    client.post(CODE, {"reference": reference, "code": code})
                assert user_of(client) is None
        assert not Challenge.objects.filter(status="verified").exists()


def walk(number, clock):
    """Do all that can be done with a number to log in; return every answer."""
    client, answers = Client(REMOTE_ADDR=f"203.0.113.{list(KINDS.values()).index(number) + 1}"), []
    clock.move_to("2026-11-22T10:00:00Z")

    def note(answer):
        answers.append(whole(answer))
        return answer

    def guess(code):
        return note(client.post(CODE, {"reference": hidden(client.get(CODE), "reference"), "code": code}))

    def press():
        page = client.get(CODE)
        return note(client.post(CODE, {name: hidden(page, name) for name in ("action", "reference", "messages")}))

    note(client.get(LOGIN))
    note(client.post(LOGIN, {"phone": number}))
    note(client.get(CODE))
    note(client.get(LOGIN))  # back
    guess("12345")
    guess("000000" if "000000" not in {message.code for message in outbox} else "000001")
    press()
    for wait in (30, 40, 40):  # the third is over the limit of the number
        clock.shift(wait)
        press()
        note(client.get(CODE))
    for _ in range(5):
        guess(wrong(outbox[-1].code))
    press()
    clock.shift(400)
    note(client.get(CODE))
    guess("000000")
    press()
    note(client.get(CODE))
    return answers


def whole(answer):
    """Return all that a browser can see of an answer, but for what is random or was typed."""
    body = answer.content.decode()
    for name in ("csrfmiddlewaretoken", "key", "reference"):
        body = re.sub(rf'name="{name}" value="[^"]*"', f'name="{name}"', body)
    body = re.sub(r'<strong>[A-Z]{2}</strong>|value="[0-9]{6}"', "", body)
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "Content-Length")
    return answer.status_code, headers, sorted(answer.cookies), body


class TestOpen:
    """Without REGISTERED_ONLY every number gets a code, and only who has the phone is told."""

    @pytest.fixture(autouse=True)
    def _open(self, unlimited):
        with override_phone_otp(PURPOSES=OPEN, LIMITS=UNLIMITED):
            yield

    def test_who_proves_a_number_of_no_account_is_told_so_once(self, client):
        page = ask(client, LOGIN)
        assert NOBODY not in words(page)
        assert leads_to(enter(client, LOGIN), LOGIN)
        assert NOBODY in words(client.get(LOGIN))
        assert NOBODY not in words(client.get(LOGIN))
        assert user_of(client) is None
        assert client.get(LOGIN).content.decode().count(PHONE) == 0

    def test_a_wrong_code_is_told_nothing_of_accounts(self, client):
        ask(client, LOGIN)
        answer = enter(client, LOGIN, wrong(latest_code(PHONE)))
        assert NOBODY not in words(answer)

    def test_an_inactive_user_is_nobody(self, client, sam):
        User.objects.update(is_active=False)
        assert leads_to(log_in(client), LOGIN)
        assert NOBODY in words(client.get(LOGIN))
        assert user_of(client) is None

    def test_a_user_who_becomes_inactive_between_number_and_code_stays_out(self, client, sam):
        ask(client, LOGIN)
        User.objects.update(is_active=False)
        assert leads_to(enter(client, LOGIN), LOGIN)
        assert user_of(client) is None

    def test_the_number_is_shown_in_full(self, client):
        assert f"We sent it to {PHONE} ." in words(ask(client, LOGIN))


def test_an_inactive_user_with_registered_only_gets_no_code(client, sam):
    User.objects.update(is_active=False)
    assert "if that is the number of an account" in words(ask(client, LOGIN))
    assert not outbox


class TestSecondClicks:
    def test_a_second_click_on_the_right_code_goes_on(self, client, sam):
        page = ask(client, LOGIN)
        answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
        for _ in range(2):
            assert leads_to(client.post(CODE, answer), "/account/")
        assert user_of(client) == str(sam.pk)

    def test_one_that_carries_the_old_cookie_leaves_the_new_one_alone(self, client, sam):
        client.get(LOGIN)
        page = ask(client, LOGIN)
        answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
        old = with_cookies_of(client)
        client.post(CODE, answer)
        second = old.post(CODE, answer)
        assert leads_to(second, "/account/")
        assert "sessionid" not in second.cookies
        assert user_of(client) == str(sam.pk)

    def test_one_while_the_first_is_being_judged_goes_on_too(self, client, sam, monkeypatch):
        """The first click has used the proof; the session that this one began with still holds the challenge."""
        page = ask(client, LOGIN)
        answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
        session = client.session
        kept = dict(session["phone_otp_pages"])
        client.post(CODE, answer)
        session = client.session
        session["phone_otp_pages"] = kept
        session.save()
        assert leads_to(client.post(CODE, answer), "/account/")
        assert user_of(client) == str(sam.pk)

    def test_a_proof_that_grew_old_is_no_log_in(self, client, sam, clock):
        """As when the answer to the code was lost on its way, and the page is sent again much later."""
        page = ask(client, LOGIN)
        answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
        Challenge.objects.update(status="verified", closed_at=Challenge.objects.get().created_at)
        clock.shift(601)
        client.post(CODE, answer)
        assert user_of(client) is None

    def test_back_to_the_code_after_the_log_in_asks_for_no_code(self, client, sam):
        log_in(client)
        assert leads_to(client.get(CODE), LOGIN)


def test_nobody_who_only_knows_the_challenge_gets_in(client, sam):
    page = ask(client, LOGIN)
    thief = Client()
    ask(thief, LOGIN, "+14155550124")
    for other in (Client(), thief):
        other.post(CODE, {"reference": hidden(page, "reference"), "code": latest_code(PHONE)})
        assert user_of(other) is None
    assert Challenge.objects.get(number=PHONE).status == "pending"


def test_the_page_for_who_is_logged_in_already_changes_to_the_other_account(client, sam):
    kim = User.objects.create_user("kim")
    bind(kim, "+14155550124")
    log_in(client)
    before = key_of(client)
    client.session["basket"] = "sam's"
    log_in(client, "+14155550124")
    assert user_of(client) == str(kim.pk)
    assert key_of(client) != before
    assert "basket" not in client.session


def test_a_view_of_another_purpose_needs_a_backend_of_that_purpose(client, sam, settings):
    with pytest.raises(ImproperlyConfigured, match=r"AUTHENTICATION_BACKENDS .* add 'django_phone_otp.auth"):
        client.get("/own/")
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{__name__}.OwnBackend"]
    assert leads_to(log_in(client, url="/own/"), "/vault/")
    assert client.session["_auth_user_backend"] == f"{__name__}.OwnBackend"


def test_without_a_backend_that_takes_proofs_the_page_says_what_to_add(client, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    with pytest.raises(ImproperlyConfigured, match=r"add 'django_phone_otp\.auth\.PhoneTokenBackend'"):
        client.get(LOGIN)


def test_the_sign_up_is_offered_where_there_is_one(client):
    assert 'href="/signup/?next=%2Fvault%2F"' in client.get(f"{LOGIN}?next=/vault/").content.decode()
    assert "Sign up" not in words(client.get("/phone/login/"))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_right_codes_at_once_in_one_session_all_go_on_and_one_proof_is_spent(client, sam):
    client.get(LOGIN)
    page = ask(client, LOGIN)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    tabs = [with_cookies_of(client) for _ in range(20)]
    outcomes = together(20, lambda n: tabs[n].post(CODE, answer))
    assert kinds(outcomes) == {"HttpResponseRedirect": 20}
    assert {answer.headers["Location"] for answer in outcomes} == {"/account/"}
    logged_in = [tab for tab in tabs if user_of(tab) == str(sam.pk)]
    assert len(logged_in) == 1
    challenge = Challenge.objects.get()
    assert (challenge.attempts, challenge.status) == (1, "verified")
