import asyncio
import csv
import io
import re
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.views.debug import ExceptionReporter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import django_phone_otp as phone_otp
from django_phone_otp.admin import lists, sheets
from django_phone_otp.admin.readonly import ReadOnlyAdmin
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import latest_code, override_phone_otp
from tests.admin import url
from tests.admin.accounts import log_in_as
from tests.conftest import PHONE, every_database
from tests.pages import index
from tests.pages import rows_of as rows_in_docs
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

MODELS = {"challenge": Challenge, "delivery": Delivery}
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


@pytest.fixture(autouse=True)
def _no_limits():
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


@pytest.fixture
def challenge():
    """A verified challenge with a context, whose message was taken."""
    made = phone_otp.send(PHONE, purpose="payment", context={"amount": "12.50", "payee": "Ana Example"})
    phone_otp.verify(made.handle, latest_code(PHONE), context=made.context)
    Challenge.objects.update(client="a-made-up-client")
    return made


@pytest.fixture
def many():
    """Seven challenges, each with a delivery; the oldest for another purpose."""
    for last in range(7):
        phone_otp.send(f"+1415555012{last}", purpose="signup" if last else "verify")


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


def export_url(model, **query):
    return url(model, "export") + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def file_of(client, model, full=False, **query):
    """Return the whole file."""
    answer = client.post(export_url(model, **query), {"full": "on"} if full else {})
    assert answer.status_code == 200
    assert answer.streaming
    return answer.getvalue().decode()


