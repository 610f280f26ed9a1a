"""AOC Portal: "SMS", as /vendor-docs/002 has it, and for what it leaves out how public client code calls it."""

import itertools
import json
from dataclasses import replace

import pytest

from django_phone_otp.backends.aoc import BULK_MAXIMUM, AOCBackend
from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryError,
    DeliveryUncertain,
    InvalidBackend,
    MessageRejected,
)
from tests.backends.contract import BackendContract, Refusal
from tests.messages import message

OPTIONS = {"api_key": 'aoc/"key"+0=', "sender": "AOCAPI"}
WHATSAPP = {"from": "+919800000000", "campaign": "api-test", "template": "otp"}
ID = "58d63c02-0000-0000-0000-00009bb39453:1"
# The sample of "Send OTP SMS".
ACCEPTED = {
    "id": "58d63c02-0000-0000-0000-00009bb39453",
    "data": [{"recipient": "91XXXXXXXXXX", "messageId": ID}],
    "totalCount": 1,
    "message": "Message Sent Successfully!",
    "error": None,
}
TEMPLATE_ID = "1507165650000000001"
REFUSALS = (
    Refusal("key", 401, {"error": "Invalid apikey"}, BackendUnavailable, words="credentials: Invalid apikey"),
    Refusal("account", 403, {"error": True, "message": "Suspended"}, BackendUnavailable, words="account: Suspended"),
    Refusal("a-field", 400, {"error": {"message": '"to" is not allowed to be empty'}}, MessageRejected,
            words='"to" is not allowed to be empty'),
    Refusal("a-code", 422, {"error": {"code": "DLT01", "message": "No such template"}}, MessageRejected, "DLT01",
            words="No such template"),
    Refusal("rate", 429, {"error": "Too many"}, BackendUnavailable, retry_after=60, words="rate: Too many"),
    Refusal("text-as-200", 200, {"data": None, "error": "No credit"}, MessageRejected, words="No credit"),
    Refusal("true-as-200", 200, {"error": True, "message": "No credit"}, MessageRejected, words="No credit"),
    Refusal("object-as-200", 200, {"error": {"code": 17, "message": "No credit"}}, MessageRejected, "17",
            words="No credit"),
    Refusal("text-as-299", 299, {"error": "No credit"}, MessageRejected, words="No credit"),
    Refusal("nothing-as-200", 200, {"data": None, "error": {}, "message": "Else"}, DeliveryUncertain, words="Else"),
    Refusal("an-error-and-an-id-elsewhere", 200, {"id": "58d63c02", "error": "No credit"}, DeliveryUncertain),
    Refusal("an-error-and-an-id-as-400", 400, {**ACCEPTED, "error": "partly"}, DeliveryUncertain),
    Refusal("an-error-and-an-id", 200, {**ACCEPTED, "error": "partly"}, DeliveryUncertain),
)  # fmt: skip


class TestAOC(BackendContract):
    backend = "django_phone_otp.backends.aoc.AOCBackend"
    options = OPTIONS
    secrets = ("api_key",)
    path = "/v1/sms"
    accepted = ACCEPTED
    vendor_id = ID
    refusals = REFUSALS

    def error_body(self, said):
        return {"error": {"code": said, "message": said}, "message": said}


class TestAOCWhatsApp(TestAOC):
    options = {**OPTIONS, "whatsapp": WHATSAPP}
    channel = "whatsapp"
    path = "/v1/whatsapp"
    accepted = {"messages": [{"id": "wamid.HBgM"}], "error": None}
    vendor_id = "wamid.HBgM"
    refusals = REFUSALS[:-2]

    def error_body(self, said):
        return {"error": said, "data": []}


def aoc(httpserver, **options):
    return AOCBackend(alias="main", base_url=httpserver.url_for(""), **{**OPTIONS, **options})


def asked(httpserver, sent=None, path="/v1/sms", **options):
    """Send a message, and return the request that the vendor got."""
    httpserver.expect_request(path).respond_with_json(ACCEPTED)
    backend = aoc(httpserver, **options)
    assert backend.send(backend.worded(sent or message(number="+919876543210"))).id == ID
    ((request, _),) = httpserver.log
    return request


