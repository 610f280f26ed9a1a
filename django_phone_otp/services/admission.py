"""What a message or a guess must get past before anything else happens: limits, the guard, the project's hook."""

from collections.abc import Mapping
from typing import NamedTuple

from django_phone_otp.core.lanes import KNOWN
from django_phone_otp.core.numbers import NO_REGION, block_of, one_spelling
from django_phone_otp.core.policies import Purpose
from django_phone_otp.exceptions import PhoneOTPError, RateLimited
from django_phone_otp.services import limits, spraying
from django_phone_otp.services.askers import Asker
from django_phone_otp.services.caching import log_failures
from django_phone_otp.services.humans import require_human
from django_phone_otp.services.limits import Strain


class Places(NamedTuple):
    """What a message takes from its sender's limits, and from those of where it goes."""

    sender: limits.Hits
    goal: limits.Hits

    def give_back(self) -> None:
        """Give them back: no message is sent after all. Without a cache they are lost, and no more."""
        with log_failures("limits"):
            self.sender.give_back()
            self.goal.give_back()


def admit_message(asker: Asker, number: str, region: str, purpose: Purpose | None, lane: str) -> Places:
    """Count one message against its sender, then against where it goes; ask the hook when either is near its limit.

    The sender is judged first: whoever is refused there must not use up the messages of a stranger's
    number. What is refused, or what the hook demands, costs the sender a place, and the number none: whoever
    asks again and again must not use up the day of a number, or the messages of all.

    Raises ``RateLimited``, ``ChallengeRequired`` or ``Unavailable``.
    """
    name = "" if purpose is None else purpose.name
    known = lane == KNOWN
    sender = limits.hit(asker.message_buckets(known=known), purpose)
    goal = limits.hit(message_buckets(number, region, name, known=known), purpose, all_or_none=True)
    try:
        require_human(asker, "send", name, max(sender.strain, goal.strain))
    except PhoneOTPError:
        goal.give_back()
        raise
    return Places(sender, goal)


def message_buckets(number: str, region: str, purpose: str, *, known: bool = False) -> Mapping[str, str]:
    """Return what a message counts against by where it goes.

    Browsers that are ``known`` for the number have places of their own, there and in its block of numbers:
    strangers must not be able to use them up.
    """
    return {
        **number_buckets(number, purpose, known=known),
        "send.prefix": f"{block_of(number)}{' known' if known else ''}",
        "send.region": region or NO_REGION,
        "send.purpose": purpose,
        "send.global": "",
    }


def number_buckets(number: str, purpose: str, *, known: bool = False) -> Mapping[str, str]:
    """Return what a message counts against by its number alone.

    All browsers that are ``known`` for it share their places, as they share their lane.
    """
    value = f"{one_spelling(number)}{' known' if known else ''}"
    return {"send.number": value, "send.number_purpose": f"{purpose} {value}"}


def admit_asker(asker: Asker, known_for: str = "") -> Strain:
    """Count one guess against its sender. Raises ``RateLimited`` or ``Unavailable``."""
    return limits.hit(asker.guess_buckets(known_for)).strain


def admit_guess(asker: Asker, purpose: str, lane: str, strain: Strain) -> spraying.Watch:
    """Watch one guess; ask the hook when its sender is near a limit, or when too many guesses are wrong.

    While they are, a stranger's guess waits, unless the hook is content with it.

    Raises ``RateLimited``, ``ChallengeRequired`` or ``Unavailable``.
    """
    watched = spraying.UNWATCHED if lane == KNOWN else spraying.watch(asker, purpose)
    if watched.wait:
        strain = Strain(1.0, spraying.LIMIT)
    try:
        is_human = require_human(asker, "verify", purpose, strain)
    except PhoneOTPError:
        watched.give_back()
        raise
    if watched.wait and not is_human:
        raise RateLimited(watched.wait)
    return watched
