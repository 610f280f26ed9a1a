"""Kaleyra: "Send OTP SMS", as /vendor-docs/001 has it, and the codes, states and traces of its sister pages."""

import itertools
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from django_phone_otp.backends import kaleyra
from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryError,
    DeliveryStatus,
    DeliveryUncertain,
    InvalidBackend,
    MalformedWebhook,
    MessageRejected,
)
from django_phone_otp.backends.kaleyra import KaleyraBackend
from tests.backends.contract import BackendContract, Refusal
from tests.backends.polling import PollingContract
from tests.messages import message

OPTIONS = {"sid": "HXAP16XXXXXX97IN", "api_key": 'A/0"key"+3=', "sender": "KLRHXA"}
PATH = "/v1/HXAP16XXXXXX97IN/sms"
ID = "ee8a0000-0000-0000-0000-9b717000030d:1"
# The sample of "Success response for non-Indian companies".
ACCEPTED = {
    "id": "ee8a0000-0000-0000-0000-9b717000030d",
    "sender": "KLRHXA",
    "type": "OTP",
    "body": "Hello! Your OTP is 1234.",
    "createdDateTime": "2019-11-04 10:42:23+00:00",
    "totalCount": 1,
    "data": [{"message_id": ID, "recipient": "1XXXXXXXXXX"}],
    "dlrurl": None,
    "error": {},
}
# The map of the shared page about vendors: what each code means, and for whom.
CODES = {
    "RBC001": (BackendUnavailable, "credentials"),
    "WA401": (BackendUnavailable, "credentials"),
    "E110": (BackendUnavailable, "credit"),
    "WAV2101": (BackendUnavailable, "daily limit"),
    "E402": (MessageRejected, "hours"),
    **dict.fromkeys(("E404", "E406", "E410", "E411", "E600"), (MessageRejected, "number")),
    **dict.fromkeys(("E401", "E412", "E413", "E601", "E618"), (MessageRejected, "text")),
    **dict.fromkeys(("E602", "E616", "E619", "E621", "E622"), (BackendUnavailable, "sender")),
    **dict.fromkeys(("E102", "E623", "E624", "E625"), (BackendUnavailable, "route")),
    **dict.fromkeys(("E103", "E403", "WA500"), (DeliveryUncertain, "no clear answer")),
}


def failure(code, said):
    """Return an error as "Failure Response" shows it."""
    return {"code": code, "message": said, "error": {"time": said}}


REFUSALS = (
    Refusal(
        "several-numbers",
        400,
        failure("E404", "If Type is OTP then only one mobile number is allowed."),
        MessageRejected,
        "E404",
        words="does not take this number: If Type is OTP then only one mobile number is allowed.",
    ),
    Refusal("several-numbers-as-200", 200, failure("E404", "Only one."), MessageRejected, "E404", words="Only one."),
    Refusal("balance-as-200", 202, failure("E110", "Low."), BackendUnavailable, "E110", words="credit: Low."),
    Refusal("credentials", 401, failure("RBC001", "No."), BackendUnavailable, "RBC001", words="credentials: No."),
    Refusal("credentials-as-400", 400, failure("RBC001", "No."), BackendUnavailable, "RBC001", words="credentials"),
    Refusal("a-code-of-tomorrow", 400, failure("E999", "Else."), MessageRejected, "E999", words="Else."),
    Refusal("a-code-of-tomorrow-as-200", 200, failure("E999", "Else."), DeliveryUncertain, "E999", words="Else."),
    Refusal("try-again", 400, failure("E103", "Again."), DeliveryUncertain, "E103", words="no clear answer: Again."),
    Refusal("an-error-without-a-code", 200, {"error": {"to": "bad"}, "data": []}, DeliveryUncertain),
    Refusal("an-error-without-a-code-as-400", 400, {"error": {"to": "bad"}, "data": []}, MessageRejected),
    Refusal("balance-beside-data", 400, {**failure("E110", "Low."), "data": [{"to": "x"}]}, DeliveryUncertain, "E110"),
    Refusal("an-error-with-an-id", 200, {**ACCEPTED, "error": {"to": "bad"}}, DeliveryUncertain),
    Refusal("a-code-with-an-id", 200, {**ACCEPTED, "code": "E404"}, DeliveryUncertain, "E404"),
    Refusal("taken-without-id", 200, {**ACCEPTED, "data": []}, DeliveryUncertain, words="no clear answer"),
)


