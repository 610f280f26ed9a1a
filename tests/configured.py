"""Settings of the app for the length of a test, and values that several tests give them."""

from django.test import override_settings

SECRET = "a-secret-of-the-tests-that-no-text-may-show"
FICTION = "+15555550100"
LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
TEST_NUMBER = {"code": "424242", "until": "2027-01-31"}


def only(**keys):
    return override_settings(PHONE_OTP=keys)
