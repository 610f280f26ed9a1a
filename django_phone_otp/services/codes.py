"""The code of a challenge: derived anew each time, from the row and the key that the row names."""

from django_phone_otp import conf
from django_phone_otp.core import contexts
from django_phone_otp.core.codes import codes_match, derive_code
from django_phone_otp.core.policies import NOTICE
from django_phone_otp.models import Challenge
from django_phone_otp.services.numbers import find_test_number


def code_of(challenge: Challenge) -> str | None:
    """Return the code that proves ``challenge``: None when its key has left the ring, ``""`` for a notice."""
    if challenge.purpose == NOTICE:
        return ""
    test_number = find_test_number(challenge.number)
    if test_number is not None:
        return test_number.code
    key = conf.current().keys.get(challenge.key_id)
    if key is None:
        return None
    return derive_code(
        key,
        bytes(challenge.seed),
        challenge.pk.bytes,
        challenge.number.encode(),
        challenge.purpose.encode(),
        contexts.context_digest(challenge.context),
        length=challenge.code_length,
    )


def is_right(challenge: Challenge, guess: str, context: dict[str, str]) -> bool:
    """Tell whether ``guess`` proves ``challenge`` in this ``context``; a decoy is never proved.

    Every question is answered before the answers are combined, so that none shows in the time.
    """
    code = code_of(challenge)
    matches = codes_match(guess, code or "")
    same_context = contexts.context_digest(context) == contexts.context_digest(challenge.context)
    return matches and same_context and not challenge.decoy
