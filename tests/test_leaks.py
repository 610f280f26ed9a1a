"""Nothing secret where it should not be: logs, error reports, tables, the cache, exceptions.

Codes have ten digits here, so that no other number can look like one.
"""

import json
import logging
import sys

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.views.debug import ExceptionReporter
from pytest_httpserver import HTTPServer

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import MessageRejected, SendResult
from django_phone_otp.backends.http import HTTPBackend
from django_phone_otp.exceptions import DeliveryFailed, PhoneOTPError
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import budget, challenges, codes, guesses, opening, proofs
from django_phone_otp.services.delivery import deliver
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services import queues
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db

NATIONAL = PHONE[2:]
API_KEY = "made-up-vendor-api-key"


class EchoingVendor(HTTPBackend):
    """A vendor that repeats everything it was told in its refusals."""

    def __init__(self, *, alias, api_key, **options):
        super().__init__(alias=alias, **options)
        self.api_key = api_key

    def send(self, message):
        body = {"to": message.number, "code": message.code, "text": message.text, "key": self.api_key}
        answer = self.request("POST", "/send", json=body, params={"key": self.api_key})
        if not answer.ok:
            secrets = [message.code, message.number, message.text, self.api_key]
            raise MessageRejected(answer.body.decode(), raw=answer.redacted(secrets))
        return SendResult(id=message.key, raw=answer.json())


@pytest.fixture(autouse=True)
def _long_codes():
    with override_phone_otp(CODE_LENGTH=10, LIMITS={"send.number": [], "send.ip": [], "verify.ip": []}):
        yield


