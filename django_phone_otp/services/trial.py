"""A trial message: does an alias work? No challenge is made, so its code proves nothing."""

from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import SendResult
from django_phone_otp.core.numbers import mask_number
from django_phone_otp.exceptions import NumberNotAllowed
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import limits
from django_phone_otp.services.admission import message_buckets
from django_phone_otp.services.messages import compose
from django_phone_otp.services.numbers import admit_number, find_test_number


@sensitive_variables()
def send_trial(phone: str, alias: str) -> tuple[str, SendResult]:
    """Send a message with a code of zeros to ``phone`` through ``alias``; it counts as any message to it.

    Returns the masked number and the vendor's result.

    Raises ``InvalidPhone``, ``NumberNotAllowed``, ``RateLimited`` or ``Unavailable``, a
    ``DeliveryError`` when the vendor did not take it, and ``InvalidBackend``.
    """
    number = admit_number(phone)
    if find_test_number(number.e164) is not None:
        raise NumberNotAllowed("test_number")  # it never reaches a vendor
    backend = backends[alias]
    now, settings = timezone.now(), conf.current()
    purpose = next(iter(settings.purposes.values()))
    limits.hit(message_buckets(number.e164, number.region, purpose.name), purpose)
    challenge = Challenge(
        number=number.e164,
        region=number.region,
        purpose=purpose.name,
        language=get_language() or "",
        created_at=now,
        expires_at=now + purpose.code_ttl,
    )
    channel = next((channel for channel in settings.channels if channel in backend.channels), settings.channels[0])
    delivery = Delivery(challenge=challenge, channel=channel)
    return mask_number(number.e164), backend.send(compose(delivery, "0" * purpose.code_length, backend))
