"""StartMessaging: "SMS & OTP API Reference", as /vendor-docs/003 has it, and the codes of the vendor's source."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.backends import startmessaging
from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryError,
    DeliveryUncertain,
    InvalidBackend,
    MessageRejected,
    Scope,
)
from django_phone_otp.backends.startmessaging import StartMessagingBackend
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Delivery
from django_phone_otp.test import outbox, override_phone_otp
from tests.backends.contract import BackendContract, Refusal
from tests.backends.polling import PollingContract
from tests.backends.servers import RawServer, refused_port, reset
from tests.messages import message

OPTIONS = {"api_key": 'sm_live_your/"api"+key='}
ID = "7b0e4b8e-0000-4000-8000-00000000a001"
OTHER = "7b0e4b8e-0000-4000-8000-00000000a002"
# The sample of "Send OTP".
ACCEPTED = {
    "success": True,
    "statusCode": 201,
    "requestId": "req_abc123",
    "timestamp": "2026-02-15T10:30:00.000Z",
    "data": {"otpRequestId": "otp-request-1", "messageId": ID, "status": "queued"},
}
CODES = {
    **dict.fromkeys(("INVALID_CREDENTIALS", "INVALID_API_KEY", "UNAUTHORIZED", "TOKEN_EXPIRED"), BackendUnavailable),
    **dict.fromkeys(("FORBIDDEN", "ONBOARDING_INCOMPLETE"), BackendUnavailable),
    **dict.fromkeys(("INSUFFICIENT_BALANCE", "WALLET_NOT_FOUND"), BackendUnavailable),
    **dict.fromkeys(("RATE_LIMIT_EXCEEDED", "RATE_LIMITED"), BackendUnavailable),
    **dict.fromkeys(("OTP_SEND_FAILED", "SMS_PROVIDER_ERROR"), DeliveryUncertain),
    **dict.fromkeys(("VALIDATION_ERROR", "INVALID_INPUT", "NOT_FOUND", "INVALID_PHONE_NUMBER"), MessageRejected),
    **dict.fromkeys(("CONFLICT", "DUPLICATE_ENTRY", "IDEMPOTENCY_CONFLICT"), DeliveryUncertain),
}


def failure(status, code, said="Sorry.", **more):
    """Return an error as the vendor's source shapes it."""
    error = {"code": code, "message": said, **more}
    return {"success": False, "statusCode": status, "requestId": "req_x", "timestamp": "2026-02-15", "error": error}


