"""Whatever arrives: a 4xx problem document, never a 500, nothing counted that should not be, nothing sent."""

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

CALLS = {
    "send": {"phone": PHONE, "purpose": "signup"},
    "resend": {"challenge": "A" * 43},
    "status": {"challenge": "A" * 43},
    "verify": {"challenge": "A" * 43, "code": "123456"},
    "cancel": {"challenge": "A" * 43},
}


def assert_refused(response, *statuses):
    assert response.status_code in (statuses or range(400, 500)), response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["code"]
    assert not outbox


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"123456", id="number"),
        pytest.param(b"true", id="boolean"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"phone": "+14155550123"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * 10_000, id="deep"),
        pytest.param(b'{"a":' * 3_000, id="deep objects"),
        pytest.param(b"1" * 10_000, id="a long number"),
        pytest.param(b'{"code": NaN}', id="NaN"),
        pytest.param(b'{"code": -Infinity}', id="infinity"),
        pytest.param(b"phone=%2B14155550123&purpose=signup", id="a form"),
    ],
)
def test_a_body_that_is_no_json_object(api, call, body):
    assert_refused(api.post(call, body), 400)


@pytest.mark.parametrize("call", CALLS)
def test_a_body_of_a_megabyte(api, call):
    assert_refused(api.post(call, {**CALLS[call], "more": "x" * 1_000_000}), 413)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "value",
    [None, 7, 1.5, True, [], ["+14155550123"], {}, {"a": {"b": "c"}}, "", " ", "\x00", "1\x00", "\ud800", "x" * 5000],
    ids=lambda value: json.dumps(value)[:20],
)
def test_a_field_of_another_type_or_with_strange_characters(api, call, value):
    api.send()
    outbox.clear()
    for field in CALLS[call]:
        response = api.post(call, json.dumps({**CALLS[call], field: value}))
        assert_refused(response, 400, 404)
    assert Challenge.objects.get().attempts == 0
    assert Challenge.objects.count() == 1


@pytest.mark.parametrize("field", ["phone", "purpose"])
def test_a_key_that_comes_twice(api, field):
    twice = f'{{"phone": "{PHONE}", "purpose": "signup", "{field}": "{CALLS["send"][field]}"}}'
    assert_refused(api.post("send", twice), 400)


def test_a_log_in_that_the_database_cannot_even_look_up_is_a_failed_one(api, monkeypatch):
    from rest_framework.authentication import BaseAuthentication

    from django_phone_otp.api.views import SendView

    class Odd(BaseAuthentication):
        def authenticate(self, request):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    monkeypatch.setattr(SendView, "authentication_classes", [Odd])
    assert_refused(api.send(), 401, 403)


def test_a_code_that_comes_twice_is_no_guess(api):
    handle = api.send().json()["challenge"]
    code = latest_code(PHONE)
    outbox.clear()
    assert_refused(api.post("verify", f'{{"challenge": "{handle}", "code": "000000", "code": "{code}"}}'), 400)
    assert Challenge.objects.get().attempts == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/xml",
        "x",
        "a/b;",
    ],
)
def test_a_body_of_another_type(client, content_type):
    response = client.generic("POST", "/api/phone/send/", json.dumps(CALLS["send"]), content_type=content_type)
    assert_refused(response, 415)


def test_json_with_parameters_in_its_type_is_json(client):
    response = client.generic(
        "POST", "/api/phone/send/", json.dumps(CALLS["send"]), content_type="application/JSON; charset=utf-8"
    )
    assert response.status_code == 201


@pytest.mark.parametrize(
    "code",
    [
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "12345a",
        "1e5",
        "0x1234",
        "12 34 5",
        "-1",
        "+123456",
        "123456789012",
        "1.5",
        "12\n3456",
        "१२३४५६",
    ],
)
def test_what_is_no_code_is_no_guess(api, code):
    handle = api.send().json()["challenge"]
    outbox.clear()
    assert_refused(api.verify(handle, code), 400)
    assert Challenge.objects.get().attempts == 0


@pytest.mark.parametrize(
    "phone",
    [
        "+14155550123;ext=1",
        "+14155550123 x99",
        "tel:+14155550123",
        "1-800-FLOWERS",
        "+1415555\u200b0123",
        "abc+14155550123",
    ],
)
def test_numbers_with_extensions_letters_or_hidden_characters(api, phone):
    assert_refused(api.send(phone), 400)


@pytest.mark.parametrize("context", [7, "x", [], {"amount": 1}, {"amount": {"a": "b"}}, {"amount": None}, {"x": "y"}])
def test_a_context_of_another_shape(api, context):
    assert_refused(api.send(purpose="payment", context=context), 400)


def test_errors_are_flat_lists_of_messages_by_field(api):
    body = api.send(7, purpose="payment", context={"amount": 7, "payee": None}).json()
    assert body["errors"] == {
        "phone": ["This must be text."],
        "context": ["This must be an object whose values are text."],
    }


LIVE = "the-handle-of-a-live-challenge"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(["phone", "purpose", "channel", "context", "challenge", "code", "more"])
bodies = (
    st.dictionaries(
        fields, json_values | st.sampled_from([LIVE, PHONE, "signup", "payment", "sms", "123456"]), max_size=6
    ).map(json.dumps)
    | json_values.map(json.dumps)
    | st.binary(max_size=200)
)
types = st.sampled_from(["application/json", "application/json; charset=latin-1", "text/plain", ""]) | st.text(
    max_size=20
)
keys = st.none() | st.text(st.characters(codec="latin-1"), max_size=20)


@override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["90000/1d"]}, RESEND_AFTER=[0])
@hypothesis_settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(call=st.sampled_from(list(CALLS)), body=bodies, content_type=types, key=keys)
def test_any_bytes_under_any_headers_are_answered_with_a_status_below_500(client, call, body, content_type, key):
    if isinstance(body, str) and LIVE in body:
        # A live challenge of its own, so that codes and contexts get past the handle.
        outbox.clear()
        Challenge.objects.all().delete()  # or their guesses, which are held, would add up
        body = body.replace(LIVE, phone_otp.send(PHONE, purpose="signup").handle)
    headers = {} if key is None else {"Idempotency-Key": key}
    response = client.generic("POST", f"/api/phone/{call}/", body, content_type=content_type, headers=headers)
    assert response.status_code < 500, response.content[:500]
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"]
    else:
        assert response.status_code == (201 if call == "send" else 200)
