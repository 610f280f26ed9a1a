"""IMB Payments: docs.imbpayment.in, as /vendor-docs/000 and its sister pages have it."""

import pytest

from django_phone_otp.backends.base import BackendUnavailable, DeliveryStatus, DeliveryUncertain, MessageRejected
from django_phone_otp.backends.imb import IMBBackend
from tests.backends.contract import BackendContract, Refusal
from tests.messages import message

OPTIONS = {"client_id": "imb-client/0b9c", "client_secret": 'imb-secret/+"quoted"=='}
# The sample of "Send SMS OTP".
ACCEPTED = {
    "response_code": 200,
    "status": "success",
    "message": "Success",
    "data": {"message_id": "IMBSMS16192920251014_2ddf679c", "status": "delivered"},
    "meta": {"request_id": "b95f8e92-18da-439c-84d6-5cbf588a5e29", "time": "2025-10-14T16:19:29+05:30"},
}


def envelope(status, code, said, **more):
    """Return an error as "Authentication" shows it."""
    return {"response_code": status, "error_code": code, "message": said, "error": [], "data": None, **more}


REFUSALS = (
    Refusal(
        "credentials",
        401,
        envelope(401, "INVALID_CREDENTIALS", "Missing API credentials client id & client secret."),
        BackendUnavailable,
        "INVALID_CREDENTIALS",
        words="refuses the credentials: Missing API credentials",
    ),
    Refusal(
        "address",
        403,
        envelope(403, "INVALID_IP", "IP is not whitelisted.", error=["203.0.113.7"]),
        BackendUnavailable,
        "INVALID_IP",
        words="not on the vendor's allow list: IP is not whitelisted.",
    ),
    Refusal(
        "validation",
        422,
        envelope(422, "VALIDATION_ERROR", "The mobile number is invalid.", error={"mobile_number": ["invalid"]}),
        MessageRejected,
        "VALIDATION_ERROR",
        words="The mobile number is invalid.",
    ),
    Refusal(
        "rate",
        429,
        {"error": True, "message": "Rate limit exceeded. Please try again after some time."},
        BackendUnavailable,
        retry_after=60,
        words="Rate limit exceeded.",
    ),
    Refusal("duplicate", 409, envelope(409, "", "Duplicate"), DeliveryUncertain, words="duplicate"),
    Refusal("failure-as-200", 200, {"status": "failed", "message": "No."}, DeliveryUncertain, words="No."),
    Refusal("error-as-200", 200, {"error": True, "message": "No."}, DeliveryUncertain, words="No."),
    Refusal("unknown-code-as-200", 200, envelope(200, "VALIDATION_ERROR", "No."), DeliveryUncertain, "VALIDATION_ERROR",
            words="no clear answer: No."),
    Refusal("credentials-as-200", 200, envelope(200, "INVALID_CREDENTIALS", "No."), BackendUnavailable,
            "INVALID_CREDENTIALS", words="credentials: No."),
    Refusal("credentials-beside-data", 401, envelope(401, "INVALID_CREDENTIALS", "No.", data={"message_id": "m-1"}),
            DeliveryUncertain, "INVALID_CREDENTIALS"),
    Refusal("data-without-an-id", 422, envelope(422, "VALIDATION_ERROR", "No.", data={"batch": 7}), DeliveryUncertain,
            "VALIDATION_ERROR"),
    Refusal("failure-with-an-id", 200, {**ACCEPTED, "status": "failed"}, DeliveryUncertain),
    Refusal("status-of-another-type", 200, {**ACCEPTED, "status": ["success"]}, DeliveryUncertain),
    Refusal("status-in-capitals", 200, {**ACCEPTED, "status": "SUCCESS"}, DeliveryUncertain),
    Refusal("status-missing", 200, {"data": ACCEPTED["data"]}, DeliveryUncertain),
    Refusal("error-beside-success", 200, {**ACCEPTED, "error": ["partly"]}, DeliveryUncertain),
    Refusal("status-of-another-type-as-400", 400, {"status": [], "message": "No."}, MessageRejected, words="No."),
    Refusal("success-without-id", 200, {**ACCEPTED, "data": None}, DeliveryUncertain),
)  # fmt: skip


