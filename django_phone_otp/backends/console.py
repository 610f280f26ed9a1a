"""Development: messages on the terminal."""

import sys
from typing import Any, TextIO

from django_phone_otp.backends.base import BaseBackend, Message, SendResult


class ConsoleBackend(BaseBackend):
    """Writes each message to ``stream``, standard output unless told otherwise."""

    channels = frozenset({"sms", "whatsapp", "voice"})
    development = True

    def __init__(self, *, alias: str, stream: TextIO | None = None, **options: Any) -> None:
        super().__init__(alias=alias, **options)
        self.stream = stream

    def send(self, message: Message) -> SendResult:
        """Write the message, with a line that says to whom."""
        stream = self.stream or sys.stdout  # looked up late: a test runner replaces it
        lines = "\n".join(f"| {line}" for line in message.text.splitlines())
        stream.write(f"+-- {message.channel} to {message.number} ({message.purpose})\n{lines}\n+--\n")
        stream.flush()
        return SendResult(id=message.key)
