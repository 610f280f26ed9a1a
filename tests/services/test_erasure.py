"""Erasure: all about one number goes, in small steps, and whatever goes on beside it ends well."""

import logging

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import OperationalError, connections, transaction
from django.db.models import ProtectedError
from django.views.debug import ExceptionReporter

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, Receipt, SendResult
from django_phone_otp.exceptions import (
    ChallengeNotFound,
    DeliveryFailed,
    InvalidPhone,
    InvalidToken,
    PhoneOTPError,
)
from django_phone_otp.models import Block, Challenge, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import delivery as delivering
from django_phone_otp.services import disclosure, erasure, holdings, opening, proofs, receipts
from django_phone_otp.services import turns as turning
from django_phone_otp.services.holdings import Tally
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, every_database
from tests.held import challenge, erase, erased, everything, hold
from tests.races import together
from tests.services import queues, test_delivery
from tests.unlimited import UNLIMITED

OTHER = "+14155550124"
TWINS = ("+541123456789", "+5491123456789")

pytestmark = pytest.mark.django_db


@every_database
def test_everything_about_the_number_goes_and_nothing_of_another(database):
    hold(OTHER, username="kim")
    others = everything()
    made = hold(username="sam")
    assert erase() == made
    assert everything() == others
    assert erase() == Tally()
    assert set(User.objects.using(database.alias).values_list("username", flat=True)) == {"sam", "kim"}


@every_database
@pytest.mark.parametrize("typed", TWINS)
def test_both_spellings_of_a_phone_go(database, typed):
    made = hold(TWINS[0]) + hold(TWINS[1], username="sam")
    assert erase(typed) == made
    assert everything() == set()


@pytest.mark.parametrize("beginning", ["+1415555*", "US"])
def test_a_block_of_many_numbers_stays(beginning):
    Block.objects.create(value=beginning)
    hold()
    erase()
    assert list(Block.objects.values_list("value", flat=True)) == [beginning]


def test_what_is_no_number_is_refused_at_once():
    with pytest.raises(InvalidPhone):
        erasure.erase("12345")


def test_nothing_goes_before_the_first_step_is_asked_for():
    made = hold()
    steps = erasure.erase(PHONE)
    assert holdings.find(PHONE).tally() == made
    assert next(steps).total


# ---- Small steps ----


class Transactions:
    """How many rows each statement and each transaction wrote."""

    def __init__(self, connection):
        self.connection = connection
        self.statements, self.transactions = [], [0]

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith(("DELETE", "UPDATE", "INSERT")):
            if not self.transactions[-1]:
                transaction.on_commit(lambda: self.transactions.append(0), using=self.connection.alias)
            self.statements.append(context["cursor"].rowcount)
            self.transactions[-1] += context["cursor"].rowcount
        return result


@every_database
@pytest.mark.parametrize("batch", [1, 3, 7])
def test_no_statement_and_no_transaction_has_more_rows_than_a_batch(database, batch):
    made = hold(challenges=5, deliveries=4, receipts=3)
    written = Transactions(database)
    with database.execute_wrapper(written):
        steps = list(erasure.erase(PHONE, batch))
    assert sum(steps, Tally()) == made
    assert max(step.total for step in steps) <= batch
    assert max(written.statements) <= max(written.transactions) <= batch
    assert sum(written.transactions) == made.total


@every_database
def test_each_step_is_committed_on_its_own_and_the_rest_can_go_later(database):
    made = hold(challenges=4)
    steps = erasure.erase(PHONE, 2)
    gone = next(steps) + next(steps)
    steps.close()
    connections[database.alias].close()  # what was not committed is lost with it
    assert holdings.find(PHONE).tally() + gone == made
    assert erase() + gone == made


def test_many_challenges_cost_a_few_statements_for_each_batch(django_assert_max_num_queries):
    for serial in range(1, 31):
        challenge(serial=serial)
    with django_assert_max_num_queries(100):
        assert erase(batch=10).challenges == 30


# ---- What is worth nothing any more ----


@pytest.mark.django_db(transaction=True)
def test_codes_and_proofs_for_the_number_are_worth_nothing():
    verified = phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, latest_code(PHONE))
    pending = phone_otp.send(PHONE, purpose="verify")
    erase()
    with pytest.raises(InvalidToken):
        phone_otp.redeem(verified.token, purpose="signup")
    for call in (phone_otp.status, phone_otp.cancel, phone_otp.resend):
        with pytest.raises(ChallengeNotFound):
            call(pending.handle)
    with pytest.raises(ChallengeNotFound):
        phone_otp.verify(pending.handle, latest_code(PHONE))


