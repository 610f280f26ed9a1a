import json

from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus


def test_the_states_are_those_of_the_public_contract():
    assert set(ChallengeStatus) == {"pending", "verified", "locked", "canceled", "expired"}
    assert set(DeliveryStatus) == {
        "queued", "sending", "accepted", "sent", "delivered", "undelivered", "failed", "unknown",
    }  # fmt: skip


def test_a_state_is_shown_and_stored_as_its_word():
    assert str(ChallengeStatus.LOCKED) == "locked"
    assert json.dumps([DeliveryStatus.SENT]) == '["sent"]'
