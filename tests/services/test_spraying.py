"""The guard against spraying: the share of wrong guesses, over all numbers and addresses."""

import logging

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import IncorrectCode, RateLimited
from django_phone_otp.models import Challenge
from django_phone_otp.services import limits, spraying
from django_phone_otp.services.askers import asker_of
from django_phone_otp.test import latest_code, override_phone_otp
from tests.known import known_request
from tests.races import kinds, together
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_the_guard():
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.failed": ["10/10m"], "verify.number": ["1000/1d"]}):
        yield


def request_of(rf, last):
    return rf.post("/", REMOTE_ADDR=f"198.51.{last // 250}.{last % 250 + 1}")


def guess(rf, last, *, right=False, address=None, purpose="signup"):
    """Make one guess at a number of its own; return what came of it."""
    number = f"+1415555{last:04}"
    challenge = phone_otp.send(number, purpose=purpose)
    code = latest_code(number)
    try:
        phone_otp.verify(
            challenge.handle,
            code if right else wrong(code),
            request=request_of(rf, last if address is None else address),
        )
    except (IncorrectCode, RateLimited) as refusal:
        return refusal.code
    return "verified"


def test_when_too_many_guesses_are_wrong_the_next_ones_wait(rf, clock):
    assert [guess(rf, last) for last in range(12)] == ["incorrect_code"] * 10 + ["rate_limited"] * 2
    assert guess(rf, 20, right=True) == "rate_limited"
    clock.shift(600 * 1.1)
    assert guess(rf, 21) == "incorrect_code"


def test_a_guess_that_waits_is_not_counted_against_its_number(rf):
    for last in range(10):
        guess(rf, last)
    challenge = phone_otp.send("+14155550199", purpose="signup")
    with pytest.raises(RateLimited) as refusal:
        phone_otp.verify(challenge.handle, "000000", request=request_of(rf, 99))
    assert 600 <= refusal.value.retry_after <= 660
    assert Challenge.objects.get(pk=challenge.pk).attempts == 0


def test_what_verifies_makes_room_for_what_does_not(rf):
    for last in range(20):
        assert guess(rf, last, right=True) == "verified"
    assert [guess(rf, last) for last in range(100, 132)] == ["incorrect_code"] * 30 + ["rate_limited"] * 2


def test_one_address_cannot_make_everybody_wait(rf):
    assert {guess(rf, last, address=7) for last in range(40)} == {"incorrect_code"}
    assert guess(rf, 99, right=True) == "verified"


def test_nor_can_one_customer_with_many_networks_of_ipv6(rf):
    """A home is given a /56 or a /48, which has hundreds of /64s."""
    for last in range(40):
        challenge = phone_otp.send(f"+1415555{last:04}", purpose="signup")
        request = rf.post("/", REMOTE_ADDR=f"2001:db8:1:{last:x}::1")
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(challenge.number)), request=request)
    assert guess(rf, 99, right=True) == "verified"


def test_who_has_had_their_share_waits_with_the_others(rf):
    for last in range(4):
        guess(rf, last, address=7)
    for last in range(10, 20):
        guess(rf, last)
    assert guess(rf, 30, address=7) == "rate_limited"


def test_a_guess_that_waits_uses_no_share_up(rf, clock):
    """Else an attacker could use the shares of many addresses up while they wait, and be uncounted later."""
    for last in range(10):
        guess(rf, last)
    for last in range(20, 30):
        for _ in range(4):
            assert guess(rf, last) == "rate_limited"
    clock.shift(600 * 1.1)
    assert [guess(rf, last) for last in range(20, 31)] == ["incorrect_code"] * 10 + ["rate_limited"]


def test_without_a_request_every_wrong_guess_counts():
    outcomes = []
    for last in range(12):
        challenge = phone_otp.send(f"+1415555{last:04}", purpose="signup")
        with pytest.raises((IncorrectCode, RateLimited)) as refusal:
            phone_otp.verify(challenge.handle, wrong(latest_code(challenge.number)))
        outcomes.append(refusal.value.code)
    assert outcomes == ["incorrect_code"] * 10 + ["rate_limited"] * 2


def test_each_purpose_is_guarded_by_itself(rf):
    with override_phone_otp(PURPOSES={"signup": {}, "change": {}}):
        for last in range(11):
            guess(rf, last)
        assert guess(rf, 50) == "rate_limited"
        assert guess(rf, 51, purpose="change") == "incorrect_code"


def test_a_purpose_may_be_guarded_by_a_rate_of_its_own(rf):
    purposes = {"signup": {"LIMITS": {"verify.failed": ["2/10m"]}}, "login": {}}
    with override_phone_otp(PURPOSES=purposes, LIMITS={**UNLIMITED, "verify.failed": []}):
        assert [guess(rf, last) for last in range(3)] == ["incorrect_code"] * 2 + ["rate_limited"]
        assert {guess(rf, last, purpose="login") for last in range(20)} == {"incorrect_code"}


def test_the_alarm_is_raised_once_in_a_window_and_names_nobody(rf, clock, caplog):
    with caplog.at_level(logging.ERROR, "django_phone_otp"):
        for last in range(20):
            guess(rf, last)
        alarm = "Too many wrong guesses for 'signup' from too many addresses: strangers' guesses wait"
        assert [record.getMessage() for record in caplog.records] == [alarm]


def test_at_once_no_more_wrong_guesses_pass_than_one_after_another(redis_cache, rf):
    outcomes = together(40, lambda n: spraying.watch(asker_of(request_of(rf, n)), "signup").wait > 0)
    assert kinds(outcomes) == {"bool": 40}
    assert outcomes.count(False) == 10


def test_a_right_guess_stands_though_the_cache_fails_afterwards(rf, monkeypatch):
    challenge = phone_otp.send("+14155550199", purpose="signup")
    counted, calls = limits.count, []

    def count(tallies, moment):
        calls.append(tallies)
        if len(calls) > 1:
            raise ConnectionError("the cache is gone")
        return counted(tallies, moment)

    monkeypatch.setattr(limits, "count", count)
    assert phone_otp.verify(challenge.handle, latest_code("+14155550199"), request=request_of(rf, 1)).token
    assert len(calls) == 2


def test_known_browsers_are_not_held_up_and_make_no_room_for_others(rf):
    """Who has a phone could else make room for as many wrong guesses at others as they like."""
    request = known_request(rf, "+14155559999")

    def verify_as_the_owner():
        challenge = phone_otp.send("+14155559999", purpose="signup", request=request)
        phone_otp.verify(challenge.handle, latest_code("+14155559999"), request=request)

    for _ in range(20):
        verify_as_the_owner()
    assert [guess(rf, last) for last in range(100, 112)] == ["incorrect_code"] * 10 + ["rate_limited"] * 2
    verify_as_the_owner()
