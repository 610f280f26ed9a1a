"""Compiled statements: the very SQL and values that the ORM would send, and the same answer."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.models import Block, Delivery
from django_phone_otp.services import statements
from tests import routers
from tests.conftest import PHONE, every_database

CHANGES = [
    {"status": "accepted"},
    {"status": "accepted", "vendor_id": "v-1", "latency": 7, "sent_at": "now", "price": Decimal("0.002500")},
    {"status": "failed", "reason": "ça, 'quoted' %s", "price": None, "poll_at": None},
    {"price": None, "status": "unknown"},
]


def changed(changes):
    return {name: timezone.now() if value == "now" else value for name, value in changes.items()}


@every_database
@pytest.mark.parametrize("changes", CHANGES, ids=range(4))
def test_a_statement_is_what_the_orm_would_send(database, clock, changes):
    phone_otp.send(PHONE, purpose="signup")
    delivery, changes = Delivery.objects.get(), changed(changes)
    where = {"id": delivery.pk, "status": "accepted"}
    with CaptureQueriesContext(database) as by_orm, transaction.atomic(using=routers.chosen):
        assert Delivery.objects.filter(**where).update(**changes) == 1
        transaction.set_rollback(True, using=routers.chosen)
    updates = [query["sql"] for query in by_orm if query["sql"].startswith("UPDATE")]
    for _ in range(2):  # compiled, and then from memory
        Delivery.objects.update(status="accepted")
        with CaptureQueriesContext(database) as by_us:
            assert statements.update(Delivery, where, changes) == 1
        assert [query["sql"] for query in by_us] == updates
    stored = Delivery.objects.values(*changes).get()
    assert stored == changes


@every_database
def test_a_row_that_is_not_there_any_more_is_not_changed(database):
    phone_otp.send(PHONE, purpose="signup")
    pk = Delivery.objects.get().pk
    assert statements.update(Delivery, {"id": pk, "status": "sending"}, {"status": "failed"}) == 0
    assert Delivery.objects.get().status == "accepted"


@pytest.mark.django_db
def test_an_error_spoils_the_transaction_that_it_is_in():
    phone_otp.send(PHONE, purpose="signup")
    pk = Delivery.objects.get().pk
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            statements.update(Delivery, {"id": pk, "status": "accepted"}, {"status": "gone fishing"})
        assert connections["default"].needs_rollback
        transaction.set_rollback(True)


@every_database
def test_a_question_is_what_the_orm_would_ask(database):
    Block.objects.create(value="GB")
    for asked, is_there in ((["+14155550123", "GB", "+1*"], True), (["+14155550123", "+14*", "%s"], False)):
        with CaptureQueriesContext(database) as by_orm:
            assert Block.objects.filter(value__in=asked).exists() is is_there
        for _ in range(2):  # compiled, and then from memory
            with CaptureQueriesContext(database) as by_us:
                assert statements.any_of(Block, routers.chosen, "value", asked) is is_there
            assert [query["sql"] for query in by_us] == [query["sql"] for query in by_orm]


@every_database
def test_a_question_may_name_a_value_twice_and_stays_the_same_statement(database):
    Block.objects.create(value="GB")
    lengths = set()
    for asked in (["GB", "GB", "GB"], ["IN", "GB", "IN"], ["IN", "US", "FR"]):
        with CaptureQueriesContext(database) as queries:
            assert statements.any_of(Block, routers.chosen, "value", asked) is ("GB" in asked)
        lengths.add(len(queries[0]["sql"]))
    assert len(lengths) == 1
