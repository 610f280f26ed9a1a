"""Which numbers get messages: parsing, test numbers, regions, denied prefixes, fictional numbers, blocks."""

import logging

from django.conf import settings
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.core.numbers import (
    Number,
    RefusedNumber,
    UnreadableNumber,
    compact_number,
    is_fictional,
    parse_number,
    twins,
)
from django_phone_otp.core.policies import Purpose, TestNumber
from django_phone_otp.exceptions import InvalidPhone, NumberNotAllowed
from django_phone_otp.services import limits
from django_phone_otp.services.blocks import is_blocked

# Whose the reason for a refusal is: the project's or its staff's, or else that of the number's kind.
_WHOSE = {"region": "REGIONS", "prefix": "DENIED_PREFIXES", "blocked": "blocked"}

logger = logging.getLogger("django_phone_otp")


def admit_number(phone: object) -> Number:
    """Return the number that ``phone`` means, when messages may go to it.

    ``phone`` is what a person typed, or any object with ``as_e164``. What the settings refuse costs no query.

    Raises ``InvalidPhone`` or ``NumberNotAllowed``; their ``reason`` is for staff.
    """
    number, refusal = look_up(phone)
    refusal = refusal or refusal_by_staff(number)
    if refusal:
        raise refused(refusal)
    return number


def refused(reason: str) -> NumberNotAllowed:
    """Return what to raise for a number that gets no message, and count it for the statistics.

    A refusal that nobody is told of is not counted: what that takes could be measured.
    """
    limits.note_refusal(_WHOSE.get(reason, "kind_of_number"))
    return NumberNotAllowed(reason)


def look_up(phone: object) -> tuple[Number, str]:
    """Return the number that ``phone`` means, and why the settings let no message go there: ``""`` when they do.

    No query is made: before a message, ``refusal_by_staff()`` is asked too. A refusal is logged, for staff.

    Raises ``InvalidPhone`` for what is not one number.
    """
    number, refusal = _look_up(phone)
    if refusal:
        logger.info("A number was refused: %s", refusal)
    return number, refusal


def _look_up(phone: object) -> tuple[Number, str]:
    typed = getattr(phone, "as_e164", phone)
    if not isinstance(typed, str):
        raise InvalidPhone("type")
    listed = conf.current().test_numbers
    # Before any question of validity: fictional numbers are invalid to libphonenumber.
    compact = _compact(typed) if listed else ""
    number, refusal = (Number(compact, ""), "") if compact in listed else _parse(typed)
    if number.e164 in listed:
        # One that is not in force must not become a number like any other.
        refusal = "" if find_test_number(number.e164) else "test_number"
    else:
        refusal = refusal or _refusal(number)
    return number, refusal


def refusal_by_staff(number: Number) -> str:
    """Return why staff let no message go to ``number``, ``blocked``; ``""`` when they do. It is logged, for staff.

    One query, but for a test number in force: its messages go nowhere.
    """
    refusal = _refusal_by_staff(number)
    if refusal:
        logger.info("A number was refused: %s", refusal)
    return refusal


def refusal_of(e164: str) -> str:
    """Return why no message goes to a number that was looked up before, as things are now; ``""`` when one may.

    Staff's word is asked for whatever the settings say: the time must not tell a decoy from a challenge.
    """
    try:
        number, refusal = _look_up(e164)
    except InvalidPhone as unreadable:  # a test number that has left the settings is no number
        return unreadable.reason
    by_staff = _refusal_by_staff(number)
    return refusal or by_staff


def region_of(e164: str) -> str:
    """Return the region of a number that was looked up before; ``""`` of one that has none, or is no number now."""
    try:
        return _look_up(e164)[0].region
    except InvalidPhone:
        return ""


def hides_refusals(purpose: Purpose | None) -> bool:
    """Tell whether a refusal is for staff alone: for a purpose that only registered numbers have, it would tell.

    A number that is refused then gets the answers that an unknown one gets, and no message.
    """
    return purpose is not None and purpose.registered_only


def find_test_number(number: str) -> TestNumber | None:
    """Return the test number in force for ``number``: through its last day, and outside DEBUG only when allowed."""
    found = conf.current().test_numbers.get(number)
    if found is None or timezone.now().date() > found.until:
        return None
    return found if settings.DEBUG or found.allow_in_production else None


def _compact(typed: str) -> str:
    try:
        return compact_number(typed)
    except UnreadableNumber:
        return ""


def _parse(typed: str) -> tuple[Number, str]:
    try:
        return parse_number(typed, conf.current().default_region), ""
    except RefusedNumber as refusal:
        return refusal.number, refusal.reason
    except UnreadableNumber as refusal:
        raise InvalidPhone(refusal.reason) from None


def _refusal_by_staff(number: Number) -> str:
    if find_test_number(number.e164) is None and is_blocked(number):
        return "blocked"
    return ""


def _reaches_people() -> bool:
    return any(backends.can_build(alias) and backends[alias].reaches_people for alias in backends)


def _refusal(number: Number) -> str:
    """Return why the settings take no such number; ``""`` when they do."""
    current = conf.current()
    if current.denied_prefixes and any(each.startswith(current.denied_prefixes) for each in twins(number.e164)):
        return "prefix"
    if not current.allows_region(number.region):
        return "region"
    if is_fictional(number.e164) and _reaches_people():
        return "fictional"  # nobody gets it, and somebody pays for it
    return ""
