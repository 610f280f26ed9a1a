"""Webhooks: whoever does not know the secret is told nothing, and whoever does can only move a delivery forward."""

import json
import logging

import pytest
from django.db import DatabaseError, OperationalError
from django.test import Client, override_settings
from django.urls import reverse

import django_phone_otp as phone_otp
from django_phone_otp import webhooks
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt
from django_phone_otp.services import receipts
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db

SECRET, OLD, OTHER = "made-up-secret-number-one", "made-up-secret-number-two", "made-up-secret-number-six"
NOWHERE = "http://127.0.0.1:1"
KALEYRA = "django_phone_otp.backends.kaleyra.KaleyraBackend"
AOC = "django_phone_otp.backends.aoc.AOCBackend"
LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}


def kaleyra(**options):
    required = {"sid": "EXAMPLE00IN", "api_key": "made-up-key", "sender": "EXMPLE", "base_url": NOWHERE}
    return {"BACKEND": KALEYRA, "OPTIONS": {**required, "webhook_secrets": [SECRET, OLD], **options}}


def aoc(**options):
    fields = {"id": "messageId", "status": "status"}
    required = {"api_key": "made-up-key", "sender": "EXMPLE", "base_url": NOWHERE, "webhook_fields": fields}
    return {"BACKEND": AOC, "OPTIONS": {**required, "webhook_secrets": [OTHER], **options}}


@pytest.fixture
def aliases():
    """Two aliases that take webhooks, one that does not."""
    with override_phone_otp(BACKENDS={"default": LOCMEM, "kaleyra": kaleyra(), "aoc": aoc()}):
        yield


@pytest.fixture
def delivery(aliases):
    """A message that Kaleyra took."""
    phone_otp.send(PHONE, purpose="signup")
    Delivery.objects.update(alias="kaleyra", vendor_id="v-1:1")
    return Delivery.objects.get()


def url(alias="kaleyra", secret=SECRET):
    return reverse("phone_otp:webhook", args=[alias, secret])


def push(client, body, address=None, **headers):
    return client.post(address or url(), json.dumps(body), content_type="application/json", headers=headers)


DELIVERED = {"message_id": "v-1:1", "status": "Delivered", "timestamp": "2026-11-22T10:00:05Z"}


def state():
    """Return everything that a call might have changed."""
    rows = [model.objects.order_by("pk").values() for model in (Challenge, Delivery, DeliveryReceipt)]
    return [list(row) for row in rows]


def test_a_receipt_moves_its_delivery(client, delivery):
    response = push(client, DELIVERED)
    assert (response.status_code, response.content) == (200, b"")
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert "no-store" in response["Cache-Control"]


def test_a_query_and_a_form_say_the_same(client, delivery):
    assert client.get(url(), {"message_id": "v-1:1", "status": "Sent"}).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.SENT
    assert client.post(url(), {"id": "v-1:1", "status": "UN-DELIVERED", "status_trace": "MOB-OFF"}).status_code == 200
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.UNDELIVERED, "the phone is off (MOB-OFF)")


def test_both_secrets_are_good_while_one_replaces_the_other(client, delivery):
    assert push(client, {**DELIVERED, "status": "Sent"}, url(secret=OLD)).status_code == 200
    assert push(client, DELIVERED, url(secret=SECRET)).status_code == 200
    with override_phone_otp(BACKENDS={"default": LOCMEM, "kaleyra": kaleyra(webhook_secrets=[SECRET])}):
        assert push(client, DELIVERED, url(secret=OLD)).status_code == 404


