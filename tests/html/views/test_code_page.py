"""The page that asks for a code: where it went, what is wrong with what was typed, and how to get another one."""

import pytest
from django.contrib.auth.models import User
from django.urls import include, path

from django_phone_otp.conf import DEFAULTS
from django_phone_otp.html import LoginView, SignupView
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.views.people import Person, field, wrong
from tests.html.views.test_number_page import demands, plain_templates
from tests.services.test_limits import DEAD_REDIS
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
URL, CODE = "/signup/", "/signup/?step=code"
OTHER = "+14155550124"
HOOK = f"{demands.__module__}.{demands.__name__}"


class Helped(SignupView):
    help_url = "/contact/?about=codes"


class Payment(LoginView):
    number_changeable = False


urlpatterns = [
    path("helped/", Helped.as_view(details_form_class=object)),
    path("kept/", Payment.as_view()),
    path("", include("tests.urls")),
]


@pytest.fixture(autouse=True)
def _limits():
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


@pytest.fixture
def sam(_limits):
    """Somebody to whom a code was sent."""
    return arrive(Person())


def arrive(person, url=URL, phone=PHONE):
    person.open(url)
    person.send(url, phone)
    return person


def state():
    return Challenge.objects.values_list("status", "attempts").get()


def test_it_says_where_the_code_went_in_which_message_it_is_and_how_long_it_works(sam, clock):
    reference = Challenge.objects.get().reference
    assert f"We sent it to {PHONE} . It is in the message with the reference {reference} ." in sam.text
    assert "It works for 5 more minutes." in sam.text
    assert f"Ref {reference}" in outbox[-1].text
    clock.shift(1)
    assert "5 more minutes" in Person.open(sam, CODE).content.decode()
    clock.shift(239)
    sam.open(CODE)
    assert "It works for 1 more minute." in sam.text


def test_of_a_number_to_log_in_with_it_shows_the_end_alone():
    kim = arrive(Person(), "/login/")
    assert "We sent it to +1 ••••• ••123 , if that is the number of an account." in kim.text
    assert "555" not in kim.text
    assert "Use another number" in kim.text


def test_the_browser_may_fill_in_the_code(sam):
    shown = field(sam.page, "code")
    assert (shown["autocomplete"], shown["inputmode"], shown["data-digits"]) == ("one-time-code", "numeric", "6")
    assert shown["value"] == ""


def test_a_code_is_right_as_people_type_it(sam):
    code = latest_code(PHONE)
    sam.enter(URL, f" {code[:3]} {code[3:]} ")
    assert sam.url == f"{URL}?step=details"


def test_a_wrong_code_stays_to_be_corrected_and_the_last_tries_are_counted(sam):
    guess = wrong(latest_code(PHONE))
    said = []
    for _ in range(4):
        page = sam.enter(URL, guess)
        assert page.status_code == 200
        assert sam.hidden("code") == guess
        assert field(page, "code")["aria-invalid"] == "true"
        assert "That code is not right. Check the newest message" in sam.text
        said.append([words for words in ("3 tries", "2 tries", "1 try") if f"You have {words} left." in sam.text])
    assert said == [[], [], ["2 tries"], ["1 try"]]
    assert state() == ("pending", 4)


@pytest.mark.parametrize("typed", ["", "1", "12345", "1234567", "123 45"])
def test_another_number_of_digits_is_no_guess(sam, typed):
    sam.enter(URL, typed)
    assert "Enter the code: 6 digits." in sam.text
    assert sam.hidden("code") == typed
    assert state() == ("pending", 0)


@pytest.mark.parametrize("typed", ["abcdef", "12345x", "1" * 100, "<b>1</b>"])
def test_what_is_no_code_is_no_guess(sam, typed):
    sam.enter(URL, typed)
    assert sam.url == CODE
    assert "digits" in sam.text
    assert "Error:" in sam.page.content.decode()
    assert state() == ("pending", 0)


@pytest.mark.parametrize("reference", ["", "AE", "x" * 5000])
def test_a_code_typed_beside_another_reference_is_no_guess(sam, reference):
    page = sam.enter(URL, latest_code(PHONE), reference=reference)
    assert f"A newer code was sent. Enter the one with the reference {sam.hidden('reference')}." in sam.text
    assert page.status_code == 200
    assert state() == ("pending", 0)
    sam.enter(URL, latest_code(PHONE))
    assert sam.url == f"{URL}?step=details"


