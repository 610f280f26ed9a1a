"""Sending, and sending again: one message with the code for whoever may have one, and what it says of the wait."""

from datetime import timedelta

import pytest
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    IncorrectCode,
    Invalid,
    InvalidPhone,
    NumberNotAllowed,
    RateLimited,
    ResendTooSoon,
)
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.sending import send
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db


class TestSend:
    def test_returns_what_a_client_needs(self, clock):
        challenge = send()
        assert challenge.handle
        assert (challenge.status, challenge.purpose, challenge.channel) == ("pending", "signup", "sms")
        assert challenge.masked_number == "+1 ••••• ••123"
        assert (challenge.code_length, challenge.attempts_left) == (6, 5)
        assert challenge.expires_at == timezone.now() + timedelta(minutes=5)
        assert challenge.resend_at == timezone.now() + timedelta(seconds=30)
        assert challenge.delivery_status == "accepted"

    def test_sends_one_message_with_the_code(self):
        send()
        (message,) = outbox
        assert (message.number, message.channel, message.purpose) == (PHONE, "sms", "signup")
        assert message.code in message.text
        assert len(message.code) == 6

    def test_every_spelling_of_a_number_is_that_number(self):
        phone_otp.send("+1 (415) 555-0123", purpose="signup")
        assert outbox[0].number == PHONE

    def test_an_object_with_as_e164_will_do(self):
        class PhoneNumber:
            as_e164 = PHONE

        assert phone_otp.send(PhoneNumber(), purpose="signup").number == PHONE

    def test_two_challenges_have_different_codes_and_handles(self):
        first, second = send(), send()
        assert first.handle != second.handle
        assert bytes(first.seed) != bytes(second.seed)

    @pytest.mark.parametrize(
        ("kwargs", "field"),
        [
            ({"purpose": "unknown"}, "purpose"),
            ({"purpose": None}, "purpose"),
            ({"purpose": ["signup"]}, "purpose"),
            ({"channel": "voice"}, "channel"),
            ({"channel": "pigeon"}, "channel"),
            ({"context": {"amount": "1"}}, "context"),
            ({"purpose": "payment"}, "context"),
            ({"purpose": "payment", "context": {"amount": "1"}}, "context"),
            ({"purpose": "payment", "context": {"amount": 1.5, "payee": "Shop"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "x\n@evil.example #123456"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "https://evil.example"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "x" * 65}}, "context"),
        ],
    )
    def test_what_is_not_offered_is_refused_and_nothing_is_sent(self, kwargs, field):
        with pytest.raises(Invalid) as refusal:
            send(**kwargs)
        assert list(refusal.value.errors) == [field]
        assert not outbox
        assert not Challenge.objects.exists()

    def test_a_number_outside_the_regions_is_not_allowed(self):
        with override_phone_otp(REGIONS=["IN"]), pytest.raises(NumberNotAllowed) as refusal:
            send()
        assert refusal.value.reason == "region"
        assert not outbox

    @pytest.mark.parametrize("phone", [None, 14155550123, True, ["+14155550123"], "nobody", "+14155550123;ext=1"])
    def test_what_is_not_a_number_is_invalid(self, phone):
        with pytest.raises(InvalidPhone):
            phone_otp.send(phone, purpose="signup")
        assert not outbox

    def test_the_fourth_in_five_minutes_is_limited_and_says_how_long(self):
        for _ in range(3):
            send()
        with pytest.raises(RateLimited) as refusal:
            send()
        assert 300 <= refusal.value.retry_after <= 330
        assert len(outbox) == 3

    def test_an_address_is_limited_whatever_number_it_asks_for(self, rf):
        with override_phone_otp(LIMITS={"send.ip": ["2/1h"]}):
            for n in range(2):
                phone_otp.send(f"+1415555010{n}", purpose="signup", request=rf.post("/"))
            with pytest.raises(RateLimited):
                phone_otp.send("+14155550109", purpose="signup", request=rf.post("/"))
            phone_otp.send("+14155550109", purpose="signup", request=rf.post("/", REMOTE_ADDR="198.51.100.7"))

    def test_a_purpose_has_its_own_length_lifetime_and_guesses(self, clock):
        purposes = {"pin": {"CODE_LENGTH": 8, "CODE_TTL": timedelta(minutes=1), "MAX_ATTEMPTS": 2}}
        with override_phone_otp(PURPOSES=purposes):
            challenge = send(purpose="pin")
        assert len(outbox[0].code) == challenge.code_length == 8
        assert challenge.expires_at == timezone.now() + timedelta(minutes=1)
        assert challenge.attempts_left == 2