class TestKaleyra(PollingContract, BackendContract):
    backend = "django_phone_otp.backends.kaleyra.KaleyraBackend"
    options = {**OPTIONS, "callback_profile_id": "IN_09b3dfa7"}
    secrets = ("api_key",)
    path = PATH
    accepted_status = 202
    accepted = ACCEPTED
    vendor_id = ID
    refusals = REFUSALS
    status_url = f"{PATH}/status"
    statuses = (
        ({"data": [{"message_id": ID, "status": "DELIVERED", "timestamp": "2026-11-22 10:00:00"}]}, "delivered"),
        ({"data": {"message_id": ID, "status": "Sent"}}, "sent"),
        ({"message_id": ID, "status": "NOT-SENT", "status_trace": "NO-CREDITS"}, "failed"),
        ([{"id": ID, "status": "UnDelivered", "status_trace": "MOB-OFF"}], "undelivered"),
        ({"data": [{"id": "other:1", "status": "Failed"}, {"id": ID, "status": "submitted"}]}, "accepted"),
        ({"status": "gone fishing"}, "unknown"),
    )

    def error_body(self, said):
        return {"code": said, "message": said, "error": {"to": said, said: said}}


class TestKaleyraForm(BackendContract):
    backend = TestKaleyra.backend
    options = {**OPTIONS, "encoding": "form"}
    secrets = ("api_key",)
    path = PATH
    accepted = ACCEPTED
    vendor_id = ID
    refusals = REFUSALS[:2]
    number = "+14155550123"
    error_body = TestKaleyra.error_body


def kaleyra_at(httpserver, **options):
    return KaleyraBackend(alias="main", base_url=httpserver.url_for(""), **{**OPTIONS, **options})


def asked(httpserver, sent=None, **options):
    """Send a message, and return the request that the vendor got."""
    httpserver.expect_request(PATH).respond_with_json(ACCEPTED)
    backend = kaleyra_at(httpserver, **options)
    backend.send(backend.worded(sent or message()))
    ((request, _),) = httpserver.log
    return request


def test_by_default_the_body_is_json_and_says_so(httpserver):
    request = asked(httpserver)
    assert (request.method, request.path, request.query_string) == ("POST", PATH, b"")
    assert request.headers["api-key"] == OPTIONS["api_key"]
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == {"to": "+14155550123", "type": "OTP", "sender": "KLRHXA", "body": "424242 is your code."}


def test_as_a_form_the_body_is_one_and_says_so(httpserver):
    request = asked(httpserver, encoding="form", callback_profile_id="IN_09b3dfa7")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["api-key"] == OPTIONS["api_key"]
    assert request.form.to_dict() == {
        "to": "+14155550123",
        "type": "OTP",
        "sender": "KLRHXA",
        "body": "424242 is your code.",
        "callback_profile_id": "IN_09b3dfa7",
    }


@pytest.mark.parametrize("encoding", ["json", "form"])
def test_a_registered_template_goes_with_its_text_and_the_callback_profile(httpserver, encoding):
    templates = [{"id": "1" * 19, "text": "{#var#} is your {#var#} code.", "variables": ["code", "app_name"]}]
    sent = replace(message(number="+919876543210"), variables={"code": "424242", "app_name": "Shop"})
    request = asked(httpserver, sent, templates=templates, callback_profile_id="IN_09b3dfa7", encoding=encoding)
    body = request.json if encoding == "json" else request.form.to_dict()
    assert body["template_id"] == "1" * 19
    assert body["body"] == "424242 is your Shop code."
    assert body["callback_profile_id"] == "IN_09b3dfa7"


