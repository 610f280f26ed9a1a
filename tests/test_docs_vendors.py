"""What the documentation says of vendors, deliveries and backends is what the code does."""

import importlib
import inspect
import pkgutil
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from django.test import RequestFactory
from django.urls import resolve

from django_phone_otp import backends as backends_package
from django_phone_otp import webhooks
from django_phone_otp.backends.answers import HTTPAnswer
from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryError,
    DeliveryUncertain,
    Message,
    MessageRejected,
    Scope,
    SendResult,
)
from django_phone_otp.backends.http import HTTPBackend
from django_phone_otp.backends.refusals import judge
from django_phone_otp.backends.templated import TemplatedBackend
from django_phone_otp.backends.webhooked import WebhookBackend, fold
from django_phone_otp.core.registered import RegisteredTemplate
from django_phone_otp.core.segments import count_segments
from django_phone_otp.core.statuses import DeliveryStatus, states_before
from django_phone_otp.models import Delivery, DeliveryReceipt
from django_phone_otp.services import circuit, delivery
from tests.conftest import PHONE
from tests.pages import (
    DOCS,
    VENDOR_PAGES,
    blocks,
    cells,
    example_module,
    index,
    plain,
    rows_of,
    run_settings,
    tables,
    vendor_pages,
)

INDIAN = "+910000000000"  # nobody's: no number there begins with 0


@pytest.fixture
def example_backend(httpserver):
    """The class of ``docs/write-a-backend.md``, pointed at a server of the test."""
    return example_module().ExampleBackend(
        alias="default",
        api_key="made-up",
        sender="EXMPL",
        base_url=httpserver.url_for("/v1"),
        webhook_secrets=["made-up-secret-of-the-webhook"],
    )


MESSAGE = Message(
    number=PHONE,
    channel="sms",
    purpose="signup",
    text="123456 is your code.",
    code="123456",
    variables={"code": "123456"},
    language="en",
    key="a-key",
)


def test_the_example_backend_hands_over_one_message(example_backend, httpserver):
    sent = {"to": PHONE, "from": "EXMPL", "text": MESSAGE.text, "reference": "a-key"}
    expected = httpserver.expect_request(
        "/v1/messages", method="POST", json=sent, headers={"Authorization": "Bearer made-up"}
    )
    expected.respond_with_json({"id": "m-1"})
    assert example_backend.send(MESSAGE).id == "m-1"
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("status", "body", "failure", "scope"),
    [
        (200, "<html>", DeliveryUncertain, Scope.ACCOUNT),
        (200, '{"error": "no_credit"}', BackendUnavailable, Scope.ACCOUNT),
        (200, '{"error": "no_credit", "id": "m-1"}', DeliveryUncertain, Scope.ACCOUNT),
        (200, '{"error": "else"}', DeliveryUncertain, Scope.ACCOUNT),
        (200, '["id"]', DeliveryUncertain, Scope.ACCOUNT),
        (422, '{"error": "invalid_recipient", "id": "m-1"}', DeliveryUncertain, Scope.ACCOUNT),
        (401, "{}", BackendUnavailable, Scope.ACCOUNT),
        (422, '{"error": "invalid_recipient"}', MessageRejected, Scope.ACCOUNT),
        (429, '{"error": "recipient_limit"}', BackendUnavailable, Scope.RECIPIENT),
        (422, '{"error": "bad_text"}', MessageRejected, Scope.ACCOUNT),
        (503, "", DeliveryUncertain, Scope.ACCOUNT),
    ],
)
def test_the_example_backend_tells_what_was_certainly_not_sent(
    example_backend, httpserver, status, body, failure, scope
):
    httpserver.expect_request("/v1/messages").respond_with_data(body, status=status)
    with pytest.raises(failure) as caught:
        example_backend.send(MESSAGE)
    assert caught.value.scope == scope
    assert len(httpserver.log) == 1


def test_the_example_backend_reads_receipts_both_ways(example_backend, httpserver):
    pushed = RequestFactory().post("/", {"message_id": "m-1", "status": "NOT-SENT", "error": "barred"})
    (receipt,) = example_backend.parse_webhook(pushed)
    assert (receipt.id, receipt.status, receipt.reason) == ("m-1", DeliveryStatus.FAILED, "barred")
    expected = httpserver.expect_ordered_request("/v1/messages/m-1", headers={"Authorization": "Bearer made-up"})
    expected.respond_with_json({"status": "delivered"})
    assert example_backend.fetch_status("m-1").status == DeliveryStatus.DELIVERED
    httpserver.expect_ordered_request("/v1/messages/m-1").respond_with_json({"error": "unknown"}, status=404)
    with pytest.raises(DeliveryError):
        example_backend.fetch_status("m-1")


