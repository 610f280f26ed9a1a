"""Each vendor of the sandbox takes and answers what its documentation says."""

import re
import uuid

import pytest

from example_project import vendors as accounts
from example_project.sandbox import VENDORS, address
from example_project.sandbox.vendors import CLASSES
from tests.example.conftest import NUMBER, SENDS, SUCCESS

every_vendor = pytest.mark.parametrize("vendor", VENDORS)

WRONG_KEY = {
    "imb": {"x-client-secret": "wrong"},
    "kaleyra": {"api-key": "wrong"},
    "aoc": {"apikey": "wrong"},
    "startmessaging": {"X-API-Key": "wrong"},
}


def test_the_same_four_vendors_are_everywhere():
    assert tuple(CLASSES) == tuple(accounts.BLOCKS) == VENDORS


def test_each_vendor_has_the_port_that_its_account_says():
    assert [address(vendor) for vendor in VENDORS] == [f"http://127.0.0.1:810{n}" for n in (1, 2, 3, 4)]
    assert [block["OPTIONS"]["base_url"] for block in accounts.BLOCKS.values()] == [address(name) for name in VENDORS]


@every_vendor
def test_a_documented_send_reaches_the_phone(vendors, sandbox, vendor):
    assert vendors.send(vendor).status_code == SUCCESS[vendor]
    (message,) = sandbox.messages
    assert (message.vendor, message.channel, message.number) == (vendor, "sms", NUMBER)
    assert message.text.startswith("424242 is your ")
    assert message.code == (None if vendor in {"kaleyra", "aoc"} else "424242")
    assert sandbox.requests(vendor) == 1


@every_vendor
@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_or_missing_key_is_refused_with_401(vendors, sandbox, vendor, key):
    refused = vendors.send(vendor, headers=dict.fromkeys(WRONG_KEY[vendor], key))
    assert refused.status_code == 401
    assert sandbox.messages == []
    assert sandbox.requests(vendor) == 1


@every_vendor
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 60_000, b'{"to": [1], "mobile_number": {}, "type": 1}']
)
def test_a_body_that_makes_no_sense_is_refused_and_never_an_accident(vendors, sandbox, vendor, body):
    path, headers, _ = SENDS[vendor](NUMBER)
    answer = vendors.request("POST", vendor, path, headers={**headers, "Content-Type": "application/json"}, data=body)
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/json"
    assert sandbox.messages == []


@every_vendor
def test_a_path_or_method_that_is_not_documented_is_not_there(vendors, sandbox, vendor):
    path, headers, body = SENDS[vendor](NUMBER)
    assert vendors.request("POST", vendor, path + "x/y", headers=headers, json=body).status_code == 404
    assert vendors.request("GET", vendor, path, headers=headers).status_code == 404
    assert (sandbox.requests(vendor), sandbox.requests(vendor, "other")) == (0, 2)


# IMB


@pytest.mark.parametrize(("path", "channel"), [("send-sms", "sms"), ("whatsapp/send-message", "whatsapp")])
def test_imb_answers_as_its_sample_on_both_channels(vendors, sandbox, path, channel):
    answer = vendors.send("imb", path=f"/api/v1/comunication/{path}").json()
    assert set(answer) == {"response_code", "status", "message", "data", "meta"}
    assert (answer["response_code"], answer["status"], answer["message"]) == (200, "success", "Success")
    assert re.fullmatch(r"IMBSMS\d{14}_[0-9a-f]{8}", answer["data"]["message_id"])
    assert answer["data"]["status"] == "delivered"
    assert uuid.UUID(answer["meta"]["request_id"])
    assert answer["meta"]["time"].endswith("+05:30")
    assert [(m.channel, m.vendor_id) for m in sandbox.messages] == [(channel, answer["data"]["message_id"])]


def test_imb_says_which_credentials_are_missing_in_its_error_envelope(vendors):
    refused = vendors.send("imb", headers={"x-client-id": ""}).json()
    assert set(refused) == {"response_code", "error_code", "message", "error", "data", "meta"}
    assert (refused["response_code"], refused["error_code"]) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize(
    "body",
    [
        {"mobile_number": NUMBER},
        {"mobile_number": "1234567890"},
        {"mobile_number": "98765432\uff110"},
        {"otp_code": "x"},
    ],
)
def test_imb_takes_indian_national_numbers_and_digits_only(vendors, sandbox, body):
    assert vendors.send("imb", **body).status_code == 422
    assert sandbox.messages == []


# Kaleyra


def test_kaleyra_answers_as_its_sample(vendors, sandbox):
    answer = vendors.send("kaleyra", template_id="101000000012").json()
    (message,) = sandbox.messages
    assert answer.pop("createdDateTime").endswith("+00:00")
    assert answer == {
        "id": message.vendor_id.removesuffix(":1"),
        "sender": "KLRHXA",
        "type": "OTP",
        "template_id": "101000000012",
        "body": "424242 is your code.",
        "totalCount": 1,
        "data": [{"message_id": message.vendor_id, "recipient": NUMBER[1:]}],
        "dlrurl": None,
        "error": {},
    }