REFUSALS = (
    Refusal("key", 401, failure(401, "UNAUTHORIZED", "Invalid API key"), BackendUnavailable, "UNAUTHORIZED",
            words="credentials: Invalid API key"),
    Refusal("account", 403, failure(403, "FORBIDDEN"), BackendUnavailable, "FORBIDDEN", words="refuses the account"),
    Refusal("balance", 400, failure(400, "INSUFFICIENT_BALANCE"), BackendUnavailable, "INSUFFICIENT_BALANCE",
            words="no credit"),
    Refusal("balance-as-402", 402, {"message": "Low balance"}, BackendUnavailable, words="no credit"),
    Refusal("validation", 400, failure(400, "VALIDATION_ERROR", details=[{"message": "otp"}]), MessageRejected,
            "VALIDATION_ERROR"),
    Refusal("number", 400, failure(400, "INVALID_PHONE_NUMBER"), MessageRejected, "INVALID_PHONE_NUMBER",
            words="does not take this number"),
    Refusal("could-not-send", 400, failure(400, "OTP_SEND_FAILED"), DeliveryUncertain, "OTP_SEND_FAILED",
            words="no clear answer: Sorry."),
    Refusal("a-code-of-tomorrow", 400, failure(400, "BLOCKED"), MessageRejected, "BLOCKED", scope=Scope.RECIPIENT,
            words="refuses the message: Sorry."),
    Refusal("no-code", 400, {"success": False, "message": "Sorry."}, MessageRejected, scope=Scope.RECIPIENT),
    Refusal("a-code-of-tomorrow-as-422", 422, failure(422, "BLOCKED"), MessageRejected, "BLOCKED"),
    Refusal("a-code-of-tomorrow-as-200", 200, failure(400, "BLOCKED"), DeliveryUncertain, "BLOCKED"),
    Refusal("a-code-of-tomorrow-beside-data", 400, {**failure(400, "BLOCKED"), "data": {"id": 7}}, DeliveryUncertain,
            "BLOCKED"),
    Refusal("a-code-in-small-letters", 400, failure(400, "insufficient_balance"), BackendUnavailable,
            "INSUFFICIENT_BALANCE", words="no credit"),
    Refusal("the-other-limit-of-the-number", 400, failure(400, "rate_limited"), BackendUnavailable, "RATE_LIMITED",
            scope=Scope.RECIPIENT, retry_after=300, words="limit for this number"),
    Refusal("limit-of-the-number-as-400", 400, failure(400, "RATE_LIMIT_EXCEEDED"), BackendUnavailable,
            "RATE_LIMIT_EXCEEDED", scope=Scope.RECIPIENT, retry_after=300, words="limit for this number"),
    Refusal("limit-of-the-number-as-429", 429, failure(429, "RATE_LIMIT_EXCEEDED"), BackendUnavailable,
            "RATE_LIMIT_EXCEEDED", scope=Scope.RECIPIENT, retry_after=300, words="limit for this number"),
    Refusal("limit-without-a-code", 429, {"message": "Too Many Requests"}, BackendUnavailable,
            scope=Scope.RECIPIENT, retry_after=300),
    Refusal("limit-with-another-code", 429, failure(429, "FORBIDDEN"), BackendUnavailable, "FORBIDDEN",
            scope=Scope.RECIPIENT, retry_after=300),
    Refusal("throughput-of-the-account", 429, failure(429, "INTERNAL_ERROR"), BackendUnavailable, "INTERNAL_ERROR",
            headers={"Retry-After": "10"}, retry_after=10, words="over the vendor's rate"),
    Refusal("conflict", 409, failure(409, "IDEMPOTENCY_CONFLICT"), DeliveryUncertain, "IDEMPOTENCY_CONFLICT"),
    Refusal("error-as-200", 200, failure(400, "INSUFFICIENT_BALANCE"), BackendUnavailable, "INSUFFICIENT_BALANCE"),
    Refusal("neither-success-nor-error", 201, {"data": {"messageId": ID}}, DeliveryUncertain),
    Refusal("failure-with-an-id", 201, {**ACCEPTED, "success": False}, DeliveryUncertain),
    Refusal("success-without-id", 201, {"success": True, "data": {}}, DeliveryUncertain),
)  # fmt: skip


class TestStartMessaging(PollingContract, BackendContract):
    backend = "django_phone_otp.backends.startmessaging.StartMessagingBackend"
    options = OPTIONS
    secrets = ("api_key",)
    path = "/otp/send"
    accepted_status = 201
    accepted = ACCEPTED
    vendor_id = ID
    refusals = REFUSALS
    rate_scope = refused_scope = Scope.RECIPIENT
    status_url = f"/messages/{ID}"
    statuses = (
        ({"data": {"messageId": ID, "status": "delivered", "deliveredAt": "2026-02-15T10:30:05.000Z"}}, "delivered"),
        ({"data": {"id": ID, "content": "424242 is your code", "status": "sent", "sentAt": None}}, "sent"),
        ({"data": {"status": "initiated"}}, "accepted"),
        ({"data": {"status": "QUEUED"}}, "accepted"),
        ({"data": {"status": "failed", "error": "absent"}}, "undelivered"),
        ({"data": {"status": "expired", "failureReason": "late"}}, "undelivered"),
        ({"data": {"status": "gone fishing"}}, "unknown"),
    )

    def error_body(self, said):
        return {"success": False, "message": said, "error": {"code": said, "message": said, "details": [said]}}


