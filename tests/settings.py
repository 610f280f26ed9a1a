"""Settings of the test suite: SQLite always, and every other database that answers on this machine."""

import os
import tempfile
from pathlib import Path

from tests.reachable import answers

SCRATCH = Path(tempfile.gettempdir())
# What keeps runs of the suite apart that go on at the same time: CI runs corners of the matrix side by side.
RUN = os.environ.get("TOX_ENV_NAME", "").replace("-", "_")

SECRET_KEY = "a-test-key-that-is-long-enough-to-pass-for-a-real-one-0123456789"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "account"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

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
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_phone_otp.auth.PhoneTokenBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Since Django 6.1 the default mailer must be named; before, nobody reads this.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

# A file, because threads must see one database; its default timeout would be too short for fifty writers.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": SCRATCH / f"phone_otp{RUN}.sqlite3",
        # What a test wrote need not survive a power cut, here and in PostgreSQL.
        "OPTIONS": {"timeout": 30, "init_command": "PRAGMA synchronous=OFF"},
        "TEST": {"NAME": SCRATCH / f"phone_otp_test{RUN}.sqlite3"},
    }
}
# For a quick run, or a second one beside the first.
ONLY_SQLITE = os.environ.get("PHONE_OTP_ONLY_SQLITE") == "1"
if not ONLY_SQLITE and answers("postgresql"):
    DATABASES["postgresql"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "OPTIONS": {"options": "-c synchronous_commit=off"},
        "TEST": {"NAME": f"phone_otp_test{RUN}"},
    }
if not ONLY_SQLITE and answers("mariadb"):
    import pymysql

    pymysql.version_info = (2, 2, 8, "final", 0)  # what Django asks of mysqlclient, for which PyMySQL stands in
    pymysql.install_as_MySQLdb()
    DATABASES["mariadb"] = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "test",
        "USER": "root",
        "HOST": "127.0.0.1",
        "TEST": {"NAME": f"phone_otp_test{RUN}"},
    }
# For tests of limits; the others count in this process.
SHARED_CACHES = {
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/9",
        "KEY_PREFIX": f"phone_otp_test{RUN}",
    },
    "memcached": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": "127.0.0.1:11211",
        "KEY_PREFIX": f"phone_otp_test{RUN}",
    },
}
DATABASE_ROUTERS = ["tests.routers.ChosenDatabase"]

PHONE_OTP = {
    "BACKENDS": {"default": {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}},
    "PURPOSES": {
        "signup": {},
        "login": {"REGISTERED_ONLY": True},
        "verify": {},
        "payment": {"CONTEXT": ["amount", "payee"]},
    },
    "CHANNELS": ["sms", "whatsapp"],
    "REGIONS": ["*"],
    "MESSAGE": {"APP_NAME": "Example", "DOMAIN": "example.com"},
}