def parsed(text):
    """Return the rows of a file as dictionaries."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def rows_of(client, model, full=False, **query):
    return parsed(file_of(client, model, full, **query))


def keys_of(model):
    return [str(pk) for pk in MODELS[model].objects.order_by("-pk").values_list("pk", flat=True)]


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
    assert cells["reason"] in {reason, f"'{reason}"}
    assert not cells["reason"].startswith(tuple("=+-@\t\r"))


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


@pytest.mark.parametrize("model", MODELS)
def test_the_file_holds_what_the_filters_let_through(staff, many, model):
    oldest = keys_of(model)[-1]
    assert [cells["id"] for cells in rows_of(staff, model, purpose="verify")] == [oldest]
    assert len(rows_of(staff, model, purpose="signup")) == 6
    assert rows_of(staff, model, channel="whatsapp") == []
    first = Challenge.objects.order_by("pk").first()
    assert [cells["id"] for cells in rows_of(staff, model, number_of=first.pk)] == [oldest]
    assert [cells["id"] for cells in rows_of(staff, model, before=keys_of(model)[-2])] == [oldest]


@pytest.mark.parametrize("model", MODELS)
def test_a_time_holds_for_a_number_too(staff, model):
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        phone_otp.send(PHONE, purpose="signup")
    phone_otp.send(PHONE, purpose="signup")
    number_of = Challenge.objects.order_by("-pk").first().pk
    assert len(rows_of(staff, model, number_of=number_of)) == 2
    newest = keys_of(model)[0]
    assert [cells["id"] for cells in rows_of(staff, model, number_of=number_of, time="day")] == [newest]
    shown = staff.get(url(model, "changelist"), {"number_of": str(number_of), "time": "day"}).context["cl"]
    assert [str(row.pk) for row in shown.result_list] == [newest]


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
def test_a_page_that_is_not_there_is_not_exported(staff, many, monkeypatch, model):
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 3)
    assert staff.post(export_url(model, p=99)).status_code == 400
    assert len(rows_of(staff, model, p=2)) == 7


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


@every_database
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("query", [{}, {"o": "1"}, {"channel": "sms"}], ids=["all", "another-order", "filtered"])
@pytest.mark.parametrize(("window", "chunk"), [(3, 2), (3, 100), (7, 3), (100, 7), (1, 1)])
def test_the_file_holds_all_newest_first_however_far_the_list_looks(
    database, staff, many, monkeypatch, model, query, window, chunk
):
    monkeypatch.setattr(lists, "MOST_LISTED", window)
    monkeypatch.setattr(sheets, "CHUNK", chunk)
    assert [cells["id"] for cells in rows_of(staff, model, **query)] == keys_of(model)


@pytest.mark.parametrize("model", MODELS)
def test_a_filter_finds_what_is_older_than_the_list(staff, many, monkeypatch, model):
    monkeypatch.setattr(lists, "MOST_LISTED", 2)
    assert [cells["id"] for cells in rows_of(staff, model, purpose="verify")] == keys_of(model)[-1:]


@pytest.mark.parametrize("model", MODELS)
def test_a_chunk_is_one_query_and_a_window_one_more_however_many_rows(staff, many, monkeypatch, model):
    monkeypatch.setattr(lists, "MOST_LISTED", 4)
    monkeypatch.setattr(sheets, "CHUNK", 2)
    answer = staff.post(export_url(model))
    with CaptureQueriesContext(connection) as captured:
        answer.getvalue()
    statements = [query["sql"] for query in captured.captured_queries]
    # Windows of four rows and of three; the first ends with a full chunk, after which one more look is due.
    assert len(statements) == 2 + 3 + 2
    assert all(re.search(r"ORDER BY \S+ DESC LIMIT \d", sql) for sql in statements)
    assert all(re.search(r'"id" [<>]', sql) for sql in statements[1:])
    assert not any(f'"{secret}"' in sql for sql in statements for secret in ("seed", "key_id", "client", "context"))


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_read_when_their_chunk_is_sent(staff, many, monkeypatch, model):
    monkeypatch.setattr(sheets, "CHUNK", 3)
    chunks = iter(staff.post(export_url(model)))
    assert LogEntry.objects.count() == 1  # before the first byte
    next(chunks)  # the header
    assert next(chunks).count(b"\r\n") == 3
    Challenge.objects.all().delete()
    assert list(chunks) == []


@every_database
@pytest.mark.parametrize("model", MODELS)
def test_with_atomic_requests_no_transaction_is_open_while_the_file_is_sent(database, staff, many, monkeypatch, model):
    for each in (database, connection):
        monkeypatch.setitem(each.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr(sheets, "CHUNK", 3)
    answer = staff.post(export_url(model))
    sent = []
    for chunk in answer:
        assert not any(each.in_atomic_block for each in (database, connection))
        sent.append(chunk)
    assert [cells["id"] for cells in parsed(b"".join(sent).decode())] == keys_of(model)
    assert LogEntry.objects.count() == 1


def asynchronous(client):
    """Return a client that speaks ASGI, with the session of ``client``."""
    other = AsyncClient()
    other.cookies = client.cookies
    return other


@pytest.mark.parametrize("model", MODELS)
def test_under_asgi_chunks_are_sent_one_by_one(staff, many, monkeypatch, model):
    monkeypatch.setattr(sheets, "CHUNK", 3)

    async def export():
        answer = await asynchronous(staff).post(export_url(model))
        assert answer.is_async
        return [chunk async for chunk in answer]

    chunks = async_to_sync(export)()
    assert [chunk.count(b"\r\n") for chunk in chunks] == [1, 3, 3, 1]
    assert [cells["id"] for cells in parsed(b"".join(chunks).decode())] == keys_of(model)


@pytest.mark.django_db(transaction=True)  # the handler has a thread of its own for what blocks
def test_under_asgi_the_handler_sends_each_chunk_before_the_next_is_read(staff, many, monkeypatch):
    monkeypatch.setattr(sheets, "CHUNK", 3)
    sent = []

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(asked, None) or await asyncio.Event().wait()

    async def send(message):
        sent.append(message)
        if message.get("body", b"").count(b"\r\n") == 3:
            await Challenge.objects.all().adelete()

    cookie = f"sessionid={staff.cookies['sessionid'].value}; csrftoken={'a' * 32}"
    headers = {"host": "testserver", "cookie": cookie, "x-csrftoken": "a" * 32, "content-length": "0"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": export_url("challenge"), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    async_to_sync(ASGIHandler())(scope, receive, send)
    assert sent[0]["status"] == 200
    assert sum(message.get("body", b"").count(b"\r\n") for message in sent) == 1 + 3
