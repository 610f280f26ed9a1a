"""Unlocking a number: its guesses and messages start anew. For staff, or for a project that asked another factor."""

import logging
import secrets
from functools import partial

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.core.numbers import twins
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge
from django_phone_otp.services import intake, limits, numbers
from django_phone_otp.services.admission import number_buckets
from django_phone_otp.services.turns import in_turn

SET_ASIDE = "aside "  # how the lanes begin that nobody uses any more

logger = logging.getLogger("django_phone_otp")


@sensitive_variables()
def unlock(phone: object, *, purpose: str | None = None) -> int:
    """Give ``phone`` its guesses and messages back, for one ``purpose`` or for all; return how many challenges it had.

    The challenges stay, for whoever audits them, and count no more: neither their guesses nor the row of
    100 failures that time does not lift (NIST SP 800-63B-4 §3.2.2). Those that are pending are canceled.
    Only for somebody who is known to be the right one by other means.

    Raises ``InvalidPhone``, ``Invalid`` for an unknown purpose, or ``Unavailable`` when the cache does not answer.
    """
    number, _ = numbers.look_up(phone)
    purposes = conf.current().purposes
    wanted = purposes.values() if purpose is None else [intake.take_purpose(purpose)]
    names = [each.name for each in wanted]
    theirs = Challenge.objects.filter(number__in=twins(number.e164), purpose__in=names)
    count = in_turn(partial(_set_aside, theirs))
    for each in wanted:
        for known in (False, True):
            limits.forget(number_buckets(number.e164, each.name, known=known), each)
    logger.warning("A number was unlocked for %s", ", ".join(names))
    return count


def _set_aside(theirs: QuerySet[Challenge]) -> int:
    # A lane of its own for each time: serials are unique in a lane.
    aside = f"{SET_ASIDE}{secrets.token_hex(6)} "
    counting, count = theirs.exclude(lane__startswith=SET_ASIDE), 0
    # Again, until none is left: a send that this had to wait for has added one, which the statement could not see.
    while moved := counting.update(lane=Concat(Value(aside), F("lane"))):
        count += moved
    now = timezone.now()
    pending = theirs.filter(lane__startswith=aside, status=ChallengeStatus.PENDING, expires_at__gt=now)
    pending.update(status=ChallengeStatus.CANCELED, closed_at=now)
    return count