def test_what_came_while_the_challenges_went_is_void_before_the_number_is_nobodys(monkeypatch):
    """The user loses the number and every proof of it in one transaction, as with ``unbind()``."""
    bind(User.objects.create_user("sam"), PHONE)
    real, seen = erasure.in_turn, []

    def late(act):
        if act.func is not erasure._let_go:
            return real(act)
        proof = phone_otp.verify(phone_otp.send(PHONE, purpose="login").handle, latest_code(PHONE))
        pending = phone_otp.send(PHONE, purpose="signup")
        gone = real(act)
        with pytest.raises(InvalidToken):
            phone_otp.peek(proof.token, purpose="login")
        pending.refresh_from_db()
        seen.append(pending.status)
        return gone

    monkeypatch.setattr(erasure, "in_turn", late)
    gone = erase()
    assert seen == ["canceled"]
    assert (gone.challenges, gone.verified_phones) == (2, 1)
    assert everything() == set()


def test_the_guesses_of_the_number_start_anew():
    challenge(attempts=5, status="locked", serial=9, streak=95)
    erase()
    assert phone_otp.send(PHONE, purpose="signup").max_attempts == 5


def test_the_field_of_the_user_model_is_the_projects():
    sam = User.objects.create_user("sam", last_name=PHONE)
    with override_phone_otp(USER_FIELD="last_name"):
        hold()
        erase()
    sam.refresh_from_db()
    assert sam.last_name == PHONE


def test_neither_a_log_nor_the_cache_has_the_number(caplog):
    caplog.set_level(logging.DEBUG, logger="django_phone_otp")
    phone_otp.send(PHONE, purpose="signup")
    erase()
    assert "What was held about a number was erased" in caplog.text
    for shown in (caplog.text, repr(cache._cache)):
        assert PHONE[2:] not in shown


@pytest.mark.parametrize("where", [(erasure, "_page"), (erasure, "_delete"), (proofs, "void"), (disclosure, "_read")])
def test_an_error_report_of_a_fault_anywhere_shows_no_number(rf, monkeypatch, where):
    def fault(*args):
        raise RuntimeError("a fault")

    hold(username="sam")
    monkeypatch.setattr(*where, fault)
    with pytest.raises(RuntimeError) as failure:
        list(erasure.erase(PHONE) if where[0] is not disclosure else disclosure.disclose(PHONE)["challenges"])
    traceback = failure.tb.tb_next  # the frames of the app: what a caller keeps in its own variables is the caller's
    reporter = ExceptionReporter(rf.post("/"), failure.type, failure.value, traceback)
    for report in (reporter.get_traceback_text(), reporter.get_traceback_html()):
        assert "a fault" in report
        assert PHONE[2:] not in report


# ---- Beside requests ----


@every_database
@override_phone_otp(LIMITS=UNLIMITED)
def test_sends_guesses_and_erasures_at_once_all_end_well(database):
    hold(challenges=3, username="sam")
    Block.objects.all().delete()
    hold(OTHER)

    def act(position):
        if position % 3 == 0:
            return erase(batch=2)
        try:
            return phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, "000000")
        except PhoneOTPError as refusal:
            return refusal

    outcomes = together(12, act)
    assert [each for each in outcomes if not isinstance(each, Tally | phone_otp.Proof | PhoneOTPError)] == []
    erase()
    assert holdings.find(PHONE).tally() == Tally()
    assert holdings.find(OTHER).tally().challenges == 2
    assert phone_otp.send(PHONE, purpose="signup").serial == 1


class ErasesFirst(test_delivery.Vendor):
    """A vendor that takes its time: the number is erased before it answers."""

    def send(self, message):
        erase()
        return super().send(message)


class Pushes(ErasesFirst):
    """And whose receipt is quicker than its answer."""

    webhook_secrets = ("made-up-secret-of-a-test",)

    def send(self, message):
        receipts.receive("default", [Receipt(id="v-1", status="delivered")])
        return super().send(message)


@pytest.fixture
def slow(monkeypatch):
    """Return what configures vendors that answer after the erasure."""
    for kind in (ErasesFirst, Pushes):
        monkeypatch.setattr(test_delivery, kind.__name__, kind, raising=False)
    return test_delivery.vendors


@every_database
@pytest.mark.parametrize("kind", ["ErasesFirst", "Pushes"])
def test_a_message_that_the_vendor_has_is_not_called_back_and_leaves_nothing(database, slow, kind):
    with slow(SendResult(id="v-1"), kind=kind):
        sent = phone_otp.send(PHONE, purpose="signup")
    assert everything() == set()
    with pytest.raises(ChallengeNotFound):
        phone_otp.status(sent.handle)


