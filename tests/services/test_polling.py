"""Polling: every message is asked about until its end is known, at a pace that leaves room for sending."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    MalformedWebhook,
    Receipt,
    SendResult,
)
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Delivery
from django_phone_otp.services import limits, polling, schedule
from django_phone_otp.test import override_phone_otp
from tests.conftest import every_database
from tests.races import together
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

S = DeliveryStatus


class Polled(BaseBackend):
    """Takes every message, and answers what ``answers`` says about it."""

    polls = True
    reaches_people = False
    asked = []
    answers = {}
    default = S.SENT

    def send(self, message):
        return SendResult(id=f"v-{message.number[-4:]}")

    def fetch_status(self, delivery_id):
        self.asked.append((self.alias, delivery_id))
        answer = self.answers.get(delivery_id, self.default)
        if isinstance(answer, Exception):
            raise answer
        return Receipt(id=delivery_id, status=answer)


class Rated(Polled):
    account_rate = "10/1s"


class Daily(Polled):
    account_rate = "3/1d"


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Start anew, and list the pauses in place of making them."""
    Polled.asked.clear()
    Polled.answers.clear()
    made = []
    monkeypatch.setattr(polling.time, "sleep", made.append)
    return made


def through(kind="Polled", **changes):
    backend = {"BACKEND": f"{__name__}.{kind}"}
    return override_phone_otp(BACKENDS={"default": backend, "second": backend}, **{"LIMITS": UNLIMITED, **changes})


def send(count=1):
    for last in range(count):
        phone_otp.send(f"+1415555{last:04d}", purpose="signup")


def state(last=0):
    return Delivery.objects.get(vendor_id=f"v-{last:04d}").status


def test_a_message_is_asked_about_when_it_is_due_and_not_before(clock):
    with through():
        send()
        assert list(polling.sync()) == []
        clock.shift(schedule.FIRST)
        assert polling.count_due() == 1
        assert list(polling.sync()) == ["moved"]
        assert list(polling.sync()) == []
    assert (state(), Polled.asked) == (S.SENT, [("default", "v-0000")])


def test_questions_come_less_and_less_often_until_two_days_are_over(clock):
    with through():
        send()
        for _ in range(3 * 24 * 6):
            clock.shift(600)
            list(polling.sync())
    assert 8 <= len(Polled.asked) <= 15
    assert Delivery.objects.get().poll_at is None


def test_the_last_question_comes_when_the_window_is_over(clock):
    queued_at = timezone.now()
    now, asked = schedule.first_poll(queued_at), []
    while now is not None:
        asked.append(now - queued_at)
        now = schedule.next_poll(queued_at, now)
    assert asked[0] == schedule.FIRST
    assert asked[-1] == schedule.WINDOW
    assert asked == sorted(set(asked))


def test_an_end_is_the_last_that_is_asked(clock):
    Polled.answers["v-0000"] = S.DELIVERED
    with through():
        send()
        clock.shift(60)
        assert list(polling.sync()) == ["moved"]
        clock.shift(86_400)
        assert list(polling.sync()) == []
    assert state() == S.DELIVERED


def test_the_same_answer_again_moves_nothing(clock):
    with through():
        send()
        clock.shift(60)
        list(polling.sync())
        clock.shift(600)
        assert list(polling.sync()) == ["same"]


@pytest.mark.parametrize(
    "fault",
    [BackendUnavailable("down"), MalformedWebhook("no status"), KeyError("a fault")],
    ids=["down", "odd", "bug"],
)
def test_a_vendor_without_an_answer_is_asked_again_later(clock, fault, caplog):
    Polled.answers["v-0000"] = fault
    with through():
        send()
        clock.shift(60)
        assert list(polling.sync()) == ["failed"]
        assert state() == S.ACCEPTED
        Polled.answers.clear()
        clock.shift(120)
        assert list(polling.sync()) == ["moved"]
    assert "4155550000" not in caplog.text


def test_an_alias_that_fails_again_and_again_is_left_alone_for_this_run(clock):
    Polled.answers.update({f"v-{last:04d}": BackendUnavailable("down") for last in range(10)})
    with through():
        send(10)
        clock.shift(60)
        assert list(polling.sync()) == ["failed"] * polling.FAILURES
        assert len(Polled.asked) == polling.FAILURES
        Polled.answers.clear()
        assert list(polling.sync()) == ["moved"] * (10 - polling.FAILURES), "the others are still due"


