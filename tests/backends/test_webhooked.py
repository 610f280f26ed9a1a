import contextlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import urlencode

import pytest
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from django_phone_otp.backends.base import InvalidBackend, MalformedWebhook
from django_phone_otp.backends.webhooked import RECORDS_MAXIMUM, VALUE_MAXIMUM, WebhookBackend, fold, read_time
from django_phone_otp.core.statuses import DeliveryStatus

SECRET = "s3cret-of-the-webhook_0"
TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
rf = RequestFactory()


class PushingBackend(WebhookBackend):
    default_fields = {"id": ("mid", "id"), "status": ("status",), "reason": ("why",), "at": ("when",)}
    statuses = {"delivered": DeliveryStatus.DELIVERED, "notsent": DeliveryStatus.FAILED}


def pushing(**options):
    return PushingBackend(alias="main", **{"webhook_secrets": [SECRET], **options})


def as_json(body):
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return rf.post("/", raw, content_type="application/json")


def read(request, **options):
    return pushing(**options).parse_webhook(request)


RECORD = {"mid": "m-1", "status": "DELIVERED", "why": "ok", "when": "2026-11-22T10:00:00Z"}


@pytest.mark.parametrize(
    "request_of",
    [
        lambda record: rf.get("/", record),
        lambda record: rf.post("/", urlencode(record), content_type="application/x-www-form-urlencoded"),
        lambda record: rf.post("/", record),
        as_json,
        lambda record: as_json([record]),
        lambda record: rf.post("/", json.dumps(record), content_type="application/json; charset=utf-8"),
    ],
    ids=["get", "form", "multipart", "object", "list", "charset"],
)
def test_a_receipt_is_the_same_however_it_comes(request_of):
    (receipt,) = read(request_of({**RECORD, "extra": "x"}))
    assert (receipt.id, receipt.status, receipt.at, receipt.reason) == ("m-1", "delivered", TEN, "ok")
    assert receipt.raw == {"id": "m-1", "status": "DELIVERED", "reason": "ok", "at": RECORD["when"]}


def test_a_list_is_many_receipts_in_their_order():
    receipts = read(as_json([{**RECORD, "mid": f"m-{serial}"} for serial in range(RECORDS_MAXIMUM)]))
    assert [receipt.id for receipt in receipts] == [f"m-{serial}" for serial in range(RECORDS_MAXIMUM)]
    assert read(as_json([])) == []


def test_a_number_in_json_is_read_as_text_and_anything_deeper_is_left_out():
    (receipt,) = read(as_json({"mid": 17, "status": "delivered", "why": ["x"], "when": 1795341600, "more": {"a": 1}}))
    assert (receipt.id, receipt.reason, receipt.at) == ("17", "", datetime(2026, 11, 22, 10, 0, tzinfo=UTC))


def test_a_word_that_is_not_known_is_kept_and_says_nothing():
    (receipt,) = read(rf.get("/", {**RECORD, "status": "gone fishing"}))
    assert receipt.status == DeliveryStatus.UNKNOWN
    assert receipt.raw["status"] == "gone fishing"


@pytest.mark.parametrize("word", ["NOT-SENT", "not_sent", "Not Sent", " notsent ", "n.o.t/sent"])
def test_a_word_is_known_in_every_spelling(word):
    assert pushing().status_of(word) == DeliveryStatus.FAILED
    assert fold(word) == "notsent"


def test_the_first_name_that_has_a_value_counts():
    assert read(rf.get("/", {**RECORD, "id": "batch"}))[0].id == "m-1"
    assert read(rf.get("/", {**RECORD, "mid": "", "id": "batch"}))[0].id == "batch"


def test_the_options_say_where_a_receipt_has_what():
    fields = {"id": "their.id", "reason": ["a", "b"]}
    call = rf.get("/", {"their.id": "m-1", "status": "delivered", "b": "late", "mid": "x"})
    (receipt,) = read(call, webhook_fields=fields)
    assert (receipt.id, receipt.reason) == ("m-1", "late")


