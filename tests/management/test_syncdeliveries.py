"""syncdeliveries: what was asked and what it brought, with a bar for somebody who watches."""

import io

import pytest
from django.core.management import call_command

from django_phone_otp.core.statuses import DeliveryStatus
from tests.services.test_polling import Polled, pauses, send, state, through

pytestmark = pytest.mark.django_db
__all__ = ["pauses"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def sync(stdout=None, **options):
    stdout = stdout or io.StringIO()
    call_command("syncdeliveries", stdout=stdout, **options)
    return stdout.getvalue()


def test_it_says_what_was_asked_and_what_it_brought(clock):
    Polled.answers.update({"v-0000": DeliveryStatus.DELIVERED, "v-0001": KeyError("a fault")})
    with through():
        send(3)
        clock.shift(60)
        assert sync() == "Asked about 3: 2 moved on, 1 got no answer.\n"
    assert [state(last) for last in range(3)] == ["delivered", "accepted", "sent"]


def test_it_says_nothing_when_told_so(clock):
    with through():
        send()
        clock.shift(60)
        assert sync(verbosity=0) == ""


def test_whoever_watches_sees_a_bar(clock):
    with through():
        send(2)
        clock.shift(60)
        shown = sync(Terminal())
    assert "] 100% 2\n" in shown
    assert shown.endswith("Asked about 2: 2 moved on, 0 got no answer.\n")


def test_nothing_due_is_nothing_asked():
    assert sync() == "Asked about 0: 0 moved on, 0 got no answer.\n"