@pytest.fixture
def every_log(caplog):
    """Record every logger at DEBUG, with the tracebacks that go with a record."""
    caplog.set_level(logging.DEBUG)
    for name in ("django", "django_phone_otp", "urllib3", "requests", "django.db.backends"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def echo(httpserver: HTTPServer):
    """Configure the echoing vendor against a real server."""

    def handler(request):
        from werkzeug import Response

        return Response(request.get_data(), status=422)

    httpserver.expect_request("/send").respond_with_handler(handler)
    vendor = {
        "BACKEND": "tests.test_leaks.EchoingVendor",
        "OPTIONS": {"base_url": httpserver.url_for("").rstrip("/"), "api_key": API_KEY},
    }
    with override_phone_otp(BACKENDS={"default": vendor}):
        yield


def walk_through_everything(api):
    """Do what can be done, right and wrong, and return the secrets that came by."""
    sent = api.send()
    handle, code = sent.json()["challenge"], latest_code(PHONE)
    text = outbox[-1].text
    api.send("+19002345678")
    api.send(f"{PHONE};ext=1")
    api.verify(handle, wrong(code))
    api.verify(handle, code + "0")
    api.verify(handle[:-1] + "B", code)
    api.post("status", {"challenge": handle})
    api.post("resend", {"challenge": handle})
    token = api.verify(handle, code).json()["token"]
    api.verify(handle, code)
    phone_otp.redeem(token, purpose="signup")
    api.send(purpose="login")
    payment = api.send(purpose="payment", context={"amount": "10", "payee": "Shop"}).json()["challenge"]
    return [code, handle, token, text, payment, latest_code(PHONE)]


def assert_absent(secrets, where):
    assert where
    for position, secret in enumerate(secrets):
        assert secret not in where, f"secret {position} is there"


def rows_of_every_table():
    """Return every value of every table, by table and column, as the database gives them."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    found.setdefault((table, column), []).append(value)
    return found


def test_logs_at_debug_hold_no_code_number_handle_token_or_text(api, every_log):
    secrets = walk_through_everything(api)
    assert_absent([*secrets, PHONE, NATIONAL], every_log.text)


def test_logs_of_failing_vendors_hold_nothing_that_the_vendor_repeats(echo, every_log, api):
    assert api.send().status_code == 502
    secrets = [codes.code_of(Challenge.objects.get()), PHONE, NATIONAL, API_KEY]
    assert_absent(secrets[:3], every_log.text)
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert_absent(secrets[:3], f"{delivery.reason} {delivery.vendor_code}")


def test_no_table_holds_a_code_a_handle_a_token_or_a_text(api):
    secrets = walk_through_everything(api)
    dump = rows_of_every_table()
    values = [value for values in dump.values() for value in values]
    assert_absent(secrets, repr(values))
    as_bytes = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    assert not [secret for secret in secrets if secret.encode() in as_bytes]


def test_numbers_live_in_one_column_of_each_table(api, django_user_model):
    walk_through_everything(api)
    bind(django_user_model.objects.create_user("member"), PHONE)
    holders = {place for place, values in rows_of_every_table().items() if NATIONAL in repr(values)}
    assert holders == {("phone_otp_challenge", "number"), ("phone_otp_verifiedphone", "number")}


def test_the_cache_holds_no_number_and_no_secret(api):
    secrets = walk_through_everything(api)
    api.send(headers={"Idempotency-Key": "made-up-key"})
    with override_phone_otp(LIMITS={"send.number": ["99/1h"]}):
        api.send()
    kept = repr(cache._cache)
    assert_absent([*secrets, PHONE, NATIONAL, "made-up-key"], kept)


def test_a_queue_is_told_only_a_primary_key():
    queues.enqueued.clear()
    with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
        challenge = phone_otp.send(PHONE, purpose="signup")
    assert queues.enqueued == [str(challenge.deliveries.get().pk)]


def test_no_refusal_says_what_was_refused(api):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    attempts = [
        lambda: phone_otp.send(f"{PHONE};ext=1", purpose="signup"),
        lambda: phone_otp.send("+19002345678", purpose="signup"),
        lambda: phone_otp.verify(challenge.handle, wrong(code)),
        lambda: phone_otp.verify(challenge.handle, f"{code}0"),
        lambda: phone_otp.verify(challenge.handle[::-1], code),
        lambda: phone_otp.redeem(challenge.handle, purpose="signup"),
        lambda: phone_otp.resend(challenge.handle),
    ]
    for attempt in attempts:
        with pytest.raises(PhoneOTPError) as refusal:
            attempt()
        told = f"{refusal.value} {refusal.value!r}"
        assert_absent([PHONE, NATIONAL, "9002345678", code, challenge.handle], told)


FAULTS = [
    (opening, "read_budget", "send"),
    (opening, "new_delivery", "send"),
    (opening, "dispatch", "send"),
    (budget.Budget, "grant", "send"),
    (challenges, "is_right", "verify"),
    (codes, "derive_code", "verify"),
    (codes, "codes_match", "verify"),
    (guesses, "count", "verify"),
    (challenges, "prove", "verify"),
    (proofs, "_redeemable", "redeem"),
]


@pytest.mark.parametrize(("where", "name", "call"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("through", ["the API", "Python"])
def test_an_error_report_of_a_fault_anywhere_shows_no_secret(api, rf, monkeypatch, where, name, call, through):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    token = phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, latest_code(PHONE)).token
    second = latest_code(PHONE)

    def fault(*args, **kwargs):
        raise RuntimeError("a fault")

    monkeypatch.setattr(where, name, fault)
    calls = {
        ("send", "the API"): api.send,
        ("send", "Python"): lambda: phone_otp.send(PHONE, purpose="signup"),
        ("verify", "the API"): lambda: api.verify(challenge.handle, code),
        ("verify", "Python"): lambda: phone_otp.verify(challenge.handle, code),
        ("redeem", "the API"): lambda: api.client.post(
            "/accounts/login/", json.dumps({"phone_token": token}), content_type="application/json"
        ),
        ("redeem", "Python"): lambda: phone_otp.redeem(token, purpose="signup"),
    }
    secrets = [code, second, challenge.handle, token, PHONE, NATIONAL]
    reports = []
    try:
        calls[call, through]()
    except RuntimeError:
        # Only the frames of the app and below: what a caller keeps in its own variables is the caller's.
        kind, error, traceback = sys.exc_info()
        while traceback and "django_phone_otp" not in traceback.tb_frame.f_code.co_filename:
            traceback = traceback.tb_next
        reporter = ExceptionReporter(rf.post("/"), kind, error, traceback)
        reports = [reporter.get_traceback_text(), reporter.get_traceback_html()]
    assert len(reports) == 2, "the fault did not come through"
    for report in reports:
        assert "a fault" in report
        assert_absent(secrets, report)


def test_an_error_report_of_a_worker_shows_no_secret(rf, monkeypatch):
    with override_phone_otp(DISPATCHER="tests.services.queues.forget"):
        phone_otp.send(PHONE, purpose="signup")

    def fault(*args, **kwargs):
        raise OperationalError("the database is gone")

    monkeypatch.setattr("django_phone_otp.services.handover.record", fault)
    with pytest.raises(OperationalError) as failure:
        deliver(str(Delivery.objects.get().pk))
    reporter = ExceptionReporter(rf.post("/"), failure.type, failure.value, failure.tb)
    assert outbox
    assert_absent([outbox[0].code, PHONE, NATIONAL, outbox[0].text], reporter.get_traceback_html())


def test_the_vendors_answer_does_not_reach_the_caller(echo):
    with pytest.raises(DeliveryFailed) as failure:
        phone_otp.send(PHONE, purpose="signup")
    assert_absent([PHONE, NATIONAL, API_KEY], f"{failure.value!r} {failure.value}")
