"""Background tasks: a worker sends and polls, and the queue holds nothing but a primary key."""

import pytest
from django.utils.module_loading import import_string

import django_phone_otp as phone_otp
from django_phone_otp import tasks
from django_phone_otp.models import Delivery
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_polling import Polled, pauses, send, state, through

pytestmark = pytest.mark.django_db
__all__ = ["pauses"]

QUEUED = {"DISPATCHER": "django_phone_otp.tasks.enqueue"}


def test_a_worker_sends_the_message_that_was_enqueued():
    with override_phone_otp(**QUEUED):
        challenge = phone_otp.send(PHONE, purpose="signup")
        assert challenge.delivery_status == "queued"
        assert Delivery.objects.get().status == "accepted"  # the suite's queue works at once
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE


def test_the_queue_holds_the_primary_key_and_nothing_else(monkeypatch):
    held = []
    monkeypatch.setattr(tasks, "deliver", type("Task", (), {"enqueue": staticmethod(lambda *args: held.append(args))}))
    with override_phone_otp(**QUEUED):
        phone_otp.send(PHONE, purpose="signup")
    assert held == [(str(Delivery.objects.get().pk),)]
    assert not outbox


def test_a_task_that_is_delivered_twice_sends_once():
    with override_phone_otp(**QUEUED):
        phone_otp.send(PHONE, purpose="signup")
        tasks.enqueue(str(Delivery.objects.get().pk))
    assert len(outbox) == 1


def test_polling_is_a_task_too(clock):
    with through():
        send(2)
        clock.shift(60)
        assert tasks.sync_deliveries.call() == 2
    assert (state(0), state(1), len(Polled.asked)) == ("sent", "sent", 2)


@pytest.mark.parametrize("name", ["deliver", "sync_deliveries"])
def test_a_worker_finds_each_task_by_its_path(name):
    task = getattr(tasks, name)
    assert import_string(task.module_path) is task
