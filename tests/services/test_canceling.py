"""Status and cancel: what a caller sees of a challenge, and when there is nothing left to cancel."""

import pytest
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeClosed, ChallengeExpired
from django_phone_otp.models import Delivery
from django_phone_otp.test import latest_code
from tests.conftest import PHONE
from tests.services.sending import send

pytestmark = pytest.mark.django_db


class TestStatusAndCancel:
    def test_status_shows_the_newest_message(self):
        challenge = send()
        assert phone_otp.status(challenge.handle).delivery_status == "accepted"
        Delivery.objects.update(status="delivered")
        assert phone_otp.status(challenge.handle).delivery_status == "delivered"
        Delivery.objects.all().delete()
        assert phone_otp.status(challenge.handle).delivery_status == "queued"

    def test_expired_is_pending_past_its_time(self, clock):
        challenge = send()
        assert phone_otp.status(challenge.handle).status_at(timezone.now()) == "pending"
        clock.shift(300)
        assert phone_otp.status(challenge.handle).status_at(timezone.now()) == "expired"

    def test_the_state_knows_that_time_has_passed(self, clock):
        challenge = send()
        assert challenge.state == "pending"
        clock.shift(300)
        assert (challenge.state, challenge.status) == ("expired", "pending")

    def test_a_canceled_challenge_proves_nothing(self, clock):
        challenge = send()
        canceled = phone_otp.cancel(challenge.handle)
        assert (canceled.status, canceled.closed_at) == ("canceled", timezone.now())
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.cancel(challenge.handle)

    def test_a_verified_challenge_cannot_be_canceled(self):
        challenge = send()
        proof = phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.cancel(challenge.handle)
        assert phone_otp.redeem(proof.token, purpose="signup") == PHONE

    def test_an_expired_challenge_cannot_be_canceled(self, clock):
        challenge = send()
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.cancel(challenge.handle)

    def test_a_strangers_send_does_not_disturb_the_owners_challenge(self):
        owners = send()
        code = latest_code(PHONE)
        strangers = send()
        phone_otp.cancel(strangers.handle)
        assert phone_otp.verify(owners.handle, code).phone == PHONE
