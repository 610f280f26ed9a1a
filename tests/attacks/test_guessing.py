"""Guessing a code: no number of guesses, challenges, resends or years buys more judgements than were granted."""

from collections import Counter

import pytest

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import PHONE, browser, burn_guesses, guess_wrong, wrong
from tests.conftest import every_database
from tests.races import together
from tests.unlimited import UNLIMITED

NO_BUDGET = {**UNLIMITED, "verify.number": ["100000/1d"]}


@every_database
@override_phone_otp(LIMITS=UNLIMITED)
def test_a1_parallel_guesses_get_no_more_judgements_than_were_granted(database):
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    outcomes = together(50, lambda n: browser(f"203.0.113.{n}").verify(handle, wrong(code, n)).json()["code"])
    assert Counter(outcomes) == {"incorrect_code": 5, "too_many_attempts": 45}
    assert browser().verify(handle, code).status_code == 429
    stored = Challenge.objects.get()
    assert (stored.attempts, stored.status) == (5, "locked")


@every_database
@override_phone_otp(LIMITS=UNLIMITED)
def test_a1_the_right_code_among_fifty_is_worth_something_only_in_time(database):
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    outcomes = together(50, lambda n: browser().verify(handle, code if n == 49 else wrong(code, n)).status_code)
    stored = Challenge.objects.get()
    assert outcomes.count(400) + outcomes.count(200) == stored.attempts <= 5
    assert outcomes.count(200) == (stored.status == "verified")


@pytest.mark.django_db
@override_phone_otp(LIMITS=UNLIMITED)
def test_a3_a_new_challenge_for_each_guess_ends_with_the_numbers_budget():
    judged = 0
    for n in range(30):
        attacker = browser(f"203.0.113.{n}")
        answer = attacker.send()
        if answer.status_code == 201:
            handle = answer.json()["challenge"]
            judged += attacker.verify(handle, wrong(latest_code(PHONE))).status_code == 400
            attacker.post("cancel", {"challenge": handle})  # what is not used goes back
    assert judged == len(outbox) == 15
    assert browser().send().json()["code"] == "too_many_attempts"


@pytest.mark.django_db
@override_phone_otp(LIMITS=UNLIMITED)
def test_a3_challenges_that_are_left_open_hold_the_whole_budget():
    answers = [browser().send() for _ in range(30)]
    assert Counter(answer.status_code for answer in answers) == {201: 3, 429: 27}
    assert sum(answer.json().get("attempts_left", 0) for answer in answers) == 15


@every_database
@override_phone_otp(LIMITS=UNLIMITED)
def test_a3_many_attackers_at_once_share_one_budget(database):
    assert sum(together(8, lambda n: burn_guesses(address=f"203.0.113.{n}"))) == 15


@pytest.mark.django_db
@override_phone_otp(LIMITS=UNLIMITED, RESEND_AFTER=[0])
def test_a4_a_resend_brings_no_guesses():
    attacker = browser()
    handle = attacker.send().json()["challenge"]
    code = latest_code(PHONE)
    assert [attacker.verify(handle, wrong(code, n)).json()["attempts_left"] for n in range(4)] == [4, 3, 2, 1]
    assert attacker.post("resend", {"challenge": handle}).json()["attempts_left"] == 1
    assert attacker.verify(handle, wrong(code)).json()["attempts_left"] == 0
    assert attacker.verify(handle, code).json()["code"] == "too_many_attempts"
    assert attacker.post("resend", {"challenge": handle}).json()["code"] == "too_many_attempts"


@pytest.mark.django_db
@override_phone_otp(LIMITS=UNLIMITED)
def test_r12_a_new_code_does_not_reset_the_count():
    granted = []
    for _ in range(4):
        answer = browser().send()
        granted.append(answer.json().get("attempts_left"))
        if answer.status_code == 201:
            guess_wrong(5, answer.json()["challenge"], latest_code(PHONE))
    assert granted == [5, 5, 5, None]


@pytest.mark.django_db
@override_phone_otp(LIMITS=NO_BUDGET, MAX_ATTEMPTS=100)
def test_r11_the_hundred_and_first_guess_is_refused_even_with_the_right_code():
    handle = browser().send().json()["challenge"]
    code = latest_code(PHONE)
    assert guess_wrong(100, handle, code) == {"incorrect_code": 100}
    assert browser().verify(handle, code).status_code == 429
    assert browser().send().json()["code"] == "too_many_attempts"


@pytest.mark.django_db
@override_phone_otp(LIMITS=NO_BUDGET)
def test_r11_many_challenges_and_years_lead_to_the_same_ceiling(clock):
    assert burn_guesses() == 100
    assert len(outbox) == 20
    for _ in range(3):
        clock.shift(366 * 86400)
        assert browser().send().json()["code"] == "too_many_attempts"


@pytest.mark.django_db
@override_phone_otp(LIMITS=NO_BUDGET)
def test_r11_live_challenges_are_granted_no_more_than_the_ceiling_between_them():
    for count in [5] * 18 + [3]:
        guess_wrong(count, browser().send().json()["challenge"], latest_code(PHONE))
    # 93 were wrong, 2 more are held by the last challenge.
    assert [browser().send().json().get("attempts_left") for _ in range(2)] == [5, None]


@pytest.mark.django_db
@override_phone_otp(LIMITS=NO_BUDGET)
def test_r11_only_the_right_code_begins_a_new_row():
    guess_wrong(4, browser().send().json()["challenge"], latest_code(PHONE))
    owner = browser()
    assert owner.verify(owner.send().json()["challenge"], latest_code(PHONE)).status_code == 200
    assert burn_guesses() == 100


@pytest.fixture
def payments():
    purpose = {"CONTEXT": ["amount"], "LIMITS": {"verify.number": ["5/1d"]}, "MAX_ATTEMPTS": 3}
    with override_phone_otp(PURPOSES={"payment": purpose}, LIMITS=UNLIMITED):
        yield


def pay(amount="1"):
    return browser().send(purpose="payment", context={"amount": amount})


@pytest.mark.django_db
def test_r14_a_payment_takes_five_wrong_guesses_in_a_day(payments, clock):
    judged = 0
    for _ in range(4):
        handle = pay().json().get("challenge")
        for n in range(5) if handle else ():
            guess = browser().verify(handle, wrong(latest_code(PHONE), n), context={"amount": "1"})
            judged += guess.json()["code"] == "incorrect_code"
    assert judged == 5
    clock.shift(86400)
    assert pay().status_code == 429
    clock.shift(300)  # counted from the end of the challenge: no guess comes back early
    assert pay().status_code == 201


@pytest.mark.django_db
def test_r14_nobody_is_told_whether_code_or_amount_was_wrong(payments):
    answers = set()
    for is_right, amount in ((False, "1"), (True, "2"), (False, "2")):
        handle = pay("1").json()["challenge"]
        code = latest_code(PHONE)
        guess = browser().verify(handle, code if is_right else wrong(code), context={"amount": amount})
        answers.add((guess.status_code, guess.content))
        browser().post("cancel", {"challenge": handle})
    assert len(answers) == 1
