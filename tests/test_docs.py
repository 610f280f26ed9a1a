"""The documentation says what the code does: tables, settings blocks, imports, and the commands of the README."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from django.core.cache import cache
from django.core.checks import ERROR
from django.dispatch import Signal
from django.test import RequestFactory, override_settings
from django.urls import resolve

from django_phone_otp import backends as backends_package
from django_phone_otp import checks, conf, exceptions, signals, webhooks
from django_phone_otp.api.errors import STATUSES
from django_phone_otp.backends import BackendsHandler
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
from django_phone_otp.core.policies import Purpose, Route, TestNumber
from django_phone_otp.core.registered import RegisteredTemplate
from django_phone_otp.core.segments import count_segments
from django_phone_otp.core.statuses import DeliveryStatus, states_before
from django_phone_otp.models import Delivery, DeliveryReceipt
from django_phone_otp.services import circuit, delivery
from django_phone_otp.services.samples import samples
from django_phone_otp.test import outbox
from example_project.settings import PHONE_OTP as EXAMPLE
from tests.conftest import PHONE, need

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PROJECT_FILES = [README, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"))]
VENDOR_PAGES = sorted((DOCS / "vendors").glob("*.md"))
PAGES = [*PROJECT_FILES, *sorted(DOCS.glob("*.md")), *VENDOR_PAGES]
INDIAN = "+910000000000"  # nobody's: no number there begins with 0

_BLOCK = re.compile(r"^( *)```([a-z]+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r"^\((.+)\)=$|^#+ (.+)$", re.MULTILINE)


def tables(page):
    """Yield every table of a page: its header, and its rows as dicts of cells without backticks."""
    header, rows = None, []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        if not line.startswith("| ") and not line.startswith("|-"):
            if header:
                yield header, rows
            header, rows = None, []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if header is None:
            header = cells
        elif not line.startswith("|-"):
            assert len(cells) == len(header), f"{page.name}: {line}"
            rows.append(dict(zip(header, cells, strict=True)))


def rows_of(name, first, *more):
    """Return all rows of the tables of page ``name`` whose header starts with these columns."""
    wanted = [first, *more]
    found = [row for header, rows in tables(DOCS / name) if header[: len(wanted)] == wanted for row in rows]
    assert found, f"{name} has no table with {wanted}"
    return found


def plain(cell):
    """Return a cell's text without backticks."""
    return cell.strip("`")


def index(rows, column, value):
    """Return one column of ``rows`` by another, after making sure that no row is there twice."""
    found = {plain(row[column]): plain(row[value]) for row in rows}
    assert len(found) == len(rows)
    return found


def blocks(page, language):
    """Return the code blocks of a page in one language, without the indentation of a list."""
    matches = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [re.sub(f"^{m[1]}", "", m[3], flags=re.MULTILINE) for m in matches if m[2] == language]


def all_blocks(language):
    """Return a parameter for every block in ``language`` of every page, named after its place."""
    return [
        pytest.param(block, id=f"{page.stem}-{position}")
        for page in PAGES
        for position, block in enumerate(blocks(page, language), start=1)
    ]


def settings_blocks():
    """Return a parameter for every block that sets ``PHONE_OTP``."""
    return [block for block in all_blocks("python") if "PHONE_OTP = {" in block.values[0]]


def run_settings(block, monkeypatch):
    """Return what a settings block makes of ``PHONE_OTP``, with the secrets that it takes from the environment."""
    for name in re.findall(r'os\.environ\["(\w+)"\]', block):
        monkeypatch.setenv(name, f"made-up-{name}")
    namespace = {}
    exec(block, namespace)
    return namespace["PHONE_OTP"]


def all_refusals():
    """Return every refusal that has a code of its own."""

    def below(root):
        for child in root.__subclasses__():
            yield child
            yield from below(child)

    return {refusal for refusal in below(exceptions.PhoneOTPError) if "code" in vars(refusal)}


def test_the_settings_table_has_every_key_with_its_check_and_nothing_more():
    table = index(rows_of("settings.md", "key", "type", "default", "check"), "key", "check")
    assert table == {key: f"phone_otp.{checks.SETTING_IDS[key]}" for key in conf.DEFAULTS}


