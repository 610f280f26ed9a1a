"""A9: a code or a token for one number, purpose, amount, user or site is worth nothing for any other."""

from itertools import product

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeNotFound, IncorrectCode, InvalidToken
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, override_phone_otp
from tests.attacks.attackers import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

MINE, THEIRS = "+13125550123", PHONE
PLAIN = {"signup": [None], "verify": [None]}
BOUND = {
    "payment": [
        {"amount": "10.00", "payee": "Shop"},
        {"amount": "10.01", "payee": "Shop"},
        {"amount": "10.00", "payee": "Shop "},
        {"amount": "Shop", "payee": "10.00"},
    ],
    "change": [{"user": "1"}, {"user": "2"}, {"user": "12"}],
}
PURPOSES = {"signup": {}, "verify": {}, "payment": {"CONTEXT": ["amount", "payee"]}, "change": {"CONTEXT": ["user"]}}
WISHES = [
    (number, purpose, context)
    for number in (MINE, THEIRS)
    for purpose, contexts in (PLAIN | BOUND).items()
    for context in contexts
]


@pytest.fixture(autouse=True)
def _room_for_many_guesses():
    # Ten digits: two codes of these must not be the same by chance.
    limits = {**UNLIMITED, "verify.number": ["100000/1d"], "verify.failed": []}
    with override_phone_otp(PURPOSES=PURPOSES, LIMITS=limits, MAX_ATTEMPTS=25, CODE_LENGTH=10):
        yield


@pytest.fixture
def opened():
    """One challenge for each wish: its handle, its context and its code."""
    found = []
    for number, purpose, context in WISHES:
        handle = phone_otp.send(number, purpose=purpose, context=context).handle
        found.append((handle, context, latest_code(number)))
    return found


def test_a9_no_code_fits_another_challenge_and_each_try_counts(opened):
    for (handle, context, _), (other, _, code) in product(opened, opened):
        if handle != other:
            with pytest.raises(IncorrectCode):
                phone_otp.verify(handle, code, context=context)
    assert set(Challenge.objects.values_list("attempts", flat=True)) == {len(WISHES) - 1}
    for handle, context, code in opened:
        assert phone_otp.verify(handle, code, context=context).token


def test_a9_the_right_code_for_another_amount_payee_or_user_is_wrong_and_counts(opened):
    tried = 0
    for (handle, context, code), (_, _, given) in product(opened, WISHES):
        if context and given and given != context and set(given) == set(context):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(handle, code, context=given)
            tried += 1
    assert tried == 2 * (4 * 3 * 2 + 3 * 2 * 2)
    assert sum(Challenge.objects.values_list("attempts", flat=True)) == tried


def test_a9_two_challenges_for_the_very_same_have_two_codes():
    first = phone_otp.send(THEIRS, purpose="signup").handle
    old = latest_code(THEIRS)
    second = phone_otp.send(THEIRS, purpose="signup").handle
    new = latest_code(THEIRS)
    for handle, code in ((first, new), (second, old)):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(handle, code)


def test_a9_no_token_is_worth_anything_for_another_wish(opened):
    tokens = [phone_otp.verify(handle, code, context=context).token for handle, context, code in opened]
    tried = 0
    for (token, (_, purpose, context)), (_, other, given) in product(zip(tokens, WISHES, strict=True), WISHES):
        if (purpose, context) == (other, given) or (purpose == other and set(context) != set(given)):
            continue
        with pytest.raises(InvalidToken):
            phone_otp.redeem(token, purpose=other, context=given)
        tried += 1
    assert tried == 18 * 18 - 2 * 2 * 9
    assert [phone_otp.redeem(token, purpose=p, context=c) for token, (_, p, c) in zip(tokens, WISHES, strict=True)] == [
        number for number, _, _ in WISHES
    ]


def test_a9_a_code_does_not_move_with_its_row():
    """Whoever can write to the table, and not read the key, makes no code for another number or purpose."""
    handle = phone_otp.send(MINE, purpose="signup").handle
    code = latest_code(MINE)
    for change in ({"number": THEIRS}, {"purpose": "verify"}, {"context": {"user": "2"}}):
        row = Challenge.objects.get()
        before = {name: getattr(row, name) for name in change}
        Challenge.objects.update(**change)
        with pytest.raises(IncorrectCode):
            phone_otp.verify(handle, code, context=change.get("context"))
        Challenge.objects.update(**before)
    assert phone_otp.verify(handle, code).phone == MINE


def test_a9_another_site_knows_neither_handle_nor_token_nor_code(opened):
    handle, context, code = opened[0]
    token = phone_otp.verify(handle, code, context=context).token
    with override_phone_otp(KEYS=["the-secret-of-another-site-0123456789abc"]):
        for handle, context, code in opened:
            with pytest.raises(ChallengeNotFound):
                phone_otp.verify(handle, code, context=context)
        with pytest.raises(InvalidToken):
            phone_otp.redeem(token, purpose="signup")
