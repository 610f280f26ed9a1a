"""What a vendor's refusal means: may the message have left, whom does it concern, and when to come back."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from django_phone_otp.backends.answers import HTTPAnswer
from django_phone_otp.backends.base import BackendUnavailable, DeliveryError, DeliveryUncertain, MessageRejected, Scope
from django_phone_otp.core.redaction import redact

QUOTE_MAXIMUM = 120  # characters of a vendor's sentence: it explains, or it repeats what it was sent
ECHO = 12  # characters in common with the message's text make a sentence an echo of it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code or a status means; ``retry_after`` is in seconds, for an answer that does not say."""

    error: type[DeliveryError]
    reason: str
    scope: Scope = Scope.ACCOUNT
    retry_after: float | None = None


NO_VERDICTS: Mapping[str, Verdict] = {}

REJECTED = Verdict(MessageRejected, "the vendor refuses the message")
UNREADABLE = Verdict(DeliveryUncertain, "an answer that cannot be read")
UNCLEAR = Verdict(DeliveryUncertain, "no clear answer")
CREDENTIALS = Verdict(BackendUnavailable, "the vendor refuses the credentials")
BALANCE = Verdict(BackendUnavailable, "the account has no credit")
OVER_RATE = Verdict(BackendUnavailable, "over the vendor's rate", retry_after=60)
NUMBER = Verdict(MessageRejected, "the vendor does not take this number")
DUPLICATE = Verdict(DeliveryUncertain, "the vendor takes it for a duplicate")

# By HTTP status (RFC 9110, RFC 6585), where the vendor's own code says nothing. What is not here: 1xx, 3xx
# and 5xx are unclear, since the request may have been carried out; other 4xx refuse the message.
_BY_STATUS: Mapping[int, Verdict] = {
    401: CREDENTIALS,
    402: BALANCE,
    403: Verdict(BackendUnavailable, "the vendor refuses the account"),
    404: Verdict(BackendUnavailable, "the vendor has no such address"),
    405: Verdict(BackendUnavailable, "the vendor has no such address"),
    408: UNCLEAR,
    409: DUPLICATE,
    429: OVER_RATE,
}


def judge(answer: HTTPAnswer, vendor_code: str, verdicts: Mapping[str, Verdict], *, has_id: bool = False) -> Verdict:
    """Return what ``answer``, which took no message, means.

    Only what a vendor is known to say of a message that it did not send is certain: a 4xx, or a code in
    ``verdicts``. An id, which ``has_id`` tells of, beside an error means that it may have been taken.
    """
    if has_id or not (answer.ok or 400 <= answer.status < 500):
        return UNCLEAR
    if vendor_code in verdicts:
        return verdicts[vendor_code]
    if answer.ok:
        return UNCLEAR if isinstance(answer.json(), dict) else UNREADABLE
    return _BY_STATUS.get(answer.status, REJECTED)


def quote(said: object, secrets: Iterable[str], text: str, *, limit: int = QUOTE_MAXIMUM) -> str:
    """Return a vendor's words as they may be kept, or ``""`` for such as repeat the message's ``text``.

    Nothing is kept either where a secret is still there in another spelling: escaped in JSON, say, as
    often as it may be, or encoded as a form.
    """
    if not isinstance(said, str) or not said.strip():
        return ""
    secrets = [*filter(None, secrets)]
    words = redact(said, secrets, limit=limit)
    plain = _unescaped(words)
    if any(secret in plain or _unescaped(secret) in plain for secret in secrets):
        return ""
    return "" if _echoes(said, text) or _echoes(_unescaped(said), text) else words


def _unescaped(words: str) -> str:
    return unquote_plus(words).replace("\\", "")


def _echoes(said: str, text: str) -> bool:
    longest = difflib.SequenceMatcher(None, said[:1000], text[:1000], autojunk=False).find_longest_match()
    return longest.size >= ECHO
