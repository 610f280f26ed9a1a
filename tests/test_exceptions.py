import pickle

import pytest
from django.utils.functional import Promise

from django_phone_otp import exceptions
from django_phone_otp.exceptions import (
    Invalid,
    InvalidPhone,
    NumberNotAllowed,
    PhoneOTPError,
    RetryLater,
)

NUMBER, CODE = "+14155550123", "424242"
CODES = {
    "Invalid": "invalid",
    "InvalidPhone": "invalid_phone",
    "NumberNotAllowed": "number_not_allowed",
    "IncorrectCode": "incorrect_code",
    "ChallengeRequired": "challenge_required",
    "ChallengeNotFound": "challenge_not_found",
    "ChallengeClosed": "challenge_closed",
    "ChallengeExpired": "challenge_expired",
    "IdempotencyMismatch": "idempotency_mismatch",
    "RateLimited": "rate_limited",
    "TooManyAttempts": "too_many_attempts",
    "ResendTooSoon": "resend_too_soon",
    "DeliveryFailed": "delivery_failed",
    "Unavailable": "unavailable",
    "InvalidToken": "invalid_token",
    "NumberTaken": "number_taken",
}
ABSTRACT = {PhoneOTPError, RetryLater}
ERRORS = {
    name: value
    for name, value in vars(exceptions).items()
    if isinstance(value, type) and issubclass(value, PhoneOTPError) and value not in ABSTRACT
}


def make(error):
    if issubclass(error, RetryLater):
        return error(7)
    if error is Invalid:
        return error({"phone": [f"{NUMBER} {CODE}"]})
    if issubclass(error, InvalidPhone):
        return error(f"{NUMBER} {CODE}")
    if error is exceptions.IncorrectCode:
        return error(3)
    if error is exceptions.ChallengeRequired:
        return error({"kind": f"{NUMBER} {CODE}"})
    return error(NUMBER, CODE)


def test_every_refusal_has_the_code_of_the_public_contract():
    assert {name: error.code for name, error in ERRORS.items()} == CODES


@pytest.mark.parametrize("name", CODES)
def test_the_sentence_never_has_what_the_refusal_was_made_of(name):
    refusal = make(ERRORS[name])
    assert isinstance(refusal, PhoneOTPError)
    assert str(refusal)
    assert NUMBER not in str(refusal)
    assert CODE not in str(refusal)
    assert not any(character.isdigit() for character in str(refusal))


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_the_sentence_is_translated_when_it_is_read(error):
    assert isinstance(error.message, Promise)


@pytest.mark.parametrize("name", CODES)
def test_a_refusal_survives_the_way_between_two_processes(name):
    refusal = make(ERRORS[name])
    copy = pickle.loads(pickle.dumps(refusal))
    assert type(copy) is type(refusal)
    assert vars(copy) == vars(refusal)
    assert str(copy) == str(refusal)


@pytest.mark.parametrize("error", sorted(RetryLater.__subclasses__(), key=lambda error: error.__name__))
@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30, 30), (29.001, 30), (29.999999, 30), (1.5, 2), (0.2, 1), (0, 1), (-5, 1), (-0.5, 1), (86_400.0, 86_400)],
)
def test_the_wait_is_in_whole_seconds_never_too_short_and_at_least_one(error, seconds, said):
    refusal = error(seconds)
    assert refusal.retry_after == said
    assert isinstance(refusal.retry_after, int)


def test_a_refusal_carries_what_programs_need():
    assert Invalid({"code": ["x"]}).errors == {"code": ["x"]}
    assert InvalidPhone().reason == "invalid"
    assert NumberNotAllowed("premium").reason == "premium"
    assert exceptions.IncorrectCode(4).attempts_left == 4
    assert exceptions.ChallengeRequired({"kind": "captcha"}).demand == {"kind": "captcha"}


def test_whoever_catches_an_invalid_phone_catches_one_that_is_not_allowed():
    assert issubclass(NumberNotAllowed, InvalidPhone)


def test_the_root_has_a_sentence_too():
    assert str(PhoneOTPError(NUMBER)) == "Something went wrong."
