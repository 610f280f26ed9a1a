"""The page that asks for a number: every way to write one, every refusal with its reason, one click one message."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import include, path

from django_phone_otp.html import LoginView, SendCodeView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.views.people import Person, field
from tests.services.test_limits import DEAD_REDIS
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
URL = "/signup/"
OTHER = "+14155550124"
AUSTRALIAN = "+61491570156"
HOOK = f"{__name__}.demands"
SILENT = "Messages cannot be sent to this number. Use another one."


def demands(request, **details):
    """Demand a solved puzzle of whoever brings none."""
    return None if request.POST.get("solved") == "yes" else {"site_key": "made-up-site-key"}


class AskWithPuzzle(SendCodeView):
    purpose = "signup"
    code_url = "/signup/?step=code"


urlpatterns = [
    path("ask/", AskWithPuzzle.as_view()),
    path("help/", LoginView.as_view(help_url="/contact/", signup_url="signup"), name="help-login"),
    path("", include("tests.urls")),
]


@pytest.fixture
def sam():
    """Somebody who has opened the page."""
    person = Person()
    person.open(URL)
    return person


def plain_templates(settings):
    """Return the template settings without what the example site reads from the cache."""
    options = settings.TEMPLATES[0]["OPTIONS"]
    kept = [name for name in options["context_processors"] if name.startswith("django.")]
    return [{**settings.TEMPLATES[0], "OPTIONS": {**options, "context_processors": kept}}]


def chosen(page):
    """Return the country that the list shows."""
    found = re.search(r'<option value="?(\w*)"? selected', page.content.decode())
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("(415) 555-0123", "US", PHONE),
        ("0491 570 156", "AU", AUSTRALIAN),
        ("+1 415 555 0123", "", PHONE),
        ("+61 491 570 156", "US", AUSTRALIAN),  # what is written with + is not read by the list
        ("0061 491 570 156", "", AUSTRALIAN),
        ("0061 491 570 156", "US", AUSTRALIAN),
        ("001 415-555-0123", "", PHONE),
        ("011 61 491 570 156", "US", AUSTRALIAN),
        ("\u202a+1 415 555 0123\u202c", "", PHONE),
        ("\u200e(415) 555-0123\u200f", "US", PHONE),
        ("  +1 415 555 0123\t", "", PHONE),
    ],
)
def test_a_number_is_read_as_it_is_written(sam, typed, region, number):
    sam.send(URL, typed, region=region)
    assert sam.url == f"{URL}?step=code"
    assert [message.number for message in outbox] == [number]


def test_without_a_country_the_projects_own_is_meant():
    with override_phone_otp(DEFAULT_REGION="AU"):
        sam = Person()
        assert chosen(sam.open(URL)) == "AU"
        sam.send(URL, "0491 570 156")
        sam.send(URL, "0491 570 157", region="")
    assert [message.number for message in outbox] == [AUSTRALIAN, "+61491570157"]


@pytest.mark.parametrize("region", ["FR", "XX", "au", "<b>"])
def test_a_country_that_is_not_on_the_list_is_as_none(region):
    with override_phone_otp(REGIONS=["US", "AU"], DEFAULT_REGION="AU"):
        sam = Person()
        sam.open(URL)
        sam.send(URL, "0491 570 156", region=region)
    assert [message.number for message in outbox] == [AUSTRALIAN]


@pytest.mark.parametrize(
    ("header", "region"),
    [
        ("en-GB", "GB"),
        ("en, en-GB;q=0.9", "GB"),
        ("de-DE;q=0.9, en-US;q=0.8", "US"),  # no messages go to Germany
        ("en-gb", "GB"),
        ("en", ""),
        ("", ""),
        ("-,;,--;q", ""),
        (f"{'x' * 200}, en-GB", ""),
    ],
)
def test_the_browsers_language_chooses_the_country_that_is_shown_first(header, region):
    with override_phone_otp(REGIONS=["US", "GB"]):
        page = Person().open(URL, **{"Accept-Language": header})
    assert chosen(page) == region


def test_the_projects_country_comes_before_the_browsers():
    with override_phone_otp(REGIONS=["US", "GB"], DEFAULT_REGION="US"):
        assert chosen(Person().open(URL, **{"Accept-Language": "en-GB"})) == "US"


def test_one_country_is_no_choice():
    with override_phone_otp(REGIONS=["AU"]):
        sam = Person()
        page = sam.open(URL)
        assert "<select" not in page.content.decode()
        assert field(page, "region") == {"type": "hidden", "name": "region", "value": "AU"}
        sam.send(URL, "0491 570 156", region=sam.hidden("region"))
    assert [message.number for message in outbox] == [AUSTRALIAN]


def test_the_list_has_the_countries_that_messages_go_to():
    with override_phone_otp(REGIONS=["US", "GB", "CI"]):
        page = Person().open(URL).content.decode()
    assert re.findall(r'<option value="?(\w+)', page) == ["CI", "GB", "US"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter a phone number."),
        ("   ", "Enter a phone number."),
        ("415 555 0123", "Choose the country, or begin with + and the country code."),
        ("hello", "Enter one phone number: digits, spaces, dashes and brackets"),
        ("+1 415 555 0123 ext. 4", "Enter one phone number: digits, spaces, dashes and brackets"),
        ("+1 415 555 0123 or +1 415 555 0124", "This is too long for a phone number. Enter one number"),
        ("+1 415 555", "Enter a real phone number. Check the country and the digits."),
        ("1" * 60, "This is too long for a phone number."),
        ("1" * 5000, "This is too long for a phone number."),
        ("+1 900 555 0123", "This is a special-rate number"),
        ("+1 800 555 0123", "Toll-free numbers cannot get codes."),
    ],
)
def test_a_number_that_gets_no_code_says_why_and_stays_to_be_corrected(sam, typed, words):
    page = sam.send(URL, typed, region="")
    assert page.status_code == 200
    assert words in sam.text
    assert sam.hidden("phone") == typed
    assert re.search(r"<title>\s*Error:", page.content.decode())
    assert field(page, "phone")["aria-invalid"] == "true"
    assert not Challenge.objects.exists()


def test_the_country_stays_chosen_beside_a_number_that_was_refused(sam):
    assert chosen(sam.send(URL, "12", region="GB")) == "GB"


def test_a_country_without_messages_is_told_so():
    with override_phone_otp(REGIONS=["US"]):
        sam = Person()
        sam.open(URL)
        sam.send(URL, AUSTRALIAN)
    assert "We do not send codes to this country." in sam.text
    assert sam.hidden("phone") == AUSTRALIAN


def test_what_the_project_denies_in_silence_stays_unsaid(sam):
    past = {"code": "123456", "until": "2020-01-01"}
    with override_phone_otp(DENIED_PREFIXES=["+1415"], TEST_NUMBERS={"+12125550123": past}):
        for number in (PHONE, "+12125550123"):
            sam.send(URL, number)
            assert SILENT in sam.text
            assert sam.hidden("phone") == number
    assert outbox == []


def test_a_limit_says_when_to_come_back_to_people_and_to_programs(sam, clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "send.number": ["1/5m"]}):
        sam.send(URL, PHONE)
        sam.open(URL)
        page = sam.send(URL, PHONE)
        assert (page.status_code, page.headers["Retry-After"]) == (429, "330")
        assert "Too many requests. Try again in 6 minutes." in sam.text
        assert sam.hidden("phone") == PHONE
        clock.shift(330)
        assert sam.send(URL, PHONE).status_code == 200
    assert len(outbox) == 2


def test_a_cache_that_is_gone_sends_nothing_and_says_when_to_come_back(sam, settings):
    settings.CACHES, settings.TEMPLATES = DEAD_REDIS, plain_templates(settings)
    page = sam.send(URL, PHONE)
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) >= 1
    assert "Codes cannot be sent or checked right now. Try again in" in sam.text
    assert outbox == []


def test_a_double_click_is_one_message(sam):
    for _ in range(2):
        response = sam.client.post(URL, {"phone": PHONE, "key": sam.hidden("key")})
        assert response.headers["Location"] == f"{URL}?step=code"
    assert len(outbox) == Challenge.objects.count() == 1
    assert Challenge.objects.get().status == "pending"


def test_a_double_click_is_one_message_also_before_the_first_cookie(sam):
    key = sam.hidden("key")
    first, second = Person(), Person()
    for click in (first, second):
        click.send(URL, PHONE, key=key)
        assert click.url == f"{URL}?step=code"
    assert len(outbox) == Challenge.objects.count() == 1
    # Whichever answer the browser keeps, the code works.
    assert first.hidden("reference") == second.hidden("reference") == Challenge.objects.get().reference


def test_the_key_of_another_address_is_not_ones_own(sam):
    key = sam.hidden("key")
    sam.send(URL, PHONE)
    stranger = Person(REMOTE_ADDR="198.51.100.7")
    stranger.send(URL, PHONE, key=key)
    assert Challenge.objects.count() == 2
    assert stranger.hidden("reference") != sam.hidden("reference")


def test_the_page_of_before_sends_to_the_number_that_was_corrected_on_it(sam):
    key = sam.hidden("key")
    sam.send(URL, PHONE, key=key)
    sam.send(URL, OTHER, key=key)
    assert [message.number for message in outbox] == [PHONE, OTHER]
    assert f"We sent it to {OTHER} ." in sam.text


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 300])
def test_a_key_that_is_no_key_is_not_the_persons_fault(sam, key):
    page = sam.send(URL, PHONE, key=key)
    assert page.status_code == 200
    if key:
        assert "Something went wrong. Try again." in sam.text
        sam.send(URL, PHONE)
    assert len(outbox) == 1


def test_another_number_gives_up_the_challenge_of_the_first(sam):
    sam.send(URL, PHONE)
    sam.open(URL)
    sam.send(URL, OTHER)
    assert dict(Challenge.objects.values_list("number", "status")) == {PHONE: "canceled", OTHER: "pending"}


def test_a_refused_number_gives_up_nothing(sam):
    sam.send(URL, PHONE)
    sam.open(URL)
    sam.send(URL, "12")
    sam.open(f"{URL}?step=code")
    assert f"We sent it to {PHONE} ." in sam.text
    assert Challenge.objects.get().status == "pending"


def test_a_number_comes_back_to_be_corrected_while_its_code_works(sam, clock):
    sam.send(URL, PHONE)
    sam.open(URL)
    assert sam.hidden("phone") == PHONE
    clock.shift(301)
    sam.open(URL)
    assert sam.hidden("phone") == ""


def test_a_number_to_log_in_with_is_not_shown_to_who_sits_down_next():
    bind(User.objects.create_user("kim"), PHONE)
    kim = Person()
    kim.open("/login/")
    kim.send("/login/", PHONE)
    page = kim.open("/login/")
    assert kim.hidden("phone") == ""
    assert "0123" not in page.content.decode().replace("+1 415 555 0123", "")  # but for the example


@pytest.mark.urls(__name__)
def test_what_the_projects_hook_demands_is_in_the_context_of_the_page():
    with override_phone_otp(CHALLENGE_HOOK=HOOK, LIMITS={**UNLIMITED, "send.number": ["2/1h"]}):
        sam = Person()
        sam.open("/ask/")
        sam.send("/ask/", PHONE)
        sam.open("/ask/")
        page = sam.send("/ask/", PHONE)
        assert page.context["demand"] == {"site_key": "made-up-site-key"}
        assert "Confirm that you are not a robot, then try again." in sam.text
        assert sam.hidden("phone") == PHONE
        assert len(outbox) == 1
        sam.send("/ask/", PHONE, solved="yes")
    assert len(outbox) == 2
    assert sam.page.context["demand"] is None


@pytest.mark.urls(__name__)
def test_a_page_links_to_what_the_project_has_and_keeps_where_to_go_on():
    page = Person().open("/help/?next=/vault/").content.decode()
    assert 'href="/signup/?next=%2Fvault%2F"' in page
