"""Delivery: a message is handed over once, what became of it is written down, and nothing is sent twice."""

import contextlib
import time

import pytest
import time_machine

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryUncertain,
    MessageRejected,
    Scope,
    SendResult,
)
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import delivery as delivering
from django_phone_otp.signals import delivery_updated
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.sending import rows, send

pytestmark = pytest.mark.django_db

HERE = "tests.services.test_delivery."
LOCMEM = "django_phone_otp.backends.locmem.LocmemBackend"


class Vendor(BaseBackend):
    """Does what its ``act`` option says, and counts how often it was asked."""

    reaches_people = False
    asked = []

    def __init__(self, *, alias, act, **options):
        super().__init__(alias=alias, **options)
        self.act = act

    def send(self, message):
        self.asked.append(self.alias)
        if isinstance(self.act, Exception):
            raise self.act
        return self.act


class WordsItself(Vendor):
    sends_text = False


class WhatsAppOnly(Vendor):
    channels = frozenset({"whatsapp"})


@pytest.fixture(autouse=True)
def _nobody_was_asked():
    Vendor.asked.clear()


def vendors(*acts, kind="Vendor", **changes):
    """Configure one alias per act, ``default`` first, and a route through all of them."""
    aliases = ["default", *(f"backup{n}" for n in range(1, len(acts)))]
    configured = {
        alias: {"BACKEND": LOCMEM} if act == "outbox" else {"BACKEND": HERE + kind, "OPTIONS": {"act": act}}
        for alias, act in zip(aliases, acts, strict=True)
    }
    return override_phone_otp(BACKENDS=configured, ROUTES=[{"backends": aliases}], **changes)


def test_an_accepted_message_is_written_down_with_its_id_and_segments():
    with vendors(SendResult(id="vendor-7", status=DeliveryStatus.SENT)):
        assert send().delivery_status == "sent"
    delivery = Delivery.objects.get()
    assert (delivery.alias, delivery.status, delivery.vendor_id) == ("default", "sent", "vendor-7")
    assert delivery.segments == 1


def test_a_vendor_that_words_the_message_is_not_counted_by_our_text():
    with vendors(SendResult(), kind="WordsItself", MESSAGE={"APP_NAME": "Ä" * 200}):
        send()
    assert Delivery.objects.get().segments == 1


def test_an_overlong_id_is_kept_as_far_as_it_fits():
    with vendors(SendResult(id="x" * 500)):
        send()
    assert Delivery.objects.get().vendor_id == "x" * 128


@pytest.mark.parametrize("failure", [BackendUnavailable("no connection"), MessageRejected("unknown sender")])
def test_certainly_not_sent_goes_on_to_the_next_alias(failure):
    with vendors(failure, "outbox"):
        assert send().delivery_status == "accepted"
    assert [row[:2] for row in rows()] == [("default", "failed"), ("backup1", "accepted")]
    assert len(outbox) == 1


def test_what_may_have_left_is_never_sent_again():
    with vendors(DeliveryUncertain("no answer in time"), "outbox"):
        challenge = send()
    assert challenge.delivery_status == "unknown"
    assert rows() == [("default", "unknown", "no answer in time", "")]
    assert not outbox


def test_the_person_may_ask_again_after_an_uncertain_delivery():
    with (
        time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock,
        vendors(DeliveryUncertain("no answer in time")),
    ):
        challenge = send()
        clock.shift(30)
        phone_otp.resend(challenge.handle)
    assert Vendor.asked == ["default", "default"]


def test_a_full_account_is_passed_over_for_the_next():
    with vendors("outbox", "outbox", LIMITS={"send.account": ["2/1h"]}):
        for last in range(4):
            phone_otp.send(f"+1415555010{last}", purpose="signup")
        with pytest.raises(DeliveryFailed):
            send()
    assert [row[0] for row in rows() if row[1] == "accepted"] == ["default"] * 2 + ["backup1"] * 2
    assert rows()[-1][1:3] == ("failed", "the account's own limit was reached")
    assert len(outbox) == 4


