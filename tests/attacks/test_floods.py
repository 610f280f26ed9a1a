"""A49, A50, A55, R19: many requests, other channels and calls past the views get what one view gets, and no more."""

from collections import Counter

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, BaseBackend, DeliveryUncertain
from django_phone_otp.exceptions import Invalid, PhoneOTPError, RateLimited
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import PHONE, browser, numbers, wrong
from tests.conftest import every_database
from tests.races import together
from tests.services import queues
from tests.unlimited import UNLIMITED

in_a_database = pytest.mark.django_db


class Probing(BaseBackend):
    """A vendor that looks, while it is asked, whether the number has a place left; and then does what it is told."""

    reaches_people = False
    act = None
    inside = []

    def send(self, message):
        try:
            phone_otp.send(message.number, purpose="signup")
        except PhoneOTPError as refusal:
            self.inside.append(refusal.code)
        else:
            self.inside.append("sent")
        raise self.act


@pytest.fixture
def queue():
    queues.enqueued.clear()
    with override_phone_otp(
        DISPATCHER="tests.services.queues.remember", LIMITS={**UNLIMITED, "send.global": ["30/1h"]}
    ):
        yield queues.enqueued
    queues.enqueued.clear()


@in_a_database
def test_a49_a_flood_puts_no_more_into_the_queue_than_all_may_have(queue):
    statuses = Counter(
        browser(f"203.0.{n // 200}.{n % 200}").send(number).status_code for n, number in enumerate(numbers(300))
    )
    assert statuses == {201: 30, 429: 270}
    assert len(queue) == Delivery.objects.count() == Challenge.objects.count() == 30


@every_database
def test_a49_a_flood_at_one_instant_neither(queue, database):
    targets = numbers(50)
    statuses = Counter(together(50, lambda n: browser(f"203.0.113.{n}").send(targets[n]).status_code))
    assert statuses == {201: 30, 429: 20}
    assert len(queue) == Delivery.objects.count() == 30


@in_a_database
def test_a49_who_floods_is_stopped_before_all_are(queue):
    """The sender's limit comes first: one address takes its own places, and the others are left to the others."""
    with override_phone_otp(
        DISPATCHER="tests.services.queues.remember",
        LIMITS={**UNLIMITED, "send.global": ["30/1h"], "send.ip": ["20/1h"]},
    ):
        targets = numbers(210)
        assert Counter(browser().send(number).status_code for number in targets[:200]) == {201: 20, 429: 180}
        statuses = [browser(f"198.51.100.{n}").send(number).status_code for n, number in enumerate(targets[200:])]
        assert statuses == [201] * 10
    assert len(queue) == 30


@in_a_database
@override_phone_otp(CHANNELS=["whatsapp", "sms"], RESEND_AFTER=[0], LIMITS=UNLIMITED)
def test_a50_a_channel_that_is_not_offered_is_not_to_be_had():
    attacker = browser()
    handle = attacker.send().json()["challenge"]
    assert outbox[0].channel == "whatsapp"
    for channel in ("voice", "VOICE", "Sms", "email", "whatsapp,voice", "", " sms", "\x00"):
        assert attacker.send(channel=channel).status_code == 400
        assert attacker.post("resend", {"challenge": handle, "channel": channel}).status_code == 400
        with pytest.raises(Invalid):
            phone_otp.send(PHONE, purpose="signup", channel=channel)
        with pytest.raises(Invalid):
            phone_otp.resend(handle, channel=channel)
    for value in (None, 1, True, ["sms"], {"sms": 1}):
        assert attacker.send(channel=value).status_code == 400
        assert attacker.post("resend", {"challenge": handle, "channel": value}).status_code == 400
    assert len(outbox) == Challenge.objects.get().messages == 1