def test_many_messages_are_read_in_batches(clock, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(polling, "BATCH", 4)
    with through():
        send(10)
        clock.shift(60)
        assert list(polling.sync()) == ["moved"] * 10
    assert sorted(vendor_id for _, vendor_id in Polled.asked) == [f"v-{last:04d}" for last in range(10)]


def test_the_pace_is_half_of_what_the_vendor_allows(clock, pauses):
    with through("Rated"):
        send(3)
        clock.shift(60)
        list(polling.sync())
    assert pauses == [0.2] * 3


def test_a_full_account_is_waited_for(clock, pauses, monkeypatch):
    def pause(seconds):
        pauses.append(seconds)
        clock.shift(seconds)

    monkeypatch.setattr(polling.time, "sleep", pause)
    with through("Rated"):
        send(2)
        clock.shift(60)
        for _ in range(10):
            assert not limits.hit_account("default")
        assert list(polling.sync()) == ["moved"] * 2
    # The second question finds room: what filled the account is over a second old by then.
    assert pauses == [0.2, 0.9, 0.2]


def test_an_account_that_stays_full_is_left_alone(clock):
    with through("Daily"):
        send(2)
        clock.shift(60)
        assert not limits.hit_account("default")
        assert list(polling.sync()) == ["failed"] * 2
    assert Polled.asked == []


def test_questions_leave_the_projects_own_limit_to_messages(clock):
    with through(LIMITS={**UNLIMITED, "send.account": ["4/1d"]}):
        send(3)
        clock.shift(60)
        assert list(polling.sync()) == ["moved"] * 3
        assert phone_otp.send("+14155550199", purpose="signup").delivery_status == "accepted"


def test_without_a_cache_a_vendor_with_a_rate_is_left_alone(clock, monkeypatch):
    with through("Rated"):
        send(5)
        clock.shift(60)
        monkeypatch.setattr(cache, "add", lambda *args, **kwargs: False)
        assert list(polling.sync()) == ["failed"] * polling.FAILURES
    assert Polled.asked == []


def test_a_database_that_is_gone_ends_the_run(clock, monkeypatch):
    def fault(*args):
        raise OperationalError("the database is gone")

    with through():
        send()
        clock.shift(60)
        monkeypatch.setattr(polling.receipts, "apply", fault)
        with pytest.raises(OperationalError):
            list(polling.sync())


def test_many_messages_of_an_alias_that_left_do_not_keep_the_others_waiting(clock, monkeypatch):
    monkeypatch.setattr(polling, "BATCH", 4)
    with through():
        send(12)
        Delivery.objects.exclude(vendor_id="v-0011").update(alias="gone")
        clock.shift(60)
        assert list(polling.sync()) == ["moved"]
    assert Delivery.objects.filter(alias="gone", poll_at=None).count() == 11


def test_an_alias_that_left_the_settings_is_asked_no_more(clock):
    with through():
        send(2)
        Delivery.objects.filter(vendor_id="v-0001").update(alias="gone")
        clock.shift(60)
        assert list(polling.sync()) == ["moved"]
    assert Delivery.objects.get(alias="gone").poll_at is None


def test_a_backend_that_cannot_be_polled_is_never_asked(clock):
    send()
    assert Delivery.objects.get().poll_at is None
    clock.shift(60)
    assert list(polling.sync()) == []


def test_a_message_that_may_have_left_without_an_id_cannot_be_asked_about(clock, monkeypatch):
    monkeypatch.setattr(Polled, "send", lambda self, message: SendResult())
    with through():
        send()
    assert Delivery.objects.get().poll_at is None


@every_database
def test_two_runs_at_once_never_ask_twice(database):
    with through():
        send(12)
        Delivery.objects.update(poll_at=timezone.now() - timedelta(seconds=1))
        answers = together(4, lambda _: len(list(polling.sync())))
    assert sum(answers) == 12
    assert sorted(Polled.asked) == [("default", f"v-{last:04d}") for last in range(12)]


def test_a_run_whose_messages_all_went_to_another_run_ends(clock, monkeypatch):
    with through():
        send(3)
        clock.shift(60)
        monkeypatch.setattr(polling, "_claim", lambda delivery: False)
        assert list(polling.sync()) == []