def test_a_limit_on_the_number_is_not_walked_around():
    limit = BackendUnavailable("three in five minutes", scope=Scope.RECIPIENT)
    with vendors(limit, "outbox"), pytest.raises(DeliveryFailed):
        send()
    assert not outbox


def test_when_every_alias_says_not_sent_the_caller_is_told_and_the_challenge_ends():
    failures = BackendUnavailable("down"), BackendUnavailable("down", vendor_code="E103")
    with vendors(*failures), pytest.raises(DeliveryFailed):
        send()
    assert rows() == [("default", "failed", "down", ""), ("backup1", "failed", "down", "E103")]
    assert Challenge.objects.get().status == "canceled"


def test_a_resend_that_fails_leaves_the_challenge_alive():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        challenge = send()
        clock.shift(30)
        with vendors(BackendUnavailable("down")), pytest.raises(DeliveryFailed):
            phone_otp.resend(challenge.handle)
        assert phone_otp.status(challenge.handle).status == "pending"


def test_a_backend_with_a_fault_is_one_message_at_most_and_no_crash(caplog):
    with vendors(KeyError(f"no such key for {PHONE}"), "outbox"):
        assert send().delivery_status == "unknown"
    assert rows() == [("default", "unknown", "the backend raised KeyError", "")]
    assert PHONE not in caplog.text


def test_a_vendors_words_are_kept_without_number_code_or_text():
    def words(message):
        raise MessageRejected(
            f"bad {message.code} for {message.number}: {message.text}", vendor_code=f"X{message.code}"
        )

    class Echo(Vendor):
        def send(self, message):
            words(message)

    Echo.__module__ = __name__
    globals()["Echo"] = Echo
    with vendors(None, kind="Echo"), pytest.raises(DeliveryFailed):
        send()
    delivery = Delivery.objects.get()
    assert delivery.reason.startswith("bad […] for […]")
    assert PHONE[1:] not in delivery.reason
    assert delivery.vendor_code == "X[…]"


@pytest.mark.parametrize(
    ("status", "sent", "delivered"),
    [("accepted", True, False), ("sent", True, False), ("delivered", True, True), ("failed", False, False),
     ("unknown", False, False)],
)  # fmt: skip
def test_when_a_message_was_sent_and_delivered_is_written_down(status, sent, delivered):
    with vendors(SendResult(id="v-7", status=DeliveryStatus(status))), contextlib.suppress(DeliveryFailed):
        send()
    row = Delivery.objects.get()
    assert (row.status, row.sent_at is not None, row.delivered_at is not None) == (status, sent, delivered)
    assert row.latency is not None


def test_a_vendor_that_says_sending_has_taken_the_message():
    for status in (DeliveryStatus.SENDING, DeliveryStatus.QUEUED):
        with vendors(SendResult(id="vendor-7", status=status)):
            assert send().delivery_status == "accepted"


@pytest.mark.parametrize("answer", [None, SendResult(status="gone fishing"), "ok"], ids=["None", "status", "text"])
def test_a_vendor_class_that_answers_nonsense_may_have_sent_the_message(answer):
    with vendors(answer, "outbox"):
        assert send().delivery_status == "unknown"
    assert Delivery.objects.get().status == "unknown"
    assert not outbox


def test_a_template_with_a_fault_sends_nothing_and_says_so(settings, tmp_path):
    template = tmp_path / "phone_otp" / "message" / "signup.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{% if %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    with pytest.raises(DeliveryFailed):
        send()
    assert rows()[0][1:3] == ("failed", "the message could not be worded: TemplateSyntaxError")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"{PHONE}-7", "[…]-7"),
        (f"IMB{PHONE.removeprefix('+1')}_7", "IMB[…]_7"),
        ("v-7 is your code", ""),
        ("v-\x007", "v-7"),
        ("key-of-the-account-7", "[…]-7"),
    ],
    ids=["number", "national", "words", "invisible", "key"],
)
def test_a_vendors_id_is_kept_without_number_words_and_keys(given, kept, monkeypatch):
    monkeypatch.setattr(Vendor, "secrets", ("key-of-the-account",), raising=False)
    with vendors(SendResult(id=given, check_id=given)):
        send()
    delivery = Delivery.objects.get()
    assert (delivery.vendor_id, delivery.check_id) == (kept, kept)


