"""The project's hook: asked when limits are near, and closed when it fails."""

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeRequired, IncorrectCode, RateLimited, Unavailable
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

HOOK = f"{__name__}.hook"
DEMAND = {"kind": "captcha", "site_key": "made-up-site-key"}
answer, asked = None, []


def hook(request, **details):
    """Say what ``answer`` holds, or demand it of a request that does not bring it along."""
    asked.append(details)
    if isinstance(answer, Exception):
        raise answer
    solved = request is not None and request.headers.get("X-Captcha-Token") == "solved"
    return None if solved else answer


@pytest.fixture(autouse=True)
def _hook():
    global answer
    answer = DEMAND
    asked.clear()
    near = {"send.number": ["4/1h"], "send.ip": ["8/1h"], "verify.ip": ["4/1h"], "verify.number": ["1000/1d"]}
    limits = {**UNLIMITED, **near}
    with override_phone_otp(CHALLENGE_HOOK=HOOK, LIMITS=limits):
        yield


def send(rf, number=PHONE, **headers):
    return phone_otp.send(number, purpose="signup", request=rf.post("/", headers=headers))


def test_far_from_the_limits_nobody_is_asked(rf):
    for _ in range(2):
        send(rf)
    assert asked == []


def test_near_a_limit_its_demand_reaches_the_caller_and_nothing_is_sent(rf):
    for _ in range(2):
        send(rf)
    with pytest.raises(ChallengeRequired) as refusal:
        send(rf)
    assert refusal.value.demand == DEMAND
    assert asked == [{"verb": "send", "purpose": "signup", "limit": "send.number", "share": 0.75}]
    assert len(outbox) == Challenge.objects.count() == 2


def test_what_it_demands_costs_the_number_no_place_and_the_sender_one(rf):
    for _ in range(2):
        send(rf)
    for _ in range(4):
        with pytest.raises(ChallengeRequired):
            send(rf)
    assert send(rf, **{"X-Captcha-Token": "solved"}).number == PHONE
    assert len(outbox) == 3
    assert asked[-1]["limit"] == "send.ip"
    assert asked[-1]["share"] == pytest.approx(7 / 8)


def test_it_lifts_no_limit(rf):
    for _ in range(4):
        send(rf, **{"X-Captcha-Token": "solved"})
    with pytest.raises(RateLimited):
        send(rf, **{"X-Captcha-Token": "solved"})
    assert asked[-1]["share"] == 1.0


def test_guesses_are_asked_about_too_and_not_counted(rf):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    for _ in range(2):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code), request=rf.post("/"))
    with pytest.raises(ChallengeRequired):
        phone_otp.verify(challenge.handle, code, request=rf.post("/"))
    assert asked == [{"verb": "verify", "purpose": "signup", "limit": "verify.ip", "share": 0.75}]
    assert Challenge.objects.get().attempts == 2
    solved = rf.post("/", headers={"X-Captcha-Token": "solved"})
    assert phone_otp.verify(challenge.handle, code, request=solved).phone == PHONE


def test_it_lets_a_guess_past_the_guard_that_makes_strangers_wait(rf):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.failed": ["1/10m"]}, CHALLENGE_HOOK=HOOK):
        challenge = phone_otp.send(PHONE, purpose="signup")
        code = latest_code(PHONE)
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code))
        with pytest.raises(ChallengeRequired):
            phone_otp.verify(challenge.handle, code, request=rf.post("/"))
        assert asked == [{"verb": "verify", "purpose": "signup", "limit": "verify.failed", "share": 1.0}]
        solved = rf.post("/", headers={"X-Captcha-Token": "solved"})
        assert phone_otp.verify(challenge.handle, code, request=solved).phone == PHONE


def test_a_demand_after_the_guard_has_counted_gives_the_place_back(rf):
    limits = {**UNLIMITED, "verify.ip": ["1/1h"], "verify.failed": ["1/10m"]}
    with override_phone_otp(LIMITS=limits, CHALLENGE_HOOK=HOOK):
        challenge = phone_otp.send(PHONE, purpose="signup")
        with pytest.raises(ChallengeRequired):
            phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))


@pytest.mark.parametrize("nonsense", [True, "captcha", ["captcha"], {"kind": 7}, {7: "kind"}, ValueError("a fault")])
def test_a_hook_that_fails_or_talks_nonsense_is_closed(rf, nonsense, caplog):
    global answer
    answer = nonsense
    for _ in range(2):
        send(rf)
    with pytest.raises(Unavailable) as refusal:
        send(rf)
    assert refusal.value.retry_after == 30
    assert "CHALLENGE_HOOK" in caplog.text
    assert "a fault" not in caplog.text
    assert len(outbox) == 2


def test_without_a_request_it_is_asked_with_none():
    for _ in range(2):
        phone_otp.send(PHONE, purpose="signup")
    with pytest.raises(ChallengeRequired):
        phone_otp.send(PHONE, purpose="signup")


def test_the_api_answers_with_a_problem_that_holds_the_demand(api):
    for _ in range(2):
        api.send()
    response = api.send()
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["code"], body["demand"]) == ("challenge_required", DEMAND)
    assert api.send(headers={"X-Captcha-Token": "solved"}).status_code == 201


def test_an_idempotency_key_is_free_again_after_a_demand(api):
    for _ in range(2):
        api.send()
    assert api.send(headers={"Idempotency-Key": "made-up-key"}).status_code == 403
    key = {"Idempotency-Key": "made-up-key", "X-Captcha-Token": "solved"}
    assert api.send(headers=key).status_code == 201
