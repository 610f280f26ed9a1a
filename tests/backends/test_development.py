import io
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.backends.inbox import KEPT, InboxBackend, read_inbox
from django_phone_otp.backends.locmem import LocmemBackend, outbox
from tests.messages import message

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("backend", [ConsoleBackend, InboxBackend, LocmemBackend])
def test_a_development_backend_takes_every_channel_and_says_what_it_is(backend):
    assert backend.development
    assert backend.channels == {"sms", "whatsapp", "voice"}


def test_the_console_shows_to_whom_and_every_line(capsys):
    result = ConsoleBackend(alias="default").send(message("424242 is your code.\n\n@example.com #424242"))
    assert result.id == "k-1"
    assert capsys.readouterr().out == (
        "+-- sms to +14155550123 (signup)\n| 424242 is your code.\n| \n| @example.com #424242\n+--\n"
    )


def test_the_console_writes_to_another_stream_when_told():
    stream = io.StringIO()
    ConsoleBackend(alias="default", stream=stream).send(message())
    assert "| 424242 is your code." in stream.getvalue()


def test_the_console_finds_a_standard_output_that_was_replaced_later(monkeypatch):
    backend = ConsoleBackend(alias="default")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    backend.send(message())
    assert "424242" in sys.stdout.getvalue()


def test_the_outbox_of_the_tests_gets_the_message_itself():
    sent = message()
    assert LocmemBackend(alias="default").send(sent).id == "k-1"
    assert outbox == [sent]


def test_the_inbox_keeps_what_a_phone_would_show_newest_first():
    backend = InboxBackend(alias="default")
    with time_machine.travel(NOON, tick=False):
        assert backend.send(message("first")).id == "k-1"
        backend.send(message("second", channel="whatsapp"))
        kept = read_inbox()
    assert kept == [
        {"number": "+14155550123", "channel": "whatsapp", "text": "second", "sent_at": "2026-11-22T12:00:00.250+00:00"},
        {"number": "+14155550123", "channel": "sms", "text": "first", "sent_at": "2026-11-22T12:00:00.250+00:00"},
    ]


def test_the_inbox_is_empty_at_first():
    assert read_inbox() == []


def test_the_inbox_keeps_the_last_ones_only():
    backend = InboxBackend(alias="default")
    for serial in range(KEPT + 5):
        backend.send(message(str(serial)))
    assert [kept["text"] for kept in read_inbox()] == [str(serial) for serial in range(KEPT + 4, 4, -1)]


def test_the_inbox_shows_the_newest_first_on_the_second_day_too():
    backend = InboxBackend(alias="default")
    for hours in (0, 23, 25, 26):
        with time_machine.travel(NOON + timedelta(hours=hours), tick=False):
            backend.send(message(f"after {hours} hours"))
            kept = read_inbox()
    assert [shown["text"] for shown in kept] == ["after 26 hours", "after 25 hours", "after 23 hours"]