class TestResend:
    def test_sends_the_same_code_again_and_buys_neither_guesses_nor_time(self, clock):
        challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        clock.shift(30)
        again = phone_otp.resend(challenge.handle)
        assert outbox[0].code == outbox[1].code
        assert outbox[0].key != outbox[1].key
        assert again.attempts_left == 4
        assert again.expires_at == challenge.expires_at
        assert again.handle == challenge.handle

    def test_says_how_long_the_code_still_lives(self, clock):
        challenge = send()
        clock.shift(timedelta(minutes=4, seconds=40))
        phone_otp.resend(challenge.handle)
        assert "expires in 5 minutes" in outbox[0].text
        assert "expires in 1 minute." in outbox[1].text

    def test_waits_longer_each_time(self, clock):
        with override_phone_otp(LIMITS={"send.number": []}, CODE_TTL=timedelta(minutes=10)):
            challenge = send()
            pauses = []
            for _ in range(6):
                pauses.append((challenge.resend_at - timezone.now()).total_seconds())
                clock.move_to(challenge.resend_at)
                challenge = phone_otp.resend(challenge.handle)
        assert pauses == [30, 40, 60, 90, 120, 120]

    def test_a_moment_too_soon_says_how_long_to_wait(self, clock):
        challenge = send()
        clock.shift(timedelta(seconds=29, milliseconds=500))
        with pytest.raises(ResendTooSoon) as refusal:
            phone_otp.resend(challenge.handle)
        assert refusal.value.retry_after == 1
        assert len(outbox) == 1

    def test_another_channel_may_be_asked_for(self, clock):
        challenge = send()
        clock.shift(30)
        assert phone_otp.resend(challenge.handle, channel="whatsapp").channel == "whatsapp"
        assert [message.channel for message in outbox] == ["sms", "whatsapp"]
        assert phone_otp.status(challenge.handle).channel == "whatsapp"

    def test_a_channel_that_is_not_offered_is_refused(self, clock):
        challenge = send()
        clock.shift(30)
        with pytest.raises(Invalid):
            phone_otp.resend(challenge.handle, channel="voice")

    def test_counts_against_the_number(self, clock):
        first = send()
        send()
        send()
        clock.shift(30)
        with pytest.raises(RateLimited):
            phone_otp.resend(first.handle)
        assert len(outbox) == 3

    def test_is_refused_once_the_challenge_is_over(self, clock):
        challenge = send()
        clock.shift(30)
        phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.resend(challenge.handle)

    def test_is_refused_after_the_end(self, clock):
        challenge = send()
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.resend(challenge.handle)

    def test_that_loses_to_a_cancel_says_so(self, clock, monkeypatch):
        from django_phone_otp.services import admission, limits

        challenge = send()
        clock.shift(30)

        def cancel_first(*_):
            phone_otp.cancel(challenge.handle)
            return admission.Places(limits.Hits(), limits.Hits())

        monkeypatch.setattr(admission, "admit_message", cancel_first)
        with pytest.raises(ChallengeClosed):
            phone_otp.resend(challenge.handle)
        assert len(outbox) == 1

    def test_that_loses_to_another_resend_waits_a_moment(self, clock, monkeypatch):
        from django_phone_otp.services import opening

        challenge = send()
        clock.shift(30)
        monkeypatch.setattr(opening, "reopen", lambda *_: None)
        with pytest.raises(ResendTooSoon) as refusal:
            phone_otp.resend(challenge.handle)
        assert refusal.value.retry_after == 1