MALFORMED = {
    "no-id": rf.get("/", {"status": "delivered"}),
    "no-status": rf.get("/", {"mid": "m-1"}),
    "nothing": rf.get("/"),
    "an-empty-form": rf.post("/", b"", content_type="application/x-www-form-urlencoded"),
    "twice": rf.get("/?mid=m-1&status=delivered&mid=m-2"),
    "twice-in-a-form": rf.post("/", "status=a&status=a&mid=m", content_type="application/x-www-form-urlencoded"),
    "too-long": rf.get("/", {**RECORD, "mid": "x" * (VALUE_MAXIMUM + 1)}),
    "too-long-a-reason": as_json({**RECORD, "why": "x" * (VALUE_MAXIMUM + 1)}),
    "no-json": as_json(b"{"),
    "no-utf-8": as_json(b'{"mid":"\xff"}'),
    "deep": as_json(b"[" * 60_000),
    "a-huge-number": as_json(b'{"mid":' + b"1" * 5000 + b"}"),
    "null": as_json(b"null"),
    "a-text": as_json(b'"mid"'),
    "a-list-of-texts": as_json(["mid"]),
    "a-list-in-a-list": as_json([[RECORD]]),
    "only-bad-ones": as_json([{}, {"mid": "m-1"}, {**RECORD, "why": "x" * (VALUE_MAXIMUM + 1)}]),
    "too-many": as_json([RECORD] * (RECORDS_MAXIMUM + 1)),
    "text": rf.post("/", b"mid=m-1&status=delivered", content_type="text/plain"),
}


@pytest.mark.parametrize("call", MALFORMED.values(), ids=MALFORMED)
def test_a_call_that_cannot_be_read_is_malformed(call):
    with pytest.raises(MalformedWebhook):
        read(call)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"mid": "m-2"},
        {"status": "delivered"},
        {**RECORD, "mid": "x" * (VALUE_MAXIMUM + 1)},
        {"mid": None, "status": []},
    ],
    ids=["empty", "no-status", "no-id", "too-long", "other-types"],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_record_that_cannot_be_read_does_not_cost_the_others(bad, at):
    records = [RECORD, {**RECORD, "mid": "m-3"}]
    records.insert(at, bad)
    assert [receipt.id for receipt in read(as_json(records))] == ["m-1", "m-3"]


def test_what_just_fits_is_read():
    (receipt,) = read(rf.get("/", {**RECORD, "mid": "x" * VALUE_MAXIMUM}))
    assert receipt.id == "x" * VALUE_MAXIMUM


NAMES = st.sampled_from(["mid", "id", "status", "why", "when"]) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=250)
BODIES = st.recursive(
    st.dictionaries(NAMES, SCALARS) | SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=4),
    max_leaves=6,
)
CALLS = (
    BODIES.map(as_json)
    | st.binary(max_size=60).map(as_json)
    | st.binary(max_size=60).map(lambda raw: rf.post("/", raw, content_type="application/x-www-form-urlencoded"))
    | st.lists(st.tuples(NAMES, st.text(max_size=210)), max_size=5).map(lambda pairs: rf.get(f"/?{urlencode(pairs)}"))
    | st.builds(lambda raw, kind: rf.post("/", raw, content_type=kind), st.binary(max_size=20), st.text(max_size=20))
)


@given(CALLS)
@settings(deadline=None)
def test_any_call_is_receipts_or_malformed(call):
    try:
        receipts = read(call)
    except MalformedWebhook:
        return
    for receipt in receipts:
        assert receipt.id
        assert receipt.status in set(DeliveryStatus)
        assert receipt.at is None or receipt.at.tzinfo is UTC
        assert all(len(value) <= VALUE_MAXIMUM for value in receipt.raw.values())


