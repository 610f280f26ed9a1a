"""Bytes as text for URLs, headers and cookies: base64url without padding (RFC 4648 §5), one text for one value."""

import base64


def encode(raw: bytes) -> str:
    """Return ``raw`` as text."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """Return what ``text`` stands for, or None when ``encode()`` would never write it.

    The last character may have spare bits: without this check, several texts would stand for one value.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:  # no base64, or not even ASCII
        return None
    return raw if encode(raw) == text else None
