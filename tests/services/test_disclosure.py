"""Disclosure: all that is held about one number, whole, in what JSON knows, and not all at once."""

import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.test.utils import CaptureQueriesContext

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import Receipt
from django_phone_otp.exceptions import InvalidPhone
from django_phone_otp.models import Block, Challenge, DailyFigures, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import disclosure, receipts
from django_phone_otp.test import override_phone_otp
from tests import routers
from tests.conftest import PHONE, every_database
from tests.held import challenge, hold
from tests.pages import rows_of

OTHER = "+14155550124"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def disclose(number=PHONE):
    """Return all that is told about ``number``, after its way through JSON."""
    return json.loads(json.dumps({kind: list(rows) for kind, rows in disclosure.disclose(number).items()}))


@pytest.mark.parametrize("model", disclosure.DISCLOSED, ids=lambda model: model.__name__)
def test_every_column_is_told_or_withheld_on_purpose(model):
    told, withheld = disclosure.DISCLOSED[model], disclosure.WITHHELD.get(model, ())
    assert sorted([*told, *withheld]) == sorted(field.name for field in model._meta.concrete_fields)


def test_every_table_about_numbers_is_told():
    models = set(apps.get_app_config("phone_otp").get_models())
    assert set(disclosure.DISCLOSED) == models - {DailyFigures}  # which counts, and names nobody


def test_the_page_says_what_is_not_told():
    said = [(row["not told"].strip("`"), row["of"]) for row in rows_of("erasure.md", "not told", "of")]
    words = {Challenge: "a challenge", Delivery: "a delivery", DeliveryReceipt: "a receipt"}
    assert said == [(name, words[model]) for model, names in disclosure.WITHHELD.items() for name in names]
    lists = [row["list"].strip("`") for row in rows_of("erasure.md", "list", "has")]
    assert lists == list(disclosure.disclose(PHONE))


@every_database
def test_it_is_told_whole(database):
    with time_machine.travel(NOW, tick=False):
        made = challenge(context={"payee": "Café \u2028"}, client="c" * 8, deliveries=0, region="US", language="tr")
        delivery = Delivery.objects.create(
            challenge=made, channel="sms", alias="default", vendor_id="v-1", price=Decimal("0.002500"), sent_at=NOW
        )
        receipt = DeliveryReceipt.objects.create(delivery=delivery, status="sent", raw='{"a": 1}', digest="d", at=NOW)
        user = User.objects.db_manager(routers.chosen).create_user("sam")
        phone = VerifiedPhone(user_id=user.pk, number=PHONE)
        phone.save(force_insert=True)
        block = Block.objects.create(value=PHONE, reason="asked for it")
    moment = "2026-11-22T10:00:00+00:00"
    told = disclose()
    assert list(told) == ["verified_phones", "blocks", "challenges"]
    assert told["verified_phones"] == [
        {"id": str(phone.pk), "user": user.pk, "number": PHONE, "verified_at": moment},
    ]
    assert told["blocks"] == [{"id": str(block.pk), "value": PHONE, "reason": "asked for it", "created_at": moment}]
    (row,) = told["challenges"]
    assert row["context"] == {"payee": "Café \u2028"}
    expected = ("id", "number", "status", "expires_at", "closed_at", "decoy", "serial", "client")
    values = (str(made.pk), PHONE, "pending", "2026-11-22T10:05:00+00:00", None, False, 1, "c" * 8)
    assert tuple(row[name] for name in expected) == values
    assert row["deliveries"][0]["price"] == "0.002500"
    assert row["deliveries"][0]["sent_at"] == moment
    assert [each["id"] for each in row["deliveries"][0]["receipts"]] == [str(receipt.pk)]
    assert row["deliveries"][0]["receipts"][0]["at"] == moment


@every_database
def test_what_hangs_on_a_challenge_stands_within_it_and_nothing_of_another_number(database):
    hold(OTHER, username="kim")
    made = hold(challenges=3, deliveries=2, receipts=2)
    rows = disclose()["challenges"]
    deliveries = [delivery for row in rows for delivery in row["deliveries"]]
    told = [each["id"] for each in [*rows, *deliveries, *(one for each in deliveries for one in each["receipts"])]]
    assert len(told) == len(set(told)) == made.challenges + made.deliveries + made.receipts
    assert {row["number"] for row in rows} == {PHONE}
    for row in rows:
        mine = Delivery.objects.filter(challenge=row["id"]).order_by("pk").values_list("pk", flat=True)
        assert [each["id"] for each in row["deliveries"]] == [str(pk) for pk in mine]


def test_no_seed_and_no_key_and_no_code_is_told():
    sent = phone_otp.send(PHONE, purpose="signup")
    Delivery.objects.update(vendor_id="v-1")
    receipts.receive("default", [Receipt(id="v-1", status="delivered")])
    told = json.dumps(disclose())
    (message,) = phone_otp.test.outbox
    for secret in (message.code, sent.handle, sent.seed.hex(), "seed", "key_id"):
        assert secret not in told
    assert "delivered" in told


@every_database
@pytest.mark.parametrize("typed", ["+541123456789", "+5491123456789"])
def test_both_spellings_of_a_phone_are_told_from_the_oldest_on(database, typed):
    for age, number in enumerate(["+5491123456789", "+541123456789"] * 2):
        with time_machine.travel(NOW - timedelta(hours=age), tick=False):
            challenge(number, serial=age + 1)
    rows = disclose(typed)["challenges"]
    assert [row["serial"] for row in rows] == [4, 3, 2, 1]
    assert {row["number"] for row in rows} == {"+541123456789", "+5491123456789"}


def test_the_user_is_told_by_primary_key_and_a_field_of_the_projects_is_not():
    sam = User.objects.create_user("sam", last_name=PHONE)
    hold(username="kim")
    with override_phone_otp(USER_FIELD="last_name"):
        told = disclose()
    assert [phone["user"] for phone in told["verified_phones"]] == [sam.pk + 1]
    assert "sam" not in json.dumps(told)


def test_nothing_is_told_of_a_number_that_nothing_is_held_about():
    hold(OTHER)
    assert disclose() == {"verified_phones": [], "blocks": [], "challenges": []}


def test_what_is_no_number_is_refused_at_once():
    with pytest.raises(InvalidPhone):
        disclosure.disclose("12345")


@every_database
def test_challenges_are_read_a_page_at_a_time(database, monkeypatch):
    monkeypatch.setattr(disclosure, "PAGE", 2)
    for serial in range(1, 6):
        challenge(serial=serial)
    rows = disclosure.disclose(PHONE)["challenges"]
    with CaptureQueriesContext(database) as first:
        next(rows)
    with CaptureQueriesContext(database) as second:
        next(rows)
    with CaptureQueriesContext(database) as third:
        assert len([*rows]) == 3
    assert [len(queries) for queries in (first, second, third)] == [4, 0, 6]


def test_nothing_is_changed_and_nothing_logged_with_the_number(caplog):
    caplog.set_level(logging.DEBUG, logger="django_phone_otp")
    hold()
    before = list(Challenge.objects.order_by("pk").values())
    disclose()
    assert list(Challenge.objects.order_by("pk").values()) == before
    assert PHONE[2:] not in caplog.text
