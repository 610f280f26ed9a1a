"""Where a vendor's API may be: an address that takes the key to that host, and to no other."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(base_url: str) -> bool:
    """Tell whether ``base_url`` is on this machine: a vendor's sandbox, say."""
    return urlsplit(base_url).hostname in {"localhost", "127.0.0.1", "::1"}


def wrong_with(base_url: str) -> str:
    """Return what is wrong with ``base_url``, as the end of a sentence, or ``""``.

    A link-local address is where clouds keep the credentials of their machines (169.254.169.254).
    """
    if not base_url.startswith(("https://", "http://")):
        return "must start with https:// (or http://)"
    if not base_url.isascii() or not base_url.isprintable() or set(base_url) & set(" \\?#@"):
        return "must be a host and perhaps a path, and nothing else"
    try:
        host, _ = urlsplit(base_url).hostname, urlsplit(base_url).port
    except ValueError:
        return "has a host or a port that cannot be one"
    if not host:
        return "has no host"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return ""
    return "is a link-local address" if (getattr(address, "ipv4_mapped", None) or address).is_link_local else ""
