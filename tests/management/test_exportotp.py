"""``exportotp``: JSON of all that is held, on stdout or in a file for nobody else."""

import io
import json
import os
import stat

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError

from django_phone_otp.management.jsonlists import write_lists
from django_phone_otp.services.disclosure import disclose
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.held import challenge, everything, hold
from tests.management.terminals import Terminal, run

pytestmark = pytest.mark.django_db

AWKWARD = {"payee": 'Café "हिन्दी"\n\u2028\x85\x0b\\', "amount": ""}


def as_json(number=PHONE):
    lists = {kind: list(rows) for kind, rows in disclose(number).items()}
    return json.dumps(lists, indent=2, ensure_ascii=False) + "\n"


def test_it_writes_json_and_nothing_else():
    hold(username="sam")
    challenge(serial=9, context=AWKWARD)
    before = everything()
    assert run("exportotp", PHONE) == (as_json(), "")
    assert everything() == before


@pytest.mark.parametrize(
    "lists",
    [{}, {"a": []}, {"a": [1], "b": []}, {"a": [{}, {"b": [{"c": None}]}], "d": [[], "\n"]}, {"a": [AWKWARD, AWKWARD]}],
)
def test_a_list_is_written_as_the_whole_would_be(lists):
    written = io.StringIO()
    write_lists(written.write, {name: iter(items) for name, items in lists.items()})
    assert json.loads(written.getvalue()) == lists
    if lists:
        assert written.getvalue() == json.dumps(lists, indent=2, ensure_ascii=False) + "\n"


def test_a_list_is_written_while_it_is_made():
    written, seen = io.StringIO(), []

    def items():
        for item in range(3):
            seen.append(written.getvalue())
            yield item

    write_lists(written.write, {"a": items()})
    assert len(set(seen)) == 3


def test_stdout_is_utf8_whatever_the_locale_says():
    challenge(context=AWKWARD)
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")
    stdout.getvalue = lambda: ""
    run("exportotp", PHONE, stdout=stdout)
    stdout.flush()
    assert raw.getvalue().decode("utf-8") == as_json()


def test_the_bar_is_beside_it():
    hold(challenges=3)
    said, beside = run("exportotp", PHONE, stderr=Terminal())
    assert said == as_json()
    assert beside.startswith("\r[")
    assert beside.endswith("] 100% 3\n")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_file_is_for_its_owner_alone(tmp_path, mask):
    hold()
    challenge(serial=9, context=AWKWARD)
    target = tmp_path / "held.json"
    before = os.umask(mask)
    try:
        assert run("exportotp", PHONE, output=str(target)) == ("", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_bytes() == as_json().encode()


def test_a_file_that_is_there_is_left_alone(tmp_path):
    hold()
    target = tmp_path / "held.json"
    target.write_text("mine")
    with pytest.raises(CommandError, match="The file cannot be written: File exists"):
        run("exportotp", PHONE, output=str(target))
    assert target.read_text() == "mine"


def test_a_file_that_cannot_be_made_is_told(tmp_path):
    hold()
    with pytest.raises(CommandError, match="No such file or directory"):
        run("exportotp", PHONE, output=str(tmp_path / "nowhere" / "held.json"))


def test_it_says_that_nothing_is_held_and_writes_nothing(tmp_path):
    hold("+14155550124")
    target = tmp_path / "held.json"
    assert run("exportotp", PHONE, output=str(target)) == ("", "Nothing is held about this number.\n")
    assert not target.exists()


def test_what_is_no_number_is_refused_with_a_reason_and_without_the_number():
    with pytest.raises(CommandError, match=r"\(invalid\)") as refusal:
        run("exportotp", "+1415555012")
    assert "555" not in str(refusal.value)


@pytest.mark.parametrize("held", [True, False])
def test_a_field_of_the_projects_is_told_beside_it(held):
    sam = User.objects.create_user("sam", last_name=PHONE)
    if held:
        hold()
    with override_phone_otp(USER_FIELD="last_name"):
        said, beside = run("exportotp", PHONE)
    assert said == (as_json() if held else "")
    assert beside.startswith(f"The field 'last_name' of the user with the primary key {sam.pk} has this number")
    assert ("Nothing is held" in beside) is not held
    assert "0123" not in beside
