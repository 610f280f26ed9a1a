"""Whose transaction it is: counts must commit on their own."""

from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction

from django_phone_otp.models import Challenge


def database() -> str:
    """Return the alias of the database that holds the state: a replica would answer from the past."""
    return router.db_for_write(Challenge)


def require_own_transaction(verb: str) -> None:
    """Refuse to run inside somebody's transaction, whose rollback would take counted guesses back.

    That is not theory: with ``ATOMIC_REQUESTS``, a DRF view that raises rolls back, and every guess
    is free. Django's ``TestCase`` is let through, as ``atomic(durable=True)`` lets it.

    Raises ``ImproperlyConfigured``, which says what to do.
    """
    connection = transaction.get_connection(database())
    if connection.get_autocommit():
        return
    blocks = connection.atomic_blocks
    if not (blocks and blocks[-1]._from_testcase):
        raise ImproperlyConfigured(
            f"django_phone_otp.{verb}() was called inside a transaction, whose rollback would undo what it counts. "
            "Call it before or after the atomic() block; with ATOMIC_REQUESTS, decorate the view with "
            "django.db.transaction.non_atomic_requests."
        )