def test_each_pod_has_the_host_of_the_page_and_base_url_overrides_it():
    hosts = {pod: KaleyraBackend(alias="main", pod=pod, **OPTIONS).base_url for pod in ("in", "sg", "eu", "na")}
    assert hosts == {
        "in": "https://api.in.kaleyra.io",
        "sg": "https://api.kaleyra.io",
        "eu": "https://api.eu.kaleyra.io",
        "na": "https://api.na.kaleyra.ai",
    }
    theirs = KaleyraBackend(alias="main", pod="in", base_url="https://api.ap.kaleyra.io/", **OPTIONS)
    assert theirs.base_url == "https://api.ap.kaleyra.io"


def test_a_sid_cannot_lead_to_another_path():
    backend = KaleyraBackend(alias="main", pod="in", **{**OPTIONS, "sid": "../v2/x?y#z"})
    assert backend.path == "/v1/..%2Fv2%2Fx%3Fy%23z/sms"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "pod must be one of in, sg, eu, na, unless base_url is given"),
        ({"pod": "us"}, "pod must be one of"),
        ({"pod": "in", "encoding": "xml"}, "encoding must be one of json, form"),
        ({"pod": "in", "sid": ""}, "sid must be text"),
        ({"pod": "in", "sender": None}, "sender must be text"),
        ({"pod": "in", "templates": [{"id": "17"}]}, "templates[0]: id must be 12 to 30 digits"),
        ({"pod": "in", "templates": [{"id": "1" * 19}]}, "templates[0]: text must be the registered text"),
        ({"pod": "in", "webhook_fields": {"state": "s"}}, "'state' is unknown"),
        ({"pod": "in", "callback_profile": "x"}, "did you mean 'callback_profile_id'?"),
    ],
    ids=itertools.count(),
)
def test_a_bad_option_is_said_by_alias_and_name_and_shows_no_key(options, said):
    with pytest.raises(InvalidBackend) as problem:
        KaleyraBackend(alias="main", **{**OPTIONS, **options})
    assert str(problem.value).startswith("BACKENDS['main']: ")
    assert said in str(problem.value)
    assert OPTIONS["api_key"] not in str(problem.value)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", CODES)
def test_each_code_means_what_the_table_says_as_an_error_and_within_a_success(httpserver, code, status):
    error, words = CODES[code]
    httpserver.expect_request(PATH).respond_with_json(failure(code, "Sorry."), status=status)
    with pytest.raises(DeliveryError) as refusal:
        kaleyra_at(httpserver).send(message())
    assert type(refusal.value) is error
    assert refusal.value.vendor_code == code
    assert words in refusal.value.reason


def test_no_code_is_without_a_case_here():
    assert set(kaleyra._VERDICTS) == set(CODES)


@pytest.mark.parametrize("code", ["E100", "E101"])
def test_a_code_that_says_submitted_is_no_refusal(httpserver, code):
    httpserver.expect_request(PATH).respond_with_json({**ACCEPTED, "code": code})
    assert kaleyra_at(httpserver).send(message()).id == ID


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Sent", "sent"),
        ("ENROUTE", "sent"),
        ("SUBMITTED", "accepted"),
        ("Delivered", "delivered"),
        ("DELIVRD", "delivered"),
        ("UnDelivered", "undelivered"),
        ("UNDELIV", "undelivered"),
        ("un_delivered", "undelivered"),
        ("Failed", "undelivered"),
        ("EXPIRED", "undelivered"),
        ("NOT-SENT", "failed"),
        ("Not Sent", "failed"),
        ("NotSent", "failed"),
        ("", "unknown"),
        ("read the docs", "unknown"),
    ],
)
def test_a_state_is_known_in_every_spelling_of_the_pages(word, status):
    assert KaleyraBackend(alias="main", pod="in", **OPTIONS).status_of(word) == status