def test_a_page_of_before_costs_the_newer_code_no_guess(sam):
    tab = Person()
    tab.client.cookies = sam.client.cookies
    tab.page = sam.page
    old = latest_code(PHONE)
    sam.open(URL)
    sam.send(URL, OTHER)
    tab.enter(URL, old)
    assert "A newer code was sent." in tab.text
    assert dict(Challenge.objects.values_list("number", "attempts")) == {PHONE: 0, OTHER: 0}


def expire(sam, clock):
    clock.shift(301)


def lock(sam, clock):
    for by in range(1, 6):
        sam.enter(URL, wrong(latest_code(PHONE), by))
    assert "it was the last try. Ask for a new code." in sam.text


def give_up(sam, clock):
    challenges.cancel(Challenge.objects.get().handle)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (expire, "That code has expired."),
        (lock, "There were too many wrong tries, so that code cannot be used any more."),
        (give_up, "That code was already used or canceled."),
    ],
)
def test_when_it_is_too_late_one_click_sends_a_new_code(sam, clock, end, words):
    end(sam, clock)
    page = sam.open(CODE)
    assert words in sam.text
    assert field(page, "code") == {}
    assert "You can get another one" not in sam.text
    assert "<title> Get a new code </title>" in " ".join(page.content.decode().split())
    sam.again(URL)
    assert "A new code was sent." in sam.text
    assert [message.number for message in outbox] == [PHONE, PHONE]
    sam.enter(URL, latest_code(PHONE))
    assert sam.url == f"{URL}?step=details"


@pytest.mark.parametrize("end", [expire, lock, give_up])
def test_a_second_click_on_send_a_new_code_sends_one(sam, clock, end):
    end(sam, clock)
    sam.open(CODE)
    stale = {name: sam.hidden(name) for name in ("reference", "messages")}
    sam.again(URL)
    sam.again(URL, **stale)
    assert len(outbox) == 2


def test_a_code_that_comes_too_late_leads_to_a_new_one(sam, clock):
    clock.shift(301)
    sam.enter(URL, latest_code(PHONE))
    assert "That code has expired. Ask for a new one." in sam.text
    assert "Send a new code" in sam.text


def test_who_asks_too_soon_is_told_how_long_to_wait(sam, clock):
    assert "You can get another one in 30 seconds." in sam.text
    page = sam.again(URL)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "30")
    assert "A code was sent a moment ago. You can ask for another in 30 seconds." in sam.text
    assert len(outbox) == 1
    clock.shift(29)
    sam.open(CODE)
    assert "in 1 second." in sam.text


def test_the_code_is_sent_again_and_a_second_click_sends_nothing(sam, clock):
    clock.shift(30)
    sam.open(CODE)
    assert "You can get another one in" not in sam.text
    stale = {name: sam.hidden(name) for name in ("reference", "messages")}
    sam.again(URL)
    assert "The code was sent again." in sam.text
    assert outbox[0].code == outbox[1].code
    clock.shift(60)
    page = sam.again(URL, **stale)
    assert page.status_code == 200
    assert "The code was sent again." in sam.text
    assert len(outbox) == 2
    sam.open(CODE)
    assert "The code was sent again." not in sam.text  # it is news once


def test_another_way_is_offered_after_the_first_resend(sam, clock):
    assert "WhatsApp" not in sam.text
    clock.shift(30)
    sam.again(URL, channel="whatsapp")  # not offered yet
    assert [message.channel for message in outbox] == ["sms", "sms"]
    assert "Send it by WhatsApp" in sam.text
    clock.shift(40)
    sam.again(URL, channel="whatsapp")
    assert [message.channel for message in outbox] == ["sms", "sms", "whatsapp"]
    assert "Send it by text message" in sam.text


@pytest.mark.parametrize("channel", ["voice", "pigeon", "sms", ""])
def test_a_way_that_is_not_offered_is_not_taken(sam, clock, channel):
    clock.shift(30)
    sam.again(URL)
    clock.shift(40)
    sam.again(URL, channel=channel)
    assert [message.channel for message in outbox] == ["sms", "sms", "sms"]


def test_one_channel_is_no_choice(clock):
    with override_phone_otp(CHANNELS=["sms"], LIMITS=UNLIMITED):
        sam = arrive(Person())
        clock.shift(30)
        sam.again(URL)
        assert field(sam.page, "channel") == {}
        assert 'name="channel"' not in sam.page.content.decode()


