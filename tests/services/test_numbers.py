import logging
from datetime import UTC, datetime

import pytest
import time_machine

from django_phone_otp.backends.base import BaseBackend
from django_phone_otp.core.numbers import Number
from django_phone_otp.exceptions import InvalidPhone, NumberNotAllowed
from django_phone_otp.services.blocks import block
from django_phone_otp.services.numbers import (
    admit_number,
    find_test_number,
    look_up,
    refusal_by_staff,
    refusal_of,
)
from django_phone_otp.test import override_phone_otp

pytestmark = pytest.mark.django_db

PHONE = "+14155550123"
FICTION = "+15555550100"  # no such number, as libphonenumber knows
LOCMEM = "django_phone_otp.backends.locmem.LocmemBackend"
TEST_NUMBER = {"code": "424242", "until": "2027-01-31"}


class ReachingBackend(BaseBackend):
    """Has a vendor, as far as anyone can tell."""


def test_numbers(**changes):
    return override_phone_otp(TEST_NUMBERS={FICTION: {**TEST_NUMBER, **changes}})


test_numbers.__test__ = False


@pytest.fixture(autouse=True)
def _moment():
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)):
        yield


class Phone:
    """What a phone number field gives: an object, not text."""

    def __init__(self, as_e164):
        self.as_e164 = as_e164

    def __str__(self):
        return "not this"


@pytest.mark.parametrize("typed", [PHONE, "+1 (415) 555-0123", Phone(PHONE)], ids=["e164", "typed", "object"])
def test_a_number_is_admitted_as_typed_or_as_an_object(typed):
    assert admit_number(typed) == Number(PHONE, "US")


def test_a_number_without_its_country_is_read_in_the_default_region():
    with pytest.raises(InvalidPhone):
        admit_number("(415) 555-0123")
    with override_phone_otp(DEFAULT_REGION="US"):
        assert admit_number("(415) 555-0123") == Number(PHONE, "US")


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        (None, "type"),
        (14155550123, "type"),
        (b"+14155550123", "type"),
        (["+14155550123"], "type"),
        (Phone(None), "type"),
        (Phone(14155550123), "type"),
        ("", "characters"),
        ("hello", "characters"),
        (f"{PHONE};ext=1", "characters"),
        ("1" * 100, "too_long"),
        ("+19", "unreadable"),
        ("+1415", "invalid"),
        (FICTION, "invalid"),
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused_with_a_reason_for_staff(phone, reason):
    with pytest.raises(InvalidPhone) as refusal:
        admit_number(phone)
    assert type(refusal.value) is InvalidPhone
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("phone", "reason"), [("+19002345678", "premium"), ("+881612345678", "satellite"), ("+16005551234", "special_rate")]
)
def test_a_number_that_costs_too_much_is_not_allowed_and_not_logged(phone, reason, caplog):
    with caplog.at_level(logging.INFO, "django_phone_otp"), pytest.raises(NumberNotAllowed) as refusal:
        admit_number(phone)
    assert refusal.value.reason == reason
    assert reason in caplog.text
    assert phone[1:] not in caplog.text
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None


@pytest.mark.parametrize(
    ("phone", "regions", "allowed"),
    [
        (PHONE, ["US"], True),
        (PHONE, ["GB", "US"], True),
        (PHONE, ["*"], True),
        (PHONE, [], True),
        (PHONE, ["IN"], False),
        ("+18765550123", ["US"], False),
        ("+16475550123", ["US"], False),
        ("+447911123456", ["GB"], False),
        ("+447911123456", ["GB", "GG"], True),
    ],
)
def test_messages_go_to_the_regions_of_the_numbers_themselves(phone, regions, allowed):
    with override_phone_otp(REGIONS=regions):
        if allowed:
            assert admit_number(phone).e164 == phone
        else:
            with pytest.raises(NumberNotAllowed) as refusal:
                admit_number(phone)
            assert refusal.value.reason == "region"


