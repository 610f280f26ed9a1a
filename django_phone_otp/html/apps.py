"""``"django_phone_otp.html.apps.PhoneAdminConfig"`` in ``INSTALLED_APPS``, in place of ``"django.contrib.admin"``."""

from django.contrib.admin.apps import AdminConfig


class PhoneAdminConfig(AdminConfig):
    """Django's admin, whose site asks staff for a code after the password."""

    default = False
    default_site = "django_phone_otp.html.staff.PhoneAdminSite"