@pytest.mark.urls(__name__)
def test_help_is_offered_after_two_resends(clock):
    sam = arrive(Person(), "/helped/?next=/vault/")
    for wait in (30, 40):
        assert "Still nothing?" not in sam.text
        clock.shift(wait)
        sam.again("/helped/?next=/vault/")
    assert "Still nothing? See whether the phone has a signal" in sam.text
    assert 'href="/contact/?about=codes&amp;next=%2Fvault%2F"' in sam.page.content.decode()


@pytest.mark.urls(__name__)
def test_a_view_may_keep_the_number():
    sam = arrive(Person(), "/kept/")
    assert "Use another number" not in sam.text


@pytest.mark.parametrize("fields", [{"code": "123456"}, {"action": "resend"}, {}])
def test_without_a_challenge_the_number_is_asked_for(client, fields):
    assert client.get(CODE).headers["Location"] == URL
    assert client.post(CODE, fields).headers["Location"] == URL
    assert client.get(f"{CODE}&next=/vault/").headers["Location"] == f"{URL}?next=%2Fvault%2F"


def test_a_challenge_that_was_deleted_is_as_none(sam):
    Challenge.objects.all().delete()
    assert sam.client.get(CODE).headers["Location"] == URL


def test_the_challenge_of_another_purpose_is_none_of_this_page(sam):
    session = sam.client.session
    kept = session["phone_otp_pages"]
    session["phone_otp_pages"] = {"login": kept["signup"]}
    session.save()
    assert sam.client.get("/login/?step=code").headers["Location"] == "/login/"
    sam.client.post("/login/?step=code", {"code": latest_code(PHONE)})
    assert state() == ("pending", 0)


def test_after_the_right_code_its_page_leads_on_and_so_does_a_second_click(sam):
    answer = {"code": latest_code(PHONE), "reference": sam.hidden("reference")}
    for _ in range(2):
        assert sam.client.post(CODE, answer).headers["Location"] == f"{URL}?step=details"
    assert sam.client.get(CODE).headers["Location"] == f"{URL}?step=details"
    assert Challenge.objects.get().status == "verified"


@pytest.mark.parametrize("kept", ["", "x", "0" * 31, "-1"])
def test_a_session_that_says_nonsense_has_no_challenge(sam, kept):
    session = sam.client.session
    session["phone_otp_pages"] = {"signup": {"challenge": kept}}
    session.save()
    assert sam.client.get(CODE).headers["Location"] == URL


def test_a_step_that_does_not_exist_is_the_first(sam):
    for step in ("done", "verified", "__class__", "page", ""):
        assert "We send a code to it" in sam.open(f"{URL}?step={step}").content.decode()


def test_too_many_guesses_of_one_number_say_when_to_come_back(clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.ip": ["1/1h"]}):
        sam = arrive(Person())
        sam.enter(URL, wrong(latest_code(PHONE)))
        page = sam.enter(URL, latest_code(PHONE))
        assert page.status_code == 429
        assert int(page.headers["Retry-After"]) >= 1
        assert "Too many requests. Try again in" in sam.text
    assert state() == ("pending", 1)


def test_a_cache_that_is_gone_judges_nothing(sam, settings):
    settings.CACHES, settings.TEMPLATES = DEAD_REDIS, plain_templates(settings)
    code = latest_code(PHONE)
    with override_phone_otp(LIMITS=DEFAULTS["LIMITS"]):
        page = sam.enter(URL, code)
    assert page.status_code == 503
    assert "Codes cannot be sent or checked right now." in sam.text
    assert state() == ("pending", 0)


def test_what_the_hook_demands_of_a_guess_is_in_the_context_of_the_page():
    with override_phone_otp(CHALLENGE_HOOK=HOOK, LIMITS={**UNLIMITED, "verify.ip": ["2/1h"]}):
        sam = arrive(Person())
        sam.enter(URL, wrong(latest_code(PHONE)))
        page = sam.enter(URL, latest_code(PHONE))
        assert page.context["demand"] == {"site_key": "made-up-site-key"}
        assert state() == ("pending", 1)


def test_a_number_that_owns_no_account_gets_the_page_and_no_code():
    bind(User.objects.create_user("kim"), OTHER)
    sam = arrive(Person(), "/login/")
    assert "Enter the code" in sam.text
    assert outbox == []
