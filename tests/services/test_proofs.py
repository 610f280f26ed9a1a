"""Proofs: a token is worth one use, for one purpose, for a while."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import Challenge
from django_phone_otp.services import proofs
from django_phone_otp.services.proofs import peek
from django_phone_otp.test import latest_code
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def challenge():
    return phone_otp.send(PHONE, purpose="signup")


@pytest.fixture
def token(challenge):
    return phone_otp.verify(challenge.handle, latest_code(PHONE)).token


def test_a_token_is_redeemed_once(token):
    assert phone_otp.redeem(token, purpose="signup") == PHONE
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="signup")


def test_another_purpose_is_refused_and_does_not_spend_it(token):
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="login")
    assert phone_otp.redeem(token, purpose="signup") == PHONE


def test_a_purpose_that_does_not_exist_is_the_projects_mistake(token):
    with pytest.raises(ImproperlyConfigured, match="did you mean 'signup'"):
        phone_otp.redeem(token, purpose="sign-up")


def test_looking_does_not_spend_it(token):
    assert peek(token, purpose="signup") == peek(token, purpose="signup") == PHONE
    assert phone_otp.redeem(token, purpose="signup") == PHONE
    with pytest.raises(InvalidToken):
        peek(token, purpose="signup")


def test_it_lives_ten_minutes(challenge):
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        token = phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, latest_code(PHONE)).token
        clock.shift(timedelta(minutes=10, microseconds=-1))
        assert peek(token, purpose="signup") == PHONE
        clock.shift(timedelta(microseconds=1))
        with pytest.raises(InvalidToken):
            phone_otp.redeem(token, purpose="signup")


def test_a_handle_is_no_token(challenge, token):
    with pytest.raises(InvalidToken):
        phone_otp.redeem(challenge.handle, purpose="signup")
    assert challenge.handle != token


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, None, 7, ["A" * 43], "é" * 43])
def test_a_forged_token_costs_no_database_work(forged, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(InvalidToken):
        phone_otp.redeem(forged, purpose="signup")


def test_a_token_of_an_unverified_challenge_is_worth_nothing(challenge):
    from django_phone_otp import conf
    from django_phone_otp.core import handles

    early = handles.seal(conf.current().keys, handles.TOKEN, challenge.pk)
    with pytest.raises(InvalidToken):
        phone_otp.redeem(early, purpose="signup")


def test_a_token_that_is_spent_between_looking_and_spending_is_refused(token, monkeypatch):
    look = proofs._look

    def spend_meanwhile(*args):
        found = look(*args)
        Challenge.objects.update(redeemed_at=timezone.now())
        return found

    monkeypatch.setattr(proofs, "_look", spend_meanwhile)
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="signup")


def test_a_project_that_rolls_back_has_not_spent_it(token):
    with transaction.atomic():
        phone_otp.redeem(token, purpose="signup")
        transaction.set_rollback(True)
    assert phone_otp.redeem(token, purpose="signup") == PHONE


def test_the_repr_of_a_proof_shows_nothing_secret():
    challenge = phone_otp.send(PHONE, purpose="signup")
    proof = phone_otp.verify(challenge.handle, latest_code(PHONE))
    assert not [secret for secret in (PHONE, proof.token, proof.challenge) if secret in repr(proof)]


class TestContext:
    """A proof of a payment is a proof of that payment."""

    CONTEXT = {"amount": "10.00", "payee": "Shop"}

    @pytest.fixture
    def token(self):
        challenge = phone_otp.send(PHONE, purpose="payment", context=self.CONTEXT)
        return phone_otp.verify(challenge.handle, latest_code(PHONE), context=self.CONTEXT).token

    def test_the_same_context_redeems(self, token):
        assert phone_otp.redeem(token, purpose="payment", context=self.CONTEXT) == PHONE

    @pytest.mark.parametrize("change", [{"amount": "10.01"}, {"payee": "Shop."}])
    def test_another_context_is_refused_and_does_not_spend_it(self, token, change):
        for call in (phone_otp.redeem, peek):
            with pytest.raises(InvalidToken):
                call(token, purpose="payment", context={**self.CONTEXT, **change})
        assert phone_otp.redeem(token, purpose="payment", context=self.CONTEXT) == PHONE

    @pytest.mark.parametrize("context", [None, {}, {"amount": "10.00"}])
    def test_a_context_that_is_left_out_is_the_callers_mistake(self, token, context):
        with pytest.raises(ImproperlyConfigured, match="bound to amount, payee"):
            phone_otp.redeem(token, purpose="payment", context=context)
        assert phone_otp.redeem(token, purpose="payment", context=self.CONTEXT) == PHONE
