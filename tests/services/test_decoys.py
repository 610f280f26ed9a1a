"""Decoys: whoever asks for a number that has no account gets the same answer, and no message."""

import pytest
from django.contrib.auth.models import User

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import IncorrectCode, RateLimited, ResendTooSoon, TooManyAttempts
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox
from tests.conftest import PHONE
from tests.services.sending import send

pytestmark = pytest.mark.django_db


class TestRegisteredOnly:
    """Nobody learns who is registered: a decoy looks like a challenge and never verifies."""

    @pytest.fixture
    def member(self):
        user = User.objects.create_user("member")
        bind(user, PHONE)
        return user

    def test_a_registered_number_gets_its_code(self, member):
        challenge = send(purpose="login")
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE

    def test_an_unknown_number_gets_the_same_answer_and_no_message(self, member, clock):
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        assert [message.number for message in outbox] == [PHONE]
        shown = ("status", "purpose", "channel", "code_length", "attempts_left", "expires_at", "resend_at")
        assert [getattr(real, name) for name in shown] == [getattr(decoy, name) for name in shown]
        assert real.delivery_status == decoy.delivery_status
        assert len(real.handle) == len(decoy.handle)

    def test_the_fate_of_a_message_tells_nothing(self, member):
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        Delivery.objects.filter(challenge=real).update(status="delivered")
        states = {phone_otp.status(handle).delivery_status for handle in (real.handle, decoy.handle)}
        assert states == {"accepted"}

    def test_a_blocked_user_gets_the_same_answer_and_no_message(self, member):
        User.objects.update(is_active=False)
        assert send(purpose="login").delivery_status == "accepted"
        assert not outbox

    def test_a_decoy_never_verifies_not_even_with_the_code_that_it_would_have(self):
        from django_phone_otp.services.codes import code_of

        challenge = send(purpose="login")
        stored = Challenge.objects.get()
        with pytest.raises(IncorrectCode) as refusal:
            phone_otp.verify(challenge.handle, code_of(stored))
        assert refusal.value.attempts_left == 4

    def test_a_decoy_locks_resends_and_cancels_like_any_challenge(self, clock):
        challenge = send(purpose="login")
        with pytest.raises(ResendTooSoon):
            phone_otp.resend(challenge.handle)
        clock.shift(30)
        assert phone_otp.resend(challenge.handle).delivery_status == "accepted"
        for _ in range(5):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, "000000")
        with pytest.raises(TooManyAttempts):
            phone_otp.verify(challenge.handle, "000000")
        phone_otp.cancel(send(purpose="login").handle)
        assert not outbox

    def test_unknown_numbers_are_limited_alike(self):
        for _ in range(3):
            send(purpose="login")
        with pytest.raises(RateLimited):
            send(purpose="login")

    def test_who_signs_up_after_a_decoy_gets_a_code_in_the_same_session(self, rf):
        request = rf.post("/")
        request.session = type("Session", (), {"session_key": "one-browser"})()
        decoy = send(purpose="login", request=request)
        bind(User.objects.create_user("member"), PHONE)
        assert send(purpose="login", request=request).handle != decoy.handle
        assert len(outbox) == 1

    def test_a_template_with_a_fault_tells_nothing(self, member, settings, tmp_path):
        template = tmp_path / "phone_otp" / "message" / "login.txt"
        template.parent.mkdir(parents=True)
        template.write_text("{% if %}")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        assert real.delivery_status == decoy.delivery_status == "accepted"

    def test_support_can_see_why_no_message_went(self):
        send(purpose="login")
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.reason) == ("failed", "decoy: the number is not registered")
