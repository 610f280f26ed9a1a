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
        """Register the system checks, and note when sessions log in."""
        # Here, because they need the apps loaded; the checks register on import.
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from django_phone_otp import checks  # noqa: F401, PLC0415
        from django_phone_otp.services.identity import note_login  # noqa: PLC0415

        user_logged_in.connect(note_login, dispatch_uid="django_phone_otp.note_login")
