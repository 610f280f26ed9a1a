"""Signals: they tell what is stored already, and a receiver that raises changes nothing."""

import pytest

import django_phone_otp as phone_otp
from django_phone_otp import signals
from django_phone_otp.exceptions import IncorrectCode
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.services.sending import send
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent():
    """Record the names of the signals, and in what state the challenge was."""
    seen = []

    def note(name):
        def receiver(**kwargs):
            seen.append((name, str(kwargs["challenge"].status)))

        return receiver

    receivers = {name: note(name) for name in ("challenge_sent", "challenge_verified", "challenge_failed")}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield seen
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


class TestSignals:
    def test_tell_what_happened_after_it_is_stored(self, sent):
        challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        phone_otp.verify(challenge.handle, latest_code(PHONE))
        assert sent == [
            ("challenge_sent", "pending"),
            ("challenge_failed", "pending"),
            ("challenge_verified", "verified"),
        ]

    def test_the_last_wrong_guess_says_locked(self, sent):
        with override_phone_otp(MAX_ATTEMPTS=1):
            challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        assert sent[-1] == ("challenge_failed", "locked")

    def test_a_receiver_that_raises_changes_nothing(self, faulty_receivers):
        challenge = send()
        for n in range(4):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, wrong(latest_code(PHONE), n))
        assert Challenge.objects.get().attempts == 4
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE
        assert Challenge.objects.get().status == "verified"
