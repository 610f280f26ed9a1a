"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhoneOTPConfig(AppConfig):
    """``django_phone_otp`` in ``INSTALLED_APPS``; its label is ``phone_otp``."""

    name = "django_phone_otp"
    label = "phone_otp"
    verbose_name = _("Phone verification")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_phone_otp import checks  # noqa: F401, PLC0415 - registers on import, when apps are loaded
