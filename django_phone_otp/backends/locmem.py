"""Tests: messages in a list of this process."""

from django_phone_otp.backends.base import BaseBackend, Message, SendResult

outbox: list[Message] = []


class LocmemBackend(BaseBackend):
    """Appends each message to ``outbox``, as Django's own locmem e-mail backend does."""

    channels = frozenset({"sms", "whatsapp", "voice"})
    development = True

    def send(self, message: Message) -> SendResult:
        """Append the message."""
        outbox.append(message)
        return SendResult(id=message.key)
