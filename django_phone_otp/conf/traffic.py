"""Reading what goes where: accounts, channels, regions, routes and limits."""

import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django_phone_otp.conf.defaults import ANY, CHANNELS, DEFAULTS
from django_phone_otp.conf.values import SettingError, is_whole, names, need, section, strings
from django_phone_otp.core.addresses import Network
from django_phone_otp.core.numbers import ANY_REGION, is_region
from django_phone_otp.core.policies import NOTICE, BackendSettings, MoneyBudget, Route
from django_phone_otp.core.rates import Rate, parse_rate, tightest

WEIGHT_MAXIMUM = 1_000_000  # shares of a split: finer than anyone measures
_PRICE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?", re.ASCII)  # what Delivery.price can hold


def read_backends(value: Any, _: dict[str, Any]) -> dict[str, BackendSettings]:
    """Read ``BACKENDS``."""
    found = {}
    for alias, entry in names(value).items():
        entry = section(entry, ("BACKEND", "OPTIONS"), f"{alias!r}: ")
        path, options = entry.get("BACKEND"), entry.get("OPTIONS", {})
        need(isinstance(path, str) and "." in path, f"{alias!r}: BACKEND must be the dotted path of a class")
        need(isinstance(options, Mapping), f"{alias!r}: OPTIONS must be a dict")
        found[alias] = BackendSettings(str(path), dict(options))
    need("default" in found, "must have the alias 'default', which takes what no route does")
    return found


def read_channels(value: Any, _: dict[str, Any]) -> tuple[str, ...]:
    """Read ``CHANNELS``."""
    channels = strings(value, f"channels: {', '.join(CHANNELS)}")
    need(channels and set(channels) <= set(CHANNELS), f"must name some of {', '.join(CHANNELS)}")
    return channels


def read_routes(value: Any, values: dict[str, Any]) -> tuple[Route, ...]:
    """Read ``ROUTES``."""
    need(isinstance(value, list | tuple), "must be a list of dicts")
    found = []
    for position, entry in enumerate(value):
        where = f"[{position}]: "
        entry = section(entry, ("regions", "channels", "purposes", "backends"), where)
        backends, weights = _aliases(entry.get("backends"), f"{where}backends ")
        keys = ("regions", "channels", "purposes")
        kinds = {key: frozenset(strings(entry.get(key, ()), key, f"{where}{key} ")) for key in keys}
        kinds = {key: frozenset() if ANY in names else names for key, names in kinds.items()}
        for known, named in (("BACKENDS", backends), ("PURPOSES", kinds["purposes"] - {NOTICE})):
            for name in named:
                need(name in values.get(known, (name,)), f"{where}{name!r} is not in {known}")
        need(kinds["channels"] <= set(CHANNELS), f"{where}channels must name some of {', '.join(CHANNELS)}")
        need(all(map(is_region, kinds["regions"])), f"{where}regions must be codes such as 'IN'")
        found.append(Route(backends, weights=weights, **kinds))
    return tuple(found)


def _aliases(value: Any, where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the aliases of a route, and their weights when it is a dict of them, else no weights."""
    if not isinstance(value, Mapping):
        aliases = strings(value, "aliases, or a dict of their weights", where)
        need(aliases, f"{where}must name at least one alias")
        return aliases, ()
    well_formed = all(isinstance(alias, str) and is_whole(weight, 0, WEIGHT_MAXIMUM) for alias, weight in value.items())
    need(well_formed, f"{where}must give each alias a whole number from 0 to {WEIGHT_MAXIMUM}")
    need(any(value.values()), f"{where}must give at least one alias a weight over 0")
    return tuple(value), tuple(value.values())


def read_regions(value: Any, _: dict[str, Any]) -> frozenset[str]:
    """Read ``REGIONS``."""
    regions = frozenset(strings(value, "regions such as 'IN', or '*' for all"))
    for region in regions:
        need(region == ANY_REGION or is_region(region), f"{region!r} is not a region: use codes such as 'IN', or '*'")
    return regions


def read_default_region(value: Any, _: dict[str, Any]) -> str | None:
    """Read ``DEFAULT_REGION``."""
    need(value is None or (isinstance(value, str) and is_region(value)), "must be a region such as 'IN', or None")
    return value if value is None else str(value)


def read_denied_prefixes(value: Any, _: dict[str, Any]) -> tuple[str, ...]:
    """Read ``DENIED_PREFIXES``."""
    prefixes = strings(value, "beginnings of numbers, such as '+4470'")
    for prefix in prefixes:
        well_formed = re.fullmatch(r"\+[1-9][0-9]{0,14}", prefix, re.ASCII)
        need(well_formed, f"{prefix!r} is not the beginning of a number: + and digits")
    return prefixes


def read_limits(value: Any, _: dict[str, Any]) -> dict[str, tuple[Rate, ...]]:
    """Read ``LIMITS``."""
    known = DEFAULTS["LIMITS"]
    return read_rates({**known, **section(value, known)})


def read_rates(limits: Mapping[str, Any], where: str = "") -> dict[str, tuple[Rate, ...]]:
    """Read the rates of each limit, one for each length of window."""
    found = {}
    for name, rates in limits.items():
        try:
            found[name] = tightest(parse_rate(rate) for rate in strings(rates, "rates such as '3/5m'"))
        except ValueError as problem:
            raise SettingError(f"{where}{name!r}: {problem}") from None
    may_be_empty = found.get("verify.number", True)
    need(may_be_empty, f"{where}'verify.number' may not be empty: it is what bounds guessing")
    return found


def read_budget(value: Any, _: dict[str, Any]) -> MoneyBudget:
    """Read ``BUDGET``: what a segment costs, by region."""
    prices = section(value, DEFAULTS["BUDGET"]).get("PRICES", {})
    need(isinstance(prices, Mapping), "PRICES must be a dict of regions")
    found = {}
    for region, price in prices.items():
        known = region == ANY or (isinstance(region, str) and is_region(region))
        need(known, f"PRICES: {region!r} is not a region: use codes such as 'IN', or '*' for the others")
        well_formed = isinstance(price, str) and _PRICE.fullmatch(price)
        need(well_formed, f"PRICES: {region!r} must have the price of a segment as text, such as '0.0025'")
        found[region] = Decimal(price)
    return MoneyBudget(found)


def read_trusted_proxies(value: Any, _: dict[str, Any]) -> tuple[Network, ...]:
    """Read ``TRUSTED_PROXIES``."""
    try:
        return tuple(ipaddress.ip_network(item) for item in strings(value, "networks such as '10.0.0.0/8'"))
    except ValueError as problem:
        raise SettingError(str(problem)) from None


def read_dispatcher(value: Any, _: dict[str, Any]) -> str:
    """Read ``DISPATCHER``."""
    need(isinstance(value, str) and "." in value, "must be the dotted path of a callable")
    return str(value)
