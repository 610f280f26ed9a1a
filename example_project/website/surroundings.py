"""What every page of the site shows beside its own."""

from django.conf import settings
from django.http import HttpRequest

from django_phone_otp.backends.inbox import read_inbox

SHOWN = 3  # messages: the one that was just sent, and what it came after


def show_messages(request: HttpRequest) -> dict[str, object]:
    """Return where messages land, and the newest of them."""
    sandbox = getattr(settings, "SANDBOX_PAGE", "")
    return {"sandbox": sandbox, "messages_sent": [] if sandbox else read_inbox()[:SHOWN]}
