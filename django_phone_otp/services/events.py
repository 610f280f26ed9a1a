"""Telling the project: signals, after commit."""

from typing import Any

from django.dispatch import Signal

from django_phone_otp.models import Challenge, Delivery


def emit(signal: Signal, subject: Challenge | Delivery) -> None:
    """Send ``signal`` about ``subject``. A receiver that raises is logged by Django and changes nothing."""
    argument: dict[str, Any] = {subject._meta.model_name or "": subject}
    signal.send_robust(sender=type(subject), **argument)
