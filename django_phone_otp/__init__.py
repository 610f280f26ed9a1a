"""Phone verification for Django: one-time codes by SMS or WhatsApp, sent, verified and defended."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_phone_otp.services.askers import remember_browser
    from django_phone_otp.services.challenges import cancel, resend, send, status, verify
    from django_phone_otp.services.phones import bind, find_user, numbers_of, rebind
    from django_phone_otp.services.proofs import Proof, peek, redeem
    from django_phone_otp.services.unlocking import unlock

__version__ = "0.1.0"
__all__ = [
    "Proof",
    "__version__",
    "bind",
    "cancel",
    "find_user",
    "numbers_of",
    "peek",
    "rebind",
    "redeem",
    "remember_browser",
    "resend",
    "send",
    "status",
    "unlock",
    "verify",
]

_HOMES = {
    "Proof": "proofs",
    "bind": "phones",
    "find_user": "phones",
    "numbers_of": "phones",
    "peek": "proofs",
    "rebind": "phones",
    "redeem": "proofs",
    "remember_browser": "askers",
    "unlock": "unlocking",
}


def __getattr__(name: str) -> Any:
    # Lazy: Django imports this package before its apps, and with them our models, are loaded.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.services.{_HOMES.get(name, 'challenges')}"), name)


def __dir__() -> list[str]:
    return __all__
