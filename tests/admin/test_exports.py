"""Exports: who may make one, what its columns hold, and what is asked and written down."""

import re
from datetime import UTC
from decimal import Decimal

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone
from django.views.debug import ExceptionReporter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import django_phone_otp as phone_otp
from django_phone_otp.admin import sheets
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import latest_code
from tests.admin import url
from tests.admin.accounts import log_in_as
from tests.admin.exporting import MODELS, export_url, file_of, parsed, rows_of
from tests.conftest import PHONE
from tests.pages import index
from tests.pages import rows_of as rows_in_docs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

VIEWS = ("view_challenge", "view_delivery")
EXPORTS = ("export_challenge", "export_delivery")
ACCOUNTS = {
    "view-only": VIEWS,
    "revealing": (*VIEWS, "reveal_number"),
    "exporting": (*VIEWS, *EXPORTS),
    "exporting-and-revealing": (*VIEWS, *EXPORTS, "reveal_number"),
    "without-the-list": (*EXPORTS, "reveal_number"),
}
# Who may export, and who may see full numbers in it.
MAY = {
    "view-only": (False, False),
    "revealing": (False, False),
    "exporting": (True, False),
    "exporting-and-revealing": (True, True),
    "without-the-list": (False, False),
    "superuser": (True, True),
}
CHALLENGE_COLUMNS = [
    "id", "created_at", "number", "region", "purpose", "channel", "language", "status", "attempts", "max_attempts",
    "messages", "decoy", "expires_at", "closed_at", "redeemed_at",
]  # fmt: skip
DELIVERY_COLUMNS = [
    "id", "challenge", "queued_at", "number", "region", "purpose", "channel", "alias", "status", "vendor_id",
    "vendor_code", "reason", "segments", "price", "latency_ms", "sent_at", "delivered_at",
]  # fmt: skip


@pytest.fixture
def challenge():
    """A verified challenge with a context, whose message was taken."""
    made = phone_otp.send(PHONE, purpose="payment", context={"amount": "12.50", "payee": "Ana Example"})
    phone_otp.verify(made.handle, latest_code(PHONE), context=made.context)
    Challenge.objects.update(client="a-made-up-client")
    return made


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


@pytest.mark.parametrize("account", MAY)
@pytest.mark.parametrize("model", MODELS)
def test_each_account_exports_what_it_has_permissions_for_and_nothing_else(client, challenge, account, model):
    log_in(client, account)
    may_export, may_reveal = MAY[account]
    shown = client.get(url(model, "changelist"))
    assert (export_url(model) in shown.content.decode()) == may_export
    question = client.get(export_url(model))
    assert question.status_code == (200 if may_export else 403)
    assert ('name="full"' in question.content.decode()) == may_reveal
    assert not LogEntry.objects.exists()  # a question exports nothing
    for form, allowed in (({}, may_export), ({"full": "on"}, may_reveal)):
        answer = client.post(export_url(model), form)
        assert answer.status_code == (200 if allowed else 403)
        content = answer.getvalue() if answer.streaming else answer.content
        assert (PHONE.encode() in content) == (bool(form) and allowed)
    assert LogEntry.objects.count() == may_export + may_reveal


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("full", [False, True])
def test_no_file_holds_a_code_a_handle_or_what_they_are_made_of_and_a_number_only_in_its_column(
    staff, challenge, model, full
):
    row = Challenge.objects.get()
    secrets = [latest_code(PHONE), challenge.handle, row.key_id, bytes(row.seed).hex(), repr(bytes(row.seed))]
    secrets += ["Ana Example", "12.50", row.client]
    text = file_of(staff, model, full)
    (cells,) = parsed(text)
    assert cells.pop("number") == (PHONE if full else "'+1 ••••• ••123")
    for cell in (*cells.values(), *cells):
        assert "5550123" not in cell
    if not full:
        assert not re.search(r"555\W{0,3}0123", text)
    assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize(("model", "columns"), [("challenge", CHALLENGE_COLUMNS), ("delivery", DELIVERY_COLUMNS)])
def test_the_columns_are_there_in_any_language_also_where_no_row_is(staff, challenge, model, columns):
    assert list(rows_of(staff, model)[0]) == columns
    Challenge.objects.all().delete()
    staff.cookies["django_language"] = "de"
    assert file_of(staff, model) == ",".join(columns) + "\r\n"


