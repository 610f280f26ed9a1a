"""Who asks: one client address out of a peer and the proxies before it."""

import ipaddress
import re
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

IPV6_PREFIX = 64  # bits: what one customer is given at least (RFC 6177), so what counts as one client
SITE_PREFIX = 48  # bits: what one customer is given at most (RFC 6177)
HOPS_MAXIMUM = 32  # a longer X-Forwarded-For is junk, not a chain of proxies
UNKNOWN = "unknown"  # all who have no address share one bucket: never an unlimited one
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: one /64 for all of IPv4
_BRACKETED = re.compile(r"\[([^\]]*)\](?::[0-9]+)?", re.ASCII)
_IPV4_PORT = re.compile(r"([0-9.]+):[0-9]+", re.ASCII)


def client_ip(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> Address | None:
    """Return the client's address, or None when it cannot be read.

    ``peer`` is the socket's other end. ``forwarded_for`` (``X-Forwarded-For``) is believed only
    when the peer is in ``trusted``, and then its right-most hop that is not: everything left of
    that is whatever the client chose to write.
    """
    address = _parse(peer)
    if not trusted or (peer and not _is_trusted(address, trusted)):
        return address
    for hop in reversed(forwarded_for.split(",")[-HOPS_MAXIMUM:]):
        candidate = _parse(hop)
        if candidate is None:
            break
        address = candidate
        if not _is_trusted(candidate, trusted):
            break
    return address


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address, or the IPv6 /64, that limits count against: see ``client_ip()``."""
    return _bucket(client_ip(peer, forwarded_for, trusted))


def site_of(address: str) -> str:
    """Return the site that an address, as ``client_address()`` gives it, is in: of IPv6 the /48, of IPv4 itself.

    One customer may be given as much (RFC 6177), and so count as many, where it must not.
    """
    network, _, prefix = address.partition("/")
    return str(ipaddress.ip_network((network, SITE_PREFIX), strict=False)) if prefix else address


def _parse(text: str) -> Address | None:
    """Read an address with or without port, brackets or zone; IPv4 inside IPv6 comes out as IPv4."""
    text = text.strip()
    match = _BRACKETED.fullmatch(text) or _IPV4_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((match.group(1) if match else text).partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


def _bucket(address: Address | None) -> str:
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        inner = _translated(address)
        return str(inner or ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for: who has one such address has 65,536 /64s of 6to4.

    For counting only. Which proxies are trusted is asked about the address itself, which nobody else can use.
    """
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