def start(httpserver, **options):
    return StartMessagingBackend(alias="main", base_url=httpserver.url_for(""), **{**OPTIONS, **options})


def asked(httpserver, sent, **options):
    """Send a message, and return the request that the vendor got."""
    httpserver.expect_request("/otp/send").respond_with_json(ACCEPTED, status=201)
    start(httpserver, **options).send(sent)
    ((request, _),) = httpserver.log
    return request


def test_the_vendor_is_asked_just_as_its_sample_does_with_the_key_in_both_places(httpserver):
    variables = {"code": "424242", "app_name": "Shop", "minutes": "5", "amount": "10"}
    sent = replace(message(number="+919876543210", key="delivery-1"), variables=variables)
    request = asked(httpserver, sent)
    assert (request.method, request.path, request.query_string) == ("POST", "/otp/send", b"")
    assert request.headers["X-API-Key"] == OPTIONS["api_key"]
    assert request.headers["Idempotency-Key"] == "delivery-1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == {
        "phoneNumber": "+919876543210",
        "variables": {"otp": "424242", "appName": "Shop", "expiry": "5"},
        "idempotencyKey": "delivery-1",
    }


def test_a_message_without_a_name_or_time_has_neither(httpserver):
    assert asked(httpserver, message()).json["variables"] == {"otp": "424242"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"template_id": ID}, ID),
        ({"template_id": ID, "templates": [{"id": OTHER, "purposes": ["signup"]}]}, OTHER),
        ({"template_id": ID, "templates": [{"id": OTHER, "purposes": ["login"]}]}, ID),
        ({"templates": [{"id": OTHER, "purposes": ["login"]}]}, None),
    ],
    ids=itertools.count(),
)
def test_the_template_is_that_of_the_purpose_or_else_the_accounts(httpserver, options, expected):
    assert asked(httpserver, message(), **options).json.get("templateId") == expected


def test_the_id_of_the_code_is_kept_beside_that_of_the_message(httpserver):
    httpserver.expect_request("/otp/send").respond_with_json(ACCEPTED, status=201)
    result = start(httpserver).send(message())
    assert (result.id, result.check_id, result.status) == (ID, "otp-request-1", "accepted")


@pytest.mark.parametrize(("word", "status"), [("sent", "sent"), ("initiated", "accepted"), ("gone", "accepted")])
def test_the_state_of_a_message_that_was_taken_is_the_vendors_where_it_is_known(httpserver, word, status):
    body = {**ACCEPTED, "data": {"messageId": ID, "status": word}}
    httpserver.expect_request("/otp/send").respond_with_json(body, status=201)
    assert start(httpserver).send(message()).status == status


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", CODES)
def test_each_code_means_what_the_source_says_as_an_error_and_within_a_success(httpserver, code, status):
    httpserver.expect_request("/otp/send").respond_with_json(failure(status, code), status=status)
    with pytest.raises(DeliveryError) as refusal:
        start(httpserver).send(message())
    assert type(refusal.value) is CODES[code]
    assert refusal.value.vendor_code == code
    assert refusal.value.scope == (Scope.RECIPIENT if code.startswith("RATE_LIMIT") else Scope.ACCOUNT)


def test_no_code_is_without_a_case_here():
    assert set(startmessaging._VERDICTS) == set(CODES)


@pytest.mark.parametrize("code", ["123", "1234567", "12345a", "१२३४५६", "123456\n", ""])
def test_a_code_that_the_vendor_does_not_take_is_refused_before_it_is_asked(httpserver, code):
    (result,) = start(httpserver).send_many([replace(message(), code=code)])
    assert (result.status, result.reason) == ("failed", "StartMessaging takes codes of 4 to 6 digits only")
    assert httpserver.log == []