@pytest.mark.parametrize("kind", ["OTP", "TRANS", "PROMO"])
def test_the_vendor_is_asked_just_as_its_sample_does(httpserver, kind):
    request = asked(httpserver, type=kind)
    assert (request.method, request.path, request.query_string) == ("POST", "/v1/sms", b"")
    assert request.headers["apikey"] == OPTIONS["api_key"]
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == {"sender": "AOCAPI", "to": "919876543210", "text": "424242 is your code.", "type": kind}


def test_the_type_is_otp_unless_the_options_say_else(httpserver):
    assert asked(httpserver).json["type"] == "OTP"


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("424242 is your code. @£€", False),
        ("424242 है", True),
        ("424242 ₹", True),
        ("\N{BLACK STAR}", True),
    ],
)
def test_unicode_is_said_where_the_text_needs_it_and_only_there(httpserver, text, flagged):
    body = asked(httpserver, message(text)).json
    assert body.get("unicode") == (1 if flagged else None)
    assert body["text"] == text


@pytest.mark.parametrize("flash", [True, False])
def test_a_flash_message_is_one_only_when_asked_for(httpserver, flash):
    assert asked(httpserver, flash=flash).json.get("flash") == (1 if flash else None)


def test_a_registered_text_goes_with_the_id_of_its_template(httpserver):
    templates = [{"id": TEMPLATE_ID, "text": "{#var#} is your code."}]
    body = asked(httpserver, templates=templates).json
    assert (body["templateId"], body["text"]) == (TEMPLATE_ID, "424242 is your code.")
    assert "custom" not in body


@pytest.mark.parametrize(
    ("names", "values"),
    [(["code", "minutes"], ["424242", "5"]), ([], []), (["minutes", "app_name"], ["5", ""])],
    ids=itertools.count(),
)
def test_a_template_that_the_vendor_fills_in_gets_its_values_and_no_text_at_a_path_of_its_own(
    httpserver, names, values
):
    sent = replace(message(number="+919876543210"), variables={"code": "424242", "minutes": "5"})
    templates = [{"id": TEMPLATE_ID, "variables": names}]
    request = asked(httpserver, sent, path="/v1/sms/template", templates=templates, flash=True)
    assert request.json == {
        "sender": "AOCAPI",
        "to": "919876543210",
        "templateId": TEMPLATE_ID,
        "custom": values,
        "type": "OTP",
        "flash": 1,
    }


@pytest.mark.parametrize(
    ("option", "channel", "templates"),
    [("path", "sms", []), ("template_path", "sms", [{"id": TEMPLATE_ID}]), ("whatsapp_path", "whatsapp", [])],
)
def test_a_reseller_may_have_other_paths(httpserver, option, channel, templates):
    httpserver.expect_request("/api/send").respond_with_json(ACCEPTED)
    backend = aoc(httpserver, whatsapp=WHATSAPP, templates=templates, **{option: "/api/send"})
    assert backend.send(message(number="+919876543210", channel=channel)).id == ID


@pytest.mark.parametrize(
    "accepted",
    [
        {"data": [{"messageId": "w-1"}], "messages": []},
        {"messages": [{"id": "w-1"}]},
        {"messageId": "w-1", "id": "other"},
        {"id": "w-1", "error": False},
    ],
    ids=["data", "messages", "messageId", "id"],
)
def test_whatsapp_takes_a_template_with_the_code_twice_and_gives_its_id_in_one_of_four_places(httpserver, accepted):
    httpserver.expect_request("/v1/whatsapp").respond_with_json(accepted)
    sent = message(number="+919876543210", channel="whatsapp")
    assert aoc(httpserver, whatsapp=WHATSAPP).send(sent).id == "w-1"
    ((request, _),) = httpserver.log
    assert request.headers["apikey"] == OPTIONS["api_key"]
    assert request.json == {
        "from": "+919800000000",
        "campaignName": "api-test",
        "to": "+919876543210",
        "templateName": "otp",
        "type": "template",
        "components": {"body": {"params": ["424242"]}, "buttons": {"params": ["424242"]}},
    }


