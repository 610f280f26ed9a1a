"""Unlocking: staff give a number its guesses and messages back, and nothing is forgotten."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import (
    ChallengeClosed,
    Invalid,
    InvalidPhone,
    RateLimited,
    TooManyAttempts,
    Unavailable,
)
from django_phone_otp.models import Challenge
from django_phone_otp.services import retention
from django_phone_otp.services.unlocking import SET_ASIDE
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_budget import fail
from tests.services.test_limits import DEAD_REDIS
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


def lock(clock, purpose="signup"):
    """Use up all that ``verify.number`` allows."""
    for _ in range(3):
        fail(phone_otp.send(PHONE, purpose=purpose), 5)
        clock.shift(1)
    with pytest.raises(TooManyAttempts):
        phone_otp.send(PHONE, purpose=purpose)


class TestGuesses:
    @pytest.fixture(autouse=True)
    def _only_the_budget(self):
        with override_phone_otp(LIMITS=UNLIMITED):
            yield

    def test_come_back_all_of_them(self, clock):
        lock(clock)
        assert phone_otp.unlock(PHONE) == 3
        assert phone_otp.send(PHONE, purpose="signup").max_attempts == 5

    def test_come_back_after_a_hundred_failures_too(self, clock):
        with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["1000/1d"]}, MAX_ATTEMPTS=50):
            for _ in range(2):
                fail(phone_otp.send(PHONE, purpose="signup"), 50)
            with pytest.raises(TooManyAttempts):
                phone_otp.send(PHONE, purpose="signup")
            phone_otp.unlock("+1 (415) 555-0123")
            assert phone_otp.send(PHONE, purpose="signup").streak == 0

    def test_come_back_for_one_purpose_when_it_is_named(self, clock):
        lock(clock)
        lock(clock, "login")
        phone_otp.unlock(PHONE, purpose="login")
        assert phone_otp.send(PHONE, purpose="login").max_attempts == 5
        with pytest.raises(TooManyAttempts):
            phone_otp.send(PHONE, purpose="signup")

    def test_of_other_numbers_stay_as_they_are(self, clock):
        lock(clock)
        phone_otp.unlock("+14155550199")
        with pytest.raises(TooManyAttempts):
            phone_otp.send(PHONE, purpose="signup")

    def test_may_be_used_up_and_given_back_again(self, clock):
        for _ in range(3):
            lock(clock)
            assert phone_otp.unlock(PHONE) == 3

    def test_that_might_still_be_made_are_not_made(self, clock):
        challenge = phone_otp.send(PHONE, purpose="signup")
        phone_otp.unlock(PHONE)
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, latest_code(PHONE))

    def test_of_a_challenge_that_was_over_leave_it_as_it_ended(self, clock):
        challenge = phone_otp.send(PHONE, purpose="signup")
        clock.shift(3600)
        phone_otp.unlock(PHONE)
        stored = Challenge.objects.get(pk=challenge.pk)
        assert (stored.state, stored.closed_at) == ("expired", None)

    def test_of_the_other_spelling_of_a_number_come_back_too(self, clock):
        phone_otp.send("+541123456789", purpose="signup")
        assert phone_otp.unlock("+5491123456789") == 1

    def test_are_kept_for_whoever_audits_and_go_when_they_are_old(self, clock):
        lock(clock)
        phone_otp.unlock(PHONE)
        assert Challenge.objects.filter(lane__startswith=SET_ASIDE, attempts=5).count() == 3
        clock.shift(40 * 86400)
        assert sum(retention.clear_expired()) == 3


class TestMessages:
    def test_come_back(self, clock):
        for _ in range(3):
            phone_otp.send(PHONE, purpose="signup")
        with pytest.raises(RateLimited):
            phone_otp.send(PHONE, purpose="signup")
        phone_otp.unlock(PHONE)
        phone_otp.send(PHONE, purpose="signup")

    def test_of_a_purpose_come_back(self):
        with override_phone_otp(LIMITS={"send.number_purpose": ["1/1h"]}):
            phone_otp.send(PHONE, purpose="signup")
            phone_otp.unlock(PHONE)
            phone_otp.send(PHONE, purpose="signup")

    def test_without_a_cache_are_an_honest_error(self, settings):
        settings.CACHES = DEAD_REDIS
        with pytest.raises(Unavailable):
            phone_otp.unlock(PHONE)


def test_what_is_no_number_or_no_purpose_is_refused():
    with pytest.raises(InvalidPhone):
        phone_otp.unlock("12345")
    with pytest.raises(Invalid):
        phone_otp.unlock(PHONE, purpose="nothing")


def test_a_number_that_gets_no_messages_any_more_can_be_unlocked():
    with override_phone_otp(REGIONS=["IN"]):
        assert phone_otp.unlock(PHONE) == 0


def test_it_is_logged_without_the_number(caplog):
    phone_otp.unlock(PHONE, purpose="login")
    assert "A number was unlocked for login" in caplog.text
    assert PHONE[1:] not in caplog.text


class TestCommand:
    def run(self, *args, **options):
        out = StringIO()
        call_command("unlockotp", *args, stdout=out, no_color=True, **options)
        return out.getvalue()

    def test_unlocks_and_says_how_much(self):
        phone_otp.send(PHONE, purpose="signup")
        phone_otp.send(PHONE, purpose="login")
        assert self.run(PHONE, purpose="login") == "Unlocked; 1 earlier challenges no longer count.\n"
        assert self.run(PHONE, verbosity=0) == ""
        assert not Challenge.objects.exclude(lane__startswith=SET_ASIDE).exists()

    @pytest.mark.parametrize(
        ("args", "options", "said"),
        [(["12345"], {}, "unreadable"), ([PHONE], {"purpose": "nothing"}, "There is no such purpose")],
    )
    def test_says_what_is_wrong(self, args, options, said):
        with pytest.raises(CommandError, match=said):
            self.run(*args, **options)

    def test_says_when_the_cache_is_gone(self, settings):
        settings.CACHES = DEAD_REDIS
        with pytest.raises(CommandError, match="not available"):
            self.run(PHONE)