def test_the_columns_are_those_of_the_documentation():
    table = index(rows_in_docs("admin.md", "file", "columns"), "file", "columns")
    for sheet in (sheets.CHALLENGES, sheets.DELIVERIES):
        assert re.findall(r"\w+", table[sheet.name]) == [column.name for column in sheet.columns]


def test_a_challenge_is_written_as_programs_read_it(staff, challenge):
    at = timezone.now().replace(microsecond=120_000).astimezone(UTC)
    Challenge.objects.update(created_at=at, closed_at=None)
    (cells,) = rows_of(staff, "challenge")
    row = Challenge.objects.get()
    assert cells["id"] == str(row.pk)
    assert cells["created_at"] == f"{at:%Y-%m-%dT%H:%M:%S}.120Z"
    assert (cells["closed_at"], cells["redeemed_at"], cells["decoy"]) == ("", "", "false")
    assert (cells["purpose"], cells["status"], cells["attempts"]) == ("payment", "verified", "1")


def test_a_delivery_is_written_as_programs_read_it(staff, challenge):
    Delivery.objects.update(
        price=Decimal("0.000001"), latency=1234, vendor_id="v-7", reason='"no", she said\r\nand hung up'
    )
    (cells,) = rows_of(staff, "delivery")
    assert cells["challenge"] == str(challenge.pk)
    assert (cells["price"], cells["latency_ms"], cells["vendor_id"]) == ("0.000001", "1234", "v-7")
    assert cells["reason"] == '"no", she said\r\nand hung up'
    assert cells["region"] == "US"


def test_a_challenge_past_its_time_is_written_as_expired(staff):
    phone_otp.send(PHONE, purpose="signup")
    Challenge.objects.update(expires_at=timezone.now())
    assert [cells["status"] for cells in rows_of(staff, "challenge")] == ["expired"]


@pytest.mark.parametrize("begins", "=+-@\t\r\n＝＋－＠")  # noqa: RUF001
@pytest.mark.parametrize("field", ["reason", "vendor_id", "vendor_code"])
def test_what_a_vendor_says_is_no_formula(staff, challenge, field, begins):
    Delivery.objects.update(**{field: f"{begins}cmd|' /C calc'!A0"})
    for full in (False, True):
        assert rows_of(staff, "delivery", full)[0][field] == f"'{begins}cmd|' /C calc'!A0"


@pytest.mark.parametrize("separator", [";", "; ", "\t", ";;"])
def test_what_a_vendor_says_is_no_formula_where_another_character_separates_cells(staff, challenge, separator):
    Delivery.objects.update(reason=f"bad{separator}=cmd|' /C calc'!A0; and - more")
    assert rows_of(staff, "delivery")[0]["reason"] == f"bad{separator}'=cmd|' /C calc'!A0; and - more"


@pytest.mark.parametrize("number", ["+1415555", "+1+1", "=1", "+", "+14155550123\n"])
def test_only_a_full_number_in_its_own_column_begins_with_a_plus(staff, challenge, number):
    Challenge.objects.update(number=number)
    Delivery.objects.update(reason=number)
    cells = rows_of(staff, "delivery", full=True)[0]
    assert cells["number"] == (number if number == "+1415555" else f"'{number}")
    assert cells["reason"] == f"'{number}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_reason_comes_back_out_of_the_file_and_is_no_formula(staff, challenge, reason):
    Delivery.objects.update(reason=reason)
    (cells,) = rows_of(staff, "delivery")
    assert cells["reason"].replace("'", "") == reason.replace("'", "")
    # Not where a semicolon or a tab separates cells either.
    assert not re.search(r"(^|;|\t) *[=+@-]", cells["reason"])
    assert not cells["reason"].startswith(tuple("\t\r"))


@pytest.mark.parametrize("model", MODELS)
def test_the_file_is_one_to_keep_and_not_to_cache(staff, challenge, model):
    with time_machine.travel("2026-11-22T10:00:00Z"):
        staff = log_in(type(staff)(), "exporting")
        answer = staff.post(export_url(model))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    name = f"phone-otp-{'challenges' if model == 'challenge' else 'deliveries'}-2026-11-22.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("model", MODELS)
