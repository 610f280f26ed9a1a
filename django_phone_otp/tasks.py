"""Background tasks, by Django's own interface: ``django.tasks``, or before Django 6.0 its backport django-tasks.

``PHONE_OTP["DISPATCHER"] = "django_phone_otp.tasks.enqueue"`` sends messages from a worker.
"""

from typing import Any

import django
from django.utils.module_loading import import_string

from django_phone_otp.services import delivery, polling

_task: Any = import_string("django.tasks.task" if django.VERSION >= (6, 0) else "django_tasks.task")


@_task  # type: ignore[untyped-decorator]
def deliver(pk: str) -> None:
    """Deliver one queued delivery. Its primary key is all that the queue holds."""
    delivery.deliver(pk)


@_task  # type: ignore[untyped-decorator]
def sync_deliveries() -> int:
    """Ask vendors about messages whose end is not known yet; return how many were asked about."""
    return sum(1 for _ in polling.sync())


def enqueue(pk: str) -> None:
    """Put one delivery in the queue: a ``DISPATCHER``."""
    deliver.enqueue(pk)