@every_database
def test_a_message_that_was_not_sent_is_not_tried_again(database, slow):
    with slow(BackendUnavailable("down"), "outbox", kind="ErasesFirst"):
        phone_otp.send(PHONE, purpose="signup")
    assert everything() == set()
    assert not outbox


@every_database
def test_a_message_whose_number_is_erased_on_the_way_to_the_next_alias_is_told_as_failed(database):
    with (
        test_delivery.vendors(BackendUnavailable("down"), "outbox"),
        erased("after", "UPDATE", Delivery),
        pytest.raises(DeliveryFailed),
    ):
        phone_otp.send(PHONE, purpose="signup")
    assert everything() == set()
    assert not outbox


@every_database
def test_a_worker_that_finds_nothing_any_more_sends_nothing(database):
    queues.enqueued.clear()
    with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
        phone_otp.send(PHONE, purpose="signup")
    with erased("after", "UPDATE", Delivery):
        delivering.deliver(queues.enqueued[0])
    delivering.deliver(queues.enqueued[0])
    assert not outbox


@every_database
def test_a_guess_at_what_is_erased_meanwhile_finds_no_challenge(database):
    handle = phone_otp.send(PHONE, purpose="signup").handle
    with erased("before", "UPDATE", Challenge), pytest.raises(ChallengeNotFound):
        phone_otp.verify(handle, "000000")


@every_database
def test_a_resend_of_what_is_erased_meanwhile_finds_no_challenge(database):
    with override_phone_otp(RESEND_AFTER=[0]):
        handle = phone_otp.send(PHONE, purpose="signup").handle
        with erased("before", "UPDATE", Challenge), pytest.raises(ChallengeNotFound):
            phone_otp.resend(handle)


@every_database
def test_a_second_click_on_what_is_erased_meanwhile_gets_a_new_challenge(database, rf, monkeypatch):
    first = phone_otp.send(PHONE, purpose="signup", idempotency_key="made-up-key")
    real = opening.read_budget

    def slow(*args):
        budget = real(*args)
        erase()
        return budget

    cache.clear()  # as if both had come at once, and neither knew of the other
    monkeypatch.setattr(opening, "read_budget", slow)
    second = phone_otp.send(PHONE, purpose="signup", idempotency_key="made-up-key")
    assert first.client == second.client
    assert list(Challenge.objects.values_list("pk", flat=True)) == [second.pk]


@every_database
@pytest.mark.parametrize(("verb", "model"), [("SELECT", DeliveryReceipt), ("UPDATE", Delivery)])
def test_a_receipt_for_what_is_erased_meanwhile_changes_nothing(database, verb, model):
    phone_otp.send(PHONE, purpose="signup")
    Delivery.objects.update(alias="default", vendor_id="v-1")
    with erased("after", verb, model):
        assert receipts.receive("default", [Receipt(id="v-1", status="delivered")]) == 0
    assert everything() == set()


@every_database
def test_what_comes_in_the_middle_of_a_step_makes_it_begin_again(database):
    made = challenge(deliveries=0)
    came = []

    def beside(execute, sql, params, many, context):
        if sql.startswith("DELETE") and Challenge._meta.db_table in sql and not came:
            came.append(Delivery.objects.create(challenge=made, channel="sms"))
        return execute(sql, params, many, context)

    with database.execute_wrapper(beside):
        assert erase().challenges == 1
    assert len(came) == 1
    assert everything() == set()


def test_a_database_that_goes_on_failing_is_told(monkeypatch):
    turns = []

    def fail(rows, some):
        turns.append(some)
        raise OperationalError("deadlock")

    hold()
    monkeypatch.setattr(erasure, "_delete", fail)
    monkeypatch.setattr(turning, "TURN_PAUSE", 0)
    with pytest.raises(OperationalError):
        erase()
    assert len(turns) == turning.TURNS
    turns.clear()
    monkeypatch.setattr(turning, "PATIENCE", -1.0)  # each turn may have waited for SQLite's lock
    with pytest.raises(OperationalError):
        erase()
    assert len(turns) == 2


def test_what_a_project_protects_is_not_tried_again(monkeypatch):
    turns = []

    def fail(rows, some):
        turns.append(some)
        raise ProtectedError("protected", set())

    hold()
    monkeypatch.setattr(erasure, "_delete", fail)
    with pytest.raises(ProtectedError):
        erase()
    assert len(turns) == 1


def test_whoever_had_the_number_is_a_user_still():
    hold(username="sam")
    erase()
    assert User.objects.filter(username="sam").exists()
    assert not VerifiedPhone.objects.exists()