def test_whatsapp_is_spoken_only_with_a_template_of_its_own():
    assert AOCBackend(alias="main", **OPTIONS).channels == {"sms"}
    assert AOCBackend(alias="main", whatsapp=WHATSAPP, **OPTIONS).channels == {"sms", "whatsapp"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "SPAM"}, "type must be one of OTP, TRANS, PROMO"),
        ({"flash": 1}, "flash must be True or False"),
        ({"sender": ""}, "sender must be text"),
        ({"path": "v1/sms"}, "path must start with /"),
        ({"path": None}, "path must be text"),
        ({"template_path": ".evil.example/"}, "template_path must start with /"),
        ({"whatsapp_path": None}, "whatsapp_path must be text"),
        ({"whatsapp": "otp"}, "whatsapp must be a dict of campaign, from, template"),
        ({"whatsapp": {"from": "+919800000000"}}, "whatsapp must be a dict of campaign, from, template"),
        ({"whatsapp": {**WHATSAPP, "template": ""}}, "whatsapp['template'] must be text"),
        ({"templates": [{"id": "x"}]}, "templates[0]: id must be 12 to 30 digits"),
        ({"webhook_secrets": ["s" * 20]}, "webhook_fields must say where a receipt has its 'id' and 'status'"),
        ({"apikey": "x"}, "did you mean 'api_key'?"),
    ],
    ids=itertools.count(),
)
def test_a_bad_option_is_said_by_alias_and_name_and_shows_no_key(options, said):
    with pytest.raises(InvalidBackend) as problem:
        AOCBackend(alias="main", **{**OPTIONS, **options})
    assert str(problem.value).startswith("BACKENDS['main']: ")
    assert said in str(problem.value)
    assert OPTIONS["api_key"] not in str(problem.value)


def test_a_pushed_receipt_is_read_where_the_options_say(rf):
    fields = {"id": "mid", "status": "state"}
    backend = AOCBackend(alias="main", webhook_secrets=["s" * 20], webhook_fields=fields, **OPTIONS)
    call = rf.post("/", json.dumps({"mid": "m-1", "state": "READ"}), content_type="application/json")
    (receipt,) = backend.parse_webhook(call)
    assert (receipt.id, receipt.status) == ("m-1", "delivered")


# Several messages


def many(*lasts, text="The shop is closed."):
    return [message(text, number=f"+91987654321{last}") for last in lasts]


def entries(*lasts):
    return [{"recipient": f"91987654321{last}", "messageId": f"m:{last}"} for last in lasts]


def bodies(httpserver):
    return [request.json for request, _ in httpserver.log]


def test_one_text_to_many_is_one_call_and_the_answer_is_matched_by_recipient(httpserver):
    httpserver.expect_request("/v1/sms").respond_with_json({**ACCEPTED, "data": entries(2, 0, 1)})
    results = aoc(httpserver).send_many(many(0, 1, 2))
    assert [(result.id, result.status) for result in results] == [(f"m:{last}", "accepted") for last in (0, 1, 2)]
    (body,) = bodies(httpserver)
    assert body["to"] == "919876543210,919876543211,919876543212"
    assert body["text"] == "The shop is closed."


def test_a_recipient_with_a_plus_is_the_same(httpserver):
    data = [{**entry, "recipient": f"+{entry['recipient']}"} for entry in entries(0, 1)]
    httpserver.expect_request("/v1/sms").respond_with_json({**ACCEPTED, "data": data})
    assert [result.id for result in aoc(httpserver).send_many(many(0, 1))] == ["m:0", "m:1"]


def test_a_recipient_that_the_answer_does_not_name_may_have_been_sent_to(httpserver):
    data = [*entries(1), {"recipient": "919876543212"}, 5]
    httpserver.expect_request("/v1/sms").respond_with_json({**ACCEPTED, "data": data})
    results = aoc(httpserver).send_many(many(0, 1, 2))
    assert [(result.id, result.status) for result in results] == [("", "unknown"), ("m:1", "accepted"), ("", "unknown")]
    assert results[0].reason


