"""Settings of the example project: everything on this machine, no vendor account.

The environment variable VENDOR chooses one of the four vendors of the sandbox in place of the inbox.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from example_project import vendors

BASE_DIR = Path(__file__).resolve().parent

SECRET_KEY = "an-example-key-that-every-reader-of-this-file-knows"  # noqa: S105 - made up, and for this machine only
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "example_project.urls"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("hi", "हिन्दी"),
    ("es", "Español"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("pt", "Português"),
    ("ar", "العربية"),
    ("id", "Bahasa Indonesia"),
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "account"
STATIC_URL = "static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_phone_otp",
    "example_project.accounts",
    "example_project.website",
    "example_project.sandbox",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.website.surroundings.show_messages",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_phone_otp.auth.PhoneTokenBackend",
]

PHONE_OTP: dict[str, Any] = {
    "BACKENDS": {"default": {"BACKEND": "django_phone_otp.backends.inbox.InboxBackend"}},
    "PURPOSES": {
        "signup": {},
        "login": {"REGISTERED_ONLY": True, "CODE_TTL": timedelta(minutes=3)},
        "verify": {},
        "payment": {"CONTEXT": ["amount", "payee"]},
    },
    "CHANNELS": ["sms", "whatsapp"],
    "REGIONS": ["*"],
    "MESSAGE": {"APP_NAME": "Example", "DOMAIN": "localhost"},
}

SANDBOX_PAGE = ""  # where messages can be read; empty for the inbox
if vendor := os.environ.get("VENDOR"):
    SANDBOX_PAGE = f"http://127.0.0.1:{vendors.SANDBOX_PORT}/"
    PHONE_OTP |= vendors.sending_through(vendor)
