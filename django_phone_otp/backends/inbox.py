"""Development: the last messages, kept in the cache and shown on a page like a phone's."""

from operator import itemgetter
from typing import TypedDict

from django.core.cache import cache
from django.utils import timezone

from django_phone_otp.backends.base import BaseBackend, Message, SendResult

KEPT = 50  # messages: more than anyone scrolls through
_TTL = 24 * 60 * 60  # seconds
_COUNT = "phone_otp.inbox.count"


class InboxMessage(TypedDict):
    """One message as the inbox shows it; ``sent_at`` is ISO 8601 in UTC."""

    number: str
    channel: str
    text: str
    sent_at: str


class InboxBackend(BaseBackend):
    """Keeps the last messages in the default cache, for ``inbox/`` and ``inbox.json``."""

    channels = frozenset({"sms", "whatsapp", "voice"})
    development = True

    def send(self, message: Message) -> SendResult:
        """Keep the message, in place of the oldest."""
        cache.add(_COUNT, 0, None)  # for good: serials that began again would come before the older ones
        serial = cache.incr(_COUNT)  # a slot of its own, also when two messages come at once
        kept = InboxMessage(
            number=message.number,
            channel=message.channel,
            text=message.text,
            sent_at=timezone.now().isoformat(timespec="milliseconds"),
        )
        cache.set(_slot(serial), (serial, kept), _TTL)
        return SendResult(id=message.key)


def read_inbox() -> list[InboxMessage]:
    """Return the kept messages, newest first."""
    kept = cache.get_many([_slot(serial) for serial in range(KEPT)]).values()
    return [message for _, message in sorted(kept, key=itemgetter(0), reverse=True)]


def _slot(serial: int) -> str:
    return f"phone_otp.inbox.{serial % KEPT}"
