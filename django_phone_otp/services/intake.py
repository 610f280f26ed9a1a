"""Taking in what a caller gives: every value checked before anything is counted, sent or read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.core import handles
from django_phone_otp.core.codes import normalise_code
from django_phone_otp.core.contexts import clean_context
from django_phone_otp.core.numbers import Number
from django_phone_otp.core.policies import Purpose
from django_phone_otp.exceptions import ChallengeNotFound, Invalid
from django_phone_otp.services.numbers import admit_number

Context = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked wish for a challenge. Its ``repr`` hides the number and the context."""

    number: Number
    purpose: Purpose
    channel: str
    context: dict[str, str] = field(repr=False)
    language: str


def take_request(phone: object, purpose: object, channel: str | None, context: Context) -> Asked:
    """Check all that ``send()`` is given. Raises ``Invalid``, ``InvalidPhone`` or ``NumberNotAllowed``."""
    known = conf.current().purposes.get(purpose) if isinstance(purpose, str) else None
    if known is None:
        raise Invalid({"purpose": [_("There is no such purpose.")]})
    return Asked(
        number=admit_number(phone),
        purpose=known,
        channel=take_channel(channel),
        context=take_context(context, known.context),
        language=get_language() or "",
    )


def take_channel(channel: str | None) -> str:
    """Return ``channel``, or the default one for None. Raises ``Invalid`` for one that is not offered."""
    offered = conf.current().channels
    if channel is None:
        return offered[0]
    if channel not in offered:
        raise Invalid({"channel": [_("This channel is not offered.")]})
    return channel


def take_context(context: Context, fields: tuple[str, ...]) -> dict[str, str]:
    """Return ``context`` as text with just ``fields``. Raises ``Invalid``, which repeats no value."""
    try:
        return clean_context(context, fields)
    except ValueError as problem:
        raise Invalid({"context": [str(problem)]}) from None


def take_handle(handle: object) -> UUID:
    """Return the primary key that ``handle`` names. Raises ``ChallengeNotFound`` for a forged one, at no cost."""
    pk = handles.unseal(conf.current().keys, handles.HANDLE, handle)
    if pk is None:
        raise ChallengeNotFound
    return pk


def take_code(code: object) -> str:
    """Return the digits that were typed, without spaces and dashes. Raises ``Invalid``: that is not yet a guess."""
    try:
        if isinstance(code, str):
            return normalise_code(code)
    except ValueError:
        pass  # the same answer as for what is no text at all
    raise Invalid({"code": [_("Enter the code from the message: digits only.")]})


def require_length(digits: str, length: int) -> None:
    """Refuse a code of another length than the one that was sent: it cannot be right, so it is no guess."""
    if len(digits) != length:
        raise Invalid({"code": [_("The code has %(length)d digits.") % {"length": length}]})
