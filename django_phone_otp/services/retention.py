"""Retention: challenges, and with them their deliveries, go when they are old enough."""

import time
from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from django_phone_otp import conf
from django_phone_otp.core.identifiers import first_uuid7
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.turns import in_turn
from django_phone_otp.services.unlocking import SET_ASIDE

BATCH = 100  # challenges, with all that hangs on them: a few milliseconds of locks
RESTS = 2.0  # times as long as a batch took, before the next: requests beside it must not wait for the machine
REST_MAXIMUM = 0.5  # seconds


def clear_expired(batch: int = BATCH) -> Iterator[int]:
    """Delete challenges older than ``RETENTION``, batch by batch; yield how many went with each.

    What stays is a number's newest challenge of a lane while it counts failures, without its context and
    deliveries: the ceiling of consecutive failures must not be waited out.
    """
    cutoff = timezone.now() - conf.current().retention
    last = UUID(int=0)
    while True:
        # By primary key, which sorts by time: each batch goes on where the last one ended.
        old = Challenge.objects.filter(pk__gt=last, pk__lt=first_uuid7(cutoff), expires_at__lt=cutoff)
        page = list(old.order_by("pk").values_list("pk", flat=True)[:batch])
        if not page:
            return
        began, last = time.monotonic(), page[-1]
        gone = in_turn(partial(_clear, page))  # a receipt may come for what is being deleted
        time.sleep(min(RESTS * (time.monotonic() - began), REST_MAXIMUM))
        yield gone


def _clear(page: list[UUID]) -> int:
    doomed = list(Challenge.objects.filter(pk__in=page).exclude(_counts()).values_list("pk", flat=True))
    Challenge.objects.filter(pk__in=doomed).delete()
    counted = set(page) - set(doomed)
    if counted:  # of these, only what is counted stays
        Delivery.objects.filter(challenge__in=counted).delete()
        Challenge.objects.filter(pk__in=counted).update(context={}, client="", language="")
    return len(doomed)


def count_expired() -> int:
    """Return how many challenges are older than ``RETENTION``: what a progress bar counts to."""
    return Challenge.objects.filter(pk__lt=first_uuid7(timezone.now() - conf.current().retention)).count()


def _counts() -> Q:
    newer = Challenge.objects.filter(
        number=OuterRef("number"), purpose=OuterRef("purpose"), lane=OuterRef("lane"), serial__gt=OuterRef("serial")
    )
    failures = Q(streak__gt=0) | Q(attempts__gt=0)
    set_aside = Q(lane__startswith=SET_ASIDE)
    return Q(failures, ~Q(status=ChallengeStatus.VERIFIED), ~set_aside, ~Exists(newer))