@pytest.mark.parametrize("code", ["1234", "12345", "123456"])
def test_a_code_that_fits_is_worded_as_it_is(code):
    sent = replace(message(), code=code)
    assert StartMessagingBackend(alias="main", **OPTIONS).worded(sent) == sent


@pytest.mark.django_db
def test_a_code_that_is_too_long_is_not_sent_and_the_row_says_why(httpserver):
    vendor = {"BACKEND": TestStartMessaging.backend, "OPTIONS": {**OPTIONS, "base_url": httpserver.url_for("")}}
    with override_phone_otp(BACKENDS={"default": vendor}, CODE_LENGTH=8), pytest.raises(DeliveryFailed):
        phone_otp.send("+919876543210", purpose="signup")
    assert Delivery.objects.get().reason == "StartMessaging takes codes of 4 to 6 digits only"
    assert httpserver.log == []


@pytest.mark.django_db
@pytest.mark.parametrize("status", [400, 429])
def test_the_limit_of_a_number_is_not_walked_around_by_the_next_message_either(httpserver, status):
    body = failure(status, "RATE_LIMIT_EXCEEDED")
    httpserver.expect_request("/otp/send").respond_with_json(body, status=status, headers={"Retry-After": "300"})
    vendor = {"BACKEND": TestStartMessaging.backend, "OPTIONS": {**OPTIONS, "base_url": httpserver.url_for("")}}
    backup = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
    routes = [{"backends": ["default", "backup"]}]
    with override_phone_otp(BACKENDS={"default": vendor, "backup": backup}, ROUTES=routes):
        for number in ("+919876543210", "+919876543210", "+919876543211"):
            with pytest.raises(DeliveryFailed):
                phone_otp.send(number, purpose="signup")
    assert len(httpserver.log) == 3  # the alias itself is not left alone: others' numbers are not concerned
    assert not outbox


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"template_id": "1507165650000000001"}, "template_id must be the UUID of a template"),
        ({"templates": [{"id": "1507165650000000001"}]}, "templates[0]: id must be the UUID of a template"),
        ({"verify_remotely": "yes"}, "verify_remotely must be True or False"),
        ({"webhook_secrets": []}, "option 'webhook_secrets' is unknown"),
        ({"template": ID}, "did you mean 'templates'?"),
    ],
    ids=itertools.count(),
)
def test_a_bad_option_is_said_by_alias_and_name_and_shows_no_key(options, said):
    with pytest.raises(InvalidBackend) as problem:
        StartMessagingBackend(alias="main", **{**OPTIONS, **options})
    assert str(problem.value).startswith("BACKENDS['main']: ")
    assert said in str(problem.value)
    assert OPTIONS["api_key"] not in str(problem.value)


def status_told(httpserver, **data):
    httpserver.expect_request(f"/messages/{ID}").respond_with_json({"success": True, "data": data})
    return start(httpserver).fetch_status(ID)


def test_a_status_in_the_shape_of_the_page(httpserver):
    receipt = status_told(httpserver, messageId=ID, status="delivered", deliveredAt="2026-02-15T10:30:05Z", error=None)
    ((request, _),) = httpserver.log
    assert (request.method, request.headers["X-API-Key"]) == ("GET", OPTIONS["api_key"])
    assert (receipt.status, receipt.reason) == ("delivered", "")
    assert receipt.at == datetime(2026, 2, 15, 10, 30, 5, tzinfo=UTC)


def test_a_status_in_the_shape_of_the_source_keeps_nothing_of_the_text_the_number_or_the_price(httpserver):
    content = "424242 is your Shop code."
    receipt = status_told(
        httpserver,
        id=ID,
        phoneNumber="+919876543210",
        content=content,
        status="failed",
        statusHistory=[{"content": content}],
        costAmount="0.25",
        failureReason="absent subscriber",
        sentAt="2026-02-15T10:30:01Z",
        deliveredAt=None,
    )
    assert (receipt.id, receipt.status, receipt.reason) == (ID, "undelivered", "absent subscriber")
    assert receipt.at == datetime(2026, 2, 15, 10, 30, 1, tzinfo=UTC)
    kept = json.dumps([receipt.id, receipt.reason, receipt.raw])
    assert "424242" not in kept
    assert "9876543210" not in kept
    assert receipt.raw == {"id": ID, "status": "failed"}


