"""Outages of real servers: users get their code through the next vendor, and nobody gets two messages."""

from collections import Counter

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Delivery
from django_phone_otp.services.delivery import ROUTE_SECONDS
from django_phone_otp.test import override_phone_otp
from example_project.sandbox.server import Sandbox
from tests.conftest import PHONE
from tests.races import kinds, together
from tests.unlimited import UNLIMITED

QUICK = (1.0, 1.0)  # seconds to connect and to read: what a hang costs here, and far more than an answer takes


@pytest.fixture
def sandbox():
    """Four vendors on ports that the system picks."""
    with Sandbox(port=0) as running:
        yield running


@pytest.fixture
def vendors(sandbox, db):
    """Kaleyra first, AOC behind it."""
    account = {"api_key": "made-up", "sender": "EXMPLE", "timeout": QUICK}
    kaleyra = {"sid": "SANDBOX00IN", "callback_profile_id": "IN_made-up", "base_url": sandbox.url("kaleyra")}
    backends = {
        "default": {
            "BACKEND": "django_phone_otp.backends.kaleyra.KaleyraBackend",
            "OPTIONS": {**account, **kaleyra},
        },
        "backup": {
            "BACKEND": "django_phone_otp.backends.aoc.AOCBackend",
            "OPTIONS": {**account, "base_url": sandbox.url("aoc")},
        },
    }
    with override_phone_otp(BACKENDS=backends, ROUTES=[{"backends": ["default", "backup"]}], LIMITS=UNLIMITED):
        yield


def number(last):
    return f"+1415555{last:04d}"


def send(last):
    """Return the state of a new message, or the code of the refusal."""
    try:
        return phone_otp.send(number(last), purpose="signup").delivery_status
    except DeliveryFailed as refusal:
        return refusal.code


def arrived(sandbox):
    """Count the messages that reached each phone."""
    return Counter(message.number for message in sandbox.messages)


@pytest.mark.parametrize("outage", ["down", "unauthorized", "limited"])
def test_with_the_first_vendor_out_users_get_their_code_through_the_next(sandbox, vendors, outage):
    sandbox.set_outage("kaleyra", outage)
    for last in range(12):
        challenge = phone_otp.send(number(last), purpose="signup")
        (message,) = [message for message in sandbox.messages if message.number == number(last)]
        assert message.vendor == "aoc"
        code = message.text.split()[0]
        assert phone_otp.verify(challenge.handle, code).phone == number(last)
    assert set(arrived(sandbox).values()) == {1}
    # As long as the circuit is closed there is a row for each vendor that was asked, and then only one.
    assert Delivery.objects.filter(alias="backup", status="accepted").count() == 12
    assert Delivery.objects.filter(alias="default", status="failed").count() == 5


def test_a_vendor_that_hangs_after_reading_sends_no_second_message_until_the_user_asks(sandbox, vendors, clock):
    sandbox.set_outage("kaleyra", "hang")
    challenge = phone_otp.send(PHONE, purpose="signup")
    assert challenge.delivery_status == "unknown"
    assert [(row.alias, row.status, row.reason) for row in Delivery.objects.all()] == [
        ("default", "unknown", "no answer in time")
    ]
    assert arrived(sandbox) == {PHONE: 1}  # it did go out
    assert sandbox.requests("aoc") == 0
    sandbox.set_outage("kaleyra", "ok")
    clock.shift(30)
    assert phone_otp.resend(challenge.handle).delivery_status == "accepted"
    assert arrived(sandbox) == {PHONE: 2}
    assert phone_otp.verify(challenge.handle, sandbox.messages[0].text.split()[0]).phone == PHONE


def test_a_vendor_that_cannot_be_connected_to_leaves_time_for_the_next(sandbox, vendors):
    from django_phone_otp.backends import backends
    from tests.backends.servers import full_port

    with full_port() as port:
        backends["default"].base_url = f"http://127.0.0.1:{port}"
        assert send(1) == "accepted"
    failed, taken = Delivery.objects.order_by("pk")
    assert (failed.alias, failed.status, failed.reason) == ("default", "failed", "no connection")
    assert (taken.alias, taken.status) == ("backup", "accepted")
    assert failed.latency + taken.latency < ROUTE_SECONDS * 1000
    assert arrived(sandbox) == {number(1): 1}


# When, in sends, the first vendor has which outage. Each starts and ends in the middle.
OUTAGES = {150: "down", 350: "ok", 450: "errors", 600: "ok", 650: "hang", 750: "ok", 800: "garbage", 900: "ok"}


def test_of_a_thousand_sends_through_outages_each_is_one_message_or_an_honest_word(sandbox, vendors, clock, caplog):
    told = {}
    for last in range(1000):
        if last in OUTAGES:
            sandbox.set_outage("kaleyra", OUTAGES[last])
        told[number(last)] = send(last)
        clock.shift(1)
    phones = arrived(sandbox)
    assert set(told.values()) == {"accepted", "unknown"}
    assert {phones[each] for each, word in told.items() if word == "accepted"} == {1}
    assert {phones[each] for each, word in told.items() if word == "unknown"} == {0, 1}
    assert max(phones.values()) == 1
    # What is unknown is so because of an answer that said nothing: never from an outage that is certain.
    uncertain = Counter(Delivery.objects.filter(status="unknown").values_list("reason", flat=True))
    assert set(uncertain) == {
        "no clear answer: Internal error.",
        "no answer in time",
        "an answer that cannot be read",
    }
    # Five to open, and a probe for each minute that the outage goes on.
    assert all(5 <= count <= 8 for count in uncertain.values())
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("Backend 'default' failed 5 times in a row: left alone for a while") == 4
    assert lines.count("Backend 'default' works again") == 4
    assert not [line for line in lines if "4155550" in line]
    assert sandbox.requests("kaleyra") + sandbox.requests("aoc") == 1000


@pytest.mark.django_db(transaction=True)
def test_an_outage_that_begins_under_load_sends_nobody_two_messages(sandbox, vendors):
    def act(last):
        if last == 20:
            sandbox.set_outage("kaleyra", "down")
        return send(last)

    outcomes = together(40, act)
    assert kinds(outcomes) == {"DeliveryStatus": 40}
    phones = arrived(sandbox)
    assert max(phones.values()) == 1
    assert {phones[number(last)] for last, word in enumerate(outcomes) if word == "accepted"} == {1}
