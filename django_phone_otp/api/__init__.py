"""The JSON API: ``path("api/phone/", include("django_phone_otp.api.urls"))``."""
