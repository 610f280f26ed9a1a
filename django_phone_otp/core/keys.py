"""The key ring: which secrets sign and derive, newest first, and how a row names its key."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator

MINIMUM_LENGTH = 32  # bytes: as long as the SHA-256 output that it keys (RFC 2104 §3)


class Key:
    """One secret, from which each use derives a key of its own.

    ``id`` names the secret in a row without telling anything about it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._derived: dict[str, bytes] = {}
        self.id = hmac.digest(self._secret, b"django_phone_otp/id", "sha256").hex()[:16]

    def derive(self, use: str) -> bytes:
        """Return the 32-byte key for one ``use``, so that no two uses ever share a key."""
        derived = self._derived.get(use)
        if derived is None:
            derived = self._derived[use] = hmac.digest(self._secret, b"django_phone_otp/" + use.encode(), "sha256")
        return derived

    def digest(self, use: str, *parts: bytes) -> bytes:
        """Return HMAC-SHA256 over ``parts``, each with its length before it, so that none can run into the next."""
        return hmac.digest(self.derive(use), join(parts), "sha256")

    def __repr__(self) -> str:
        return f"<Key {self.id}>"


class KeyRing:
    """Secrets, newest first: the newest signs, all of them verify."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = [Key(secret) for secret in secrets]
        if not self._keys:
            raise ValueError("a key ring needs at least one secret")

    @property
    def newest(self) -> Key:
        """The key that signs and derives for new rows."""
        return self._keys[0]

    def get(self, key_id: str) -> Key | None:
        """Return the key that a row names, or None when it has left the ring."""
        return next((key for key in self._keys if key.id == key_id), None)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)


def join(parts: Iterable[bytes]) -> bytes:
    """Concatenate ``parts`` without ambiguity: four bytes of length before each."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def fingerprint(*parts: bytes) -> bytes:
    """Return the unkeyed SHA-256 of ``parts``, for comparing two values of our own."""
    return hashlib.sha256(join(parts)).digest()
