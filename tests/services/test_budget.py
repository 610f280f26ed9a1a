"""The guess budget: it belongs to the number and the purpose, and only time or the right code gives it back."""

from datetime import timedelta

import pytest

import django_phone_otp as phone_otp
from django_phone_otp import conf
from django_phone_otp.exceptions import IncorrectCode, TooManyAttempts
from django_phone_otp.models import Challenge
from django_phone_otp.services import budget
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_the_budget_limits():
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


def send(purpose="signup"):
    return phone_otp.send(PHONE, purpose=purpose)


def fail(challenge, times):
    code = latest_code(PHONE)
    for n in range(times):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code, n))


def use_up(clock, challenges=3):
    """Guess wrong as often as each of so many challenges in a row allows."""
    for _ in range(challenges):
        fail(send(), 5)
        clock.shift(1)


def test_four_wrong_a_resend_and_one_wrong_lock(clock):
    challenge = send()
    fail(challenge, 4)
    clock.shift(30)
    phone_otp.resend(challenge.handle)
    fail(challenge, 1)
    with pytest.raises(TooManyAttempts):
        phone_otp.verify(challenge.handle, latest_code(PHONE))


def test_a_new_challenge_is_granted_only_what_is_left(clock):
    use_up(clock, challenges=2)
    third = send()
    fail(third, 2)
    phone_otp.cancel(third.handle)
    assert send().max_attempts == 15 - 10 - 2


def test_guesses_that_might_still_be_made_are_held(clock):
    use_up(clock, challenges=2)
    fail(send(), 2)
    with pytest.raises(TooManyAttempts):
        send()


def test_with_nothing_left_a_send_is_refused_and_says_until_when(clock):
    use_up(clock)
    with pytest.raises(TooManyAttempts) as refusal:
        send()
    # The first challenge was made three seconds ago for five minutes, and its failures count for a day after that.
    assert refusal.value.retry_after == 86400 + 300 - 3
    assert Challenge.objects.count() == 3


def test_a_day_later_the_guesses_are_back(clock):
    use_up(clock)
    clock.shift(timedelta(days=1, minutes=5))
    assert send().max_attempts == 5


def test_within_a_day_they_are_not(clock):
    use_up(clock)
    clock.shift(timedelta(days=1, minutes=4, seconds=50))
    with pytest.raises(TooManyAttempts):
        send()


def test_the_right_code_does_not_give_the_days_failures_back(clock):
    for _ in range(3):
        challenge = send()
        fail(challenge, 4)
        phone_otp.verify(challenge.handle, latest_code(PHONE))
    assert send().max_attempts == 3


def test_verifying_at_the_first_try_costs_nothing(clock):
    for _ in range(30):
        phone_otp.verify(send().handle, latest_code(PHONE))
    assert send().max_attempts == 5


def test_unused_guesses_come_back_when_a_challenge_ends(clock):
    for _ in range(3):
        send()
    with pytest.raises(TooManyAttempts) as refusal:
        send()
    assert refusal.value.retry_after == 330
    clock.shift(329)
    with pytest.raises(TooManyAttempts):
        send()
    clock.shift(1)
    assert send().max_attempts == 5


def test_canceling_gives_back_only_what_was_not_guessed(clock):
    for _ in range(3):
        challenge = send()
        fail(challenge, 4)
        phone_otp.cancel(challenge.handle)
    assert send().max_attempts == 3


def test_each_purpose_and_each_number_has_its_own(clock):
    use_up(clock)
    assert phone_otp.send(PHONE, purpose="login").max_attempts == 5
    assert phone_otp.send("+14155550199", purpose="signup").max_attempts == 5


def test_several_windows_hold_at_once(clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["6/1h", "8/1d"]}):
        fail(send(), 5)
        fail(send(), 1)
        with pytest.raises(TooManyAttempts):
            send()
        clock.shift(timedelta(hours=1, minutes=6))
        fail(send(), 2)
        clock.shift(timedelta(hours=1, minutes=6))
        with pytest.raises(TooManyAttempts):
            send()


def test_a_hundred_failures_in_a_row_end_it_until_somebody_lifts_it(clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["1000/1d"]}, MAX_ATTEMPTS=30):
        for expected in (30, 30, 30, 10):
            challenge = send()
            assert challenge.max_attempts == expected
            fail(challenge, expected)
            clock.shift(timedelta(days=2))  # time alone does not help
        with pytest.raises(TooManyAttempts):
            send()
        clock.shift(timedelta(days=365))
        with pytest.raises(TooManyAttempts) as refusal:
            send()
    assert refusal.value.retry_after == budget.CEILING_WAIT


def test_a_right_code_starts_the_row_of_failures_anew(clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["1000/1d"]}, MAX_ATTEMPTS=30):
        for _ in range(3):
            fail(send(), 30)
        phone_otp.verify(send().handle, latest_code(PHONE))
        assert send().max_attempts == 30


def test_the_row_of_failures_is_carried_past_a_page_of_challenges(clock, monkeypatch):
    monkeypatch.setattr(budget, "PAGE", 3)
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["1000/1d"]}, MAX_ATTEMPTS=10):
        for _ in range(10):
            fail(send(), 10)
            clock.shift(timedelta(days=2))
        with pytest.raises(TooManyAttempts):
            send()


def test_more_challenges_than_a_page_inside_the_window_are_all_counted(clock, monkeypatch):
    monkeypatch.setattr(budget, "PAGE", 3)
    fail(send(), 5)
    for _ in range(6):
        phone_otp.verify(send().handle, latest_code(PHONE))
    fail(send(), 5)
    for _ in range(6):
        phone_otp.verify(send().handle, latest_code(PHONE))
    fail(send(), 5)
    with pytest.raises(TooManyAttempts):
        send()


def test_a_guess_written_a_moment_after_the_end_is_still_held(clock):
    """A server whose clock is behind, or an UPDATE that waited, must not slip past the budget."""
    challenge = send()
    clock.shift(310)
    signup = conf.current().purposes["signup"]
    held = budget.read_budget(PHONE, signup, "", challenge.expires_at + timedelta(seconds=10))
    assert held.entries[0].held(challenge.expires_at + timedelta(seconds=10)) == 5
    assert held.entries[0].held(challenge.expires_at + timedelta(seconds=30)) == 0
