"""Which aliases a message may go through, in order."""

from collections.abc import Iterator

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.models import Delivery
from django_phone_otp.services.circuit import Circuit

DEFAULT_ALIASES = ("default",)


def aliases_for(delivery: Delivery) -> list[str]:
    """Return the aliases of the first route that matches, or ``default``, that speak the delivery's channel."""
    challenge = delivery.challenge
    kind = {"region": challenge.region, "channel": delivery.channel, "purpose": challenge.purpose}
    route = next((route for route in conf.current().routes if route.matches(**kind)), None)
    aliases = route.order() if route else DEFAULT_ALIASES
    return [alias for alias in aliases if delivery.channel in backends[alias].channels]


def admitted(aliases: list[str]) -> Iterator[tuple[str, Circuit]]:
    """Yield the aliases that may be asked now, each only when its turn comes: a look may claim the one probe."""
    for alias in aliases:
        circuit = Circuit(alias)
        if circuit.admits():
            yield alias, circuit
