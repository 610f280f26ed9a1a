"""Samples: what would be refused, and what costs more than one segment, is said before anybody signs up."""

import pytest

from django_phone_otp.checks import check_settings
from django_phone_otp.services.samples import samples
from django_phone_otp.test import override_phone_otp

LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
TEMPLATE_ID = "100000000000000001"
TEXT = "{#var#} is your {#var#} code. It expires in {#var#} minutes."


def kaleyra(**options):
    required = {"sid": "EXAMPLE00IN", "api_key": "made-up-key", "sender": "EXMPLE", "pod": "in"}
    receipts = {"callback_profile_id": "IN_made-up", "webhook_secrets": ["made-up-secret-of-a-test"]}
    return {
        "BACKEND": "django_phone_otp.backends.kaleyra.KaleyraBackend",
        "OPTIONS": {**required, **receipts, **options},
    }


def template(**changes):
    return {"id": TEMPLATE_ID, "text": TEXT, "variables": ["code", "app_name", "minutes"], **changes}


def found(*, backend=None, **changes):
    changes = {
        "CHANNELS": ["sms"],
        "MESSAGE": {"APP_NAME": "Example", "DOMAIN": None},
        "PURPOSES": {"signup": {}, "login": {}},
        **changes,
    }
    with override_phone_otp(BACKENDS={"default": backend or kaleyra()}, **changes):
        return [(message.id, message.msg) for message in check_settings(None)]


def test_a_message_of_one_segment_is_nothing_to_speak_of():
    assert found() == []


def test_a_message_of_more_segments_is_a_warning_that_says_how_many():
    (first, second) = found(MESSAGE={"APP_NAME": "Ş" * 20, "DOMAIN": "example.com"})
    about = "BACKENDS['default']: the message for 'signup' in 'en-us' takes 2 segments (123 units of UCS-2)."
    assert first == ("phone_otp.W028", about)
    assert second[0] == "phone_otp.W028"


def test_every_language_that_the_project_chose_is_looked_at(settings):
    settings.LANGUAGES = [("en", "English"), ("hi", "Hindi"), ("de", "German")]
    with override_phone_otp(BACKENDS={"default": kaleyra()}, PURPOSES={"signup": {}}):
        assert [sample.language for sample in samples()] == ["en", "hi", "de"]


def test_djangos_own_list_of_languages_is_no_choice():
    with override_phone_otp(BACKENDS={"default": kaleyra()}, PURPOSES={"signup": {}}):
        assert [sample.language for sample in samples()] == ["en-us"]


def aliases(**changes):
    with override_phone_otp(PURPOSES={"signup": {}, "payment": {}}, **changes):
        return [(sample.alias, sample.purpose) for sample in samples()]


def test_aliases_that_reach_nobody_or_cannot_be_built_are_left_out():
    assert aliases(BACKENDS={"default": LOCMEM}) == []
    assert aliases(BACKENDS={"default": {"BACKEND": "nowhere.Backend"}}) == []


def test_an_alias_words_only_the_messages_that_it_may_get():
    backends = {"default": kaleyra(), "payments": kaleyra(), "calls": kaleyra(), "unused": kaleyra()}
    routes = [
        {"purposes": ["payment"], "regions": ["US"], "backends": ["payments"]},
        {"channels": ["voice"], "backends": ["calls"]},
    ]
    assert aliases(BACKENDS=backends, ROUTES=routes) == [
        ("default", "signup"),
        ("payments", "payment"),
        ("default", "payment"),
    ]
    catch_all = [*routes, {"backends": {"payments": 1, "unused": 0}}]
    assert aliases(BACKENDS=backends, ROUTES=catch_all) == [
        ("payments", "signup"),
        ("unused", "signup"),
        ("payments", "payment"),
        ("unused", "payment"),
    ]


