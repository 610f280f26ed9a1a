"""A queue between the request and the vendor: it holds a primary key, and the sweep finds what it lost."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.models import Delivery
from django_phone_otp.services import delivery as delivering
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services import queues
from tests.services.sending import rows, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_queued():
    queues.enqueued.clear()


class TestQueue:
    def test_gets_the_primary_key_and_nothing_else(self):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
            challenge = send()
        assert challenge.delivery_status == "queued"
        assert queues.enqueued == [str(Delivery.objects.get().pk)]

    def test_a_worker_rebuilds_the_code_from_the_primary_key(self):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
            challenge = send()
            delivering.deliver(queues.enqueued[0])
            delivering.deliver(queues.enqueued[0])
            assert len(outbox) == 1
            assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE

    def test_a_message_for_a_challenge_that_is_over_is_not_sent(self):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
            phone_otp.cancel(send().handle)
            delivering.deliver(queues.enqueued[0])
        assert not outbox
        assert rows()[0][1:3] == ("failed", "the challenge ended before the message could be sent")

    def test_a_message_whose_key_is_gone_is_not_sent(self):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember", KEYS=["k" * 32]):
            send()
        with override_phone_otp(KEYS=["n" * 32]):
            delivering.deliver(queues.enqueued[0])
        assert not outbox
        assert rows()[0][1:3] == ("failed", "the key of the challenge has left KEYS")

    def test_that_is_down_leaves_the_delivery_to_the_sweep(self, caplog):
        with override_phone_otp(DISPATCHER="tests.services.queues.down"):
            assert send().delivery_status == "queued"
        assert "ConnectionError" in caplog.text
        assert PHONE not in caplog.text
        with time_machine.travel(timezone.now() + timedelta(seconds=61)):
            assert delivering.sweep() == (0, 1)
        assert len(outbox) == 1

    def test_unknown_keys_are_no_fault(self):
        delivering.deliver("00000000-0000-7000-8000-000000000000")

    def test_decoys_are_queued_alike_and_never_sent(self):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
            phone_otp.send(PHONE, purpose="login")
            delivering.deliver(queues.enqueued[0])
        assert not outbox


class TestSweep:
    def test_a_delivery_whose_worker_died_becomes_unknown_and_is_not_sent(self):
        send()
        outbox.clear()
        Delivery.objects.update(status="sending")
        with time_machine.travel(timezone.now() + timedelta(seconds=121)):
            assert delivering.sweep() == (1, 0)
        assert rows()[0][1:3] == ("unknown", "the worker stopped")
        assert not outbox

    def test_what_is_being_sent_right_now_is_left_alone(self):
        send()
        Delivery.objects.update(status="sending")
        assert delivering.sweep() == (0, 0)
        assert Delivery.objects.get().status == "sending"
