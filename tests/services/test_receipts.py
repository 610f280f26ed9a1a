"""Receipts: a delivery only moves forward, a replay changes nothing, and nothing secret is kept."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import Receipt, SendResult
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt
from django_phone_otp.services import early, receipts
from django_phone_otp.signals import delivery_updated
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE, every_database
from tests.races import kinds, together
from tests.services.test_delivery import vendors

pytestmark = pytest.mark.django_db

S = DeliveryStatus
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ENDS = [S.UNDELIVERED, S.FAILED]


def delivery(status=S.ACCEPTED, vendor_id="v-1", alias="default"):
    """Return a delivery that was handed over, in the state given."""
    phone_otp.send(PHONE, purpose="signup")
    found = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=found.pk).update(status=status, vendor_id=vendor_id, alias=alias)
    found.refresh_from_db()
    return found


def receive(status, vendor_id="v-1", alias="default", **more):
    return receipts.receive(alias, [Receipt(id=vendor_id, status=status, **more)])


FORWARD = {
    (S.UNKNOWN, S.ACCEPTED), (S.UNKNOWN, S.SENT), (S.UNKNOWN, S.DELIVERED), (S.UNKNOWN, S.UNDELIVERED),
    (S.UNKNOWN, S.FAILED), (S.ACCEPTED, S.SENT), (S.ACCEPTED, S.DELIVERED), (S.ACCEPTED, S.UNDELIVERED),
    (S.ACCEPTED, S.FAILED), (S.SENT, S.DELIVERED), (S.SENT, S.UNDELIVERED), (S.SENT, S.FAILED),
    (S.UNDELIVERED, S.DELIVERED), (S.FAILED, S.DELIVERED),
}  # fmt: skip


@pytest.mark.parametrize(("before", "told"), list(itertools.product(S, S)))
def test_a_receipt_moves_a_delivery_forward_and_never_back(before, told):
    row = delivery(before)
    moved = receive(told)
    row.refresh_from_db()
    assert bool(moved) == ((before, told) in FORWARD)
    assert row.status == (told if moved else before)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(told=st.lists(st.sampled_from([S.ACCEPTED, S.SENT, S.DELIVERED, S.UNDELIVERED, S.UNKNOWN]), max_size=8))
def test_in_whatever_order_receipts_come_delivered_wins(told):
    cache.clear()
    Challenge.objects.all().delete()
    row = delivery()
    for status in told:
        receive(status)
    row.refresh_from_db()
    if S.DELIVERED in told:
        assert row.status == S.DELIVERED
    elif S.UNDELIVERED in told:
        assert row.status == S.UNDELIVERED
    elif S.SENT in told:
        assert row.status == S.SENT
    else:
        assert row.status == S.ACCEPTED


def test_a_replay_changes_nothing_and_is_kept_once():
    row = delivery()
    assert [receive(S.DELIVERED, at=NOW) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert row.receipts.count() == 1


def test_every_different_receipt_is_kept_up_to_a_bound():
    row = delivery()
    for second in range(receipts.KEPT_PER_DELIVERY + 10):
        receive(S.SENT, at=NOW + timedelta(seconds=second))
    assert row.receipts.count() == receipts.KEPT_PER_DELIVERY


@pytest.mark.parametrize("vendor_id", ["v-2", "V-1", "v-1 ", "", "v-1\x00", "\N{GREEK SMALL LETTER NU}-1", "v" * 5000])
def test_an_id_that_is_not_ours_changes_nothing(vendor_id):
    row = delivery()
    assert receive(S.DELIVERED, vendor_id=vendor_id) == 0
    row.refresh_from_db()
    assert row.status == S.ACCEPTED
    assert not DeliveryReceipt.objects.exists()


@every_database
@pytest.mark.parametrize("vendor_id", ["V-1", "v-1 ", "V-1 "])
def test_no_database_takes_an_id_for_one_that_is_spelled_alike(database, vendor_id):
    row = delivery()
    assert receive(S.DELIVERED, vendor_id=vendor_id) == 0
    row.refresh_from_db()
    assert row.status == S.ACCEPTED


def test_an_id_of_another_alias_changes_nothing():
    row = delivery(alias="default")
    assert receive(S.DELIVERED, alias="backup") == 0
    row.refresh_from_db()
    assert row.status == S.ACCEPTED


def test_an_empty_id_never_finds_the_deliveries_that_have_none():
    row = delivery(vendor_id="")
    assert receive(S.DELIVERED, vendor_id="") == 0
    row.refresh_from_db()
    assert row.status == S.ACCEPTED


def test_of_two_messages_with_one_id_the_newest_is_meant():
    first, second = delivery(), delivery()
    receive(S.DELIVERED)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (S.ACCEPTED, S.DELIVERED)


def test_what_is_not_ours_and_what_is_not_known_is_logged_once(caplog):
    delivery()
    for _ in range(3):
        receive(S.DELIVERED, vendor_id="of-another-app")
        receive(S.UNKNOWN, raw={"status": "Teleported"})
    assert [record.getMessage() for record in caplog.records] == [
        "Backend 'default': a receipt for a message that is not ours",
        "Backend 'default': a receipt with a status that is not known: Teleported",
    ]


def test_a_status_that_is_not_known_is_kept_as_it_came():
    row = delivery()
    receive(S.UNKNOWN, raw={"status": "Teleported"})
    assert [json.loads(kept.raw) for kept in row.receipts.all()] == [{"status": "Teleported"}]


def test_no_receipt_keeps_a_number_a_code_or_a_long_text():
    row = delivery()
    code = latest_code(PHONE)
    told = f"{code} to {PHONE}, {PHONE[1:]}, +1 415 555 0123"
    receive(S.UNDELIVERED, reason=told, raw={"id": "v-1", "reason": told, "more": "x" * 2000})
    row.refresh_from_db()
    kept = row.receipts.get()
    for text in (row.reason, kept.reason, kept.raw):
        assert code not in text
        assert "4155550123" not in text.replace(" ", "")
    assert row.reason == "[…]"  # what tells a secret may be the message itself
    assert len(kept.raw) <= 500


def test_the_id_and_the_time_are_kept_however_many_digits_they_have():
    row = delivery(vendor_id="20261014123456789:1")
    raw = {"id": row.vendor_id, "at": PHONE[2:], "status": "Sent", "recipient": PHONE[1:]}
    receive(S.SENT, vendor_id=row.vendor_id, at=NOW, raw=raw)
    assert json.loads(row.receipts.get().raw) == {**raw, "recipient": "[…]", "at": "2026-11-22T10:00:00+00:00"}


@pytest.mark.parametrize(
    "spell",
    [
        lambda digits: "".join(f"%3{digit}" for digit in digits),
        lambda digits: "".join(f"%253{digit}" for digit in digits),
        lambda digits: "".join(f"&#x3{digit};" for digit in digits),
        lambda digits: "".join(f"\\u003{digit}" for digit in digits),
        lambda digits: "".join(chr(0xFF10 + int(digit)) for digit in digits),
        lambda digits: "".join(chr(0x660 + int(digit)) for digit in digits),
        ",".join,
        "_".join,
        lambda digits: f"{digits[:3]}\N{EN DASH}{digits[3:]}",
        " - ".join,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("what", ["code", "number"])
def test_however_a_vendor_spells_a_code_or_number_it_is_not_kept(spell, what):
    row = delivery()
    secret = latest_code(PHONE) if what == "code" else PHONE[1:]
    receive(S.UNDELIVERED, reason=f"no: {spell(secret)}", raw={"reason": f"no: {spell(secret)}"})
    row.refresh_from_db()
    assert row.reason == "[…]"
    assert json.loads(row.receipts.get().raw) == {"reason": "[…]"}


def test_a_status_that_is_no_word_is_not_logged(caplog):
    delivery()
    code = latest_code(PHONE)
    for status in (f"sent {code}", f"{code} is your Example code.", "x" * 21, f"sent-{code}"):
        receive(S.UNKNOWN, raw={"status": status})
    assert [record.getMessage() for record in caplog.records] == [
        "Backend 'default': a receipt with a status that is not known: (not a word)"
    ]


def test_a_receipt_with_a_fault_does_not_cost_the_others(caplog):
    row = delivery()
    given = [Receipt(id="v-1", status=S.SENT, reason=7), Receipt(id="v-1", status=S.DELIVERED)]
    assert receipts.receive("default", given) == 1
    row.refresh_from_db()
    assert row.status == S.DELIVERED
    assert "a receipt could not be taken: AttributeError" in caplog.text


def test_an_early_receipt_leaves_no_id_in_the_cache():
    early.keep("default", Receipt(id=PHONE, status=S.SENT, reason=PHONE, raw={"id": PHONE}))
    assert PHONE not in repr(cache._cache)


def test_whatever_a_backend_gives_as_raw_can_be_kept():
    row = delivery()
    receive(S.SENT, raw={"parts": [1, {"of": "two"}], "more": None})
    assert json.loads(row.receipts.get().raw) == {"parts": "[1, {'of': 'two'}]", "more": "None"}


def test_text_that_came_as_text_is_kept_as_text():
    row = delivery()
    receive(S.SENT, raw="DLVRD 0")
    assert row.receipts.get().raw == "DLVRD 0"


def test_times_are_the_vendors_as_far_as_they_can_be_true(clock):
    row = delivery()
    clock.shift(60)
    receive(S.DELIVERED, at=row.queued_at + timedelta(seconds=7))
    row.refresh_from_db()
    assert row.delivered_at == row.queued_at + timedelta(seconds=7)


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1)])
def test_a_vendors_clock_that_is_off_is_brought_between_our_own_times(clock, off):
    row = delivery()
    clock.shift(60)
    receive(S.DELIVERED, at=row.queued_at + off)
    row.refresh_from_db()
    assert row.queued_at <= row.delivered_at <= timezone.now()


def test_a_receipt_without_a_time_counts_from_now(clock):
    row = delivery()
    Delivery.objects.update(sent_at=None)
    clock.shift(60)
    receive(S.DELIVERED)
    row.refresh_from_db()
    assert row.sent_at == row.delivered_at == timezone.now()


def test_a_late_delivered_takes_the_reason_of_the_failure_away():
    row = delivery()
    receive(S.UNDELIVERED, reason="the phone is off")
    row.refresh_from_db()
    assert (row.status, row.reason) == (S.UNDELIVERED, "the phone is off")
    receive(S.DELIVERED)
    row.refresh_from_db()
    assert (row.status, row.reason) == (S.DELIVERED, "")


def test_a_receipt_that_ends_a_delivery_ends_its_polling():
    row = delivery()
    Delivery.objects.update(poll_at=NOW)
    receive(S.SENT)
    row.refresh_from_db()
    assert row.poll_at == NOW
    receive(S.DELIVERED)
    row.refresh_from_db()
    assert row.poll_at is None


def test_what_was_not_sent_after_all_costs_nothing():
    row = delivery()
    Delivery.objects.update(price="0.06")
    receive(S.FAILED)
    row.refresh_from_db()
    assert row.price is None


def test_a_receipt_changes_no_challenge():
    row = delivery()
    before = Challenge.objects.values().get()
    receive(S.FAILED)
    receive(S.DELIVERED)
    assert Challenge.objects.values().get() == before
    assert row.challenge.state == "pending"


def test_each_move_is_told_and_nothing_else():
    seen = []

    def receiver(delivery, **_):
        seen.append(str(delivery.status))

    delivery()
    delivery_updated.connect(receiver)
    try:
        for status in (S.SENT, S.SENT, S.UNKNOWN, S.DELIVERED, S.SENT):
            receive(status)
    finally:
        delivery_updated.disconnect(receiver)
    assert seen == ["sent", "delivered"]


def quick(monkeypatch, *told):
    """Let receipts for ``vendor-7`` come in while the answer that names it is on its way."""
    from tests.services import test_delivery

    class Pushing(test_delivery.Vendor):
        webhook_secrets = ("made-up-secret-of-a-test",)

        def send(self, message):
            for status in told:
                receipts.receive("default", [Receipt(id="vendor-7", status=status)])
            return SendResult(id="vendor-7")

    monkeypatch.setattr(test_delivery, "Pushing", Pushing, raising=False)
    return vendors(None, kind="Pushing")


def test_a_receipt_that_is_quicker_than_the_answer_is_not_lost(monkeypatch):
    with quick(monkeypatch, S.DELIVERED, S.SENT):
        phone_otp.send(PHONE, purpose="signup")
    assert Delivery.objects.get().status == S.DELIVERED


def test_an_early_receipt_is_for_its_own_message_only(monkeypatch):
    receive(S.DELIVERED, vendor_id="vendor-8")
    receive(S.DELIVERED, vendor_id="vendor-7", alias="backup")
    with quick(monkeypatch):
        phone_otp.send(PHONE, purpose="signup")
    assert Delivery.objects.get().status == S.ACCEPTED


def test_without_the_cache_an_early_receipt_is_lost_and_nothing_else(monkeypatch, caplog):
    class Broken:
        def __getattr__(self, name):
            raise ConnectionError("the cache is gone")

    monkeypatch.setattr(early, "shared_cache", Broken)
    monkeypatch.setattr(receipts, "shared_cache", Broken)
    with quick(monkeypatch, S.DELIVERED):
        assert phone_otp.send(PHONE, purpose="signup").delivery_status == "accepted"
    assert caplog.text.count("The cache for receipts failed: ConnectionError") == 3


@every_database
def test_receipts_that_come_all_at_once_end_where_they_must(database):
    with override_phone_otp(LIMITS={"send.number": []}):
        row = delivery()
    told = [S.SENT, S.DELIVERED, S.UNDELIVERED, S.SENT] * 4
    outcomes = together(len(told), lambda n: receive(told[n], at=NOW))
    assert kinds(outcomes) == {"int": len(told)}
    row.refresh_from_db()
    assert row.status == S.DELIVERED
    assert row.receipts.count() == 3
