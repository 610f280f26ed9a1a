"""Which aliases a message may go through, in order."""

from collections.abc import Iterator

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.models import Delivery

DEFAULT_ALIASES = ("default",)


def aliases_for(delivery: Delivery) -> Iterator[str]:
    """Yield the aliases of the first route that matches, or ``default``, that speak the delivery's channel."""
    challenge = delivery.challenge
    kind = {"region": challenge.region, "channel": delivery.channel, "purpose": challenge.purpose}
    route = next((route for route in conf.current().routes if route.matches(**kind)), None)
    for alias in route.backends if route else DEFAULT_ALIASES:
        if delivery.channel in backends[alias].channels:
            yield alias
