"""What staff see: read-only, with numbers masked."""

from django_phone_otp.admin import blocks, challenges, deliveries

__all__ = ["blocks", "challenges", "deliveries"]