@given(st.binary(max_size=40), st.text("abc;=\"'- /", max_size=20))
@settings(deadline=None)
def test_what_django_itself_cannot_read_is_djangos_to_say(body, parameters):
    """The view answers these as it answers ``MalformedWebhook``."""
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        with contextlib.suppress(MalformedWebhook, MultiPartParserError, BadRequest, SuspiciousOperation):
            read(rf.post("/", body, content_type=f"{kind}; {parameters}"))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-22T10:00:00Z", TEN),
        ("2026-11-22T15:30:00+05:30", TEN),
        ("2026-11-22 10:00:00", TEN),
        ("2026-11-22T10:00:00.250Z", TEN + timedelta(milliseconds=250)),
        ("1795341600", TEN),
        ("1795341600250", TEN + timedelta(milliseconds=250)),
        ("0946684800", datetime(2000, 1, 1, tzinfo=UTC)),
        ("0946684799", None),
        ("0000000000", None),
        ("4133980799", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("4133980800", None),
        ("9999999999999", None),
        ("1999-12-31T23:59:59Z", None),
        ("1999-12-31T23:30:00-01:00", datetime(2000, 1, 1, 0, 30, tzinfo=UTC)),
        ("2000-01-01T00:30:00+01:00", None),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2101-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("17953416", None),
        ("9" * 11, None),
        ("१७९५३४१६००", None),
        ("2026-02-30T10:00:00Z", None),
        ("2026-11-22T10:00:00+99:99", None),
        ("22/11/2026", None),
        ("", None),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_a_time_is_read_in_the_usual_forms_or_not_at_all(value, moment):
    assert read_time(value) == moment


@given(st.text() | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}([+-][0-9]{2}:[0-9]{2})?\Z"))
def test_any_text_is_a_time_that_every_database_takes_or_none(value):
    moment = read_time(value)
    if moment is not None:
        assert moment.tzinfo is UTC
        assert 2000 <= moment.year <= 2100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"webhook_secrets": SECRET}, "webhook_secrets must be a list of texts of 20 to 200"),
        ({"webhook_secrets": [SECRET[:19]]}, "webhook_secrets must be"),
        ({"webhook_secrets": [f"{SECRET}/"]}, "webhook_secrets must be"),
        ({"webhook_secrets": [f"{SECRET}\n"]}, "webhook_secrets must be"),
        ({"webhook_secrets": [SECRET, ""]}, "webhook_secrets must be"),
        ({"webhook_secrets": ["é" * 30]}, "webhook_secrets must be"),
        ({"webhook_secrets": [None]}, "webhook_secrets must be"),
        ({"webhook_networks": ["10.0.0.1/8"]}, "webhook_networks must be a list of networks"),
        ({"webhook_networks": "10.0.0.0/8"}, "webhook_networks must be a list of networks"),
        ({"webhook_networks": 5}, "webhook_networks must be a list of networks"),
        ({"webhook_fields": ["id"]}, "webhook_fields must be a dict"),
        ({"webhook_fields": {"statu": "s"}}, "webhook_fields: 'statu' is unknown; did you mean 'status'?"),
        ({"webhook_fields": {"id": 5}}, "webhook_fields: 'id' must be a name or a list of names"),
        ({"webhook_fields": {"id": [""]}}, "webhook_fields: 'id' must be a name or a list of names"),
        ({"webhook_secret": [SECRET]}, "did you mean 'webhook_secrets'?"),
    ],
    ids=itertools.count(),
)
def test_a_bad_option_is_said_by_alias_and_name_and_shows_no_secret(options, said):
    with pytest.raises(InvalidBackend) as problem:
        PushingBackend(alias="main", **options)
    assert str(problem.value).startswith("BACKENDS['main']: ")
    assert said in str(problem.value)
    assert SECRET[:19] not in str(problem.value)


def test_good_options_are_taken_as_they_are():
    backend = pushing(webhook_networks=["10.0.0.0/8", "2001:db8::/32"])
    assert backend.webhook_secrets == (SECRET,)
    assert backend.webhook_networks == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def test_a_vendor_whose_receipts_are_not_known_must_be_told_where_to_read_before_it_takes_any():
    with pytest.raises(InvalidBackend, match="webhook_fields must say where a receipt has its 'id' and 'status'"):
        WebhookBackend(alias="main", webhook_secrets=[SECRET], webhook_fields={"id": "mid"})
    assert WebhookBackend(alias="main").webhook_secrets == ()
    fields = {"id": "mid", "status": "state"}
    assert WebhookBackend(alias="main", webhook_secrets=[SECRET], webhook_fields=fields).webhook_secrets
