"""The message that most tests send, and what is written down of its deliveries."""

import django_phone_otp as phone_otp
from django_phone_otp.models import Delivery
from django_phone_otp.test import latest_code
from tests.conftest import PHONE


def send(**kwargs):
    """Send a code to ``PHONE``, by default for ``signup``; return the challenge."""
    return phone_otp.send(PHONE, **{"purpose": "signup", **kwargs})


def prove(number, purpose="verify"):
    """Verify ``number``; return the token that proves it."""
    challenge = phone_otp.send(number, purpose=purpose)
    return phone_otp.verify(challenge.handle, latest_code(number)).token


def rows():
    """Return what became of each message, oldest first: alias, status, reason and the vendor's code."""
    return list(Delivery.objects.order_by("pk").values_list("alias", "status", "reason", "vendor_code"))
