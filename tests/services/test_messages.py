"""What people read, and what their phones read."""

import re
import struct

import pytest
from django.utils import translation

import django_phone_otp as phone_otp
from django_phone_otp.core.segments import Encoding, count_segments
from django_phone_otp.exceptions import Invalid
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
    assert message.text.startswith(f"{message.code} is your Example code.")


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
        assert send().text.endswith("Do not share it.")


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
    assert message.variables == {"code": message.code, "app_name": "Example", "minutes": "5"}


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


def catalogue(folder, language, entries):
    """Write ``entries`` as a compiled catalogue (GNU gettext's MO format) and return the folder for LOCALE_PATHS."""
    pairs = sorted((key.encode(), value.encode()) for key, value in entries.items())
    table, texts, start = [], b"", 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            table.append(struct.pack("<2I", len(pair[column]), start + len(texts)))
            texts += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start)
    target = folder / language / "LC_MESSAGES" / "django.mo"
    target.parent.mkdir(parents=True)
    target.write_bytes(head + b"".join(table) + texts)
    return folder


def test_the_default_text_is_translated(settings, tmp_path):
    singular, plural = (f"It expires in %(minutes)s minute{s}. Do not share it." for s in ("", "s"))
    german = {
        "": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n",
        "%(code)s is your %(app_name)s code.": "%(code)s ist Ihr Code für %(app_name)s.",
        f"{singular}\0{plural}": "Er gilt %(minutes)s Minute.\0Er gilt %(minutes)s Minuten.",
    }
    settings.LOCALE_PATHS = [catalogue(tmp_path, "de", german)]
    with translation.override("de"):
        message = send()
    assert message.text == (
        f"{message.code} ist Ihr Code für Example.\nEr gilt 5 Minuten.\n\n@example.com #{message.code}"
    )


def test_the_repr_of_a_message_shows_nothing_secret():
    message = send()
    assert PHONE not in repr(message)
    assert message.code not in repr(message)