def test_kaleyra_takes_form_fields_under_a_form_header_only(vendors, sandbox):
    path, headers, fields = SENDS["kaleyra"](NUMBER)
    assert vendors.request("POST", "kaleyra", path, headers=headers, data=fields).status_code == 202
    lying = {**headers, "Content-Type": "application/json"}
    assert vendors.request("POST", "kaleyra", path, headers=lying, data=fields).json()["code"] == "E413"
    assert [message.number for message in sandbox.messages] == [NUMBER]


def test_kaleyra_refuses_two_recipients_of_an_otp_in_the_documented_words(vendors, sandbox):
    said = "If Type is OTP then only one mobile number is allowed."
    assert vendors.send("kaleyra", to=f"{NUMBER},{NUMBER}").json() == {
        "code": "E404",
        "message": said,
        "error": {"time": said},
    }
    assert sandbox.messages == []


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("E411", {"to": None}),
        ("E600", {"to": ""}),
        ("E406", {"to": "12"}),
        ("E611", {"type": None}),
        ("E615", {"type": "MKT"}),
        ("E602", {"sender": None}),
        ("E619", {"sender": "K!"}),
        ("E412", {"body": None}),
        ("E413", {"template_id": "12345"}),
    ],
)
def test_kaleyra_names_what_is_wrong_by_its_code(vendors, sandbox, code, body):
    assert vendors.send("kaleyra", **body).json()["code"] == code
    assert sandbox.messages == []


def test_kaleyra_says_of_a_wrong_sid_what_it_says_of_a_wrong_key(vendors):
    refused = vendors.send("kaleyra", path="/v1/wrong/sms")
    assert (refused.status_code, refused.json()["code"]) == (401, "RBC001")


@pytest.mark.parametrize(
    ("number", "status", "trace"),
    [
        (NUMBER, "Delivered", ""),
        ("+919876543198", "UNDELIVERED", "ABSENT-SUB"),
        ("+919876543199", "NOT-SENT", "TEMPLATE-NOT-FOUND"),
    ],
)
def test_kaleyra_tells_a_poll_what_became_of_a_message(vendors, sandbox, number, status, trace):
    identifier = vendors.send("kaleyra", number).json()["data"][0]["message_id"]
    path, headers = "/v1/HXAP1/sms/status", {"api-key": "key"}
    answer = vendors.request("GET", "kaleyra", path, params={"message_ids": identifier}, headers=headers).json()
    assert answer["data"] == [{"message_id": identifier, "status": status, "status_trace": trace}]
    assert answer["error"] == {}
    unknown = vendors.request("GET", "kaleyra", path, params={"message_ids": "x:1"}, headers=headers)
    assert unknown.json()["code"] == "E104"
    assert (sandbox.requests("kaleyra"), sandbox.requests("kaleyra", "poll")) == (1, 2)


# AOC


def test_aoc_answers_as_its_sample(vendors, sandbox):
    answer = vendors.send("aoc", unicode=1, flash=0).json()
    (message,) = sandbox.messages
    assert answer == {
        "id": message.vendor_id.removesuffix(":1"),
        "data": [{"recipient": NUMBER[1:], "messageId": message.vendor_id}],
        "totalCount": 1,
        "unicode": 1,
        "flash": 0,
        "message": "Message Sent Successfully!",
        "error": None,
    }


def test_aoc_takes_several_numbers_in_one_string(vendors, sandbox):
    answer = vendors.send("aoc", to="919876543210, 919876543211").json()
    assert [data["messageId"].rpartition(":")[2] for data in answer["data"]] == ["1", "2"]
    assert [message.number for message in sandbox.messages] == ["+919876543210", "+919876543211"]


@pytest.mark.parametrize("path", ["/v1/sms", "/v1/sms/template"])
def test_aoc_takes_a_template_and_its_variables_in_place_of_a_text(vendors, sandbox, path):
    template = {"text": None, "templateId": "150716565000000", "custom": ["Example", "424242"]}
    assert vendors.send("aoc", path=path, **template).status_code == 200
    (message,) = sandbox.messages
    assert (message.text, message.code) == ("[template 150716565000000] Example, 424242", "424242")


@pytest.mark.parametrize(
    "body",
    [
        {"sender": None},
        {"to": None},
        {"to": NUMBER},
        {"to": "919876543210,"},
        {"type": "OTHER"},
        {"text": None},
        {"text": None, "templateId": "1"},
        {"text": None, "templateId": "1", "custom": [1]},
        {"flash": "1"},
        {"flash": [1]},
    ],
)
def test_aoc_refuses_what_its_page_does_not_allow(vendors, sandbox, body):
    refused = vendors.send("aoc", **body)
    assert (refused.status_code, refused.json()["error"]) == (400, "Bad Request")
    assert sandbox.messages == []


WHATSAPP = {
    "from": "+911234567890",
    "campaignName": "example",
    "to": NUMBER,
    "templateName": "otp",
    "type": "template",
    "components": {"body": {"params": ["424242"]}, "buttons": {"params": ["424242"]}},
}


