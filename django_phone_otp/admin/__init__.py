"""What staff see: read-only, with numbers masked."""

from django_phone_otp.admin import blocks, challenges, deliveries, statistics

__all__ = ["blocks", "challenges", "deliveries", "statistics"]