def test_the_defaults_in_the_settings_table_are_right():
    rows = rows_of("settings.md", "key", "type", "default", "check")
    shown = {plain(row["key"]): row["default"] for row in rows if re.fullmatch("`[^`]+`", row["default"])}
    assert len(shown) > len(conf.DEFAULTS) / 2  # the first block has the long ones
    assert {key: eval(plain(cell), {"timedelta": timedelta}) for key, cell in shown.items()} == {
        key: conf.DEFAULTS[key] for key in shown
    }


def test_the_first_settings_block_is_the_defaults(monkeypatch):
    first = next(block for block in blocks(DOCS / "settings.md", "python") if "PHONE_OTP = {" in block)
    assert run_settings(first, monkeypatch) == conf.DEFAULTS


def test_the_keys_of_purposes_and_test_numbers_are_all_documented():
    purposes = index(rows_of("settings.md", "purpose key"), "purpose key", "default")
    assert set(purposes) == {field.name.upper() for field in fields(Purpose)} - {"NAME"}
    numbers = index(rows_of("settings.md", "test number key"), "test number key", "default")
    assert set(numbers) == {field.name for field in fields(TestNumber)}
    for kind in ("message", "budget"):
        entries = index(rows_of("settings.md", f"{kind} key"), f"{kind} key", "default")
        assert {key: eval(cell) for key, cell in entries.items()} == conf.DEFAULTS[kind.upper()]
    routes = index(rows_of("routing.md", "key of a route"), "key of a route", "means")
    assert set(routes) == {field.name for field in fields(Route)} - {"weights"}


def test_the_limits_table_shows_every_limit_with_its_default():
    table = index(rows_of("settings.md", "limit", "default"), "limit", "default")
    assert {name: eval(cell) for name, cell in table.items()} == conf.DEFAULTS["LIMITS"]


def test_every_check_is_documented_and_every_documented_check_exists():
    source = Path(checks.__file__).read_text(encoding="utf-8")
    known = {f"phone_otp.{check_id}" for check_id in re.findall(r'"([EW][0-9]{3})"', source)}
    assert set(index(rows_of("checks.md", "check", "means", "remedy"), "check", "means")) == known


def test_going_live_lists_the_checks_of_a_deployment():
    deployment = next(rows for header, rows in reversed([*tables(DOCS / "checks.md")]) if header[0] == "check")
    table = rows_of("going-live.md", "check", "finds", "so")
    assert [row["check"] for row in table] == [row["check"] for row in deployment]


def test_every_refusal_is_in_the_error_table_with_its_status():
    table = index(rows_of("http-api.md", "status", "code", "extra"), "code", "status")
    assert table == {refusal.code: str(STATUSES[refusal].value) for refusal in all_refusals()}


def test_every_refusal_is_in_the_exceptions_table_with_its_code():
    table = index(rows_of("python-api.md", "class", "code"), "class", "code")
    assert table == {refusal.__name__: refusal.code for refusal in all_refusals()}


def test_what_the_framework_refuses_is_in_the_other_error_table(api, client):
    table = index(rows_of("http-api.md", "status", "framework code"), "framework code", "status")
    answers = [
        client.get("/api/phone/send/"),
        client.post("/api/phone/send/", {"phone": PHONE, "purpose": "signup"}),
        api.post("send", b" " * 20_000),
    ]
    seen = {answer.json()["code"]: str(answer.status_code) for answer in answers}
    assert seen.items() <= table.items()
    assert set(table) - set(seen) == {"permission_denied"}


def test_every_signal_is_documented_and_every_documented_signal_exists():
    known = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(index(rows_of("signals.md", "signal"), "signal", "argument")) == known


@pytest.mark.parametrize("block", settings_blocks())
def test_every_settings_block_passes_the_checks(block, monkeypatch, example_module):
    with override_settings(PHONE_OTP=run_settings(block, monkeypatch)):
        assert conf.read()[1] == {}
        handler = BackendsHandler()
        found = [message for alias in handler for message in handler[alias].check()]
        assert [message for message in found if message.level >= ERROR] == []
        assert [sample for sample in samples() if sample.refusal or sample.segments.count > 1] == []


@pytest.mark.parametrize("block", all_blocks("python"))
def test_every_python_block_can_be_read_and_imports_what_exists(block):
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("django_phone_otp"):
            for name in node.names:
                parent = importlib.import_module(node.module)
                assert hasattr(parent, name.name) or importlib.import_module(f"{node.module}.{name.name}")


