import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError, RestrictedError

from django_phone_otp.core.identifiers import uuid7
from django_phone_otp.models import Challenge, DailyFigures, Delivery, DeliveryReceipt
from django_phone_otp.services import figures, retention, stats
from django_phone_otp.test import override_phone_otp
from tests.conftest import every_database

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RETENTION = timedelta(days=30)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _moment():
    with time_machine.travel(NOW, tick=False), override_phone_otp(RETENTION=RETENTION):
        yield


def challenge(age=timedelta(days=31), *, life=timedelta(minutes=5), last=123, serial=1, **fields):
    """Make a challenge as old as told, with one delivery."""
    with time_machine.travel(NOW - age, tick=False):
        made = Challenge.objects.create(
            id=uuid7(),
            number=f"+1415555{last:04}",
            region="US",
            purpose="signup",
            channel="sms",
            serial=serial,
            max_attempts=5,
            code_length=6,
            seed=b"x" * 16,
            key_id="k",
            expires_at=NOW - age + life,
            resend_at=NOW - age,
            **fields,
        )
        Delivery.objects.create(challenge=made, channel="sms", status="accepted")
    return made


def clear(stream=None, **options):
    stream = stream or io.StringIO()
    call_command("clearotp", stdout=stream, **options)
    return stream.getvalue()


def kept():
    return set(Challenge.objects.values_list("pk", flat=True))


def test_old_challenges_go_with_their_deliveries_and_young_ones_stay():
    old = [challenge(last=last) for last in range(3)]
    young = [challenge(RETENTION - timedelta(seconds=1), last=7), challenge(timedelta(0), last=8)]
    assert clear() == "Cleared 3 challenges; settled 0 deliveries, took up 0.\n"
    assert kept() == {made.pk for made in young}
    assert not Delivery.objects.filter(challenge__in=old).exists()


def test_a_second_run_finds_nothing():
    challenge()
    assert clear() == "Cleared 1 challenges; settled 0 deliveries, took up 0.\n"
    assert clear() == "Cleared 0 challenges; settled 0 deliveries, took up 0.\n"


def test_a_challenge_that_has_not_been_over_for_long_enough_stays():
    long_lived = challenge(timedelta(days=40), life=timedelta(days=20))
    clear()
    assert kept() == {long_lived.pk}


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({}, False),
        ({"attempts": 1}, True),
        ({"streak": 7}, True),
        ({"status": "locked", "attempts": 5}, True),
        ({"status": "canceled", "attempts": 2}, True),
        ({"status": "canceled"}, False),
        ({"status": "verified", "attempts": 1}, False),
        ({"status": "verified", "attempts": 3, "streak": 7}, False),
    ],
)
def test_the_newest_challenge_of_a_number_stays_while_it_counts_failures(fields, stays):
    made = challenge(**fields)
    clear()
    assert kept() == ({made.pk} if stays else set())


def test_what_stays_has_neither_its_context_nor_its_deliveries():
    made = challenge(attempts=1, context={"payee": "Shop"}, client="x" * 64, language="en")
    clear()
    made.refresh_from_db()
    assert (made.context, made.client, made.language, made.attempts) == ({}, "", "", 1)
    assert not Delivery.objects.exists()


def test_only_the_newest_of_a_number_and_purpose_stays():
    older = challenge(timedelta(days=33), serial=1, attempts=5, status="locked")
    newest = challenge(timedelta(days=32), serial=2, attempts=1, streak=5)
    other_number = challenge(timedelta(days=32), last=199, attempts=1)
    clear()
    assert kept() == {newest.pk, other_number.pk}
    young = challenge(timedelta(days=1), serial=3, streak=6)
    clear()
    assert kept() == {young.pk, other_number.pk}
    assert older.pk not in kept()


def test_a_batch_is_small_and_the_next_goes_on_behind_what_stayed(django_assert_max_num_queries):
    for last in range(10):
        challenge(timedelta(days=40) - timedelta(seconds=last), last=last, attempts=last % 2)
    with django_assert_max_num_queries(48):
        assert list(retention.clear_expired(batch=3)) == [2, 1, 2, 0]
    assert Challenge.objects.filter(attempts=1).count() == len(kept()) == 5


