"""The documentation says what the code does: tables, settings blocks, imports, and the commands of the README."""

import ast
import importlib
import json
import re
import shutil
import subprocess
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.dispatch import Signal
from django.test import override_settings

from django_phone_otp import checks, conf, exceptions, signals
from django_phone_otp.api.errors import STATUSES
from django_phone_otp.backends.base import BackendUnavailable, DeliveryUncertain, Message, MessageRejected, Scope
from django_phone_otp.core.policies import Purpose, TestNumber
from django_phone_otp.test import outbox
from example_project.settings import PHONE_OTP as EXAMPLE
from tests.conftest import PHONE, need

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PROJECT_FILES = [README, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"))]
PAGES = [*PROJECT_FILES, *sorted(DOCS.glob("*.md"))]

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
    messages = index(rows_of("settings.md", "message key"), "message key", "default")
    assert {key: eval(cell) for key, cell in messages.items()} == conf.DEFAULTS["MESSAGE"]


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
def test_every_settings_block_passes_the_checks(block, monkeypatch):
    with override_settings(PHONE_OTP=run_settings(block, monkeypatch)):
        assert conf.read()[1] == {}


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
    assert set(re.findall(r"\(docs/([a-z-]+)\.md\)", README.read_text(encoding="utf-8"))) == names


@pytest.fixture
def example_backend(httpserver):
    """The class of ``docs/backends.md``, pointed at a server of the test."""
    block = next(block for block in blocks(DOCS / "backends.md", "python") if "class ExampleBackend" in block)
    namespace = {"__name__": "example_sms"}
    exec(block, namespace)
    return namespace["ExampleBackend"](
        alias="default", api_key="made-up", sender="EXMPL", base_url=httpserver.url_for("/v1")
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
        (200, '{"error": "no_credit"}', DeliveryUncertain, Scope.ACCOUNT),
        (200, '["id"]', DeliveryUncertain, Scope.ACCOUNT),
        (401, "{}", BackendUnavailable, Scope.ACCOUNT),
        (422, '{"error": "invalid_recipient"}', MessageRejected, Scope.RECIPIENT),
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