@pytest.mark.parametrize(
    ("debug", "changes", "in_force"),
    [
        (True, {}, True),
        (False, {}, False),
        (False, {"allow_in_production": True}, True),
        (True, {"allow_in_production": True}, True),
        (True, {"until": "2026-11-22"}, True),
        (True, {"until": "2026-11-21"}, False),
        (False, {"allow_in_production": True, "until": "2026-11-21"}, False),
    ],
)
def test_a_test_number_is_in_force_through_its_last_day_and_outside_debug_only_when_allowed(
    debug, changes, in_force, settings
):
    settings.DEBUG = debug
    with test_numbers(**changes):
        found = find_test_number(FICTION)
        assert (found is not None) is in_force
        if in_force:
            assert found.code == "424242"
            assert admit_number("+1 (555) 555-0100") == Number(FICTION, "")
        else:
            with pytest.raises(InvalidPhone):
                admit_number(FICTION)


def test_a_test_number_ends_with_its_last_day(settings):
    settings.DEBUG = True
    with test_numbers(until="2026-11-22"):
        with time_machine.travel(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), tick=False):
            assert find_test_number(FICTION)
        with time_machine.travel(datetime(2026, 11, 23, 0, 0, 0, tzinfo=UTC), tick=False):
            assert find_test_number(FICTION) is None


def test_a_test_number_needs_no_region_and_comes_before_every_refusal(settings):
    settings.DEBUG = True
    premium = "+19002345678"
    with override_phone_otp(REGIONS=["IN"], TEST_NUMBERS={premium: TEST_NUMBER}):
        assert admit_number(premium) == Number(premium, "")
        with pytest.raises(NumberNotAllowed):
            admit_number(PHONE)


def test_other_numbers_are_no_test_numbers(settings):
    settings.DEBUG = True
    with test_numbers():
        assert find_test_number(PHONE) is None
        assert find_test_number("") is None
        assert admit_number(PHONE) == Number(PHONE, "US")


def test_a_project_with_test_numbers_still_tells_others_what_is_wrong():
    numbers = {"+15555550100": {"code": "424242", "until": "2999-01-31"}}
    with override_phone_otp(TEST_NUMBERS=numbers), pytest.raises(InvalidPhone) as refusal:
        admit_number("+14155550123;ext=1")
    assert refusal.value.reason == "characters"


@pytest.mark.parametrize("spelling", ["+1 415 555 0100", "(415) 555-0100", "011 1 415 555 0100"])
def test_a_test_number_that_is_not_in_force_is_refused_in_every_spelling(spelling):
    numbers = {"+14155550100": {**TEST_NUMBER, "until": "2020-01-31"}}
    with override_phone_otp(TEST_NUMBERS=numbers, DEFAULT_REGION="US"), pytest.raises(NumberNotAllowed) as refusal:
        admit_number(spelling)
    assert refusal.value.reason == "test_number"


@pytest.mark.parametrize(
    ("number", "reason"),
    [("+14155550123", "prefix"), ("+14165550123", ""), ("+19002345678", "premium"), ("+447911123456", "region")],
)
def test_denied_prefixes_are_refused_before_regions_are_asked(number, reason):
    with override_phone_otp(DENIED_PREFIXES=["+1415", "+4479999"], REGIONS=["US", "CA"]):
        assert look_up(number)[1] == reason
        assert refusal_of(number) == reason


