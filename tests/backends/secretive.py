"""A backend that puts every secret where some vendor wants it, and what a failure of it may show: none."""

import traceback

import pytest

from django_phone_otp.backends.base import DeliveryError, Message, SendResult
from django_phone_otp.backends.http import HTTPBackend

NUMBER, CODE, TEXT, KEY = "+14155550123", "424242", "424242 is your Example code.", "api-key-that-nobody-may-see"
SECRETS = (NUMBER, NUMBER.removeprefix("+"), CODE, TEXT, KEY)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
UNREADABLE = (b"<html>Bad gateway</html>", b"", b'{"id":"\xff\xfe"}', b'{"id":', b"[" * 60_000, b"\x00")


class VendorBackend(HTTPBackend):
    """Puts every secret where some vendor wants it: in the query, a header and the body."""

    def send(self, message):
        answer = self.request(
            "POST",
            "/v1/messages",
            headers={"X-API-Key": KEY},
            params={"key": KEY, "to": message.number},
            json={"to": message.number, "text": message.text, "otp": message.code},
        )
        body = answer.json()
        return SendResult(id=body["id"], raw=body)


MESSAGE = Message(
    number=NUMBER, channel="sms", purpose="signup", text=TEXT, code=CODE, variables={}, language="en", key="k-1"
)


def backend_at(url, *, timeout=(2.0, 2.0)):
    return VendorBackend(alias="vendor", base_url=url, timeout=timeout)


def refuse(url, error, **options):
    """Send to ``url``, which must fail with exactly ``error``, and whose every trace must be clean."""
    backend = backend_at(url, **options)
    with pytest.raises(DeliveryError) as failure:
        backend.send(MESSAGE)
    assert type(failure.value) is error
    shown = [str(failure.value), repr(failure.value), *traceback.format_exception(failure.value)]
    said = "\n".join(line for line in "".join(shown).splitlines() if "MESSAGE" not in line)
    assert not [secret for secret in (*SECRETS, "?key=", "/v1/messages?") if secret in said]
    return failure.value