@in_a_database
@override_phone_otp(RESEND_AFTER=[0])
def test_a50_another_channel_brings_no_messages_no_guesses_and_no_other_code():
    attacker = browser()
    handle = attacker.send().json()["challenge"]
    code = latest_code(PHONE)
    attacker.verify(handle, wrong(code))
    answers = [
        attacker.post("resend", {"challenge": handle, "channel": channel})
        for channel in ("whatsapp", "sms", "whatsapp", "sms")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[1].json()["attempts_left"] == 4
    assert [message.channel for message in outbox] == ["sms", "whatsapp", "sms"]
    assert {message.code for message in outbox} == {code}
    assert attacker.send(channel="whatsapp").status_code == 429


@in_a_database
class TestA55:
    """As a GraphQL view, a batch endpoint or a management command would: a hundred calls, perhaps in one request."""

    def test_a55_a_hundred_calls_without_a_request_send_what_the_number_has(self):
        for _ in range(3):
            phone_otp.send(PHONE, purpose="signup")
        for _ in range(97):
            with pytest.raises(RateLimited):
                phone_otp.send(PHONE, purpose="signup")
        assert len(outbox) == 3

    def test_a55_a_hundred_calls_in_one_request_send_what_the_address_has(self, rf):
        request, sent = rf.post("/graphql/"), 0
        for number in numbers(100):
            try:
                phone_otp.send(number, purpose="signup", request=request)
            except RateLimited:
                continue
            sent += 1
        assert sent == len(outbox) == 20

    def test_a55_a_hundred_resends_in_one_request_send_what_the_number_has(self, rf):
        request = rf.post("/graphql/")
        with override_phone_otp(RESEND_AFTER=[0]):
            handle = phone_otp.send(PHONE, purpose="signup", request=request).handle
            for _ in range(99):
                try:
                    phone_otp.resend(handle, request=request)
                except RateLimited:
                    continue
        assert len(outbox) == 3

    def test_a55_a_hundred_guesses_in_one_request_are_what_the_number_has(self, rf):
        request, judged = rf.post("/graphql/"), Counter()
        with override_phone_otp(LIMITS={"send.number": []}):
            for _ in range(20):
                try:
                    handle = phone_otp.send(PHONE, purpose="signup").handle
                except PhoneOTPError as refusal:
                    judged[refusal.code] += 1
                    continue
                for n in range(5):
                    try:
                        phone_otp.verify(handle, wrong(latest_code(PHONE), n), request=request)
                    except PhoneOTPError as refusal:
                        judged[refusal.code] += 1
        assert judged == {"incorrect_code": 15, "too_many_attempts": 17}


@in_a_database
@pytest.mark.parametrize(
    ("failure", "status"),
    [(BackendUnavailable("down"), 502), (DeliveryUncertain("hung"), 201), (OSError(), 201)],
    ids=repr,
)
def test_r19_a_place_is_taken_before_the_vendor_is_asked_and_kept_when_it_fails(failure, status, monkeypatch):
    monkeypatch.setattr(Probing, "act", failure)
    monkeypatch.setattr(Probing, "inside", [])
    backends = {"default": {"BACKEND": f"{__name__}.Probing"}}
    with override_phone_otp(BACKENDS=backends, LIMITS={**UNLIMITED, "send.number": ["1/1h"]}):
        assert [browser().send().status_code for _ in range(5)] == [status, 429, 429, 429, 429]
    assert Probing.inside == ["rate_limited"]


@in_a_database
@pytest.mark.parametrize("limit", ["send.ip", "send.prefix", "send.region", "send.purpose", "send.global"])
def test_r19_no_limit_is_given_back_for_a_vendor_that_fails(limit, monkeypatch):
    monkeypatch.setattr(Probing, "send", lambda *_: (_ for _ in ()).throw(BackendUnavailable("down")))
    backends = {"default": {"BACKEND": f"{__name__}.Probing"}}
    with override_phone_otp(BACKENDS=backends, LIMITS={**UNLIMITED, limit: ["3/1h"]}):
        statuses = [browser().send(number).status_code for number in numbers(6)]
    assert statuses == [502] * 3 + [429] * 3
