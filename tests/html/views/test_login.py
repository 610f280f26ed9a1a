"""Logging in through the pages: who gets in, where they go on, and what a second click or another session gets."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.urls import include, path

import django_phone_otp as phone_otp
from django_phone_otp.auth import PhoneTokenBackend
from django_phone_otp.html import LoginView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.views.people import Person, text_of
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
URL, CODE = "/login/", "/login/?step=code"
OTHER = "+14155550124"
NOBODY = "No active account has this number. Sign up, or use another number."


class OpenBackend(PhoneTokenBackend):
    purpose = "verify"


class OpenLogin(LoginView):
    purpose = "verify"  # which sends to every number


class OvertakenLogin(LoginView):
    """A log-in that another request is ahead of, by a moment."""

    def verified(self, proof):
        phone_otp.redeem(proof.token, purpose="login")
        return super().verified(proof)


urlpatterns = [
    path("overtaken/", OvertakenLogin.as_view()),
    path("open/", OpenLogin.as_view()),
    path("plain/", LoginView.as_view()),
    path("on/", LoginView.as_view(next_page="/vault/")),
    path("", include("tests.urls")),
]
OPEN = ["django.contrib.auth.backends.ModelBackend", f"{__name__}.OpenBackend"]


@pytest.fixture
def kim():
    """Somebody who has an account with a number."""
    user = User.objects.create_user("kim")
    bind(user, PHONE)
    return user


def logged_in(client):
    return client.session.get("_auth_user_id")


def answer_of(person):
    """Return what the person would send: the code that came, beside its reference."""
    return {"code": latest_code(PHONE), "reference": person.hidden("reference")}


def arrive(url=URL, phone=PHONE):
    """Return somebody who has the page in front of them that asks for a code."""
    person = Person()
    person.open(url)
    person.send(url, phone)
    return person


def test_the_code_logs_in(kim):
    person = Person()
    response = person.log_in(PHONE)
    assert (response.status_code, response.headers["Location"]) == (302, "/account/")
    assert logged_in(person.client) == str(kim.pk)
    assert person.client.session["_auth_user_backend"] == "django_phone_otp.auth.PhoneTokenBackend"
    assert person.client.get("/vault/").status_code == 200  # the number was proved just now
    assert Challenge.objects.get().redeemed_at is not None


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("url", "onward"),
    [
        ("/plain/", "/account/"),
        ("/on/", "/vault/"),
        ("/on/?next=/account/", "/account/"),
        ("/plain/?next=/vault/%3Fa%3D1%26b%3D2", "/vault/?a=1&b=2"),
    ],
)
def test_it_goes_on_to_where_the_person_wanted_to_go(kim, settings, url, onward):
    assert Person().log_in(PHONE, url).headers["Location"] == onward


def test_where_to_go_on_is_kept_from_step_to_step(kim):
    person = arrive("/login/?next=/vault/")
    assert person.url == "/login/?step=code&next=%2Fvault%2F"
    assert 'href="/login/?next=%2Fvault%2F"' in person.page.content.decode()
    assert 'href="/signup/?next=%2Fvault%2F"' in person.open("/login/?next=/vault/").content.decode()


def test_the_sessions_key_changes_and_the_old_one_is_dead(kim):
    person = arrive()
    before = person.client.cookies["sessionid"].value
    person.enter(URL, latest_code(PHONE))
    assert person.client.cookies["sessionid"].value != before
    thief = Person()
    thief.client.cookies["sessionid"] = before
    assert thief.client.get("/account/").status_code == 302
    assert thief.client.get(CODE).headers["Location"] == URL


def test_who_fixed_the_sessions_key_before_has_nothing_of_it(kim):
    thief = Person()
    thief.open("/signup/")
    thief.send("/signup/", OTHER)
    fixed = thief.client.cookies["sessionid"].value
    victim = Person()
    victim.client.cookies["sessionid"] = fixed
    victim.log_in(PHONE)
    assert logged_in(victim.client) == str(kim.pk)
    assert victim.client.cookies["sessionid"].value != fixed
    assert logged_in(thief.client) is None


def test_nothing_of_the_pages_is_left_in_the_session(kim):
    person = Person()
    person.log_in(PHONE)
    assert person.client.session.get("phone_otp_pages") in (None, {})


@pytest.mark.urls(__name__)
def test_a_number_that_nobody_has_is_told_to_who_proved_it(settings):
    settings.AUTHENTICATION_BACKENDS = OPEN
    person = arrive("/open/?next=/vault/")
    person.enter("/open/?next=/vault/", latest_code(PHONE))
    assert person.url == "/open/?next=%2Fvault%2F"
    assert NOBODY in person.text
    assert 'role="alert"' in person.page.content.decode()
    assert person.hidden("phone") == ""
    assert NOBODY not in text_of(person.open("/open/"))  # it is news once
    assert logged_in(person.client) is None


def test_an_account_that_was_closed_meanwhile_is_as_none(kim):
    person = arrive()
    User.objects.update(is_active=False)
    person.enter(URL, latest_code(PHONE))
    assert person.url == URL
    assert NOBODY in person.text
    assert logged_in(person.client) is None


def test_an_account_that_is_closed_gets_no_code(kim):
    User.objects.update(is_active=False)
    person = arrive()
    assert person.url == CODE
    assert outbox == []


def test_a_second_click_goes_on_too(kim):
    person = arrive()
    answer = answer_of(person)
    first, second = (person.client.post(CODE, answer) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"] == "/account/"
    assert logged_in(person.client) == str(kim.pk)


def test_a_second_click_with_the_cookie_of_before_leaves_the_log_in_alone(kim):
    person = arrive("/login/?next=/vault/")
    url, answer = "/login/?step=code&next=/vault/", answer_of(person)
    late = Person()
    late.client.cookies["sessionid"] = person.client.cookies["sessionid"].value
    person.client.post(url, answer)
    response = late.client.post(url, answer)
    assert response.headers["Location"] == "/vault/"
    assert "sessionid" not in response.cookies  # the browser keeps that of the log-in
    assert logged_in(person.client) == str(kim.pk)
    assert logged_in(late.client) is None


def test_a_second_click_that_still_finds_the_challenge_gets_no_log_in_of_its_own(kim):
    person = arrive("/login/?next=/vault/")
    url, answer = "/login/?step=code&next=/vault/", answer_of(person)
    late = arrive(phone=OTHER)  # its session is then as that of the first click was
    session = late.client.session
    session.update(dict(person.client.session))
    session.save()
    person.client.post(url, answer)
    assert late.client.post(url, answer).headers["Location"] == "/vault/"
    assert logged_in(late.client) is None
    assert Challenge.objects.get(number=PHONE).attempts <= 1


@pytest.mark.urls(__name__)
def test_a_click_that_is_overtaken_says_not_that_nobody_has_the_number(kim):
    assert Person().log_in(PHONE, "/overtaken/?next=/vault/").headers["Location"] == "/vault/"


def test_a_cookie_that_never_was_a_session_gets_nothing(kim):
    person = Person()
    person.client.cookies["sessionid"] = "made-up"
    response = person.client.post(CODE, {"code": "123456", "reference": "AA"})
    assert response.status_code == 302
    assert logged_in(person.client) is None


def test_somebody_else_who_is_logged_in_here_is_not_taken_for_the_owner(kim):
    person = Person()
    person.client.force_login(User.objects.create_user("bob"))
    person.log_in(PHONE)
    assert logged_in(person.client) == str(kim.pk)


@pytest.mark.urls(__name__)
def test_somebody_who_is_logged_in_and_proves_nobodys_number_is_told_so(settings):
    settings.AUTHENTICATION_BACKENDS = OPEN
    bob = User.objects.create_user("bob")
    person = Person()
    person.client.force_login(bob)
    assert person.log_in(PHONE, "/open/").headers["Location"] == "/open/"
    assert NOBODY in person.open("/open/").content.decode()


@pytest.mark.parametrize("backends", [[], ["django.contrib.auth.backends.ModelBackend"], OPEN])
def test_without_a_backend_that_takes_the_proof_the_page_says_what_is_missing(client, settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    with pytest.raises(ImproperlyConfigured, match="PhoneTokenBackend"):
        client.get(URL)


def test_an_unknown_purpose_is_named_with_those_there_are(rf):
    request = rf.get("/")
    request.session = {}
    with pytest.raises(ImproperlyConfigured, match=r"LoginView is for the purpose 'log-in'.*PURPOSES"):
        LoginView.as_view(purpose="log-in")(request)


def test_without_sessions_the_page_says_what_is_missing(rf):
    with pytest.raises(ImproperlyConfigured, match=r"add django\.contrib\.sessions and its middleware"):
        LoginView.as_view()(rf.get("/"))


def test_the_login_page_is_for_strangers_where_all_others_are_not(settings, client):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert client.get(URL).status_code == 200
    assert client.get("/phone/confirm/").status_code == 302


KINDS = {
    "registered": PHONE,
    "unknown": "+12125550123",
    "registered and inactive": "+13125550123",
    "another region": "+18765550123",
    "premium": "+19005550123",
    "denied prefix": "+16465550123",
    "registered and denied": "+16475550123",
}
_RANDOM = re.compile(
    r'name="(?:csrfmiddlewaretoken|key|reference)" value="[^"]+"|reference <strong>\w+|reference \w{2}\b'
)


def whole(response):
    """Return all that a browser can see of an answer, but for what is random."""
    content = _RANDOM.sub("…", response.content.decode())
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    cookies = {name: {**cookie} for name, cookie in response.cookies.items()}
    return response.status_code, sorted(headers.items()), str(cookies), content


def walk(phone, clock):
    """Do all that can be done with a number to log in without its code; return every answer."""
    clock.move_to("2026-11-22T10:00:00Z")
    cache.clear()
    attacker = Person()
    answers = [attacker.client.get(URL)]
    attacker.page = answers[0]

    def note(response):
        answers.append(response)
        if response.status_code != 302:
            attacker.page = response
        return response

    def guess(code):
        note(attacker.client.post(CODE, {"code": code, "reference": attacker.hidden("reference")}))

    def again():
        hidden = {name: attacker.hidden(name) for name in ("reference", "messages")}
        note(attacker.client.post(CODE, {"action": "resend", **hidden}))
        note(attacker.client.get(CODE))

    note(attacker.client.post(URL, {"phone": phone, "key": attacker.hidden("key")}))
    note(attacker.client.get(CODE))
    again()  # too soon
    clock.shift(30)
    note(attacker.client.get(CODE))
    again()
    guess("12345")
    for code in ("000000", "000001", "000002", "000003", "000004", "000005"):
        guess(code)
    again()
    clock.shift(400)
    note(attacker.client.get(CODE))
    again()
    note(attacker.client.get(URL))
    for _ in range(4):
        note(attacker.client.post(URL, {"phone": phone, "key": ""}))
        clock.shift(40)
    return answers


def test_every_answer_is_the_same_for_all_numbers(clock, kim):
    bind(User.objects.create_user("ann", is_active=False), KINDS["registered and inactive"])
    bind(User.objects.create_user("bob"), KINDS["registered and denied"])
    with override_phone_otp(REGIONS=["US", "CA"], DENIED_PREFIXES=["+1646", "+1647"], LIMITS={"send.ip": []}):
        expected = [whole(answer) for answer in walk(PHONE, clock)]
        assert {answer[0] for answer in expected} == {200, 302, 429}
        for kind, phone in KINDS.items():
            if kind == "registered":
                continue  # its guesses are spent
            answers = [whole(answer) for answer in walk(phone, clock)]
            for step, (mine, theirs) in enumerate(zip(answers, expected, strict=True)):
                # Only a refusal shows what was typed: to the one who typed it.
                assert mine[:3] == theirs[:3], (kind, step)
                assert mine[3].replace(phone, "…") == theirs[3].replace(PHONE, "…"), (kind, step)


def test_a_limit_of_a_message_that_never_left_says_as_much(kim, clock):
    limits = {**UNLIMITED, "send.number": ["1/1h"]}
    with override_phone_otp(LIMITS=limits):
        for phone in (PHONE, OTHER):
            person = arrive(phone=phone)
            person.open(URL)
            assert person.send(URL, phone).status_code == 429
    assert [message.number for message in outbox] == [PHONE]
