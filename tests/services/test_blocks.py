"""What staff block gets no message, at once, on every database, however it is written."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.core.numbers import Number, twins
from django_phone_otp.exceptions import Invalid, NumberNotAllowed
from django_phone_otp.models import Block, Challenge, Delivery
from django_phone_otp.services import blocks, notices
from django_phone_otp.services.delivery import deliver
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, every_database
from tests.core.scripts import fullwidth
from tests.races import kinds, together

NUMBER = Number(PHONE, "US")
SHORT, LONG = "+541123456789", "+5491123456789"  # of one phone in Argentina


class Phone:
    """What a phone number field gives."""

    as_e164 = PHONE


@every_database
class TestOnEveryDatabase:
    def test_a_block_holds_until_it_is_taken_back(self, database):
        assert not blocks.is_blocked(NUMBER)
        assert blocks.block(PHONE, reason="asked  us\nto")
        row = Block.objects.get()
        assert (row.value, row.reason) == (PHONE, "asked us to")
        assert blocks.is_blocked(NUMBER)
        assert not blocks.is_blocked(Number("+14155550124", "US"))
        assert blocks.unblock(PHONE)
        assert not blocks.is_blocked(NUMBER)
        assert not blocks.unblock(PHONE)

    def test_blocked_twice_is_one_row_with_the_first_reason(self, database):
        assert blocks.block("GB", reason="first")
        assert not blocks.block(" gb ", reason="second")
        assert Block.objects.get().reason == "first"
        assert blocks.is_blocked(Number("+447911123456", "GB"))
        assert blocks.unblock("Gb")
        assert not Block.objects.exists()

    @pytest.mark.parametrize("what", [PHONE, "+1415*", "GB"])
    def test_many_who_block_at_once_make_one_row(self, database, what):
        outcomes = together(10, lambda n: blocks.block(what, reason=str(n)))
        assert kinds(outcomes) == {"bool": 10}
        assert sum(outcomes) == 1
        assert Block.objects.count() == 1

    def test_many_who_unblock_at_once_unblock_it_once(self, database):
        blocks.block(PHONE)
        outcomes = together(10, lambda n: blocks.unblock(PHONE))
        assert kinds(outcomes) == {"bool": 10}
        assert sum(outcomes) == 1

    @pytest.mark.parametrize("digits", range(1, 10))
    def test_a_prefix_of_every_length_holds_what_begins_so_and_nothing_else(self, database, digits):
        prefix = PHONE[: 1 + digits]
        blocks.block(f"{prefix}*")
        assert blocks.is_blocked(NUMBER)
        beside = f"{prefix[:-1]}{(int(prefix[-1]) + 1) % 9 + 1}{PHONE[1 + digits :]}"
        assert not blocks.is_blocked(Number(beside, "US"))
        assert len(list({*blocks._covering(NUMBER)})) == 1 + 9 + 1

    @pytest.mark.parametrize("blocked", [SHORT, LONG])
    def test_a_phone_is_blocked_in_all_its_spellings(self, database, blocked):
        blocks.block(blocked)
        for spelling in (SHORT, LONG):
            assert blocks.is_blocked(Number(spelling, "AR"))
            assert blocks.is_stored(spelling)
            assert not blocks.block(spelling)
        assert Block.objects.count() == 1
        assert blocks.unblock(LONG)
        assert not blocks.is_blocked(Number(SHORT, "AR"))

    @pytest.mark.parametrize("prefix", ["+549*", "+541*"])
    def test_a_prefix_of_one_spelling_holds_the_other_one_too(self, database, prefix):
        blocks.block(prefix)
        for spelling in (SHORT, LONG):
            assert blocks.is_blocked(Number(spelling, "AR"))

    def test_a_region_is_that_of_the_number_itself(self, database):
        blocks.block("US")
        assert blocks.is_blocked(NUMBER)
        assert not blocks.is_blocked(Number("+14165550123", "CA"))
        assert not blocks.is_blocked(Number("+15555550100", ""))

    def test_a_number_that_nobody_blocked_stays_free_beside_all_kinds_of_blocks(self, database):
        for what in ("+14155550124", "+1416*", "GB"):
            blocks.block(what)
        assert not blocks.is_blocked(NUMBER)

    def test_the_narrowest_block_of_a_number_is_found(self, database):
        assert blocks.find(PHONE) is None
        for what in ("US", "+1*", "+1415*", PHONE):
            blocks.block(what)
            assert blocks.find("+1 (415) 555-0123").value == what
        assert blocks.find("+1415*").value == "+1415*"
        assert blocks.find("us").value == "US"
        assert blocks.find("+14*").value == "+1*"
        assert blocks.find("+14155*").value == "+1415*"
        assert blocks.find("+2*") is None
        assert blocks.find("GB") is None

    def test_send_and_resend_are_refused_after_a_block_and_a_code_that_was_sent_works(self, database):
        with override_phone_otp(RESEND_AFTER=[0]):
            challenge = phone_otp.send(PHONE, purpose="signup")
            code = latest_code(PHONE)
            blocks.block("+1415555*")
            for act in (
                lambda: phone_otp.send(PHONE, purpose="signup"),
                lambda: phone_otp.resend(challenge.handle),
            ):
                with pytest.raises(NumberNotAllowed) as refusal:
                    act()
                assert refusal.value.reason == "blocked"
            assert len(outbox) == 1
            assert (Challenge.objects.count(), Challenge.objects.get().messages) == (1, 1)
            assert phone_otp.verify(challenge.handle, code).phone == PHONE

    def test_a_message_that_waited_in_a_queue_is_not_sent_after_a_block(self, database):
        with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
            phone_otp.send(PHONE, purpose="signup")
        delivery = Delivery.objects.get()
        blocks.block(PHONE)
        with time_machine.travel(timezone.now() + timedelta(seconds=2)):
            deliver(delivery.pk)
        assert not outbox
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.reason) == ("failed", "the number is refused (blocked)")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (PHONE, PHONE),
        ("+1 (415) 555-0123", PHONE),
        (fullwidth(PHONE), PHONE),
        (Phone(), PHONE),
        ("+19002345678", "+19002345678"),  # premium: no message goes there anyway, as things are
        ("+1*", "+1*"),
        (" +1 (415) 555-* ", "+1415555*"),
        ("+123456789*", "+123456789*"),
        ("gb", "GB"),
        ("Us ", "US"),
    ],
    ids=repr,
)
def test_what_staff_type_is_understood(typed, value):
    assert blocks.read(typed).value == value
    assert blocks.block(typed)
    assert Block.objects.get().value == value
    assert blocks.unblock(typed)


def test_a_number_without_its_country_is_read_in_the_default_region():
    with pytest.raises(Invalid):
        blocks.read("(415) 555-0123")
    with override_phone_otp(DEFAULT_REGION="US"):
        assert blocks.read("(415) 555-0123").value == PHONE


NOT_UNDERSTOOD = [
    *("", " ", "*", "+*", "+0*", "+1234567890*", "+1415", "1415*", "+1415**", "+14*5", "+1415*\0", "+1415%"),
    *("XX", "001", "GBR", "U", "u\u017f", "\u0131n", "+141555501", f"{PHONE};ext=1", "1" * 10_000, "hello"),
    *(None, 14155550123, b"GB", ["GB"]),
]


@pytest.mark.parametrize("typed", NOT_UNDERSTOOD, ids=lambda typed: repr(typed)[:20])
def test_what_is_none_of_these_is_refused_and_not_repeated(typed):
    for verb in (blocks.block, blocks.unblock, blocks.read, blocks.find):
        if verb in {blocks.unblock, blocks.find} and typed == "+141555501":
            continue  # it may have been a number once
        with pytest.raises(Invalid) as refusal:
            verb(typed)
        assert list(refusal.value.errors) == ["value"]
        assert "prefix of 1 to 9 digits" in str(refusal.value.errors["value"][0])
        assert refusal.value.__cause__ is None
        if isinstance(typed, str) and len(typed) > 6:
            assert typed not in f"{refusal.value} {refusal.value.errors}"


@pytest.mark.parametrize("reason", ["x" * 201, "a\0b", "\u202e"], ids=["long", "nul", "direction"])
def test_a_reason_that_cannot_be_kept_is_refused(reason):
    with pytest.raises(Invalid) as refusal:
        blocks.block(PHONE, reason=reason)
    assert list(refusal.value.errors) == ["reason"]


@pytest.mark.django_db
def test_a_reason_may_be_as_long_as_its_column():
    blocks.block(PHONE, reason="x" * 200)
    assert len(Block.objects.get().reason) == 200


@pytest.mark.django_db
def test_a_number_that_is_none_any_more_can_be_unblocked():
    Block.objects.create(value="+15555550100")
    assert blocks.find("+1 555 555 0100").value == "+15555550100"
    assert blocks.unblock("+15555550100")
    assert not Block.objects.exists()


@pytest.mark.django_db
def test_a_block_that_was_stored_in_the_other_spelling_holds_and_can_be_taken_back():
    Block.objects.create(value=LONG)
    assert blocks.is_blocked(Number(SHORT, "AR"))
    assert blocks.unblock(SHORT)
    assert not Block.objects.exists()


@pytest.mark.django_db
def test_a_spelling_that_networks_gave_up_unblocks_the_phone():
    blocks.block("+525512345678")
    assert blocks.unblock("+5215512345678")  # as it was in Mexico before 2019


@pytest.mark.django_db
def test_the_question_is_one_statement_of_one_length_for_all_numbers(django_assert_num_queries):
    lengths = set()
    for number in (NUMBER, Number(SHORT, "AR"), Number("+15555550100", ""), Number("+2904123", "SH")):
        assert len(blocks._covering(number)) == 21
        assert {*twins(number.e164)} <= {*blocks._covering(number)}
        with django_assert_num_queries(1) as queries:
            blocks.is_blocked(number)
        lengths.add(queries[0]["sql"].count(", "))
    assert len(lengths) == 1


@pytest.mark.django_db
def test_the_question_is_answered_by_the_index():
    sql = "EXPLAIN QUERY PLAN " + str(Block.objects.filter(value__in=["a", "b"]).values("pk").query).replace(
        "(a, b)", "('a', 'b')"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert "USING INDEX" in str(cursor.fetchall())


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["number", "prefix", "region"])
def test_it_is_logged_for_staff_without_the_number(caplog, kind):
    what = {"number": PHONE, "prefix": "+1415555*", "region": "GB"}[kind]
    for _ in range(2):
        blocks.block(what)
    for _ in range(2):
        blocks.unblock(what)
    assert [record.message for record in caplog.records] == [f"A {kind} was blocked", f"A {kind} was unblocked"]
    assert "555" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_question_goes_where_is_written(monkeypatch):
    """A replica that is behind would let messages through after a block."""

    class Replica:
        def db_for_read(self, model, **hints):
            raise AssertionError("a replica was asked")

        def db_for_write(self, model, **hints):
            return "default"

    monkeypatch.setattr("django.db.router._routers", None, raising=False)
    monkeypatch.setattr("django.db.router.routers", [Replica()])
    blocks.block(PHONE)
    assert blocks.is_blocked(NUMBER)
    assert blocks.is_stored(PHONE)
    assert blocks.find(PHONE)
    assert blocks.unblock(PHONE)


@pytest.mark.django_db
def test_a_notice_to_a_blocked_number_is_not_sent(django_user_model):
    blocks.block(PHONE)
    notices.tell_of_change(django_user_model.objects.create_user("sam"), [PHONE], "en")
    assert not outbox
    delivery = Challenge.objects.get().deliveries.get()
    assert (delivery.status, delivery.reason) == ("failed", "the number is refused (blocked)")


@pytest.mark.django_db(transaction=True)
def test_a_resend_that_waits_in_a_queue_is_refused_when_the_number_is_blocked_meanwhile():
    from django_phone_otp.services.delivery import deliver
    from django_phone_otp.services.dispatch import new_delivery

    phone_otp.send(PHONE, purpose="signup")
    challenge = Challenge.objects.get()
    Challenge.objects.update(messages=2)
    with override_phone_otp(DISPATCHER="django_phone_otp.tasks.enqueue"):
        second = new_delivery(challenge, "sms")
    second.save()
    blocks.block(PHONE)
    deliver(second.pk)
    second.refresh_from_db()
    assert (second.status, second.reason) == ("failed", "the number is refused (blocked)")


@pytest.mark.django_db
def test_what_was_said_to_a_key_stays_said_after_a_block(api):
    """The same key, the same answer, and no second message."""
    first = api.send(headers={"Idempotency-Key": "k-1"})
    blocks.block(PHONE)
    again = api.send(headers={"Idempotency-Key": "k-1"})
    assert again.status_code == 201
    assert again.json()["challenge"] == first.json()["challenge"]
    assert len(outbox) == 1
    assert api.send(headers={"Idempotency-Key": "k-2"}).status_code == 400
    blocks.unblock(PHONE)
    assert api.send(headers={"Idempotency-Key": "k-2"}).status_code == 201  # its key did not say that it was done
