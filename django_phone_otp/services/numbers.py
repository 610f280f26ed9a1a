"""Which numbers get messages: parsing, test numbers, regions, and who is registered."""

import logging

from django.conf import settings
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core.numbers import Number, RefusedNumber, UnreadableNumber, compact_number, parse_number
from django_phone_otp.core.policies import TestNumber
from django_phone_otp.exceptions import InvalidPhone, NumberNotAllowed

logger = logging.getLogger("django_phone_otp")


def admit_number(phone: object) -> Number:
    """Return the number that ``phone`` means, when messages may go to it.

    ``phone`` is what a person typed, or any object with ``as_e164``.

    Raises ``InvalidPhone`` or ``NumberNotAllowed``; their ``reason`` is for staff.
    """
    typed = getattr(phone, "as_e164", phone)
    if not isinstance(typed, str):
        raise InvalidPhone("type")
    listed = conf.current().test_numbers
    # Before any question of validity: fictional numbers are invalid to libphonenumber.
    compact = _compact(typed) if listed else ""
    number = Number(compact, "") if compact in listed else _parse(typed)
    if number.e164 in listed:
        if find_test_number(number.e164) is None:  # not in force: it must not become a number like any other
            raise _refused("test_number")
        return number
    if not conf.current().allows_region(number.region):
        raise _refused("region")
    return number


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


def _parse(typed: str) -> Number:
    try:
        return parse_number(typed, conf.current().default_region)
    except RefusedNumber as refusal:
        raise _refused(refusal.reason) from None
    except UnreadableNumber as refusal:
        raise InvalidPhone(refusal.reason) from None


def _refused(reason: str) -> NumberNotAllowed:
    logger.info("A number was refused: %s", reason)
    return NumberNotAllowed(reason)