def test_a_vendor_gets_only_the_time_that_the_route_has_left(httpserver):
    from django_phone_otp.backends.base import route_ends_at
    from django_phone_otp.backends.http import HTTPBackend

    backend = HTTPBackend(alias="default", base_url=httpserver.url_for(""))
    with route_ends_at(time.monotonic() + 1):
        connect, read = backend._timeouts()
        assert 0 < connect * 3 + read <= 1
    assert backend._timeouts() == (1.0, 7.0)
    with route_ends_at(time.monotonic() - 1), pytest.raises(BackendUnavailable):
        backend.request("POST", "/")
    assert not httpserver.log


def test_the_route_stops_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(delivering, "ROUTE_SECONDS", -1)
    with vendors(BackendUnavailable("down"), "outbox"), pytest.raises(DeliveryFailed):
        send()
    assert not outbox


def test_an_alias_that_does_not_speak_the_channel_is_passed_over():
    with vendors(SendResult(), kind="WhatsAppOnly"), pytest.raises(DeliveryFailed):
        send()
    assert Vendor.asked == []
    assert rows() == [("", "failed", "no alias on the route speaks this channel", "")]


def test_the_first_route_that_matches_is_taken():
    routes = [
        {"regions": ["IN"], "backends": ["india"]},
        {"channels": ["whatsapp"], "backends": ["chat"]},
        {"purposes": ["login"], "regions": ["*"], "backends": ["logins"]},
    ]
    aliases = {name: {"BACKEND": LOCMEM} for name in ("default", "india", "chat", "logins")}
    with override_phone_otp(BACKENDS=aliases, ROUTES=routes, LIMITS={"send.number": []}):
        phone_otp.send("+919876543210", purpose="signup", channel="whatsapp")
        phone_otp.send(PHONE, purpose="signup", channel="whatsapp")
        phone_otp.send(PHONE, purpose="signup")
    assert [row[0] for row in rows()] == ["india", "chat", "default"]


def test_a_receipt_that_is_quicker_than_the_answer_stands():
    class Quick(Vendor):
        def send(self, message):
            Delivery.objects.update(status=DeliveryStatus.DELIVERED)
            return SendResult(id="vendor-7")

    globals()["Quick"] = Quick
    with vendors(None, kind="Quick"):
        send()
    assert Delivery.objects.get().status == "delivered"


def test_each_change_of_a_delivery_is_told():
    seen = []

    def receiver(delivery, **_):
        seen.append((delivery.alias, str(delivery.status)))

    delivery_updated.connect(receiver)
    try:
        with vendors(BackendUnavailable("down"), "outbox"):
            send()
    finally:
        delivery_updated.disconnect(receiver)
    assert seen == [("default", "failed"), ("backup1", "accepted")]


class TestTestNumbers:
    NUMBER = "+15555550100"

    @pytest.fixture(params=["delivered", "sent", "unknown", "undelivered"])
    def outcome(self, request):
        numbers = {
            self.NUMBER: {
                "code": "424242",
                "outcome": request.param,
                "until": "2999-01-31",
                "allow_in_production": True,
            }
        }
        with override_phone_otp(TEST_NUMBERS=numbers):
            yield request.param

    def test_never_reach_a_vendor_and_end_as_scripted(self, outcome):
        challenge = phone_otp.send("+1 555 555 0100", purpose="signup")
        assert challenge.delivery_status == outcome
        assert not outbox
        assert phone_otp.verify(challenge.handle, "424242").phone == self.NUMBER

    def test_that_fail_fail_as_a_vendor_would(self):
        numbers = {
            self.NUMBER: {
                "code": "42424242",
                "outcome": "failed",
                "until": "2999-01-31",
                "allow_in_production": True,
            }
        }
        with override_phone_otp(TEST_NUMBERS=numbers), pytest.raises(DeliveryFailed):
            phone_otp.send(self.NUMBER, purpose="signup")
        assert Challenge.objects.get().code_length == 8
