"""A message as a backend is given it, for tests that hand one over themselves."""

from django_phone_otp.backends.base import Message


def message(text="424242 is your code.", number="+14155550123", channel="sms", key="k-1"):
    """Return a made-up message."""
    return Message(
        number=number,
        channel=channel,
        purpose="signup",
        text=text,
        code="424242",
        variables={},
        language="en",
        key=key,
    )