def test_what_is_kept_of_a_status_is_short(httpserver):
    receipt = status_told(httpserver, status="x" * 5000, failureReason="y" * 5000)
    assert (len(receipt.raw["status"]), len(receipt.reason)) == (200, 200)


def test_an_id_cannot_lead_to_another_path(httpserver):
    httpserver.expect_request("/otp/send").respond_with_json(ACCEPTED)
    with pytest.raises(DeliveryError):
        start(httpserver).fetch_status("../otp/send?x#y")
    assert httpserver.log[0][0].environ["RAW_URI"] == "/messages/..%2Fotp%2Fsend%3Fx%23y"


# A code that the vendor checks too


@pytest.mark.parametrize("verified", [True, False])
def test_the_vendor_is_asked_whether_a_code_is_right(httpserver, verified):
    httpserver.expect_request("/otp/verify").respond_with_json({"success": True, "data": {"verified": verified}})
    assert start(httpserver, verify_remotely=True).check_code("otp-request-1", "424242") is verified
    ((request, _),) = httpserver.log
    assert request.headers["X-API-Key"] == OPTIONS["api_key"]
    assert request.json == {"requestId": "otp-request-1", "otpCode": "424242"}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("code", ["VALIDATION_ERROR", "INVALID_INPUT", "NOT_FOUND", "SOMETHING_NEW", ""])
def test_a_refusal_of_a_code_makes_it_wrong(httpserver, code, status):
    httpserver.expect_request("/otp/verify").respond_with_json(failure(status, code), status=status)
    assert start(httpserver).check_code("otp-request-1", "424242") is False


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, failure(401, "UNAUTHORIZED")),
        (400, failure(400, "INSUFFICIENT_BALANCE")),
        (400, failure(400, "unauthorized")),
        (400, failure(400, "OTP_SEND_FAILED")),
        (400, failure(400, "IDEMPOTENCY_CONFLICT")),
        (200, failure(400, "VALIDATION_ERROR")),
        (404, {}),
        (404, failure(404, "NOT_FOUND")),
        (409, failure(409, "VALIDATION_ERROR")),
        (410, {}),
        (429, {}),
        (500, {"data": {"verified": True}}),
        (302, {"data": {"verified": True}}),
        (200, {"data": {"verified": "true"}}),
        (200, {"data": {"verified": 1}}),
        (200, {"verified": True}),
        (200, []),
    ],
    ids=itertools.count(),
)
def test_an_outage_or_an_answer_that_is_none_is_neither_yes_nor_no(httpserver, status, body):
    httpserver.expect_request("/otp/verify").respond_with_json(body, status=status)
    with pytest.raises(DeliveryError):
        start(httpserver).check_code("otp-request-1", "424242")


def test_a_vendor_that_is_gone_is_neither_yes_nor_no():
    with refused_port() as port, pytest.raises(BackendUnavailable):
        StartMessagingBackend(alias="main", base_url=f"http://127.0.0.1:{port}", **OPTIONS).check_code("r", "424242")
    with RawServer(reset) as server, pytest.raises(DeliveryUncertain):
        StartMessagingBackend(alias="main", base_url=server.url, **OPTIONS).check_code("r", "424242")


@pytest.mark.parametrize("remotely", [True, False])
def test_codes_are_checked_by_the_vendor_only_where_that_is_asked_for(remotely):
    assert StartMessagingBackend(alias="main", verify_remotely=remotely, **OPTIONS).checks_codes is remotely
