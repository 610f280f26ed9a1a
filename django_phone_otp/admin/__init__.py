"""What staff see: read-only, with numbers masked."""

from django_phone_otp.admin import challenges, deliveries, statistics

__all__ = ["challenges", "deliveries", "statistics"]