@pytest.mark.parametrize(
    ("body", "status", "state"),
    [
        ({"error": "No credit"}, 400, "failed"),
        ({"error": "No credit"}, 200, "failed"),
        ({**ACCEPTED, "error": "partly", "data": entries(0)}, 200, "unknown"),
        ({"data": {}}, 200, "unknown"),
        ("ok", 200, "unknown"),
        ({"error": "No credit"}, 500, "unknown"),
    ],
    ids=itertools.count(),
)
def test_a_refusal_of_a_call_concerns_each_of_its_messages_and_is_not_raised(httpserver, body, status, state):
    httpserver.expect_request("/v1/sms").respond_with_json(body, status=status)
    results = aoc(httpserver).send_many(many(0, 1))
    assert [(result.id, result.status) for result in results] == [("", state)] * 2
    assert all(result.reason for result in results)
    assert len(httpserver.log) == 1


def test_each_text_has_a_call_of_its_own_and_the_results_keep_the_order(httpserver):
    def echo(request):
        from werkzeug import Response

        lasts = [number[-1] for number in request.json["to"].split(",")]
        return Response(json.dumps({"data": entries(*lasts)}), content_type="application/json")

    httpserver.expect_request("/v1/sms").respond_with_handler(echo)
    sent = [*many(0), *many(1, text="Else."), *many(2), *many(3, text="Alone.")]
    assert [result.id for result in aoc(httpserver).send_many(sent)] == ["m:0", "m:1", "m:2", "m:3"]
    assert [body["to"] for body in bodies(httpserver)] == ["919876543210,919876543212", "919876543211", "919876543213"]


def test_two_messages_to_one_number_are_never_in_one_call(httpserver):
    httpserver.expect_request("/v1/sms").respond_with_json({**ACCEPTED, "data": entries(0, 1)})
    results = aoc(httpserver).send_many(many(0, 0, 1))
    assert [result.id for result in results] == ["m:0", "m:0", "m:1"]
    assert [body["to"] for body in bodies(httpserver)] == ["919876543210,919876543211", "919876543210"]


def test_a_call_has_a_bounded_number_of_recipients(httpserver):
    httpserver.expect_request("/v1/sms").respond_with_json(ACCEPTED)
    sent = [message("Closed.", number=f"+9198765{last:05}") for last in range(BULK_MAXIMUM + 1)]
    assert len(aoc(httpserver).send_many(sent)) == BULK_MAXIMUM + 1
    assert [body["to"].count(",") for body in bodies(httpserver)] == [BULK_MAXIMUM - 1, 0]


def test_no_messages_are_no_call(httpserver):
    assert aoc(httpserver).send_many([]) == []
    assert httpserver.log == []


def test_many_whatsapp_messages_are_a_call_each(httpserver):
    httpserver.expect_request("/v1/whatsapp").respond_with_json({"messageId": "w-1"})
    sent = [replace(each, channel="whatsapp") for each in many(0, 1)]
    assert [result.id for result in aoc(httpserver, whatsapp=WHATSAPP).send_many(sent)] == ["w-1", "w-1"]
    assert len(httpserver.log) == 2


def test_many_messages_whose_text_is_not_registered_are_not_sent(httpserver):
    templates = [{"id": TEMPLATE_ID, "text": "{#numeric#} is your code."}]
    results = aoc(httpserver, templates=templates).send_many(many(0, 1))
    assert [result.status for result in results] == ["failed", "failed"]
    assert httpserver.log == []


def test_a_call_for_many_has_the_words_of_their_template(httpserver):
    httpserver.expect_request("/v1/sms").respond_with_json({**ACCEPTED, "data": entries(0, 1)})
    templates = [{"id": TEMPLATE_ID, "text": "{#var#} is closed.", "variables": ["app_name"]}]
    sent = [replace(each, variables={"app_name": "The shop"}) for each in many(0, 1, text="whatever")]
    assert [result.id for result in aoc(httpserver, templates=templates).send_many(sent)] == ["m:0", "m:1"]
    (body,) = bodies(httpserver)
    assert (body["text"], body["templateId"]) == ("The shop is closed.", TEMPLATE_ID)


def test_a_refusal_of_one_message_is_raised(httpserver):
    httpserver.expect_request("/v1/sms").respond_with_json({"error": "No credit"})
    with pytest.raises(DeliveryError, match="No credit"):
        aoc(httpserver).send(message())
