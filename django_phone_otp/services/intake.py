"""Taking in what a caller gives: every value checked before anything is counted, sent or read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.core import handles
from django_phone_otp.core.codes import normalise_code
from django_phone_otp.core.contexts import clean_context
from django_phone_otp.core.numbers import Number
from django_phone_otp.core.policies import Purpose
from django_phone_otp.exceptions import ChallengeNotFound, Invalid
from django_phone_otp.services import askers, numbers

Context = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked wish for a challenge. Its ``repr`` hides the number and the context."""

    number: Number
    purpose: Purpose
    channel: str
    context: dict[str, str] = field(repr=False)
    language: str
    refusal: str = ""


def take_request(phone: object, purpose: object, channel: str | None, context: Context) -> Asked:
    """Check all that ``send()`` is given.

    For a number that the settings refuse, ``refusal`` says why, where refusals are for staff alone.

    Raises ``Invalid``, ``InvalidPhone`` or ``NumberNotAllowed``.
    """
    known = take_purpose(purpose)
    number, refusal = numbers.look_up(phone)
    if refusal and not numbers.hides_refusals(known):
        raise numbers.refused(refusal)
    return Asked(
        number=number,
        purpose=known,
        channel=take_channel(channel),
        context=take_context(context, known.context),
        language=get_language() or "",
        refusal=refusal,
    )


def take_purpose(purpose: object) -> Purpose:
    """Return the purpose of this name. Raises ``Invalid`` for one that is not in the settings."""
    known = conf.current().purposes.get(purpose) if isinstance(purpose, str) else None
    if known is None:
        raise Invalid({"purpose": [_("There is no such purpose.")]})
    return known


def take_browser(purpose: Purpose, request: HttpRequest | None) -> str:
    """Return the mark of the browser that challenges of ``purpose`` are bound to; ``""`` where they are not.

    Raises ``ImproperlyConfigured`` when there is no session that could hold one.
    """
    if not purpose.same_browser:
        return ""
    browser = askers.mark_browser(request)
    if not browser:
        raise ImproperlyConfigured(
            f"challenges for {purpose.name!r} are bound to a browser (SAME_BROWSER): call send() with a request that "
            "has a session, and the other verbs too."
        )
    return browser


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


class Named(NamedTuple):
    """What a handle names: a challenge, and the mark of the browser that it is bound to, if it is."""

    pk: UUID
    browser: str = ""


def take_handle(handle: object, request: HttpRequest | None) -> Named:
    """Return what ``handle`` names.

    Raises ``ChallengeNotFound`` for a forged one, without a query but that of the session where purposes are
    bound to browsers, and for one that is bound to another browser.
    """
    current = conf.current()
    pk = handles.unseal(current.keys, handles.HANDLE, handle)
    if pk is not None:
        return Named(pk)
    # A session is asked only where some purpose is bound to browsers: it may cost a query.
    bound = any(purpose.same_browser for purpose in current.purposes.values())
    browser = askers.browser_of(request) if bound else ""
    pk = handles.unseal(current.keys, handles.HANDLE, handle, browser) if browser else None
    if pk is None:
        raise ChallengeNotFound
    return Named(pk, browser)


def handle_of(pk: UUID, purpose: str, request: HttpRequest) -> str:
    """Return the handle of a challenge for ``purpose`` that this session itself opened.

    So a session need not keep the handle: it keeps which challenge is meant, which is no secret.
    """
    browser = askers.browser_of(request) if take_purpose(purpose).same_browser else ""
    return handles.seal(conf.current().keys, handles.HANDLE, pk, browser)


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