@pytest.mark.parametrize("block", all_blocks("json"))
def test_every_json_block_is_json(block):
    json.loads(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page):
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            if anchor:
                found = {own or _slug(title) for own, title in _ANCHOR.findall(target.read_text(encoding="utf-8"))}
                assert anchor in found, link


def _slug(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_uses_the_words_of_the_glossary(page):
    other = re.findall(r"gateway|provider|msisdn|mobile number|\bPIN\b|passcode", page.read_text(encoding="utf-8"))
    assert not other


def test_every_page_is_in_the_documentation_and_in_the_readme():
    names = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    listed = re.findall(r"^([a-z-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(listed) == names
    vendors = re.findall(r"^vendors/([a-z]+)$", (DOCS / "vendors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert vendors == [page.stem for page in vendor_pages()]
    assert set(re.findall(r"\(docs/([a-z-]+)\.md\)", README.read_text(encoding="utf-8"))) == names


@pytest.fixture
def example_module(monkeypatch):
    """The module of ``docs/write-a-backend.md``, where the settings blocks have it."""
    block = next(block for block in blocks(DOCS / "write-a-backend.md", "python") if "class ExampleBackend" in block)
    module = ModuleType("shop.sms")
    exec(block, vars(module))
    monkeypatch.setitem(sys.modules, "shop.sms", module)
    return module


@pytest.fixture
def example_backend(example_module, httpserver):
    """Its class, pointed at a server of the test."""
    return example_module.ExampleBackend(
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
        (200, '["id"]', DeliveryUncertain, Scope.ACCOUNT),
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


def test_the_commands_of_the_readme_end_with_a_proof(live_server, settings):
    need("bash", shutil.which("bash"))
    need("curl", shutil.which("curl"))
    settings.DEBUG = True
    settings.PHONE_OTP = EXAMPLE
    cache.clear()
    demo = next(block for block in blocks(README, "sh") if "verify/" in block)
    assert demo.count("curl ") == 3
    assert "http://127.0.0.1:8000" in demo
    commands = demo.replace("http://127.0.0.1:8000", live_server.url)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    proof = json.loads(done.stdout)
    assert (proof["status"], proof["phone"], proof["purpose"]) == ("verified", PHONE, "signup")
    assert proof["token"]


@pytest.mark.django_db
def test_the_quickstart_shows_what_a_project_without_settings_prints(api, capsys, settings):
    settings.PHONE_OTP = {}  # as good as none: del would not tell the app
    assert api.send("+91 98765 43210").status_code == 201
    (shown,) = blocks(DOCS / "quickstart.md", "text")
    assert re.sub("[0-9]{6} is", "… is", capsys.readouterr().out) == re.sub("[0-9]{6} is", "… is", shown)


@pytest.mark.django_db
def test_the_messages_page_shows_the_message_that_is_sent(api, code_of):
    api.send()
    shown = blocks(DOCS / "messages.md", "text")[0]
    assert outbox[-1].text == shown.strip().replace("123456", code_of(PHONE))


@pytest.mark.django_db
def test_the_api_page_shows_the_fields_of_every_answer(api, code_of):
    sent = api.send().json()
    code = code_of(PHONE)
    wrong = "000000" if code != "000000" else "111111"
    refused, proof = (api.verify(sent["challenge"], guess).json() for guess in (wrong, code))
    shown = [json.loads(block) for block in blocks(DOCS / "http-api.md", "json")]
    assert [list(body) for body in shown] == [list(body) for body in (sent, proof, refused)]
    assert shown[2] == refused


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


def vendor_pages():
    """Return the pages of the vendors in the order of the table that names their classes."""
    rows = rows_of("vendors.md", "vendor", "class, in `django_phone_otp.backends.`")
    return [DOCS / re.search(r"\((.+)\)", row["page"])[1] for row in rows]


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


def cells(cell):
    """Return what stands in backticks in a cell."""
    return re.findall("`([^`]+)`", cell)


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
            verdict = judge(HTTPAnswer(int(status), {}, b"{}"), "", {}, refused=False)
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
        taken = {word for word in ("a", "+", " ") if template.matches(f"1{word}1")}
        said = row["may hold"]
        letters = set() if "digits" in said else {"a", "+"}
        spaces = {"+", " "} if "`+`" in said else {" "} if said == "anything" else set()
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
