"""What is held about a number is found however it is typed, and whatever became of the number."""

import logging
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from django_phone_otp.exceptions import InvalidPhone
from django_phone_otp.models import Block
from django_phone_otp.services import holdings
from django_phone_otp.services.holdings import Tally
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.held import challenge, hold

pytestmark = pytest.mark.django_db

UNASSIGNED = "+15555550123"  # no number to libphonenumber, as some test numbers of vendors are
LISTED = {UNASSIGNED: {"code": "123456", "until": "2100-01-01"}}


@pytest.mark.parametrize(
    "typed", [PHONE, "+1 (415) 555-0123", "\uff0b1 415 555\u20110123", SimpleNamespace(as_e164=PHONE)]
)
def test_a_number_is_found_however_it_is_typed(typed):
    made = hold(username="sam")
    assert holdings.find(typed).tally() == made


def test_a_number_as_it_is_dialled_at_home_is_found():
    made = hold()
    with pytest.raises(InvalidPhone):
        holdings.find("415 555 0123")
    with override_phone_otp(DEFAULT_REGION="US"):
        assert holdings.find("415 555 0123").tally() == made


def test_nothing_may_be_held():
    assert holdings.find(PHONE).tally() == Tally()


@pytest.mark.parametrize("spelling", ["+541123456789", "+5491123456789"])
def test_both_spellings_of_a_phone_are_found_by_either(spelling):
    made = hold("+541123456789") + hold("+5491123456789", username="sam")
    assert holdings.find(spelling).tally() == made


def test_a_number_that_gets_no_messages_is_found():
    made = hold("+19002345678")
    assert holdings.find("+19002345678").tally() == made
    with override_phone_otp(REGIONS=["GB"], DENIED_PREFIXES=["+1415"]):
        assert holdings.find(PHONE).tally() == Tally()


def test_a_test_number_is_found_even_after_it_has_left_the_settings():
    made = hold(UNASSIGNED)
    with override_phone_otp(TEST_NUMBERS=LISTED):
        assert holdings.find("+1 555 555 0123").tally() == made
    assert holdings.find("+1 555 555 0123").tally() == made


def test_what_is_no_number_and_was_never_held_is_refused_and_not_called_unknown():
    for typed in (UNASSIGNED, PHONE[:-1], "12345", "", "sam", f"{PHONE};ext=1", None, 14155550123):
        with pytest.raises(InvalidPhone):
            holdings.find(typed)


def test_what_is_no_number_now_is_found_in_the_users_own_field():
    User.objects.create_user("sam", last_name=UNASSIGNED)
    with override_phone_otp(USER_FIELD="last_name"):
        held = holdings.find(UNASSIGNED)
    assert held.tally() == Tally()


def test_users_are_those_who_have_the_number_in_their_own_field_in_any_spelling():
    sam = User.objects.create_user("sam", last_name="+541123456789")
    kim = User.objects.create_user("kim", last_name="+5491123456789")
    User.objects.create_user("olive", last_name=PHONE)
    held = holdings.find("+541123456789")
    assert held.users() == []
    with override_phone_otp(USER_FIELD="last_name"):
        assert held.users() == [sam.pk, kim.pk]


def test_a_block_of_more_than_the_number_is_not_about_it():
    for value in ("+1415555*", "US", "+14155550124"):
        Block.objects.create(value=value)
    assert holdings.find(PHONE).tally() == Tally()


def test_challenges_are_found_by_the_index_of_numbers():
    for serial in range(1, 4):
        challenge(serial=serial)
    plan = holdings.find(PHONE).challenges.values_list("pk", flat=True)[:2].explain()
    assert "SEARCH phone_otp_challenge USING" in plan
    assert "INDEX" in plan
    assert "(number=?)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_neither_what_is_shown_of_it_nor_a_log_has_the_number(caplog):
    caplog.set_level(logging.DEBUG)
    hold("+19002345678")
    held = holdings.find("+19002345678")
    held.tally()
    shown = f"{held!r} {held.tally()!r} {held.tally()}"
    records = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("django_phone_otp"))
    assert "2345678" not in shown + records


def test_a_tally_is_told_by_kind():
    tally = Tally(challenges=1200, deliveries=3, blocks=1)
    assert str(tally) == "challenges: 1,200, deliveries: 3, receipts: 0, verified phones: 0, blocks: 1"
    assert (tally + tally).total == 2 * tally.total == 2408
