"""The keys of ``PHONE_OTP`` with their defaults, and the bounds that no setting moves."""

from datetime import timedelta
from typing import Any

from django_phone_otp.core.statuses import DeliveryStatus

SETTING = "PHONE_OTP"
INLINE_DISPATCHER = "django_phone_otp.services.delivery.deliver"
ANY = "*"
CHANNELS = ("sms", "whatsapp", "voice")
OUTCOMES = tuple(s for s in DeliveryStatus if s not in {DeliveryStatus.QUEUED, DeliveryStatus.SENDING})
LONGEST = timedelta(days=36525)  # far beyond any use, and within what dates can be reckoned with
LIMITS_OF_PURPOSE = ("send.number_purpose", "send.purpose", "verify.number", "verify.failed")  # counted for each
ATTEMPTS_CEILING = 100  # consecutive failures (NIST SP 800-63B-4 §3.2.2)

DEFAULTS: dict[str, Any] = {
    "BACKENDS": {"default": {"BACKEND": "django_phone_otp.backends.console.ConsoleBackend"}},
    "ROUTES": [],
    "PURPOSES": {"signup": {}, "login": {}, "verify": {}},
    "CHANNELS": ["sms"],
    "REGIONS": [],
    "DEFAULT_REGION": None,
    "DENIED_PREFIXES": [],
    "CODE_LENGTH": 6,
    "CODE_TTL": timedelta(minutes=5),
    "MAX_ATTEMPTS": 5,
    "RESEND_AFTER": [30, 40, 60, 90, 120],
    "LIMITS": {
        "send.number": ["3/5m", "10/1d"],
        "send.number_purpose": [],
        "send.ip": ["20/1h"],
        "send.client": ["20/1d"],
        "send.prefix": ["50/1h"],
        "send.region": [],
        "send.purpose": [],
        "send.global": [],
        "send.account": [],
        "verify.number": ["15/1d"],
        "verify.ip": ["60/1h"],
        "verify.failed": ["50/10m"],
    },
    "CHALLENGE_HOOK": None,
    "BUDGET": {"PRICES": {}},
    "TRUSTED_PROXIES": [],
    "KEYS": [],
    "TOKEN_TTL": timedelta(minutes=10),
    "USER_FIELD": None,
    "MESSAGE": {"APP_NAME": "", "DOMAIN": None, "ANDROID_APP_HASH": None},
    "DISPATCHER": INLINE_DISPATCHER,
    "TEST_NUMBERS": {},
    "RETENTION": timedelta(days=30),
}
