"""Accounts with the four vendors, all of them made up, that point at the sandbox: ``make demo VENDOR=kaleyra``."""

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from example_project import sandbox

SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT") or sandbox.PORT)
WEBHOOK_SECRET = "made-up-webhook-secret-for-the-sandbox"  # noqa: S105 - made up, as it says

BLOCKS: dict[str, dict[str, Any]] = {
    "imb": {
        "BACKEND": "django_phone_otp.backends.imb.IMBBackend",
        "OPTIONS": {
            "client_id": "made-up-client-id",
            "client_secret": "made-up-client-secret",
            "base_url": sandbox.address("imb", SANDBOX_PORT),
        },
    },
    "kaleyra": {
        "BACKEND": "django_phone_otp.backends.kaleyra.KaleyraBackend",
        "OPTIONS": {
            "sid": "HXAP00000000000IN",
            "api_key": "made-up-api-key",
            "sender": "KLRHXA",
            "callback_profile_id": "IN_made-up-profile",
            "webhook_secrets": [WEBHOOK_SECRET],
            "base_url": sandbox.address("kaleyra", SANDBOX_PORT),
        },
    },
    "aoc": {
        "BACKEND": "django_phone_otp.backends.aoc.AOCBackend",
        "OPTIONS": {
            "api_key": "made-up-api-key",
            "sender": "AOCAPI",
            "webhook_fields": {"id": "messageId", "status": "status"},
            "webhook_secrets": [WEBHOOK_SECRET],
            "base_url": sandbox.address("aoc", SANDBOX_PORT),
        },
    },
    "startmessaging": {
        "BACKEND": "django_phone_otp.backends.startmessaging.StartMessagingBackend",
        "OPTIONS": {
            "api_key": "sm_live_made_up",
            "base_url": sandbox.address("startmessaging", SANDBOX_PORT),
        },
    },
}


def backends(vendor: str) -> dict[str, dict[str, Any]]:
    """Return BACKENDS with ``vendor`` as the default, and another one to fail over to."""
    if vendor not in BLOCKS:
        raise ImproperlyConfigured(f"VENDOR must be one of {', '.join(BLOCKS)}, not {vendor!r}")
    backup = "kaleyra" if vendor == "aoc" else "aoc"
    return {"default": BLOCKS[vendor], "backup": BLOCKS[backup]}
