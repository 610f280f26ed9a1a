"""Rows about numbers, for tests of what tells and erases them; and an erasure at a moment of a test's choice."""

import contextlib
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from django_phone_otp.core.identifiers import uuid7
from django_phone_otp.models import Block, Challenge, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import erasure
from django_phone_otp.services.holdings import Tally
from tests import routers
from tests.conftest import PHONE

TABLES = (Challenge, Delivery, DeliveryReceipt, VerifiedPhone, Block)


def challenge(number=PHONE, *, serial=1, deliveries=1, receipts=1, **fields):
    """Make a challenge with so many deliveries, each with so many receipts."""
    now = timezone.now()
    given = {
        "purpose": "signup",
        "channel": "sms",
        "max_attempts": 5,
        "code_length": 6,
        "seed": b"x" * 16,
        "key_id": "k",
        "expires_at": now + timedelta(minutes=5),
        "resend_at": now,
    }
    made = Challenge.objects.create(id=uuid7(), number=number, serial=serial, **{**given, **fields})
    for _ in range(deliveries):
        delivery = Delivery.objects.create(challenge=made, channel="sms", status="accepted", alias="default")
        for position in range(receipts):
            DeliveryReceipt.objects.create(delivery=delivery, status="sent", digest=f"d-{position}")
    return made


def hold(number=PHONE, *, challenges=2, deliveries=2, receipts=2, username=None):
    """Make one of everything that can be held about ``number``; return how many rows of each kind."""
    for serial in range(1, challenges + 1):
        challenge(number, serial=serial, deliveries=deliveries, receipts=receipts)
    users = User.objects.db_manager(routers.chosen)  # where the tables are that point at them
    user = users.create_user(username) if username else None
    if user:
        phone = VerifiedPhone(user_id=user.pk, number=number)
        phone.save(force_insert=True)
    Block.objects.create(value=number, reason="asked for it")
    return Tally(
        challenges=challenges,
        deliveries=challenges * deliveries,
        receipts=challenges * deliveries * receipts,
        verified_phones=int(user is not None),
        blocks=1,
    )


def erase(number=PHONE, **options):
    """Erase all about ``number``; return how much went."""
    return sum(erasure.erase(number, **options), Tally())


def everything():
    """Return the primary keys of all rows that are about some number."""
    return {(model.__name__, pk) for model in TABLES for pk in model.objects.values_list("pk", flat=True)}


@contextlib.contextmanager
def erased(when, verb, model, number=PHONE):
    """Erase all about ``number`` once, ``before`` or ``after`` the first statement that begins so about this table."""
    done = []

    def beside(execute, sql, params, many, context):
        due = not done and sql.startswith(verb) and model._meta.db_table in sql
        if due:
            done.append(sql)
        if due and when == "before":
            erase(number)
        result = execute(sql, params, many, context)
        if due and when == "after":
            erase(number)
        return result

    with connections[routers.chosen].execute_wrapper(beside):
        yield
    assert done, "there was no such statement"