def test_a_trace_is_put_in_words_and_one_that_is_not_known_is_kept():
    backend = KaleyraBackend(alias="main", pod="in", **OPTIONS)
    assert backend.reason_of("NO-CREDITS") == "the account has no credit (NO-CREDITS)"
    assert backend.reason_of("mob-off") == "the phone is off (mob-off)"
    assert backend.reason_of("OUTPUT-REJ") == "OUTPUT-REJ"
    assert backend.reason_of("") == ""


def test_a_pushed_receipt_is_read_by_the_names_that_the_customer_gave(rf):
    fields = {"id": "mid", "status": "st", "reason": ["why", "trace"], "at": "when"}
    backend = KaleyraBackend(alias="main", pod="in", webhook_secrets=["s" * 20], webhook_fields=fields, **OPTIONS)
    call = rf.get("/", {"mid": ID, "st": "UNDELIVERED", "trace": "MOB-OFF", "when": "2026-11-22T10:00:00Z"})
    (receipt,) = backend.parse_webhook(call)
    assert (receipt.id, receipt.status) == (ID, DeliveryStatus.UNDELIVERED)
    assert receipt.reason == "the phone is off (MOB-OFF)"
    assert receipt.at == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_the_answer_about_another_message_is_no_answer(httpserver):
    httpserver.expect_request(TestKaleyra.status_url).respond_with_json(
        {"data": [{"message_id": "other:1", "status": "DELIVERED"}, {"message_id": ID}, 5]}
    )
    with pytest.raises(DeliveryUncertain):
        kaleyra_at(httpserver).fetch_status(ID)


def test_a_status_asked_for_in_vain_says_why(httpserver):
    httpserver.expect_request(TestKaleyra.status_url).respond_with_json(failure("RBC001", "No."), status=200)
    with pytest.raises(BackendUnavailable) as refusal:
        kaleyra_at(httpserver).fetch_status(ID)
    assert refusal.value.vendor_code == "RBC001"


def test_an_error_about_a_status_is_no_status(httpserver):
    body = {**failure("E999", "No."), "status": "failed"}
    httpserver.expect_request(TestKaleyra.status_url).respond_with_json(body)
    with pytest.raises(DeliveryUncertain):
        kaleyra_at(httpserver).fetch_status(ID)


@pytest.mark.parametrize("word", ["", "x" * 201])
def test_a_status_that_is_no_word_is_malformed(httpserver, word):
    httpserver.expect_request(TestKaleyra.status_url).respond_with_json({"data": [{"message_id": ID, "status": word}]})
    with pytest.raises(MalformedWebhook):
        kaleyra_at(httpserver).fetch_status(ID)


def test_a_status_is_asked_for_by_id_and_key(httpserver, caplog):
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request(TestKaleyra.status_url).respond_with_json(TestKaleyra.statuses[0][0])
    receipt = kaleyra_at(httpserver, webhook_fields={"status": "mine"}).fetch_status(ID)
    ((request, _),) = httpserver.log
    assert (request.method, request.args.to_dict(), request.get_data()) == ("GET", {"message_ids": ID}, b"")
    assert request.headers["api-key"] == OPTIONS["api_key"]
    assert receipt.at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert OPTIONS["api_key"] not in caplog.text


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, ["phone_otp.kaleyra.W001"]),
        ({"callback_profile_id": "IN_09b3dfa7"}, ["phone_otp.kaleyra.W002"]),
        ({"callback_profile_id": "IN_09b3dfa7", "webhook_secrets": ["s" * 20]}, []),
    ],
    ids=["no-profile", "no-secret", "both"],
)
def test_receipts_that_cannot_come_are_warned_of(options, found):
    warnings = KaleyraBackend(alias="main", pod="in", **OPTIONS, **options).check()
    assert [warning.id for warning in warnings] == found
    assert all("BACKENDS['main']" in warning.msg for warning in warnings)