class TestIMB(BackendContract):
    backend = "django_phone_otp.backends.imb.IMBBackend"
    options = OPTIONS
    secrets = ("client_id", "client_secret")
    path = "/api/v1/comunication/send-sms"
    accepted = ACCEPTED
    vendor_id = "IMBSMS16192920251014_2ddf679c"
    state = "sent"
    refusals = REFUSALS

    def error_body(self, said):
        return {"error_code": said, "message": said, "error": [said]}


class TestIMBWhatsApp(TestIMB):
    channel = "whatsapp"
    path = "/api/v1/comunication/whatsapp/send-message"


def imb(httpserver, **options):
    return IMBBackend(alias="main", base_url=httpserver.url_for(""), **{**OPTIONS, **options})


@pytest.mark.parametrize(("channel", "path"), [("sms", TestIMB.path), ("whatsapp", TestIMBWhatsApp.path)])
def test_the_vendor_is_asked_just_as_its_sample_does(httpserver, channel, path):
    httpserver.expect_request(path).respond_with_json(ACCEPTED)
    imb(httpserver).send(message(number="+919836736572", channel=channel))
    ((request, _),) = httpserver.log
    assert (request.method, request.path, request.query_string) == ("POST", path, b"")
    assert request.headers["x-client-id"] == OPTIONS["client_id"]
    assert request.headers["x-client-secret"] == OPTIONS["client_secret"]
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == {"mobile_number": "9836736572", "otp_code": "424242"}


@pytest.mark.parametrize(
    "number", ["+14155550123", "+447700900123", "+9198367365720", "+9112345", "+991983673657", "919836736572"]
)
def test_a_number_that_is_not_indian_is_refused_before_the_vendor_is_asked(httpserver, number):
    with pytest.raises(MessageRejected, match="Indian"):
        imb(httpserver).send(message(number=number))
    assert httpserver.log == []


def test_its_delivered_is_no_receipt_since_no_phone_can_have_said_so_yet(httpserver):
    httpserver.expect_request(TestIMB.path).respond_with_json(ACCEPTED)
    assert imb(httpserver).send(message(number="+919836736572")).status == DeliveryStatus.SENT


@pytest.mark.parametrize("word", ["failed", "FAILED", "Undelivered", "un-delivered", "rejected"])
def test_a_message_that_was_taken_and_failed_at_once_is_undelivered(httpserver, word):
    body = {**ACCEPTED, "data": {**ACCEPTED["data"], "status": word}}
    httpserver.expect_request(TestIMB.path).respond_with_json(body)
    result = imb(httpserver).send(message(number="+919836736572"))
    assert (result.id, result.status) == (TestIMB.vendor_id, DeliveryStatus.UNDELIVERED)


@pytest.mark.parametrize("told", [None, "", "queued", 5, ["failed"], {"failed": True}], ids=repr)
def test_a_message_that_was_taken_is_sent_whatever_else_is_said_of_it(httpserver, told):
    body = {**ACCEPTED, "data": {**ACCEPTED["data"], "status": told}}
    httpserver.expect_request(TestIMB.path).respond_with_json(body)
    assert imb(httpserver).send(message(number="+919836736572")).status == DeliveryStatus.SENT


@pytest.mark.parametrize("error", [None, False, [], {}, "", 0], ids=repr)
def test_an_error_that_says_nothing_is_none(httpserver, error):
    httpserver.expect_request(TestIMB.path).respond_with_json({**ACCEPTED, "error": error})
    assert imb(httpserver).send(message(number="+919836736572")).id == TestIMB.vendor_id


def test_it_words_its_messages_itself_and_speaks_two_channels(httpserver):
    backend = IMBBackend(alias="main", **OPTIONS)
    assert backend.channels == {"sms", "whatsapp"}
    assert backend.base_url == "https://secure.imbpayment.in"
    assert (backend.sends_text, backend.polls, backend.account_rate) == (False, False, "60/1m")
    sent = message(text="whatever", number="+919836736572")
    assert backend.worded(sent) == sent
