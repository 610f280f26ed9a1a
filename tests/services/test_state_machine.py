"""Whatever is done in whatever order, a challenge keeps its promises: checked against a simple model."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    IncorrectCode,
    InvalidToken,
    ResendTooSoon,
    TooManyAttempts,
)
from django_phone_otp.models import Challenge
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_races import wrong

BUDGET = 7
LIMITS = {"send.number": [], "send.ip": [], "verify.ip": [], "verify.number": [f"{BUDGET}/1d"]}


class Known:
    """What the model knows of one challenge."""

    def __init__(self, handle, code, granted, now):
        self.handle = handle
        self.code = code
        self.granted = granted
        self.attempts = 0
        self.state = "pending"
        self.expires_at = now + timedelta(minutes=5)
        self.resend_at = now + timedelta(seconds=30)
        self.token = None


class ChallengeLife(RuleBasedStateMachine):
    """One number, any number of challenges, one clock."""

    challenges = Bundle("challenges")

    def __init__(self):
        super().__init__()
        from django.core.cache import cache
        from django.utils import timezone

        cache.clear()
        Challenge.objects.all().delete()
        self.traveller = time_machine.travel("2026-11-22T10:00:00Z", tick=False)
        self.clock = self.traveller.start()
        self.override = override_phone_otp(LIMITS=LIMITS, MAX_ATTEMPTS=3)
        self.override.enable()
        self.now = timezone.now
        self.wrong_guesses = []
        self.proved = 0

    def teardown(self):
        self.override.disable()
        self.traveller.stop()

    def state_of(self, known):
        return "expired" if known.state == "pending" and known.expires_at <= self.now() else known.state

    def refusal(self, known):
        locked = TooManyAttempts if known.expires_at > self.now() else ChallengeExpired
        closed = {"expired": ChallengeExpired, "locked": locked}
        state = self.state_of(known)
        return None if state == "pending" else closed.get(state, ChallengeClosed)

    @rule(target=challenges)
    def send(self):
        before = len(outbox)
        try:
            challenge = phone_otp.send(PHONE, purpose="signup")
        except TooManyAttempts:
            assert len(outbox) == before
            return None
        assert len(outbox) == before + 1
        return Known(challenge.handle, outbox[-1].code, challenge.max_attempts, self.now())

    @rule(known=challenges, position=st.integers(0, 9))
    def guess_wrong(self, known, position):
        if known is None:
            return
        expected = self.refusal(known)
        with pytest.raises(expected or IncorrectCode):
            phone_otp.verify(known.handle, wrong(known.code, position))
        if expected is None:
            self.wrong_guesses.append(self.now())
            known.attempts += 1
            if known.attempts == known.granted:
                known.state = "locked"

    @rule(known=challenges)
    def guess_right(self, known):
        if known is None:
            return
        expected = self.refusal(known)
        if expected is not None:
            with pytest.raises(expected):
                phone_otp.verify(known.handle, known.code)
            return
        known.token = phone_otp.verify(known.handle, known.code).token
        known.attempts += 1
        known.state = "verified"
        self.proved += 1

    @rule(known=challenges)
    def resend(self, known):
        if known is None:
            return
        expected = self.refusal(known) or (ResendTooSoon if known.resend_at > self.now() else None)
        if expected is not None:
            with pytest.raises(expected):
                phone_otp.resend(known.handle)
            return
        challenge = phone_otp.resend(known.handle)
        assert outbox[-1].code == known.code
        assert challenge.attempts == known.attempts
        assert challenge.expires_at == known.expires_at
        known.resend_at = challenge.resend_at

    @rule(known=challenges)
    def cancel(self, known):
        if known is None:
            return
        expected = self.refusal(known)
        if expected is not None:
            with pytest.raises(expected):
                phone_otp.cancel(known.handle)
            return
        phone_otp.cancel(known.handle)
        known.state = "canceled"

    @rule(known=challenges)
    def redeem(self, known):
        if known is None or known.token is None:
            return
        token, known.token = known.token, None
        stored = Challenge.objects.get(pk=phone_otp.status(known.handle).pk)
        if stored.closed_at + timedelta(minutes=10) > self.now():
            assert phone_otp.redeem(token, purpose="signup") == PHONE
        with pytest.raises(InvalidToken):
            phone_otp.redeem(token, purpose="signup")

    @rule(seconds=st.sampled_from([1, 29, 30, 60, 299, 300, 330, 3600, 86_400, 86_700]))
    def wait(self, seconds):
        self.clock.shift(seconds)

    @rule(known=challenges)
    def status(self, known):
        if known is not None:
            stored = phone_otp.status(known.handle)
            assert stored.status_at(self.now()) == self.state_of(known)
            assert stored.attempts == known.attempts <= stored.max_attempts

    @invariant()
    def no_day_has_more_wrong_guesses_than_the_number_has(self):
        for start in self.wrong_guesses:
            day = [moment for moment in self.wrong_guesses if start <= moment < start + timedelta(days=1)]
            assert len(day) <= BUDGET

    @invariant()
    def every_proof_is_one_verified_challenge(self):
        assert Challenge.objects.filter(status="verified").count() == self.proved


ChallengeLife.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.django_db
class TestChallengeLife(ChallengeLife.TestCase):
    """The machine as a test."""
