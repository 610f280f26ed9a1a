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
    usable = [alias for alias in aliases if backends.can_build(alias)]
    # When none can be built, the first one's own error says why.
    return [alias for alias in usable or aliases if delivery.channel in backends[alias].channels]


def carriers(purpose: str, channel: str) -> Iterator[tuple[str, bool]]:
    """Yield each alias that messages of ``purpose`` may go through, and whether those of India do."""
    india = conf.current().allows_region("IN")
    for route in conf.current().routes:
        if not route.takes(channel, purpose):
            continue
        for alias in route.backends:
            yield alias, india and (not route.regions or "IN" in route.regions)
        if not route.regions:
            return  # it takes all that is left
        india = india and "IN" not in route.regions
    yield from ((alias, india) for alias in DEFAULT_ALIASES)


def admitted(aliases: list[str]) -> Iterator[tuple[str, Circuit]]:
    """Yield the aliases that may be asked now, each only when its turn comes: a look may claim the one probe."""
    for alias in aliases:
        circuit = Circuit(alias)
        if circuit.admits():
            yield alias, circuit