def vendor_classes():
    """Return every vendor's class by the name of its module."""
    found = {}
    for module in pkgutil.iter_modules(backends_package.__path__, f"{backends_package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            is_class = isinstance(value, type) and issubclass(value, HTTPBackend) and value.__module__ == module.name
            if is_class and "send" in vars(value):
                found[module.name.rpartition(".")[2]] = value
    return found


def module_of(vendor):
    """Return the module of a vendor's class."""
    return sys.modules[vendor.__module__]


VENDORS = vendor_classes()
each_vendor = pytest.mark.parametrize("name", VENDORS)


def matrix():
    """Return the rows of what each vendor can do, by the name of its module."""
    classes = index(
        rows_of("vendors.md", "vendor", "class, in `django_phone_otp.backends.`"),
        "vendor",
        "class, in `django_phone_otp.backends.`",
    )
    messages, answers = rows_of("vendors.md", "vendor", "channels"), rows_of("vendors.md", "vendor", "receipts pushed")
    assert [row["vendor"] for row in messages] == [row["vendor"] for row in answers]
    return {classes[row["vendor"]].partition(".")[0]: row | more for row, more in zip(messages, answers, strict=True)}


@pytest.fixture
def as_on_its_page(monkeypatch, httpserver):
    """Return a function that builds a vendor's backend as its page does, pointed at a server of the test."""

    def build(name):
        httpserver.expect_request(re.compile(".*")).respond_with_json({})
        (block,) = (block for block in blocks(DOCS / "vendors" / f"{name}.md", "python") if "PHONE_OTP = {" in block)
        options = run_settings(block, monkeypatch)["BACKENDS"]["default"]["OPTIONS"]
        return VENDORS[name](alias="default", **{**options, "base_url": httpserver.url_for("/")})

    return build


def hand_over(backend, number, channel="sms"):
    """Let ``backend`` send one message, and return why not."""
    values = {"code": "123456", "app_name": "Example", "minutes": "5"}
    message = replace(MESSAGE, number=number, channel=channel, variables=values, key="a-key-of-its-own")
    with pytest.raises(DeliveryError) as caught:
        backend.send(backend.worded(message))
    return caught.value


def test_every_vendor_has_a_page_and_a_row():
    rows = rows_of("vendors.md", "vendor", "class, in `django_phone_otp.backends.`")
    named = {plain(row["class, in `django_phone_otp.backends.`"]): row["page"] for row in rows}
    assert set(named) == {f"{name}.{vendor.__name__}" for name, vendor in VENDORS.items()}
    assert [page.stem for page in vendor_pages()] == [name.partition(".")[0] for name in named]
    assert sorted(vendor_pages()) == VENDOR_PAGES
    assert set(matrix()) == set(VENDORS)


@each_vendor
def test_the_matrix_says_what_a_vendor_can_do(name, as_on_its_page, httpserver):
    row, vendor, backend = matrix()[name], VENDORS[name], as_on_its_page(name)
    assert set(cells(row["channels"])) == backend.channels
    assert row["who words the message"] == ("you" if vendor.sends_text else "the vendor")
    together = getattr(module_of(vendor), "BULK_MAXIMUM", None)
    assert (together is None) == (vendor.send_many is BaseBackend.send_many)
    assert row["bulk"] == str(together or "no")
    pushes = issubclass(vendor, WebhookBackend)
    assert row["receipts pushed"] == (("yes" if vendor.default_fields else "if named") if pushes else "no")
    assert row["receipts polled"] == ("yes" if vendor.polls else "no")
    can_check = vendor.check_code is not BaseBackend.check_code
    assert row["checks codes"] == (("yes" if vendor.checks_codes else "optional") if can_check else "no")
    assert plain(row["documented rate"]) == (vendor.account_rate or "none")
    templated = issubclass(vendor, TemplatedBackend)
    ways = [("text", templated and vendor.sends_text), ("id", templated and not vendor.needs_template_text)]
    assert row["registered templates"] == (", ".join(way for way, there in ways if there) or "no")


@each_vendor
def test_the_matrix_says_what_reaches_a_vendor(name, as_on_its_page, httpserver):
    row, backend = matrix()[name], as_on_its_page(name)
    hand_over(backend, INDIAN)
    ((request, _),) = httpserver.log
    said = request.get_data(as_text=True) + str(request.headers)
    assert (row["idempotency key"] == "no") == ("a-key-of-its-own" not in said)
    httpserver.clear_log()
    refusal = hand_over(backend, PHONE)
    assert (row["regions"] == "India only") == (isinstance(refusal, MessageRejected) and not httpserver.log)


@each_vendor
def test_the_options_of_a_vendor_are_all_documented_with_their_defaults(name):
    vendor = VENDORS[name]
    table = index(rows_of(f"vendors/{name}.md", "option", "default"), "option", "default")
    assert set(table) == set(vendor.options())
    given = {}
    for base in reversed(vendor.__mro__[:-1]):
        if "__init__" in vars(base):
            given |= inspect.signature(base.__init__).parameters
    defaults = {option: given[option].default for option in table}
    defaults |= {"base_url": vendor.default_base_url, "account_rate": vendor.account_rate}
    required = {option for option, default in defaults.items() if default is inspect.Parameter.empty}
    assert required == {option for option, cell in table.items() if cell == "required"}
    rows = rows_of(f"vendors/{name}.md", "option", "default")
    shown = {plain(row["option"]): row["default"] for row in rows if re.fullmatch("`[^`]+`", row["default"])}
    assert {option: eval(plain(cell)) for option, cell in shown.items()} == {
        option: defaults[option] for option in shown
    }


VERDICTS = {name: found for name, cls in VENDORS.items() if (found := getattr(module_of(cls), "_VERDICTS", None))}
WORDS = {
    name: found
    for name, cls in VENDORS.items()
    if (found := getattr(cls, "statuses", None) or getattr(module_of(cls), "_STATUSES", None))
}


def error_with(code):
    """Return an error that has ``code`` wherever a vendor looks for it."""
    return {"error_code": code, "code": code, "success": False, "error": {"code": code}}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_codes_of_a_vendor_are_read_as_its_page_says(name, as_on_its_page, httpserver):
    backend = as_on_its_page(name)
    rows = rows_of(f"vendors/{name}.md", "vendor's code", "read as", "next alias")
    shown = {code: (row["read as"], row["next alias"]) for row in rows for code in cells(row["vendor's code"])}
    assert set(shown) == set(VERDICTS[name])
    for code, (words, go_on) in shown.items():
        httpserver.clear()
        httpserver.expect_request(re.compile(".*")).respond_with_json(error_with(code), status=400)
        refusal = hand_over(backend, INDIAN)
        certain = not refusal.may_have_left and refusal.scope != Scope.RECIPIENT
        assert (refusal.reason, "yes" if certain else "no") == (words, go_on), code


def test_the_table_of_http_statuses_is_how_answers_are_read():
    for row in rows_of("vendors.md", "HTTP status", "read as", "next alias"):
        for status in cells(row["HTTP status"]):
            verdict = judge(HTTPAnswer(int(status), {}, b"{}"), "", {})
            go_on = "no" if verdict.error.may_have_left else "yes"
            assert (verdict.reason, go_on) == (row["read as"], row["next alias"]), status


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_a_vendor_become_the_states_that_its_page_says(name):
    found = [(header, rows) for header, rows in tables(DOCS / f"vendors/{name}.md") if header[1] == "becomes"]
    ((header, rows),) = found
    assert {fold(word): plain(row["becomes"]) for row in rows for word in cells(row[header[0]])} == WORDS[name]


def test_every_check_of_a_vendor_is_documented():
    known = set()
    for vendor in VENDORS.values():
        module = module_of(vendor)
        source, name = Path(module.__file__).read_text(encoding="utf-8"), module.__name__.rpartition(".")[2]
        known |= {f"phone_otp.{name}.{found}" for found in re.findall(r'"([EW][0-9]{3})", message', source)}
    assert set(index(rows_of("checks.md", "vendor check"), "vendor check", "means")) == known


def test_the_delivery_log_is_documented_column_by_column():
    for kind, model in (("delivery", Delivery), ("receipt", DeliveryReceipt)):
        table = index(rows_of("receipts.md", f"{kind} column"), f"{kind} column", "is")
        assert list(table) == [field.name for field in model._meta.concrete_fields]


def test_the_webhook_is_where_the_page_says():
    (url,) = re.findall(r"`https://example\.com(/phone/webhooks/[^`]+)`", (DOCS / "receipts.md").read_text("utf-8"))
    found = resolve(url)
    assert (found.func, found.kwargs["alias"]) == (webhooks.receive, "india")
    assert url.endswith("/")


def test_every_state_of_a_delivery_is_documented_with_what_may_follow():
    assert list(index(rows_of("receipts.md", "status", "means"), "status", "means")) == list(DeliveryStatus)
    rows = rows_of("receipts.md", "a receipt that says")
    shown = {plain(row["a receipt that says"]): tuple(cells(row["moves a delivery that is"])) for row in rows}
    assert shown == {status: states_before(status) for status in DeliveryStatus if states_before(status)}


def test_the_bounds_of_routes_and_circuits_are_right():
    seconds = index(rows_of("routing.md", "bound", "seconds"), "bound", "seconds")
    connect, read = inspect.signature(HTTPBackend.__init__).parameters["timeout"].default
    code = {"ROUTE_SECONDS": delivery.ROUTE_SECONDS, "CONNECT_SECONDS": connect, "READ_SECONDS": read}
    assert {name: float(value) for name, value in seconds.items()} == code
    bounds = index(rows_of("routing.md", "bound", "value"), "bound", "value")
    assert {name: int(value) for name, value in bounds.items()} == {name: getattr(circuit, name) for name in bounds}


def test_the_tags_of_registered_templates_take_what_the_page_says():
    rows = rows_of("templates.md", "tag", "longest")
    unknown_tag = RegisteredTemplate("1", "{#other#}")
    assert unknown_tag.count_variables() == 0
    for row in rows:
        template, longest = RegisteredTemplate("1", plain(row["tag"])), int(row["longest"])
        assert template.count_variables() == 1
        assert [template.matches("1" * length) for length in (0, 1, longest, longest + 1)] == [False, True, True, False]
        assert not any(template.matches(f"1{sign}1") for sign in "\n\r\x85\u2028")
        taken = {word for word in ("a", "+", " ") if template.matches(f"1{word}1")}
        said = row["may hold"]
        letters = set() if "digits" in said else {"a", "+"}
        spaces = {"+", " "} if "`+`" in said else {" "} if said == "anything on one line" else set()
        assert taken == letters | spaces


def test_the_keys_of_a_registered_template_are_all_documented():
    table = index(rows_of("templates.md", "template key"), "template key", "is")
    assert list(table) == [field.name for field in fields(RegisteredTemplate)]


def test_the_sizes_of_segments_are_right():
    texts = {"GSM-7": "a", "UCS-2": "\N{RIGHT SINGLE QUOTATION MARK}"}
    for row in rows_of("templates.md", "alphabet"):
        character, one, several = texts[row["alphabet"]], int(row["one segment"]), int(row["each of several"])
        counts = [count_segments(character * length).count for length in (one, one + 1, 2 * several, 2 * several + 1)]
        assert counts == [1, 2, 2, 3]


def test_what_a_backend_gets_gives_and_may_say_is_documented():
    assert list(index(rows_of("write-a-backend.md", "field"), "field", "is")) == [f.name for f in fields(Message)]
    results = index(rows_of("write-a-backend.md", "result field"), "result field", "default")
    assert list(results) == [field.name for field in fields(SendResult)]
    attributes = index(rows_of("write-a-backend.md", "attribute or method"), "attribute or method", "default")
    for name, default in attributes.items():
        known = getattr(BaseBackend, name.partition("(")[0])
        assert callable(known) or known == eval(default)
    for name in index(rows_of("write-a-backend.md", "class attribute"), "class attribute", "default"):
        assert name in vars(TemplatedBackend)


def test_the_contract_of_backends_is_where_the_page_says():
    rows = rows_of("write-a-backend.md", "test class, in `tests/backends/`")
    for row in rows:
        module, _, name = plain(row["test class, in `tests/backends/`"]).partition(".")
        assert hasattr(importlib.import_module(f"tests.backends.{module}"), name)


def test_what_each_base_class_adds_is_documented():
    header = ["base class, in `django_phone_otp.backends.`", "for a vendor that", "adds the OPTIONS"]
    for row in rows_of("write-a-backend.md", *header):
        module, _, name = plain(row[header[0]]).rpartition(".")
        base = getattr(importlib.import_module(f"django_phone_otp.backends.{module}"), name)
        parameters = inspect.signature(base.__init__).parameters.values()
        own = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "alias"]
        assert cells(row[header[2]]) == own
