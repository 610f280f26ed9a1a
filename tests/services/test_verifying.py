"""Verifying: the right code gives a proof, a wrong one costs a guess, and what cannot be one costs nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    ChallengeNotFound,
    IncorrectCode,
    Invalid,
    RateLimited,
    TooManyAttempts,
)
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.services.sending import send
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db


class TestVerify:
    def test_the_right_code_gives_a_proof(self, clock):
        proof = phone_otp.verify(send().handle, latest_code(PHONE))
        assert (proof.phone, proof.purpose, proof.status) == (PHONE, "signup", "verified")
        assert proof.verified_at == timezone.now()

    @pytest.mark.parametrize("spell", ["{0} {1}", "{0}-{1}", " {0}\u2013{1} ", "{0}\u00a0{1}"])
    def test_spaces_and_dashes_do_not_matter(self, spell):
        challenge = send()
        code = latest_code(PHONE)
        assert phone_otp.verify(challenge.handle, spell.format(code[:3], code[3:])).phone == PHONE

    def test_a_wrong_code_says_how_many_guesses_are_left(self):
        challenge = send()
        code = latest_code(PHONE)
        left = []
        for n in range(5):
            with pytest.raises(IncorrectCode) as refusal:
                phone_otp.verify(challenge.handle, wrong(code, n))
            left.append(refusal.value.attempts_left)
        assert left == [4, 3, 2, 1, 0]

    def test_after_the_last_guess_even_the_right_code_is_refused(self, clock):
        challenge = send()
        code = latest_code(PHONE)
        for n in range(5):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, wrong(code, n))
        with pytest.raises(TooManyAttempts) as refusal:
            phone_otp.verify(challenge.handle, code)
        assert refusal.value.retry_after == 300
        assert Challenge.objects.get().attempts == 5

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "12345",
            "1234567",
            "12345a",
            "١٢٣٤٥٦",
            "\uff11" * 6,
            "²²²²²²",
            "123456\n",
            "1\x0023456",
            pytest.param("1" * 1_000_000, id="a megabyte"),
            None,
            123456.0,
            7,
            True,
            ["123456"],
            {"code": "123456"},
            b"654321",
        ],
    )
    def test_what_cannot_be_the_code_is_invalid_and_not_counted(self, code):
        challenge = send()
        with pytest.raises(Invalid) as refusal:
            phone_otp.verify(challenge.handle, code)
        assert list(refusal.value.errors) == ["code"]
        assert Challenge.objects.get().attempts == 0

    @pytest.mark.parametrize("handle", ["", "x", "A" * 43, None, 7, ["A" * 43], "é" * 43, "A" * 1_000_000])
    def test_a_forged_handle_is_refused_before_any_database_work(self, handle, django_assert_num_queries):
        send()
        with django_assert_num_queries(0), pytest.raises(ChallengeNotFound):
            phone_otp.verify(handle, "123456")

    def test_the_handle_of_a_challenge_that_is_gone_is_not_found(self):
        challenge = send()
        Challenge.objects.all().delete()
        for call in (phone_otp.status, phone_otp.cancel, phone_otp.resend):
            with pytest.raises(ChallengeNotFound):
                call(challenge.handle)
        with pytest.raises(ChallengeNotFound):
            phone_otp.verify(challenge.handle, "123456")

    def test_a_code_lives_to_its_last_second_and_no_longer(self, clock):
        first, code = send(), latest_code(PHONE)
        clock.shift(timedelta(seconds=299, microseconds=999_999))
        assert phone_otp.verify(first.handle, code)
        clock.shift(timedelta(seconds=1))
        second, code = send(), latest_code(PHONE)
        clock.shift(timedelta(seconds=300))
        with pytest.raises(ChallengeExpired):
            phone_otp.verify(second.handle, code)
        assert phone_otp.status(second.handle).attempts == 0

    def test_a_code_proves_only_its_own_challenge(self):
        first = send()
        code = latest_code(PHONE)
        second = send()
        assert latest_code(PHONE) != code
        with pytest.raises(IncorrectCode):
            phone_otp.verify(second.handle, code)
        assert phone_otp.verify(first.handle, code)

    @pytest.mark.parametrize("other", [{"amount": "10.01", "payee": "Shop"}, {"amount": "10.00", "payee": "Shop "}])
    def test_another_context_is_a_wrong_guess(self, other):
        given = {"amount": "10.00", "payee": "Shop"}
        challenge = send(purpose="payment", context=given)
        code = latest_code(PHONE)
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, code, context=other)
        assert phone_otp.verify(challenge.handle, code, context=dict(reversed(given.items())))

    @pytest.mark.parametrize("context", [None, {}, {"amount": "10.00"}, {"amount": "1", "payee": "x", "more": "y"}])
    def test_a_missing_context_is_invalid_and_not_counted(self, context):
        challenge = send(purpose="payment", context={"amount": "10.00", "payee": "Shop"})
        with pytest.raises(Invalid):
            phone_otp.verify(challenge.handle, latest_code(PHONE), context=context)
        assert Challenge.objects.get().attempts == 0

    def test_an_address_is_limited_whatever_it_guesses_at(self, rf):
        challenge = send()
        with override_phone_otp(LIMITS={"verify.ip": ["2/1h"]}):
            for _ in range(2):
                with pytest.raises(IncorrectCode):
                    phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
            with pytest.raises(RateLimited):
                phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
        assert Challenge.objects.get().attempts == 2

    def test_a_key_that_left_the_ring_makes_every_guess_wrong(self):
        with override_phone_otp(KEYS=["k" * 32]):
            send()
            pk = Challenge.objects.get().pk
            code = latest_code(PHONE)
        with override_phone_otp(KEYS=["n" * 32]), pytest.raises(IncorrectCode):
            phone_otp.verify(Challenge.objects.get(pk=pk).handle, code)

    def test_a_challenge_outlives_the_rotation_of_the_secret_key(self, settings):
        challenge = send()
        code = latest_code(PHONE)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 6, [settings.SECRET_KEY]
        proof = phone_otp.verify(challenge.handle, code)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the-newest-" * 6, [settings.SECRET_KEY]
        assert phone_otp.redeem(proof.token, purpose="signup") == PHONE

    def test_new_challenges_use_the_newest_key(self, settings):
        send()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 6, [settings.SECRET_KEY]
        send()
        assert Challenge.objects.values("key_id").distinct().count() == 2

    def test_a_challenge_that_closes_between_reading_and_counting_says_why(self, monkeypatch):
        from django_phone_otp.services import challenges

        challenge = send()
        code = latest_code(PHONE)

        def cancel_meanwhile(*_):
            phone_otp.cancel(challenge.handle)
            return True

        monkeypatch.setattr(challenges, "is_right", cancel_meanwhile)
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, code)
        assert Challenge.objects.get().attempts == 0

    def test_a_challenge_with_no_place_left_in_its_queue_is_locked_whatever_its_state_says(self):
        challenge = send()
        Challenge.objects.update(attempts=5)
        with pytest.raises(TooManyAttempts):
            phone_otp.verify(challenge.handle, latest_code(PHONE))

    def test_a_locked_challenge_past_its_end_is_expired(self, clock):
        challenge = send()
        Challenge.objects.update(attempts=5, status="locked")
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.verify(challenge.handle, latest_code(PHONE))
