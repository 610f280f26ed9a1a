"""A5: one guess at each of many numbers, from many addresses, under every limit of a number and of an address."""

import logging
from collections import Counter

import pytest
from django.core.cache import caches

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeRequired, IncorrectCode, PhoneOTPError, RateLimited
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, override_phone_otp
from tests.attacks.attackers import ATTACKER, HOME, PHONE, browser, entries, known, numbers, wrong

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ALARM = "Too many wrong guesses for 'signup' from too many addresses: strangers' guesses wait"


@pytest.fixture(autouse=True)
def _room(settings):
    """Django's cache in memory forgets what is over 300 entries: a shared one has room for such an attack."""
    cache = settings.CACHES["default"]
    settings.CACHES = {"default": {**cache, "LOCATION": "attacks", "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    caches["default"].clear()


def ask(request, **_):
    """Want proof of a human, as a project's CHALLENGE_HOOK does."""
    return None if request.headers.get("X-Human") else {"captcha": "made up"}


@pytest.fixture
def spray(rf):
    """Return a function that guesses once at each target, from each address in turn; it counts what became of it."""

    def run(targets, addresses, turns=1):
        outcomes = Counter()
        for n, number in enumerate(targets):
            request = rf.post("/", REMOTE_ADDR=addresses[n // turns % len(addresses)])
            challenge = phone_otp.send(number, purpose="signup", request=request)
            try:
                phone_otp.verify(challenge.handle, wrong(latest_code(number)), request=request)
            except PhoneOTPError as refusal:
                outcomes[type(refusal)] += 1
        return outcomes

    return run


def alarms(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def log_in(api, number=PHONE):
    """Ask for a code and give it; return the status of the second answer."""
    return api.verify(api.send(number).json()["challenge"], latest_code(number)).status_code


HUNDRED = [f"203.0.113.{n}" for n in range(100)]


def test_a5_a_thousand_numbers_from_a_hundred_addresses_are_fifty_guesses(spray, caplog, clock):
    owner, targets = known(), numbers(1000)
    assert spray(targets, HUNDRED) == {IncorrectCode: 50, RateLimited: 950}
    assert alarms(caplog) == [ALARM]
    assert sum(Challenge.objects.exclude(number=PHONE).values_list("attempts", flat=True)) == 50
    # Whoever is known goes on, and whoever is not waits, with the right code too.
    assert log_in(owner) == 200
    stranger = browser(HOME)
    handle = stranger.send("+13125550123").json()["challenge"]
    refusal = stranger.verify(handle, latest_code("+13125550123"))
    assert (refusal.status_code, refusal.json()["code"]) == (429, "rate_limited")
    clock.shift(660)
    assert log_in(browser(HOME), "+13125550124") == 200


def test_a5_another_window_is_another_fifty_guesses_and_another_alarm(spray, caplog, clock):
    targets = numbers(300)
    for round_ in range(3):
        assert spray(targets[round_ * 100 :][:100], HUNDRED) == {IncorrectCode: 50, RateLimited: 50}
        clock.shift(660)
    assert alarms(caplog) == [ALARM] * 3


def test_a5_the_best_order_gains_what_the_addresses_have_before_the_guard_is_full(spray):
    """Ten guesses from each address before the next, of which three count: the fourth address meets the guard."""
    with override_phone_otp(LIMITS={"verify.failed": ["10/10m"]}):
        assert spray(numbers(100), HUNDRED, turns=10) == {IncorrectCode: 3 * 10 + 1, RateLimited: 69}


def test_a5_one_address_alone_cannot_make_everybody_wait(caplog):
    attacker, judged = browser(), 0
    for number in numbers(20):
        handle = attacker.send(number).json()["challenge"]
        for n in range(5):
            judged += attacker.verify(handle, wrong(latest_code(number), n)).json()["code"] == "incorrect_code"
    assert judged == 60, "what verify.ip has"
    assert alarms(caplog) == []
    assert log_in(browser(HOME)) == 200


def test_a5_one_ipv6_network_is_one_address(caplog):
    with override_phone_otp(LIMITS={"verify.failed": ["4/10m"]}):
        for n, number in enumerate(numbers(20)):
            attacker = browser(f"2001:db8:0:1::{n + 1:x}")
            handle = attacker.send(number).json()["challenge"]
            assert attacker.verify(handle, wrong(latest_code(number))).json()["code"] == "incorrect_code"
        assert log_in(browser(HOME)) == 200
    assert alarms(caplog) == []


@pytest.mark.parametrize(("right", "allowed"), [(0, 4), (2, 4), (4, 6), (10, 15)])
def test_a5_right_guesses_make_room_for_wrong_ones(spray, right, allowed):
    with override_phone_otp(LIMITS={"verify.failed": ["4/10m"]}):
        targets = numbers(60)
        for n in range(right):
            assert log_in(browser(f"198.51.100.{n}"), targets.pop()) == 200
        assert spray(targets[:20], HUNDRED) == {IncorrectCode: allowed, RateLimited: 20 - allowed}


def test_a5_who_has_a_phone_makes_no_room_with_it_for_guesses_at_others(spray):
    with override_phone_otp(LIMITS={"verify.failed": ["4/10m"], "send.number": []}):
        own = known("+13125550123", ATTACKER)
        assert [log_in(own, "+13125550123") for _ in range(20)] == [200] * 20
        assert spray(numbers(20), HUNDRED) == {IncorrectCode: 4, RateLimited: 16}


def test_a5_one_purpose_does_not_hold_up_another(spray):
    with override_phone_otp(LIMITS={"verify.failed": ["4/10m"]}, PURPOSES={"signup": {}, "verify": {}}):
        assert spray(numbers(10), HUNDRED) == {IncorrectCode: 4, RateLimited: 6}
        stranger = browser(HOME)
        handle = stranger.send(purpose="verify").json()["challenge"]
        assert stranger.verify(handle, latest_code(PHONE)).status_code == 200


def test_a5_with_a_hook_strangers_show_that_they_are_human_and_go_on(spray, caplog):
    with override_phone_otp(CHALLENGE_HOOK=f"{__name__}.ask", LIMITS={"verify.failed": ["4/10m"]}):
        assert spray(numbers(10), HUNDRED) == {IncorrectCode: 4, ChallengeRequired: 6}
        assert alarms(caplog) == [ALARM]
        stranger = browser(HOME)
        handle = stranger.send("+13125550123").json()["challenge"]
        code = latest_code("+13125550123")
        refusal = stranger.verify(handle, code)
        assert (refusal.status_code, refusal.json()["demand"]) == (403, {"captcha": "made up"})
        solved = stranger.post("verify", {"challenge": handle, "code": code}, **{"X-Human": "yes"})
        assert solved.status_code == 200


def test_a5_a_made_up_cookie_is_no_way_past_the_guard(spray):
    with override_phone_otp(LIMITS={"verify.failed": ["4/10m"]}):
        others = entries(known("+13125550123"))
        spray(numbers(10), HUNDRED)
        for cookie in ("A" * 27, ".".join(["B" * 27] * 4), others):
            attacker = browser(ATTACKER, cookie=cookie)
            handle = attacker.send().json()["challenge"]
            assert attacker.verify(handle, latest_code(PHONE)).json()["code"] == "rate_limited"
