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
            "whatsapp": {"from": "+910000000000", "template": "otp", "campaign": "made-up-campaign"},
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


def backup_of(vendor: str) -> str:
    """Return the vendor to fail over to."""
    return "kaleyra" if vendor == "aoc" else "aoc"


def sending_through(vendor: str) -> dict[str, Any]:
    """Return the keys of ``PHONE_OTP`` that send through ``vendor``, and through another one when it is down."""
    if vendor not in BLOCKS:
        raise ImproperlyConfigured(f"VENDOR must be one of {', '.join(BLOCKS)}, not {vendor!r}")
    return {
        "BACKENDS": {"default": BLOCKS[vendor], "backup": BLOCKS[backup_of(vendor)]},
        "ROUTES": [{"backends": ["default", "backup"]}],
        "CHANNELS": ["sms", "whatsapp"],
        "DEFAULT_REGION": "IN",
        "BUDGET": {"PRICES": {"IN": "0.0025", "*": "0.06"}},
    }
