"""R15: for each thing that messages are counted by, whoever varies all others gets just so many."""

import time

import pytest
from django.contrib.auth.models import User

from django_phone_otp.test import outbox, override_phone_otp
from tests.attacks.attackers import PHONE, browser, numbers
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

PURPOSES = {"signup": {}, "verify": {}}
EVERYWHERE = ["+14155550123", "+919876543210", "+447911123456", "+33612345678", "+4915112345678", "+81312345678"]


class Flood:
    """Six messages that differ in all that may differ, and one that differs in what is counted."""

    def __init__(self, **fixed):
        self.fixed = fixed

    def ask(self, n):
        address = self.fixed.get("address", "203.0.113.{n}").format(n=n + 1)
        api = browser(address)
        if "session" in self.fixed:
            api.client.cookies["sessionid"] = self.fixed["session"]
        if "user" in self.fixed:
            api.client.force_login(self.fixed["user"])
        number = self.fixed.get("numbers", EVERYWHERE)[n]
        return api.send(number, self.fixed.get("purpose") or ("verify" if n % 2 else "signup")).status_code


def session():
    own = browser()
    own.client.session.save()
    return own.client.cookies["sessionid"].value


def user(name):
    return User.objects.create_user(name)


SAME_NUMBER = [PHONE] * 6
SAME_BLOCK = [f"{PHONE[:-3]}1{n:02}" for n in range(6)]
SAME_REGION = [numbers(1000)[n * 50] for n in range(6)]
OTHER_NUMBER, OTHER_REGION = ["+12125550123"] * 6, ["+919876543210"] * 6

DIMENSIONS = {
    "the number": ("send.number", lambda: {"numbers": SAME_NUMBER}, lambda: {"numbers": OTHER_NUMBER}),
    "the number and the purpose": (
        "send.number_purpose",
        lambda: {"numbers": SAME_NUMBER, "purpose": "signup"},
        lambda: {"numbers": SAME_NUMBER, "purpose": "verify"},
    ),
    "the IPv4 address": ("send.ip", lambda: {"address": "203.0.113.9"}, lambda: {"address": "203.0.113.10"}),
    "the IPv6 network": (
        "send.ip",
        lambda: {"address": "2001:db8:0:1:{n}::{n}"},
        lambda: {"address": "2001:db8:0:2::1"},
    ),
    "the session": ("send.client", lambda: {"session": session()}, lambda: {"session": session()}),
    "the user": ("send.client", lambda: {"user": user("one")}, lambda: {"user": user("two")}),
    "the prefix": ("send.prefix", lambda: {"numbers": SAME_BLOCK}, lambda: {"numbers": OTHER_NUMBER}),
    "the region": ("send.region", lambda: {"numbers": SAME_REGION}, lambda: {"numbers": OTHER_REGION}),
    "the purpose": ("send.purpose", lambda: {"purpose": "signup"}, lambda: {"purpose": "verify"}),
    "everything": ("send.global", dict, None),
}


@pytest.mark.parametrize(("limit", "same", "other"), DIMENSIONS.values(), ids=DIMENSIONS)
def test_r15_each_dimension_holds_on_its_own_and_for_nobody_else(limit, same, other):
    with override_phone_otp(PURPOSES=PURPOSES, LIMITS={**UNLIMITED, limit: ["2/1h"]}):
        flood = Flood(**same())
        assert [flood.ask(n) for n in range(6)] == [201, 201, 429, 429, 429, 429]
        assert len(outbox) == 2
        if other is not None:
            stranger = Flood(**other())
            assert [stranger.ask(n) for n in range(3)] == [201, 201, 429]


@pytest.mark.parametrize(
    ("limit", "fixed"),
    [
        ("send.ip", lambda: {"address": "203.0.113.9"}),
        ("send.client", lambda: {"session": session()}),
        ("send.client", lambda: {"user": user("one")}),
    ],
    ids=["address", "session", "user"],
)
def test_r15_who_is_refused_as_a_sender_uses_up_nothing_of_a_victims(limit, fixed):
    with override_phone_otp(PURPOSES=PURPOSES, LIMITS={**UNLIMITED, limit: ["1/1h"], "send.number": ["1/1h"]}):
        flood = Flood(**fixed())
        assert flood.ask(1) == 201
        flood.fixed["numbers"] = SAME_NUMBER
        assert [flood.ask(n) for n in range(6)] == [429] * 6
        assert browser("198.51.100.7").send().status_code == 201


def test_r15_no_window_of_any_place_holds_more_than_its_limit(clock):
    """The attacker comes just before an edge and just after it: twice the limit, where windows stand still."""
    with override_phone_otp(LIMITS={**UNLIMITED, "send.number": ["3/5m"], "verify.number": ["1000/1d"]}):
        for start, number in enumerate(numbers(10)):
            clock.move_to(f"2026-11-{start + 1:02}T10:{start // 2:02}:{start % 2 * 30:02}Z")
            sent = []
            for wait in (0, 0, 0, *[10] * 34, 0, 0):
                clock.shift(wait)
                if browser().send(number).status_code == 201:
                    sent.append(time.time())
            assert sent[2] - sent[0] == 0
            assert sent[3] - sent[0] >= 300
            assert len(sent) == 6, "and yet the places come back"
