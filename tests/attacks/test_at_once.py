"""Winning by timing: the same thing many times at one instant, two things at once, or at the last moment."""

from collections import Counter
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeClosed, ChallengeExpired, IncorrectCode
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services import admission, challenges
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import ATTACKER, PHONE, browser, numbers, wrong
from tests.conftest import every_database
from tests.races import together
from tests.unlimited import UNLIMITED


def sign_up(token):
    body = {"username": f"user-{uuid4()}", "phone_token": token}
    return browser().client.post("/accounts/signup/", body, content_type="application/json")


@every_database
@override_phone_otp(LIMITS=UNLIMITED)
def test_a8_twenty_right_submits_at_once_make_one_user_with_one_session(everything):
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    answers = together(20, lambda n: browser().verify(handle, code))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    tokens = [answer.json().get("token", handle) for answer in answers]
    assert Counter(sign_up(token).status_code for token in tokens) == {201: 1, 400: 19}
    assert User.objects.count() == VerifiedPhone.objects.count() == Session.objects.count() == 1


@every_database
def test_a8_one_token_in_twenty_sign_ups_at_once_makes_one_account(everything):
    own = browser()
    token = own.verify(own.send().json()["challenge"], latest_code(PHONE)).json()["token"]
    outcomes = together(20, lambda n: sign_up(token).status_code)
    # SQLite may tell all who write in a transaction at the same time that it is locked: then this one gets it.
    outcomes.append(sign_up(token).status_code)
    assert outcomes.count(201) == 1
    assert User.objects.count() == VerifiedPhone.objects.count() == Session.objects.count() == 1


@every_database
def test_a48_of_forty_sends_in_one_packet_no_more_leave_than_the_number_has(database):
    outcomes = together(40, lambda n: browser(f"203.0.113.{n}").send().status_code)
    assert Counter(outcomes) == {201: 3, 429: 37}
    assert len(outbox) == 3


@every_database
def test_a48_of_forty_sends_in_one_packet_no_more_leave_than_the_address_has(database, redis_cache):
    targets = numbers(40)
    with override_phone_otp(LIMITS={"send.ip": ["9/1h"]}):
        outcomes = together(40, lambda n: browser().send(targets[n]).status_code)
    assert Counter(outcomes) == {201: 9, 429: 31}
    assert len(outbox) == 9


@every_database
def test_a48_of_many_guesses_in_one_packet_no_more_are_judged_than_the_address_has(database, redis_cache):
    targets = numbers(12)
    handles = [browser().send(number).json()["challenge"] for number in targets]
    codes = [latest_code(number) for number in targets]
    with override_phone_otp(LIMITS={"verify.ip": ["20/1h"]}):
        outcomes = together(48, lambda n: browser().verify(handles[n % 12], wrong(codes[n % 12], n)).json()["code"])
    assert Counter(outcomes) == {"incorrect_code": 20, "rate_limited": 28}
    assert sum(Challenge.objects.values_list("attempts", flat=True)) == 20


@every_database
@override_phone_otp(RESEND_AFTER=[0, 60], LIMITS=UNLIMITED)
def test_a13_resends_and_right_codes_at_once_are_one_message_and_one_proof(database):
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)

    def act(position):
        call, more = ("resend", {}) if position % 2 else ("verify", {"code": code})
        return call, browser().post(call, {"challenge": handle, **more}).status_code

    outcomes = Counter(together(20, act))
    assert outcomes["verify", 200] == 1
    assert outcomes["verify", 409] == 9
    assert outcomes["resend", 200] == len(outbox) - 1 <= 1
    assert {message.code for message in outbox} == {code}


@pytest.mark.django_db
@override_phone_otp(RESEND_AFTER=[0], LIMITS=UNLIMITED)
def test_a13_a_resend_that_comes_between_gives_the_same_code_and_no_guesses(monkeypatch):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    judge = challenges.is_right

    def resend_first(*args):
        phone_otp.resend(challenge.handle)
        return judge(*args)

    monkeypatch.setattr(challenges, "is_right", resend_first)
    with pytest.raises(IncorrectCode) as refusal:
        phone_otp.verify(challenge.handle, wrong(code))
    assert refusal.value.attempts_left == 4
    assert phone_otp.verify(challenge.handle, code).phone == PHONE
    assert [message.code for message in outbox] == [code] * 3


@pytest.mark.django_db
@override_phone_otp(RESEND_AFTER=[0], LIMITS=UNLIMITED)
def test_a13_a_resend_that_comes_after_the_right_code_sends_nothing(monkeypatch):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)

    def verify_first(*args):
        monkeypatch.undo()
        phone_otp.verify(challenge.handle, code)
        return admission.admit_message(*args)

    monkeypatch.setattr(admission, "admit_message", verify_first)
    with pytest.raises(ChallengeClosed):
        phone_otp.resend(challenge.handle)
    assert len(outbox) == 1
    with pytest.raises(ChallengeClosed):
        phone_otp.resend(challenge.handle)


@pytest.mark.django_db
def test_a14_the_right_code_is_worth_nothing_from_the_moment_of_its_end(clock):
    for seconds, status in ((299.999, 200), (300, 410), (301, 410)):
        handle = browser().send().json()["challenge"]
        clock.shift(seconds)
        assert browser(ATTACKER).verify(handle, latest_code(PHONE)).status_code == status
        clock.shift(3600)


@every_database
def test_a14_who_is_let_through_too_late_is_too_late(database, clock, monkeypatch):
    """The row is read in time, then the limits take two seconds: only the UPDATE can know."""
    challenge = phone_otp.send(PHONE, purpose="signup")
    clock.shift(299)
    admit = admission.admit_guess

    def slowly(*args):
        clock.shift(2)
        return admit(*args)

    monkeypatch.setattr(admission, "admit_guess", slowly)
    with pytest.raises(ChallengeExpired):
        phone_otp.verify(challenge.handle, latest_code(PHONE))
    stored = Challenge.objects.get()
    assert (stored.status, stored.attempts) == ("pending", 0)


@pytest.mark.django_db
def test_a14_guesses_come_back_only_when_none_can_be_on_its_way_any_more(clock):
    with override_phone_otp(LIMITS=UNLIMITED):
        for _ in range(3):
            browser().send()
        for seconds, status in ((300, 429), (29, 429), (1, 201)):
            clock.shift(seconds)
            assert browser().send().status_code == status