def test_the_link_keeps_the_filters_and_leaves_the_page(staff, challenge, model):
    page = staff.get(url(model, "changelist"), {"purpose": "payment", "p": 1, "channel": "sms"}).content.decode()
    assert f"{export_url(model)}?purpose=payment&amp;channel=sms&quot;".replace("&quot;", '"') in page


def test_the_question_says_the_filters_in_words(staff, challenge):
    query = {"state": "verified", "time": "week", "region": "us", "purpose": "nonsense", "number_of": challenge.pk}
    page = staff.get(export_url("challenge", **query)).content.decode()
    for words in ("Status: verified", "Time: past 7 days", "Region: US", "Purpose: nonsense", "Number: this number"):
        assert f"<li>{words}</li>" in page
    assert "5550123" not in page
    assert url("challenge", "changelist") + "?state=verified&amp;time=week" in page
    for status in ("accepted", "nonsense"):
        page = staff.get(export_url("delivery", status__exact=status)).content.decode()
        assert f"<li>Status: {status}</li>" in page
    assert "No filter is set" in staff.get(export_url("delivery")).content.decode()
    for ignored in ({"state": "nonsense"}, {"time": "nonsense"}):
        assert "No filter is set" in staff.get(export_url("challenge", **ignored)).content.decode()


@pytest.mark.parametrize(("full", "said"), [(False, "Exported as CSV"), (True, "Exported as CSV with full numbers")])
def test_the_log_says_who_exported_what_and_no_number(staff, challenge, full, said):
    form = {"full": "on"} if full else {}
    staff.post(export_url("challenge"), form)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (User.objects.get(), None, said)
    assert entry.content_type.model_class() is Challenge
    staff.post(export_url("challenge", number_of=challenge.pk, purpose="%2B14155550123"), form)
    entry = LogEntry.objects.first()
    assert entry.change_message == f"{said}; filters: number, purpose"
    assert "5550123" not in f"{entry} {entry.object_repr}"
    assert "Exported" in staff.get("/admin/").content.decode() or entry.get_admin_url() is None


def test_what_cannot_be_written_down_is_not_exported(staff, challenge, monkeypatch):
    def full_disk(*_, **__):
        raise OSError

    monkeypatch.setattr(LogEntry, "save", full_disk)
    with pytest.raises(OSError):  # noqa: PT011 - and no number
        staff.post(export_url("challenge"))


@pytest.mark.parametrize("fault", ["_text_of", "_E164", "StringIO"])
@pytest.mark.parametrize("model", MODELS)
def test_the_report_of_a_file_that_breaks_off_shows_no_number(staff, challenge, monkeypatch, model, fault):
    chunks = iter(staff.post(export_url(model), {"full": "on"}))
    next(chunks)
    monkeypatch.setattr(sheets, fault, None)
    with pytest.raises((TypeError, AttributeError)) as caught:
        next(chunks)
    frames = ExceptionReporter(None, caught.type, caught.value, caught.tb).get_traceback_data()["frames"]
    ours = [frame for frame in frames if frame["filename"] == sheets.__file__]
    assert "_cells_of" in {frame["function"] for frame in ours}
    assert not [value for frame in ours for _, value in frame["vars"] if "5550123" in value]


@pytest.mark.parametrize("query", [{"number__startswith": "%2B1"}, {"challenge__number": "1"}, {"seed": "1"}])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("model", MODELS)
def test_what_no_list_shows_is_not_exported(staff, challenge, model, method, query):
    assert getattr(staff, method)(export_url(model, **query)).status_code == 400
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_list_without_columns_is_not_exported(staff, challenge, monkeypatch, model):
    listing = admin.site.get_model_admin(MODELS[model])
    names = {pattern.name for pattern in listing.get_urls()}
    monkeypatch.setattr(type(listing), "sheet", None)
    assert names - {pattern.name for pattern in listing.get_urls()} == {f"phone_otp_{model}_export"}
    assert export_url(model) not in staff.get(url(model, "changelist")).content.decode()
    assert staff.post(export_url(model)).status_code == 403  # also where an address of before leads


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_exported_for_another_site(staff, challenge, model):
    staff.handler.enforce_csrf_checks = True
    assert staff.post(export_url(model)).status_code == 403
    assert not LogEntry.objects.exists()