class TestFictionalNumbers:
    REACHING = {"default": {"BACKEND": f"{__name__}.ReachingBackend"}}

    @pytest.mark.parametrize("number", ["+14155550123", "+442079460123", "+33199001234", "+61255501234"])
    def test_get_no_message_that_somebody_pays_for(self, number):
        with override_phone_otp(BACKENDS=self.REACHING):
            with pytest.raises(NumberNotAllowed) as refusal:
                admit_number(number)
            assert refusal.value.reason == "fictional"
        assert admit_number(number).e164 == number, "backends for development take them"

    @pytest.mark.parametrize("number", ["+14155551234", "+442079470123", "+14155550223"])
    def test_are_not_those_beside_them(self, number):
        with override_phone_otp(BACKENDS=self.REACHING):
            assert admit_number(number).e164 == number

    def test_that_are_test_numbers_are_what_they_are(self, settings):
        settings.DEBUG = True
        entry = {"code": "424242", "until": "2099-01-31"}
        with override_phone_otp(BACKENDS=self.REACHING, TEST_NUMBERS={"+14155550123": entry}):
            assert admit_number("+14155550123").e164 == "+14155550123"

    def test_are_taken_for_a_sandbox_on_this_machine(self):
        account = {"api_key": "made-up", "sender": "EXMPLE"}
        aoc = "django_phone_otp.backends.aoc.AOCBackend"
        with override_phone_otp(
            BACKENDS={"default": {"BACKEND": aoc, "OPTIONS": {**account, "base_url": "http://127.0.0.1:1"}}}
        ):
            admit_number("+14155550123")
        with override_phone_otp(BACKENDS={"default": {"BACKEND": aoc, "OPTIONS": account}}):
            assert refusal_of("+14155550123") == "fictional"

    def test_an_alias_that_cannot_be_built_reaches_nobody(self):
        broken = {"default": {"BACKEND": LOCMEM}, "broken": {"BACKEND": "nowhere.Backend"}}
        with override_phone_otp(BACKENDS=broken):
            admit_number("+14155550123")


def test_a_number_that_cannot_be_read_any_more_is_refused():
    """A fictional test number that has left the settings, say."""
    assert refusal_of("+15555550100") == "invalid"


class TestBlocks:
    def test_a_blocked_number_is_refused_and_staff_read_why(self, caplog):
        block(PHONE)
        with caplog.at_level(logging.INFO, "django_phone_otp"), pytest.raises(NumberNotAllowed) as refusal:
            admit_number(PHONE)
        assert refusal.value.reason == "blocked"
        assert "A number was refused: blocked" in caplog.text
        assert PHONE[1:] not in caplog.text
        assert refusal_of(PHONE) == "blocked"
        assert refusal_by_staff(Number(PHONE, "US")) == "blocked"

    def test_others_are_admitted_as_before(self):
        block("+14155550124")
        assert admit_number(PHONE).e164 == PHONE
        assert refusal_of(PHONE) == ""
        assert refusal_by_staff(Number(PHONE, "US")) == ""

    def test_who_only_looks_a_number_up_makes_no_query(self, django_assert_num_queries):
        block(PHONE)
        with django_assert_num_queries(0):
            assert look_up(PHONE) == (Number(PHONE, "US"), "")

    def test_what_the_settings_refuse_costs_no_query(self, django_assert_num_queries):
        block(PHONE)
        with override_phone_otp(DENIED_PREFIXES=["+1415"]), django_assert_num_queries(0):
            with pytest.raises(NumberNotAllowed) as refusal:
                admit_number(PHONE)
            assert refusal.value.reason == "prefix"

    def test_a_number_that_was_sent_to_costs_one_query_whatever_the_settings_say(self, django_assert_num_queries):
        block(PHONE)
        for denied, reason in (([], "blocked"), (["+1415"], "prefix")):
            with override_phone_otp(DENIED_PREFIXES=denied), django_assert_num_queries(1):
                assert refusal_of(PHONE) == reason

    def test_a_test_number_in_force_is_not_blocked_and_one_that_is_not_stays_refused(
        self, settings, django_assert_num_queries
    ):
        settings.DEBUG = True
        block(PHONE)
        with override_phone_otp(TEST_NUMBERS={PHONE: TEST_NUMBER}):
            with django_assert_num_queries(0):
                assert admit_number(PHONE).e164 == PHONE
                assert refusal_of(PHONE) == ""
            settings.DEBUG = False
            assert refusal_of(PHONE) == "test_number"
