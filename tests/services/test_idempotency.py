"""Asking twice and getting one message."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.db import OperationalError

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable
from django_phone_otp.exceptions import DeliveryFailed, IdempotencyMismatch, Invalid, ResendTooSoon
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges, idempotency
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_delivery import vendors

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(rf):
    """Return a function that makes a request by a user, an address or a browser session."""

    def make(user=None, address="198.51.100.7", session=None):
        request = rf.post("/", REMOTE_ADDR=address)
        request.user = user or AnonymousUser()
        if session is not None:
            request.session = type("Session", (), {"session_key": session})()
        return request

    return make


def send(request, key=None, phone=PHONE, **kwargs):
    return phone_otp.send(phone, **{"purpose": "signup", **kwargs}, request=request, idempotency_key=key)


class TestKey:
    def test_the_same_body_gets_the_same_answer(self, request_of):
        first = send(request_of(), "made-up-key")
        again = send(request_of(), "made-up-key", phone="+1 (415) 555-0123")
        assert first.handle == again.handle
        assert again.delivery_status == "accepted"
        assert len(outbox) == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"phone": "+14155550199"},
            {"purpose": "login"},
            {"channel": "whatsapp"},
            {"purpose": "payment", "context": {"amount": "1", "payee": "Shop"}},
        ],
    )
    def test_another_body_is_a_mismatch(self, request_of, other):
        send(request_of(), "made-up-key")
        with pytest.raises(IdempotencyMismatch):
            send(request_of(), "made-up-key", **other)
        assert len(outbox) == 1

    def test_is_answered_after_the_end_of_the_challenge_too(self, request_of, clock):
        first = send(request_of(), "made-up-key")
        clock.shift(timedelta(hours=23))
        assert send(request_of(), "made-up-key").handle == first.handle
        assert len(outbox) == 1

    def test_is_forgotten_after_a_day(self, request_of, clock):
        first = send(request_of(), "made-up-key")
        clock.shift(timedelta(hours=24, seconds=1))
        assert send(request_of(), "made-up-key").handle != first.handle

    def test_a_replay_costs_nothing_of_the_limits(self, request_of):
        with override_phone_otp(LIMITS={"send.number": ["1/1h"], "send.ip": ["1/1h"]}):
            first = send(request_of(), "made-up-key")
            for _ in range(5):
                assert send(request_of(), "made-up-key").handle == first.handle

    def test_what_failed_may_be_asked_again(self, request_of):
        with vendors(BackendUnavailable("down")), pytest.raises(DeliveryFailed):
            send(request_of(), "made-up-key")
        assert send(request_of(), "made-up-key").status == "pending"
        assert len(outbox) == 1

    def test_belongs_to_the_address_that_sent_it(self, request_of):
        first = send(request_of(), "made-up-key")
        stranger = send(request_of(address="203.0.113.9"), "made-up-key")
        assert stranger.handle != first.handle

    def test_belongs_to_the_session_behind_a_shared_address(self, request_of):
        first = send(request_of(session="one-browser"), "made-up-key")
        assert send(request_of(session="another-browser"), "made-up-key").handle != first.handle

    def test_belongs_to_the_user_wherever_they_are(self, request_of):
        member = User.objects.create_user("member")
        first = send(request_of(user=member), "made-up-key")
        assert send(request_of(user=member, address="203.0.113.9"), "made-up-key").handle == first.handle
        assert send(request_of(), "made-up-key").handle != first.handle

    def test_works_without_a_request(self):
        assert send(None, "made-up-key").handle == send(None, "made-up-key").handle

    @pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "a\nb"])
    def test_that_is_malformed_is_invalid(self, request_of, key):
        with pytest.raises(Invalid) as refusal:
            send(request_of(), key)
        assert list(refusal.value.errors) == ["Idempotency-Key"]
        assert not outbox

    def test_is_not_kept_in_the_clear(self, request_of):
        send(request_of(), "made-up-key")
        assert not [key for key in cache._cache if "made-up-key" in key]

    def test_released_while_another_asks_is_taken_as_asked_before(self, request_of, monkeypatch):
        send(request_of(), "made-up-key")
        monkeypatch.setattr(cache, "get", lambda *_: None)
        assert send(request_of(), "made-up-key").status == "pending"

    def test_a_resend_with_it_is_one_message(self, request_of, clock):
        challenge = send(request_of())
        clock.shift(30)
        for _ in range(3):
            phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        assert len(outbox) == 2
        assert Challenge.objects.get().messages == 2

    def test_a_resend_whose_process_died_before_it_sent_is_sent_by_the_next_with_it(self, request_of, clock):
        challenge = send(request_of())
        clock.shift(30)
        idempotency.claim("resend", "made-up-key", request_of(), challenge.pk.bytes, b"")  # and nothing more
        for _ in range(2):
            phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        assert len(outbox) == 2

    def test_a_resend_that_meets_the_first_on_its_way_gets_its_answer(self, request_of, clock):
        challenge = send(request_of())
        idempotency.claim("resend", "made-up-key", request_of(), challenge.pk.bytes, b"")  # it is sending just now
        again = phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        assert again.handle == challenge.handle
        assert len(outbox) == 1

    def test_a_resend_of_another_challenge_with_it_is_a_mismatch(self, request_of, clock):
        first, second = send(request_of()), send(request_of())
        clock.shift(30)
        phone_otp.resend(first.handle, request=request_of(), idempotency_key="made-up-key")
        with pytest.raises(IdempotencyMismatch):
            phone_otp.resend(second.handle, request=request_of(), idempotency_key="made-up-key")

    def test_a_resend_that_came_too_soon_may_be_asked_again_with_it(self, request_of, clock):
        challenge = send(request_of())
        with pytest.raises(ResendTooSoon):
            phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        clock.shift(30)
        phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        assert len(outbox) == 2

    def test_a_resend_that_met_a_database_that_was_gone_may_be_asked_again_with_it(
        self, request_of, clock, monkeypatch
    ):
        def gone(*_):
            raise OperationalError

        challenge = send(request_of())
        clock.shift(30)
        with monkeypatch.context() as broken:
            broken.setattr(challenges, "_get", gone)
            with pytest.raises(OperationalError):
                phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        phone_otp.resend(challenge.handle, request=request_of(), idempotency_key="made-up-key")
        assert len(outbox) == 2

    def test_an_answer_is_remembered_only_for_keys(self, request_of):
        claim = idempotency.claim("send", None, request_of(), b"body")
        claim.settle(Challenge().pk)
        claim.release()
        assert not cache._cache


class TestSession:
    def test_a_double_click_is_one_message(self, request_of):
        first = send(request_of(session="one-browser"))
        assert send(request_of(session="one-browser")).handle == first.handle
        assert len(outbox) == 1

    def test_a_double_click_costs_nothing_of_the_limits(self, request_of):
        with override_phone_otp(LIMITS={"send.number": ["1/1h"]}):
            for _ in range(4):
                send(request_of(session="one-browser"))
        assert len(outbox) == 1

    def test_another_browser_gets_a_challenge_of_its_own(self, request_of):
        first = send(request_of(session="one-browser"))
        assert send(request_of(session="another-browser")).handle != first.handle

    def test_without_a_session_each_send_is_one(self, request_of):
        assert send(request_of()).handle != send(request_of(session="")).handle != send(request_of(session="")).handle

    def test_another_context_is_another_payment(self, request_of):
        request = request_of(session="one-browser")
        first = send(request, purpose="payment", context={"amount": "1", "payee": "Shop"})
        second = send(request, purpose="payment", context={"amount": "2", "payee": "Shop"})
        assert first.handle != second.handle
        assert len(outbox) == 2

    def test_when_the_challenge_is_over_a_send_is_a_new_one(self, request_of, clock):
        request = request_of(session="one-browser")
        first = send(request)
        phone_otp.verify(first.handle, latest_code(PHONE))
        second = send(request)
        clock.shift(300)
        third = send(request)
        assert len({first.handle, second.handle, third.handle}) == 3

    def test_the_session_key_is_not_stored(self, request_of):
        send(request_of(session="one-browser"))
        assert "one-browser" not in Challenge.objects.get().client
