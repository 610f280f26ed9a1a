"""``blockotp`` and ``unblockotp``: thin, and without a number in what they say."""

import io

import pytest
from django.core.management import CommandError, call_command

from django_phone_otp.models import Block
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db
MASKED = "+1 ••••• ••123"


def run(command, *args, **options):
    stdout = io.StringIO()
    call_command(command, *args, stdout=stdout, no_color=True, **options)
    return stdout.getvalue()


def test_a_number_is_blocked_and_unblocked():
    assert run("blockotp", "+1 (415) 555-0123", reason="asked us to") == f"Blocked: {MASKED}\n"
    row = Block.objects.get()
    assert (row.value, row.reason) == (PHONE, "asked us to")
    assert run("blockotp", PHONE) == f"Blocked already: {MASKED}\n"
    assert run("unblockotp", PHONE) == "Unblocked.\n"
    assert run("unblockotp", PHONE) == "It was not blocked.\n"


@pytest.mark.parametrize(("typed", "value"), [("+1415*", "+1415*"), ("gb", "GB")])
def test_prefixes_and_regions_are_too(typed, value):
    assert run("blockotp", typed) == f"Blocked: {value}\n"
    assert run("unblockotp", typed) == "Unblocked.\n"


def test_what_still_holds_a_number_is_said():
    run("blockotp", PHONE)
    run("blockotp", "US")
    assert run("unblockotp", PHONE) == "Unblocked; it is still blocked with US.\n"
    assert run("unblockotp", PHONE) == "It was not blocked; it is still blocked with US.\n"


def test_they_can_be_silent():
    assert run("blockotp", PHONE, verbosity=0) == ""
    assert run("unblockotp", PHONE, verbosity=0) == ""


@pytest.mark.parametrize("command", ["blockotp", "unblockotp"])
def test_what_is_wrong_is_said_without_the_number(command):
    with pytest.raises(CommandError) as refusal:
        run(command, f"{PHONE};ext=1")
    assert "Enter a number with its country code, a prefix" in str(refusal.value)
    assert "5550123" not in str(refusal.value)


def test_a_reason_that_is_too_long_is_refused():
    with pytest.raises(CommandError, match="At most 200 characters"):
        run("blockotp", PHONE, reason="x" * 201)
