"""Turns: what others write at the same moment is no reason to give up, but one to try again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import ProtectedError, RestrictedError

from django_phone_otp.services.transactions import database

TURNS = 20  # each turn lost is a message, or a receipt, that came for these rows at the same moment
TURN_PAUSE = 0.05  # seconds at most between two turns
PATIENCE = 10.0  # seconds, after which the next turn is the last: SQLite waits for its lock in each

_Result = TypeVar("_Result")


def in_turn(act: Callable[[], _Result]) -> _Result:
    """Call ``act`` in a transaction of its own, again when somebody added to the same rows meanwhile.

    Returns what it returns. Raises what it raises: at once where rows of the project's hold something back, and
    after ``TURNS`` times, or ``PATIENCE``, what the database says.
    """
    deadline = time.monotonic() + PATIENCE
    for _ in range(TURNS - 1):
        try:
            return _alone(act)
        except (ProtectedError, RestrictedError):  # rows of the project's hold it, and will go on to
            raise
        except (IntegrityError, OperationalError):
            # A row that points here, which this transaction did not see; or a deadlock, or SQLite's lock.
            time.sleep(random.uniform(0, TURN_PAUSE))  # noqa: S311 - a pause is no secret
            if time.monotonic() > deadline:
                break
    return _alone(act)


def _alone(act: Callable[[], _Result]) -> _Result:
    with transaction.atomic(using=database()):
        return act()