@pytest.mark.parametrize(
    ("alias", "secret"),
    [
        ("kaleyra", "made-up-secret-number-oneX"),
        ("kaleyra", SECRET.upper()),
        ("kaleyra", SECRET[:-1]),
        ("kaleyra", "x"),
        ("kaleyra", "ünïcödé"),
        ("kaleyra", OTHER),
        ("default", SECRET),
        ("nowhere", SECRET),
        ("nöwhere", SECRET),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_whoever_does_not_know_the_secret_is_told_nothing(client, delivery, alias, secret, method):
    before = state()
    response = getattr(client, method)(url(alias, secret), DELIVERED)
    assert (response.status_code, response.content) == (404, b"")
    assert state() == before


def test_a_receipt_of_one_vendor_does_not_touch_the_messages_of_another(client, delivery):
    before = state()
    assert push(client, {"messageId": "v-1:1", "status": "delivered"}, url("aoc", OTHER)).status_code == 200
    assert state() == before


def test_a_replay_and_a_step_back_change_nothing(client, delivery):
    push(client, DELIVERED)
    before = state()
    assert push(client, DELIVERED).status_code == 200
    assert state() == before
    assert push(client, {**DELIVERED, "status": "Sent"}).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"null", "application/json"),
        (b'"text"', "application/json"),
        (b"[[]]", "application/json"),
        (b"[1]", "application/json"),
        (b"{}", "application/json"),
        (b'{"message_id": {"$ne": ""}, "status": "Delivered"}', "application/json"),
        (b'{"message_id": ["v-1:1"], "status": "Delivered"}', "application/json"),
        (b'{"message_id": "v-1:1"}', "application/json"),
        (b'{"message_id": "v-1:1", "status": ""}', "application/json"),
        (b'{"message_id": "%s", "status": "Delivered"}' % (b"v" * 300), "application/json"),
        (b"[" * 50_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"message_id=v-1:1&message_id=v-1:1&status=Delivered", "application/x-www-form-urlencoded"),
        (b"message_id=v-1:1;status=Delivered", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(2000)), "application/x-www-form-urlencoded"),
        (b"--", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"status=Delivered", "text/plain"),
        (b'{"message_id": "v-1:1", "status": "Delivered", "x": "%s"}' % (b"x" * 300_000), "application/json"),
        (b'{"message_id": "v-1:1", "status": "Delivered", "x": "%s"}' % (b"x" * 3_000_000), "application/json"),
        (json.dumps([DELIVERED] * 1001).encode(), "application/json"),
    ],
    ids=range(23),
)
def test_a_call_that_makes_no_sense_changes_nothing_and_is_not_asked_for_again(client, delivery, body, kind):
    before = state()
    assert client.post(url(), body, content_type=kind).status_code == 200
    assert state() == before


def test_several_receipts_may_come_in_one_call(client, delivery):
    several = [{**DELIVERED, "status": "Sent"}, {"message_id": "not-ours", "status": "Sent"}, DELIVERED]
    assert push(client, several).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert delivery.receipts.count() == 2


def test_a_record_that_cannot_be_read_does_not_cost_the_others(client, delivery):
    for odd in ({"ping": 1}, {"message_id": "v-1:1"}, {**DELIVERED, "status": "x" * 201}):
        Delivery.objects.update(status=DeliveryStatus.ACCEPTED)
        assert push(client, [odd, DELIVERED, odd]).status_code == 200
        delivery.refresh_from_db()
        assert delivery.status == DeliveryStatus.DELIVERED


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", "2026-11-31"])
def test_a_time_that_cannot_be_is_no_time(client, delivery, when):
    assert push(client, {**DELIVERED, "timestamp": when}).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert delivery.receipts.get().at is None


def test_half_a_character_costs_no_receipt(client, delivery):
    for odd in ({"timestamp": "2026-11-22\ud80010:00:00"}, {"status_trace": "\ud800"}, {"status": "\ud800"}):
        assert push(client, {**DELIVERED, **odd}).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED


@pytest.mark.parametrize("append_slash", [True, False])
def test_a_url_without_its_last_slash_loses_no_receipt(client, delivery, settings, append_slash, caplog):
    settings.APPEND_SLASH = append_slash
    assert push(client, DELIVERED, url().removesuffix("/")).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert SECRET not in caplog.text