@every_database
def test_a_receipt_that_comes_for_what_is_being_deleted_stops_nothing(database):
    challenge()
    delivery, came = Delivery.objects.get(), []

    def beside(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE") and DeliveryReceipt._meta.db_table in sql and not came:
            came.append(DeliveryReceipt.objects.create(delivery=delivery, status="delivered", digest="made-up"))
        return result

    with database.execute_wrapper(beside):
        assert list(retention.clear_expired()) == [1]
    assert not Challenge.objects.exists()


def test_each_batch_is_committed_on_its_own():
    for last in range(4):
        challenge(last=last)
    batches = retention.clear_expired(batch=2)
    assert next(batches) == 2
    batches.close()
    assert len(kept()) == 2


@pytest.mark.parametrize("retention_time", [timedelta(days=25_000), timedelta(days=36_525)])
def test_a_retention_longer_than_there_has_been_time_keeps_all(retention_time):
    made = challenge()
    with override_phone_otp(RETENTION=retention_time):
        assert clear(Terminal()).endswith("Cleared 0 challenges; settled 0 deliveries, took up 0.\n")
    assert kept() == {made.pk}


def test_deliveries_that_a_crash_left_are_settled_and_taken_up():
    made = challenge(timedelta(minutes=4), life=timedelta(hours=1))
    Delivery.objects.update(status="sending", updated_at=NOW - timedelta(minutes=3))
    Delivery.objects.create(challenge=made, channel="sms", status="queued", updated_at=NOW - timedelta(minutes=3))
    assert clear() == "Cleared 0 challenges; settled 1 deliveries, took up 1.\n"
    assert set(Delivery.objects.values_list("status", flat=True)) == {"unknown", "failed"}


@pytest.fixture
def _held_back(request, monkeypatch):
    clear_first = retention.clear_expired(batch=1)

    def held():
        yield next(clear_first)
        raise request.param("of +14155550123", {User(pk=1)})

    monkeypatch.setattr(retention, "clear_expired", held)


@pytest.mark.parametrize("_held_back", [ProtectedError, RestrictedError], indirect=True)
@pytest.mark.usefixtures("_held_back")
def test_what_rows_of_the_projects_hold_back_is_said_by_the_name_of_their_model_after_messages_were_settled():
    challenge()
    waiting = challenge(timedelta(minutes=4), last=124)
    Delivery.objects.filter(challenge=waiting).update(status="sending", updated_at=NOW - timedelta(minutes=3))
    with pytest.raises(CommandError) as refusal:
        clear()
    assert str(refusal.value) == (
        "Rows of auth.User refer to what is to be deleted, and must go first (on_delete). Cleared so far: 1 challenges."
    )
    assert Delivery.objects.get(challenge=waiting).status == "unknown"


def test_what_waits_to_be_sent_does_not_wait_for_what_is_deleted(monkeypatch):
    def never():
        raise AssertionError("it was not settled first")

    monkeypatch.setattr(retention, "clear_expired", never)
    monkeypatch.setattr(figures, "count_days", never)
    Delivery.objects.filter(challenge=challenge(timedelta(0))).update(
        status="sending", updated_at=NOW - timedelta(minutes=3)
    )
    with pytest.raises(AssertionError, match="not settled first"):
        clear()
    assert Delivery.objects.get().status == "unknown"


def test_it_says_nothing_when_told_to_be_silent():
    challenge()
    assert clear(verbosity=0) == ""
    assert kept() == set()


def test_a_terminal_shows_the_progress_on_one_line_and_the_counts_on_the_next():
    for last in range(3):
        challenge(last=last)
    shown = clear(Terminal())
    progress, counts, end = shown.split("\n")
    assert progress.startswith("\r[")
    assert progress.endswith("] 100% 3")
    assert (counts, end) == ("Cleared 3 challenges; settled 0 deliveries, took up 0.", "")


def test_several_steps_are_drawn_over_each_other(monkeypatch):
    monkeypatch.setattr(retention.clear_expired, "__defaults__", (1,))
    for last in range(3):
        challenge(last=last)
    progress, counts, _ = clear(Terminal()).split("\n")
    assert progress.count("\r[") == 3
    assert "Cleared 3" in counts


def test_the_counts_have_a_line_of_their_own_when_nothing_went():
    challenge(attempts=1)
    assert clear(Terminal()).split("\n")[-2] == "Cleared 0 challenges; settled 0 deliveries, took up 0."


def test_without_a_terminal_nothing_is_counted_beforehand(monkeypatch):
    def never():
        raise AssertionError("the whole table was counted")

    monkeypatch.setattr(retention, "count_expired", never)
    challenge()
    assert "\r" not in clear()


def test_what_is_counted_is_what_is_old():
    for last in range(2):
        challenge(last=last)
    challenge(timedelta(days=1), last=9)
    assert retention.count_expired() == 2


def test_what_goes_was_counted_before_it_went():
    challenge(timedelta(days=31))
    challenge(timedelta(days=1), last=124)
    clear()
    counted = stats.read(90, "purpose").total
    assert Challenge.objects.count() == 1
    assert (counted.challenges, counted.messages) == (2, 2)
    assert DailyFigures.objects.count() == 32


def test_figures_of_long_ago_go_too():
    DailyFigures.objects.create(day=(NOW - timedelta(days=401)).date())
    clear()
    assert DailyFigures.objects.get().day == NOW.date()
