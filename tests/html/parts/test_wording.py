"""What a refusal says to the person: what happened, and what to do now."""

import pytest
from django.utils import translation

from django_phone_otp import exceptions
from django_phone_otp.core import numbers
from django_phone_otp.exceptions import (
    ChallengeExpired,
    DeliveryFailed,
    IncorrectCode,
    Invalid,
    InvalidPhone,
    InvalidToken,
    NumberNotAllowed,
    RateLimited,
    ResendTooSoon,
    TooManyAttempts,
    Unavailable,
)
from django_phone_otp.html.wording import explain, wait_of


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (2, "2 seconds"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (5340, "89 minutes"),
        (5341, "2 hours"),
        (86400, "24 hours"),
    ],
)
def test_a_wait_is_rounded_up_to_what_a_person_can_use(seconds, words):
    assert wait_of(seconds) == words


@pytest.mark.parametrize("refusal", [RateLimited, ResendTooSoon, TooManyAttempts, Unavailable])
def test_what_time_lifts_says_how_long(refusal):
    assert "in 30 seconds" in explain(refusal(30))


def test_tries_are_counted_only_when_few_are_left():
    assert not any(digit in explain(IncorrectCode(3)) for digit in "0123456789")
    assert explain(IncorrectCode(2)).endswith("You have 2 tries left.")
    assert explain(IncorrectCode(1)).endswith("You have 1 try left.")
    assert "it was the last try. Ask for a new code." in explain(IncorrectCode(0))


REASONS = {*numbers.REFUSED_TYPES.values(), "satellite", "special_rate", "region", "fictional"}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_kind_of_number_that_gets_no_message_has_its_own_sentence(reason):
    words = explain(NumberNotAllowed(reason))
    assert words != str(NumberNotAllowed(reason))
    assert words.endswith(".")


@pytest.mark.parametrize("reason", ["unreadable", "too_long", "characters", "extension", "invalid", "type"])
def test_every_way_to_mistype_a_number_has_its_own_sentence(reason):
    assert explain(InvalidPhone(reason)) != str(InvalidPhone(reason))


@pytest.mark.parametrize("reason", ["prefix", "test_number"])
def test_what_the_project_denies_in_silence_stays_unsaid(reason):
    assert explain(NumberNotAllowed(reason)) == str(NumberNotAllowed(reason))


def test_what_is_wrong_with_a_code_is_said_and_what_nobody_sees_is_not():
    assert explain(Invalid({"code": ["Too short."]})) == "Too short."
    assert explain(Invalid({"channel": ["This channel is not offered."]})) == "Something went wrong. Try again."


def test_the_others_say_what_the_refusal_says():
    assert explain(ChallengeExpired()) == str(ChallengeExpired())
    assert "try again in a minute" in explain(DeliveryFailed())
    assert "Verify your number again." in explain(InvalidToken())


def test_every_sentence_is_translated():
    refusals = [
        *(RateLimited(30), ResendTooSoon(30), TooManyAttempts(30), Unavailable(30), DeliveryFailed(), InvalidToken()),
        *map(IncorrectCode, range(4)),
        *map(NumberNotAllowed, [*REASONS, "prefix"]),
        *map(InvalidPhone, ["unreadable", "too_long", "characters", "extension", "invalid", "type"]),
        *(exceptions.ChallengeNotFound(), exceptions.ChallengeClosed(), exceptions.NumberTaken()),
    ]
    for refusal in refusals:
        english = explain(refusal)
        with translation.override("de"):
            assert explain(refusal) != english
