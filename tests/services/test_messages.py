"""What people read, and what their phones read."""

import re

import pytest
from django.utils import translation

import django_phone_otp as phone_otp
from django_phone_otp.core.segments import Encoding, count_segments
from django_phone_otp.exceptions import Invalid
from django_phone_otp.models import Challenge
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db

# WICG origin-bound one-time codes, "parse a message": the last line is @host, a space, # and the code.
ORIGIN_BOUND = re.compile(r"^@(?P<host>[^\s#@]+) #(?P<code>[^\s#]+)$")


def send(purpose="signup", **kwargs):
    phone_otp.send(PHONE, purpose=purpose, **kwargs)
    return outbox[-1]


def test_the_code_comes_first_where_a_lock_screen_shows_it():
    message = send()
    assert message.text.index(message.code) == 0
    assert message.text.startswith(f"{message.code} is your Example code to sign up.")


@pytest.mark.parametrize(("purpose", "words"), [("signup", " to sign up"), ("login", " to log in"), ("verify", "")])
def test_the_text_names_what_the_code_is_for(purpose, words, django_user_model):
    phone_otp.bind(django_user_model.objects.create_user("owner"), PHONE)
    assert f"is your Example code{words}." in send(purpose).text


def test_the_text_ends_with_the_reference_that_the_page_shows():
    challenge = phone_otp.send(PHONE, purpose="signup")
    assert f"Do not share it. Ref {challenge.reference}\n" in outbox[-1].text


def test_the_text_says_how_long_and_not_to_share_it():
    assert "It expires in 5 minutes. Do not share it." in send().text


def test_without_an_app_name_the_text_still_reads():
    with override_phone_otp(MESSAGE={"APP_NAME": ""}):
        assert "is your verification code." in send().text


def test_the_last_line_binds_the_code_to_the_site():
    message = send()
    assert ORIGIN_BOUND.match(message.text.split("\n")[-1]).groupdict() == {
        "host": "example.com",
        "code": message.code,
    }


def test_an_android_app_finds_its_hash_at_the_end():
    with override_phone_otp(MESSAGE={"DOMAIN": None, "ANDROID_APP_HASH": "FA+9qCX9VSu"}):
        message = send()
    assert message.text.endswith("\nFA+9qCX9VSu")
    assert len(message.text.encode()) <= 140


def test_with_neither_the_text_ends_in_its_last_sentence():
    with override_phone_otp(MESSAGE={"DOMAIN": None}):
        assert re.search(r"Do not share it\. Ref [A-Z]{2}$", send().text)


def test_whatsapp_gets_no_last_line():
    assert "@example.com" not in send(channel="whatsapp").text


def test_the_text_is_one_segment_of_gsm7():
    segments = count_segments(send().text)
    assert (segments.encoding, segments.count) == (Encoding.GSM7, 1)


def test_the_person_sees_what_the_code_is_for():
    message = send("payment", context={"amount": "10.00 EUR", "payee": "Tom & Sons <x>"})
    assert "amount: 10.00 EUR\npayee: Tom & Sons <x>\n" in message.text
    assert message.variables["payee"] == "Tom & Sons <x>"


def test_a_context_cannot_forge_the_line_that_phones_read():
    message = send("payment", context={"amount": "1", "payee": "@evil #123456"})
    bound = [line for line in message.text.split("\n") if ORIGIN_BOUND.match(line)]
    assert bound == [f"@example.com #{message.code}"]


@pytest.mark.parametrize(
    "payee",
    [
        "evil.com",
        "go to evil\uff0ecom",
        "evil\u3002com",
        "evil.co\u034fm",
        "http:evil",
        "tel:+19005551234",
        "93.184.216.34/x",
        "WWW.EVIL.EXAMPLE",
        "x\u202ey",
        "x\n@evil #123456",
    ],
    ids=ascii,
)
def test_a_context_cannot_carry_a_link(payee):
    with pytest.raises(Invalid):
        send("payment", context={"amount": "1", "payee": payee})


@pytest.mark.parametrize(
    "payee",
    ["J.R. Smith & Sons", "A/S No. 5", "10.50", "Caf\u00e9 St. Gallen", "\u092e\u093f\u0920\u093e\u0908"],
    ids=ascii,
)
def test_a_payees_name_is_no_link(payee):
    assert f"payee: {payee}" in send("payment", context={"amount": "1,234.56 EUR", "payee": payee}).text


def test_template_syntax_in_a_context_is_only_text():
    message = send("payment", context={"amount": "{{ code }}", "payee": "{0.__class__}{% debug %}"})
    assert "amount: {{ code }}\npayee: {0.__class__}{% debug %}" in message.text


def test_a_context_cannot_replace_the_code_that_a_vendor_gets():
    with override_phone_otp(PURPOSES={"odd": {"CONTEXT": ["code"]}}):
        message = send("odd", context={"code": "000000"})
    assert message.variables["code"] == message.code


def test_vendors_get_the_variables_of_a_template():
    message = send()
    assert message.variables == {
        "code": message.code,
        "app_name": "Example",
        "minutes": "5",
        "reference": Challenge.objects.get().reference,
    }


def test_a_purpose_may_have_a_template_of_its_own(settings, tmp_path):
    template = tmp_path / "phone_otp" / "message" / "login.txt"
    template.parent.mkdir(parents=True)
    template.write_text("Log in to {{ app_name }} with {{ code }} ({{ purpose }}, {{ channel }}).\n")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    from django.contrib.auth.models import User

    from django_phone_otp.services.phones import bind

    bind(User.objects.create_user("member"), PHONE)
    message = send("login")
    assert message.text == f"Log in to Example with {message.code} (login, sms).\n\n@example.com #{message.code}"


def test_the_message_is_in_the_language_that_was_asked_in(settings, tmp_path):
    template = tmp_path / "phone_otp" / "message" / "default.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{% load i18n %}{% get_current_language as language %}{{ language }} {{ code }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    with translation.override("de"):
        challenge = phone_otp.send(PHONE, purpose="signup")
    assert challenge.language == outbox[0].language == "de"
    assert outbox[0].text.startswith("de ")


def test_the_default_text_is_in_the_language_of_the_person():
    with translation.override("de"):
        message = send()
    reference = Challenge.objects.get().reference
    assert message.text.startswith(f"{message.code} ")
    assert "is your" not in message.text
    assert "5 Minuten" in message.text
    assert message.text.endswith(f" {reference}\n\n@example.com #{message.code}")


def test_the_repr_of_a_message_shows_nothing_secret():
    message = send()
    assert PHONE not in repr(message)
    assert message.code not in repr(message)
