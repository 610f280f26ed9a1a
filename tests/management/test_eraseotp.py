"""``eraseotp``: asks first, says what went, and never names the number."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db.models import ProtectedError, RestrictedError

from django_phone_otp.models import Challenge
from django_phone_otp.services import erasure
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.held import everything, hold
from tests.management.terminals import Terminal, run

pytestmark = pytest.mark.django_db

KINDS = "challenges: 2, deliveries: 4, receipts: 8, verified phones: 1, blocks: 1"


@pytest.fixture
def typing(monkeypatch):
    """Return a function that types at a terminal, and returns what the command showed there."""

    def type_in(words, *args):
        monkeypatch.setattr("sys.stdin", Terminal(words))
        return run("eraseotp", *args, stdout=Terminal())[0]

    return type_in


def test_it_says_what_went_and_never_whose_it_was(capsys, caplog):
    hold(username="sam")
    said, errors = run("eraseotp", "+1 (415) 555-0123", no_input=True)
    assert (said, errors) == (f"Erased {KINDS}.\n", "")
    assert everything() == set()
    assert "0123" not in "".join([*capsys.readouterr(), caplog.text])


def test_it_shows_what_would_go_and_asks(typing):
    hold(username="sam")
    shown = typing("yes\n", PHONE)
    question, bar, result, end = shown.replace("go on: ", "go on: \n").split("\n", 1)[1].split("\n")
    assert shown.startswith(f"This will erase {KINDS}. It cannot be undone.\nType yes to go on: ")
    assert (question, result, end) == ("Type yes to go on: ", f"Erased {KINDS}.", "")
    assert bar.startswith("\r[")
    assert bar.endswith("] 100% 16")
    assert everything() == set()


@pytest.mark.parametrize("kind", [ProtectedError, RestrictedError])
def test_what_rows_of_the_projects_hold_back_is_said_by_the_name_of_their_model(monkeypatch, kind):
    hold(username="sam")
    sam = User.objects.get()

    def fail(rows, some):
        if rows.model is Challenge:
            raise kind("of " + PHONE, {sam})
        return delete(rows, some)

    delete = erasure._delete
    monkeypatch.setattr(erasure, "_delete", fail)
    with pytest.raises(CommandError) as refusal:
        run("eraseotp", PHONE, no_input=True)
    assert str(refusal.value) == (
        "Rows of auth.User refer to what is to be deleted, and must go first (on_delete). "
        "Erased so far: challenges: 0, deliveries: 4, receipts: 8, verified phones: 0, blocks: 0."
    )


@pytest.mark.parametrize("answer", ["no\n", "y\n", "YES\n", "\n", ""])
def test_anything_but_yes_erases_nothing(typing, answer):
    hold()
    before = everything()
    assert typing(answer, PHONE).endswith("Type yes to go on: Nothing was erased.\n")
    assert everything() == before


def test_with_no_input_it_does_not_ask_at_a_terminal_either(typing):
    hold()
    assert "Type yes" not in typing("", PHONE, "--no-input")
    assert everything() == set()


@pytest.mark.parametrize(
    ("stdin", "stdout"), [(io.StringIO, io.StringIO), (Terminal, io.StringIO), (io.StringIO, Terminal)]
)
def test_without_a_terminal_it_refuses_unless_it_is_told_not_to_ask(monkeypatch, stdin, stdout):
    monkeypatch.setattr("sys.stdin", stdin("yes\n"))
    hold()
    before = everything()
    with pytest.raises(CommandError, match="give --no-input"):
        run("eraseotp", PHONE, stdout=stdout())
    assert everything() == before


def test_without_a_terminal_there_is_no_bar():
    hold()
    assert "\r" not in run("eraseotp", PHONE, no_input=True)[0]


def test_several_steps_are_drawn_over_each_other(typing, monkeypatch):
    monkeypatch.setattr(erasure.erase.__wrapped__, "__defaults__", (1,))
    hold(challenges=2, deliveries=1, receipts=1)
    assert typing("yes\n", PHONE).count("\r[") == 7


def test_it_says_that_nothing_is_held(typing):
    hold("+14155550124")
    before = everything()
    assert run("eraseotp", PHONE, no_input=True)[0] == "Nothing is held about this number.\n"
    assert typing("", PHONE) == "Nothing is held about this number.\n"
    assert everything() == before


@pytest.mark.parametrize(
    ("number", "reason"),
    [("+1415555012", "invalid"), ("sam", "characters"), ("12345", "unreadable"), (f"{PHONE};ext=1", "characters")],
)
def test_what_is_no_number_is_refused_with_a_reason_and_without_the_number(number, reason):
    with pytest.raises(CommandError) as refusal:
        run("eraseotp", number, no_input=True)
    assert reason in str(refusal.value)
    assert "555" not in str(refusal.value)


@pytest.mark.parametrize("held", [True, False])
def test_a_field_of_the_projects_is_told_and_left(held):
    users = [User.objects.create_user(name, last_name=PHONE) for name in ("sam", "kim")]
    if held:
        hold()
    with override_phone_otp(USER_FIELD="last_name"):
        said, _ = run("eraseotp", PHONE, no_input=True)
    assert said.startswith("Erased challenges: 2" if held else "Nothing is held about this number.\n")
    for user in users:
        assert f"The field 'last_name' of the user with the primary key {user.pk} has this number" in said
    assert not {"0123", "sam", "kim"} & set(said.replace(".", " ").split())
    assert User.objects.filter(last_name=PHONE).count() == 2


def test_a_test_number_can_be_erased():
    listed = {"+15555550123": {"code": "123456", "until": "2100-01-01"}}
    hold("+15555550123")
    with override_phone_otp(TEST_NUMBERS=listed):
        assert run("eraseotp", "+1 555 555 0123", no_input=True)[0].startswith("Erased challenges: 2")
    assert everything() == set()
