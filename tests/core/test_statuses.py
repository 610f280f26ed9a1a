import json

from django_phone_otp.core.statuses import OPEN, ChallengeStatus, DeliveryStatus, states_before


def test_the_states_are_those_of_the_public_contract():
    assert set(ChallengeStatus) == {"pending", "verified", "locked", "canceled", "expired"}
    assert set(DeliveryStatus) == {
        "queued", "sending", "accepted", "sent", "delivered", "undelivered", "failed", "unknown",
    }  # fmt: skip


def test_a_state_is_shown_and_stored_as_its_word():
    assert str(ChallengeStatus.LOCKED) == "locked"
    assert json.dumps([DeliveryStatus.SENT]) == '["sent"]'


def test_no_receipt_leads_back_or_to_where_only_we_are():
    assert states_before(DeliveryStatus.QUEUED) == ()
    assert states_before(DeliveryStatus.SENDING) == ()
    assert states_before(DeliveryStatus.UNKNOWN) == ()
    assert set(OPEN) == {"accepted", "sent", "unknown"}
    for status in DeliveryStatus:
        assert status not in states_before(status)
        assert not {"queued", "sending", "delivered"} & set(states_before(status))