def test_an_alias_that_never_gets_indian_numbers_needs_no_registered_text():
    elsewhere = kaleyra(templates=[template(purposes=["login"])])
    backends = {"default": elsewhere, "india": kaleyra()}
    routes = [{"regions": ["IN"], "backends": ["india"]}]
    with override_phone_otp(BACKENDS=backends, ROUTES=routes, REGIONS=["IN", "US"], CHANNELS=["sms"]):
        assert check_settings(None) == []
    with override_phone_otp(BACKENDS=backends, REGIONS=["IN", "US"], CHANNELS=["sms"]):
        assert {message.id for message in check_settings(None)} == {"phone_otp.E027"}


def test_a_code_that_the_vendor_does_not_take_is_an_error():
    startmessaging = {
        "BACKEND": "django_phone_otp.backends.startmessaging.StartMessagingBackend",
        "OPTIONS": {"api_key": "made-up"},
    }
    (message,) = found(backend=startmessaging, PURPOSES={"signup": {}, "payment": {"CODE_LENGTH": 8}})
    assert message[0] == "phone_otp.E027"
    assert "'payment'" in message[1]
    assert "codes of 4 to 6 digits only" in message[1]


def test_a_vendor_that_words_the_message_has_no_segments_to_count():
    imb = {
        "BACKEND": "django_phone_otp.backends.imb.IMBBackend",
        "OPTIONS": {"client_id": "made-up", "client_secret": "made-up"},
    }
    assert found(backend=imb, MESSAGE={"APP_NAME": "Ş" * 100, "DOMAIN": None}) == []


def test_a_template_that_fails_at_work_is_an_error_and_no_crash(settings, tmp_path):
    message = tmp_path / "phone_otp" / "message" / "signup.txt"
    message.parent.mkdir(parents=True)
    message.write_text("{% include 'nowhere.txt' %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    (only,) = found()
    assert only[0] == "phone_otp.E027"
    assert only[1].endswith("would not be sent: its template raised TemplateDoesNotExist.")


@pytest.mark.parametrize("tag", ["var", "numeric", "alphanumeric", "cbn"])
def test_a_field_of_the_context_fits_whatever_variable_is_registered(tag):
    registered = {"id": TEMPLATE_ID, "text": f"{{#var#}} for {{#{tag}#}}", "variables": ["code", "amount"]}
    purposes = {"payment": {"CONTEXT": ["amount"]}}
    assert found(backend=kaleyra(templates=[registered]), PURPOSES=purposes, REGIONS=["IN"]) == []


def test_a_text_that_is_not_the_registered_one_is_an_error():
    ids = found(backend=kaleyra(templates=[template(variables=[], text="Your code: {#var#}")]), REGIONS=["IN"])
    assert [check_id for check_id, _ in ids] == ["phone_otp.E027"] * 2
    assert "the text is not that of its registered template" in ids[0][1]


def test_a_purpose_without_a_template_is_an_error_where_india_is_served():
    only_signup = kaleyra(templates=[template(purposes=["signup"])])
    messages = found(backend=only_signup, REGIONS=["IN"])
    assert [check_id for check_id, _ in messages] == ["phone_otp.E027"]
    assert "'login'" in messages[0][1]
    assert found(backend=only_signup, REGIONS=["US"]) == []


def test_registered_texts_that_fit_are_nothing_to_speak_of():
    assert found(backend=kaleyra(templates=[template()]), REGIONS=["IN"]) == []


@pytest.mark.parametrize(("length", "expected"), [(30, set()), (31, {"phone_otp.E027"})])
def test_a_name_that_does_not_fit_its_variable_is_an_error(length, expected):
    message = {"APP_NAME": "E" * length, "DOMAIN": None}
    ids = found(backend=kaleyra(templates=[template()]), REGIONS=["IN"], MESSAGE=message)
    assert {check_id for check_id, _ in ids} == expected


def test_a_context_is_worded_too(settings, tmp_path):
    message = tmp_path / "phone_otp" / "message" / "payment.txt"
    message.parent.mkdir(parents=True)
    message.write_text("Pay {{ context.amount }} to {{ context.payee }}: {{ code }}" + "." * 150)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    ids = found(PURPOSES={"payment": {"CONTEXT": ["amount", "payee"]}})
    assert [check_id for check_id, _ in ids] == ["phone_otp.W028"]