def test_aoc_sends_a_code_by_whatsapp(vendors, sandbox):
    answer = vendors.request("POST", "aoc", "/v1/whatsapp", headers={"apikey": "key"}, json=WHATSAPP)
    (message,) = sandbox.messages
    assert answer.json()["data"] == [{"recipient": NUMBER[1:], "messageId": message.vendor_id}]
    assert (message.channel, message.number, message.code) == ("whatsapp", NUMBER, "424242")
    assert message.text.startswith("424242 is your verification code.")


@pytest.mark.parametrize(
    "change",
    [
        {"to": NUMBER[1:]},
        {"from": ""},
        {"type": "text"},
        {"components": None},
        {"components": {"body": {"params": ["424242"]}, "buttons": {"params": ["1"]}}},
        {"components": {"body": {"params": []}, "buttons": {"params": []}}},
    ],
)
def test_aoc_refuses_a_whatsapp_message_without_its_number_or_its_code_given_twice(vendors, sandbox, change):
    answer = vendors.request("POST", "aoc", "/v1/whatsapp", headers={"apikey": "key"}, json={**WHATSAPP, **change})
    assert answer.status_code == 400
    assert sandbox.messages == []


# StartMessaging

KEY = {"X-API-Key": "key"}


def test_startmessaging_answers_as_its_sample_and_words_the_message(vendors, sandbox):
    answer = vendors.send("startmessaging", idempotencyKey="k").json()
    (message,) = sandbox.messages
    assert set(answer) == {"success", "statusCode", "requestId", "timestamp", "data"}
    assert (answer["success"], answer["statusCode"]) == (True, 201)
    assert answer["requestId"].startswith("req_")
    assert answer["data"] == {
        "otpRequestId": message.request_id,
        "messageId": message.vendor_id,
        "status": "queued",
    }
    assert message.text.startswith("424242 is your Example verification code.")


@pytest.mark.parametrize(
    "body",
    [
        {"phoneNumber": "919876543210"},
        {"phoneNumber": "+14155550123"},
        {"variables": None},
        {"variables": {"otp": 424242}},
        {"variables": {"otp": "123"}},
        {"templateId": ""},
        {"templateId": "150716565000000"},
    ],
)
def test_startmessaging_refuses_what_its_source_does_not_allow(vendors, sandbox, body):
    refused = vendors.send("startmessaging", **body).json()
    assert set(refused) == {"success", "statusCode", "requestId", "timestamp", "error"}
    assert (refused["success"], refused["statusCode"], refused["error"]["code"]) == (False, 400, "VALIDATION_ERROR")
    assert refused["error"]["details"]
    assert sandbox.messages == []


def test_startmessaging_takes_a_template_by_its_own_uuid(vendors):
    assert vendors.send("startmessaging", templateId=str(uuid.uuid4())).status_code == 201


def test_startmessaging_sends_a_number_three_messages_in_five_minutes(vendors, sandbox, clock):
    for _ in range(3):
        assert vendors.send("startmessaging").status_code == 201
    refused = vendors.send("startmessaging")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "RATE_LIMIT_EXCEEDED")
    assert vendors.send("startmessaging", "+919876543211").status_code == 201
    clock.shift(301)
    assert vendors.send("startmessaging").status_code == 201
    assert (len(sandbox.messages), sandbox.requests("startmessaging")) == (5, 6)


def test_startmessaging_verifies_the_code_of_a_request(vendors, sandbox):
    request_id = vendors.send("startmessaging").json()["data"]["otpRequestId"]

    def verify(**body):
        return vendors.request("POST", "startmessaging", "/otp/verify", headers=KEY, json=body)

    assert verify(requestId=request_id, otpCode="424242").json()["data"] == {"verified": True}
    assert verify(requestId=request_id, otpCode="111111").json()["data"] == {"verified": False}
    unknown = verify(requestId=str(uuid.uuid4()), otpCode="424242")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (sandbox.requests("startmessaging"), sandbox.requests("startmessaging", "verify")) == (1, 3)


@pytest.mark.parametrize(
    ("number", "status", "error"),
    [
        (NUMBER, "delivered", None),
        ("+919876543198", "failed", "ABSENT-SUB"),
        ("+919876543199", "failed", "TEMPLATE-NOT-FOUND"),
    ],
)
def test_startmessaging_tells_a_poll_what_became_of_a_message_and_the_code_with_it(
    vendors, sandbox, number, status, error
):
    identifier = vendors.send("startmessaging", number).json()["data"]["messageId"]
    answer = vendors.request("GET", "startmessaging", f"/messages/{identifier}", headers=KEY).json()
    assert set(answer) == {"success", "statusCode", "data"}
    data = answer["data"]
    assert (data["messageId"], data["status"], data["error"]) == (identifier, status, error)
    assert (data["deliveredAt"] is not None) == (status == "delivered")
    assert "424242" in data["content"]
    assert vendors.request("GET", "startmessaging", "/messages/x", headers=KEY).status_code == 404
    assert sandbox.requests("startmessaging", "poll") == 2
