"""The rows of an export: all that the filters let through, read and sent a chunk at a time."""

import asyncio
import re
from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.admin import lists, sheets
from django_phone_otp.admin.readonly import ReadOnlyAdmin
from django_phone_otp.models import Challenge
from tests.admin import url
from tests.admin.exporting import MODELS, export_url, parsed, rows_of
from tests.conftest import PHONE, every_database

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


@pytest.fixture
def many():
    """Seven challenges, each with a delivery; the oldest for another purpose."""
    for last in range(7):
        phone_otp.send(f"+1415555012{last}", purpose="signup" if last else "verify")


def keys_of(model):
    return [str(pk) for pk in MODELS[model].objects.order_by("-pk").values_list("pk", flat=True)]


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


@pytest.mark.parametrize("model", MODELS)
def test_a_page_that_is_not_there_is_not_exported(staff, many, monkeypatch, model):
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 3)
    assert staff.post(export_url(model, p=99)).status_code == 400
    assert len(rows_of(staff, model, p=2)) == 7


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
@pytest.mark.parametrize("query", [{"purpose": "signup"}, {"region": "US"}], ids=["purpose", "region"])
def test_a_filter_finds_what_is_days_older_than_the_list(staff, monkeypatch, model, query):
    for days in reversed(range(7)):
        with time_machine.travel(timezone.now() - timedelta(days=3 * days)):
            phone_otp.send(f"+1415555012{days}", purpose="signup")
    monkeypatch.setattr(lists, "MOST_LISTED", 3)
    assert [cells["id"] for cells in rows_of(staff, model, **query)] == keys_of(model)


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
