"""What gets no message, because staff said so: numbers, prefixes, regions. A block holds at once, on every server."""

import logging
import re
from functools import partial

from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core.numbers import (
    Number,
    RefusedNumber,
    UnreadableNumber,
    compact_number,
    is_region,
    one_spelling,
    parse_number,
    twins,
)
from django_phone_otp.exceptions import Invalid
from django_phone_otp.models import PREFIX_MARK, Block
from django_phone_otp.services import statements
from django_phone_otp.services.transactions import database
from django_phone_otp.services.turns import in_turn

REASON_MAXIMUM = 200  # characters
PREFIX_DIGITS = 9  # at most: with more, it is nearly a number
_PREFIX = re.compile(rf"\+[1-9][0-9]{{0,{PREFIX_DIGITS - 1}}}{re.escape(PREFIX_MARK)}", re.ASCII)
_PUNCTUATION = re.compile(r"[ ().-]")
# Of a number: two spellings, the prefixes of each, and its region. As many are asked for each time.
_ASKED = 2 * (1 + PREFIX_DIGITS) + 1

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def block(what: object, *, reason: str = "") -> bool:
    """Send no message to ``what`` from now on; return whether it was not blocked before.

    ``what`` is a number as a person types it, or an object with ``as_e164``; a prefix of 1 to 9 digits,
    such as ``+1415555*``; or a region, such as ``GB``. A number is blocked in all its spellings. Who blocks
    again changes nothing, the reason included.

    Raises ``Invalid``, which repeats nothing of what was given.
    """
    return put(read(what, reason=reason))


@sensitive_variables()
def unblock(what: object) -> bool:
    """Take the block of just this number, prefix or region back; return whether there was one.

    It stays blocked by a wider prefix or a region that covers it: ``find()`` tells. Raises ``Invalid``.
    """
    value = _value(_meant(what, must_exist=False))
    gone, _each = Block.objects.using(database()).filter(value__in=twins(value)).delete()
    if gone:
        logger.warning("A %s was unblocked", _kind(Block(value=value)))
    return bool(gone)


@sensitive_variables()
def read(what: object, *, reason: str = "") -> Block:
    """Return the block that is meant, for ``put()``: its ``str()`` shows no full number. Raises ``Invalid``."""
    return Block(value=_value(_meant(what)), reason=read_reason(reason))


@sensitive_variables()
def read_reason(reason: str) -> str:
    """Return why something is blocked, on one line. Raises ``Invalid``."""
    reason = " ".join(reason.split())
    if len(reason) > REASON_MAXIMUM or not reason.isprintable():
        words = _("At most %(count)d characters, all of which can be printed.") % {"count": REASON_MAXIMUM}
        raise Invalid({"reason": [words]})
    return reason


@sensitive_variables()
def put(row: Block) -> bool:
    """Store a block that ``read()`` returned, unless there is one; return whether there was none."""
    defaults = {"pk": row.pk, "reason": row.reason}
    # In turn: what is blocked and unblocked at once may be there, and then not.
    _stored, is_new = in_turn(
        partial(Block.objects.using(database()).get_or_create, value=row.value, defaults=defaults)
    )
    if is_new:
        logger.warning("A %s was blocked", _kind(row))
    return is_new


def is_blocked(number: Number) -> bool:
    """Tell whether staff blocked a number, one of its prefixes or its region: one SELECT, always the same one.

    It is asked before each message, of the database that is written to: a replica or a cache would let
    messages through after a block.
    """
    return statements.any_of(Block, database(), "value", _covering(number))


@sensitive_variables()
def is_stored(value: str) -> bool:
    """Tell whether just this is blocked, whatever covers it: a number in E.164 or a block's ``value``."""
    return Block.objects.using(database()).filter(value__in=twins(value)).exists()


@sensitive_variables()
def find(what: object) -> Block | None:
    """Return the block of just this, or else the narrowest one that covers the number or prefix.

    Whether the block of a region covers a prefix cannot be told. Raises ``Invalid``.
    """
    meant = _meant(what, must_exist=False)
    found = Block.objects.using(database()).filter(value__in=_covering(meant))
    return max(found, key=lambda row: (row.is_number, len(row.value)), default=None)


def _meant(what: object, *, must_exist: bool = True) -> Number | str:
    """Return the number, or the prefix or region as it is stored.

    Without ``must_exist``, a number that is none any more is taken too: numbering plans change, blocks stay.
    """
    typed = getattr(what, "as_e164", what)
    text = typed.strip() if isinstance(typed, str) else ""
    if text.isascii() and is_region(text.upper()):
        return text.upper()
    prefix = _PUNCTUATION.sub("", text)
    if _PREFIX.fullmatch(prefix):
        return prefix
    try:
        return parse_number(text, conf.current().default_region)
    except RefusedNumber as refusal:  # no message goes there as it is; that may change
        return refusal.number
    except UnreadableNumber:
        if not must_exist:
            return _compact(text)
        raise _not_understood() from None


def _compact(text: str) -> Number:
    try:
        return Number(compact_number(text), "")
    except UnreadableNumber:
        raise _not_understood() from None


def _not_understood() -> Invalid:
    words = _("Enter a number with its country code, a prefix of 1 to 9 digits such as +1415*, or a region such as GB.")
    return Invalid({"value": [words]})


def _value(meant: Number | str) -> str:
    return one_spelling(meant.e164) if isinstance(meant, Number) else meant


def _covering(meant: Number | str) -> list[str]:
    """Return the values of all blocks that would cover what is meant.

    Of a number they are always ``_ASKED``, some of them twice: the query is always the same one.
    """
    if isinstance(meant, str):  # of a prefix, all that are shorter; a region has two letters, and so none
        return [meant, *(f"{meant[:end]}{PREFIX_MARK}" for end in range(2, len(meant) - 1))]
    values = [*twins(meant.e164)]
    values += [f"{each[: 1 + digits]}{PREFIX_MARK}" for each in values for digits in range(1, 1 + PREFIX_DIGITS)]
    if meant.region:
        values.append(meant.region)
    return values + [meant.e164] * (_ASKED - len(values))


def _kind(row: Block) -> str:
    if row.is_number:
        return "number"
    return "prefix" if row.value.endswith(PREFIX_MARK) else "region"
