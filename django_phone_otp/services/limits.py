"""Limits on how often: counted in the shared cache, for every face alike, and closed when the cache fails."""

import logging
from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.core.addresses import Network, client_address
from django_phone_otp.core.rates import Rate, parse_rate
from django_phone_otp.exceptions import RateLimited, Unavailable

RETRY_WHEN_DOWN = 30  # seconds: about what a cache takes to fail over

logger = logging.getLogger("django_phone_otp")


def hit(buckets: Mapping[str, str]) -> None:
    """Count one event in every bucket, then judge: ``buckets`` maps a limit's name to what it counts by.

    Every bucket is hit before any is judged, so that a refusal by one cannot shield another, and the
    longest wait is the one reported.

    Raises ``RateLimited``, or ``Unavailable`` when a count could not be kept.
    """
    limits = conf.current().limits
    waits = [_count(name, value, rate) for name, value in buckets.items() for rate in limits[name]]
    if any(waits):
        raise RateLimited(max(waits))


def hit_account(alias: str, *, message: bool = True) -> None:
    """Count one request against what the account behind ``alias`` allows.

    That is its vendor's own rate, and for a ``message`` also ``send.account``.

    Raises ``RateLimited``, or ``Unavailable`` when a count could not be kept.
    """
    documented = backends[alias].account_rate
    rates = set(conf.current().limits["send.account"] if message else ())
    if documented:
        rates.add(parse_rate(documented))
    wait = max((_count("send.account", alias, rate) for rate in rates), default=0)
    if wait:
        raise RateLimited(wait)


def address(request: HttpRequest | None) -> dict[str, str]:
    """Return what ``request`` is counted by under the ``.ip`` limits; without a request there is no such count."""
    if request is None:
        return {}
    return {"ip": client_address(*origin(request))}


def origin(request: HttpRequest) -> tuple[str, str, Sequence[Network]]:
    """Return what tells where ``request`` came from: the peer, ``X-Forwarded-For``, and which proxies to believe."""
    peer, forwarded_for = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
    return peer, forwarded_for, conf.current().trusted_proxies


def _count(name: str, value: str, rate: Rate) -> int:
    """Count one event; return the seconds to wait when that was one too many, else 0."""
    # A keyed digest: the cache must not hold numbers and addresses.
    digest = conf.current().keys.newest.digest("limits", name.encode(), value.encode()).hex()
    try:
        # The dot ends the group: without it "otp1" at 5/60s would share a key with "otp" at 15/60s.
        usage = get_usage(
            None,
            group=f"phone_otp.{name}.",
            key=lambda *_: digest,
            rate=(rate.count, rate.seconds),
            increment=True,
        )
    except Exception as problem:  # noqa: BLE001 - every cache client raises classes of its own
        logger.error("The cache for limits failed: %s", type(problem).__name__)
        raise Unavailable(RETRY_WHEN_DOWN) from None
    # None: RATELIMIT_ENABLE is off or RATELIMIT_FAIL_OPEN is on. A limit of 0: the cache did not answer.
    if usage is None or usage["limit"] == 0:
        logger.error("The cache for limits did not count")
        raise Unavailable(RETRY_WHEN_DOWN)
    return max(1, usage["time_left"]) if usage["should_limit"] else 0
