"""Migrations on tables with rows: code of before goes on during a rollout, and there is a way back."""

import pytest
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests.conftest import every_database

pytestmark = every_database

BEFORE, LANES = [("phone_otp", "0002_delivery_log")], [("phone_otp", "0003_lanes")]


@pytest.fixture
def migrate(database):
    """Return a function that takes the tables to a migration, and gives its ``Challenge``; put all back at the end."""

    def to(target):
        executor = MigrationExecutor(connections[database.alias])
        state = executor.migrate(target)
        return state.apps.get_model("phone_otp", "Challenge").objects.using(database.alias)

    yield to
    executor = MigrationExecutor(connections[database.alias])
    executor.migrate(executor.loader.graph.leaf_nodes())


def insert(challenges, serial, **fields):
    now = timezone.now()
    required = {"number": "+14155550123", "purpose": "signup", "channel": "sms", "max_attempts": 5, "code_length": 6}
    return challenges.create(
        serial=serial, seed=b"x" * 16, key_id="made-up", expires_at=now, resend_at=now, **required, **fields
    )


def test_code_of_before_inserts_into_the_table_of_after(migrate):
    old = migrate(BEFORE)
    insert(old, 1)
    new = migrate(LANES)
    insert(old, 2)
    assert list(new.order_by("serial").values_list("serial", "lane")) == [(1, ""), (2, "")]


def test_the_way_back_keeps_every_challenge_in_a_turn_of_its_own(migrate):
    new = migrate(LANES)
    for lane in ("", "known", "aside 1 "):
        for serial in (1, 2, 3):
            insert(new, serial, lane=lane)
    old = migrate(BEFORE)
    serials = list(old.values_list("serial", flat=True))
    assert len(serials) == len(set(serials)) == 9


def test_two_sends_at_once_still_take_turns(migrate, database):
    new = migrate(LANES)
    insert(new, 1)
    insert(new, 1, lane="known")
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), transaction.atomic(using=database.alias):
        insert(new, 1)