@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options"])
def test_other_methods_are_refused(client, delivery, method):
    before = state()
    assert getattr(client, method)(url()).status_code == 405
    assert state() == before


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("203.0.113.7", 200),
        ("::ffff:203.0.113.7", 200),
        ("2001:db8::7", 200),
        ("2001:db8::8", 404),
        ("198.51.100.7", 404),
        ("not-an-address", 404),
    ],
)
def test_networks_say_where_calls_may_come_from(client, delivery, peer, status):
    near = kaleyra(webhook_networks=["203.0.113.0/24", "2001:db8::7"])
    with override_phone_otp(BACKENDS={"default": LOCMEM, "kaleyra": near}):
        assert client.post(url(), {}, REMOTE_ADDR=peer).status_code == status


def test_a_forged_header_is_no_network(client, delivery):
    near = {"default": LOCMEM, "kaleyra": kaleyra(webhook_networks=["203.0.113.0/24"])}
    headers = {"X-Forwarded-For": "203.0.113.7"}
    with override_phone_otp(BACKENDS=near):
        assert push(client, DELIVERED, **headers).status_code == 404
    with override_phone_otp(BACKENDS=near, TRUSTED_PROXIES=["127.0.0.1"]):
        assert push(client, DELIVERED, **headers).status_code == 200


def test_it_needs_no_cookie_no_csrf_token_and_no_log_in(delivery, settings):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        *(
            f"django.contrib.{name}"
            for name in (
                "sessions.middleware.SessionMiddleware",
                "auth.middleware.AuthenticationMiddleware",
                "auth.middleware.LoginRequiredMiddleware",
            )
            if f"django.contrib.{name}" not in settings.MIDDLEWARE
        ),
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    response = push(Client(enforce_csrf_checks=True), DELIVERED)
    assert response.status_code == 200
    assert not response.cookies
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED


def test_a_database_that_is_gone_is_told_so_that_the_vendor_comes_again(client, delivery, monkeypatch):
    def fault(*args):
        raise OperationalError("the database is gone")

    monkeypatch.setattr(receipts, "apply", fault)
    assert issubclass(OperationalError, DatabaseError)
    assert push(client, DELIVERED).status_code == 503


def test_a_fault_in_a_backend_is_no_error_page(client, delivery, monkeypatch, caplog):
    from django_phone_otp.backends.webhooked import WebhookBackend

    def fault(self, request):
        raise RuntimeError(f"a fault with {SECRET}")

    monkeypatch.setattr(WebhookBackend, "parse_webhook", fault)
    assert push(client, DELIVERED).status_code == 200
    assert "Backend 'kaleyra' raised RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_an_alias_that_cannot_be_built_is_as_good_as_none(client):
    with override_phone_otp(BACKENDS={"default": LOCMEM, "kaleyra": {"BACKEND": "nowhere.Backend"}}):
        assert push(client, DELIVERED).status_code == 404


@pytest.mark.parametrize("method", ["get", "post", "put"])
@pytest.mark.parametrize("secret", [SECRET, "made-up-secret-with-a-typo"])
def test_no_log_line_has_the_secret(client, delivery, caplog, monkeypatch, method, secret):
    caplog.set_level(logging.DEBUG)
    call = getattr(client, method)
    for body in (DELIVERED, {"message_id": PHONE, "status": PHONE}, b"\x00"):
        call(url(secret=secret), body, content_type="application/json") if method != "get" else call(
            url(secret=secret), body if isinstance(body, dict) else {}
        )

    def fault(*args):
        raise OperationalError("the database is gone")

    monkeypatch.setattr(receipts, "receive", fault)
    if method == "post":
        push(client, DELIVERED, url(secret=secret))
    assert secret not in caplog.text
    assert PHONE not in caplog.text
    assert PHONE[1:] not in caplog.text


def test_with_atomic_requests_receipts_are_committed_before_they_are_told(client, delivery):
    assert push.__name__  # the decorator is what is looked at: Django honours it for every database
    assert webhooks.receive._non_atomic_requests == {"default"}


@override_settings(DEBUG=True)
def test_the_debug_page_does_not_show_for_a_fault(client, delivery, monkeypatch):
    def fault(*args):
        raise RuntimeError("a fault")

    monkeypatch.setattr(receipts, "receive", fault)
    assert push(client, DELIVERED).content == b""
