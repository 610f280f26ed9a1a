"""The documentation says what the code does: settings, checks, refusals, and the commands of the README."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.checks import ERROR
from django.dispatch import Signal
from django.test import override_settings

from django_phone_otp import checks, conf, exceptions, signals
from django_phone_otp.api.errors import STATUSES
from django_phone_otp.backends import BackendsHandler
from django_phone_otp.core.policies import Purpose, Route, TestNumber
from django_phone_otp.models import Challenge
from django_phone_otp.services.samples import samples
from django_phone_otp.test import outbox
from example_project.settings import PHONE_OTP as EXAMPLE
from tests.conftest import PHONE, need
from tests.pages import (
    DOCS,
    PAGES,
    README,
    blocks,
    example_module,
    index,
    plain,
    rows_of,
    run_settings,
    tables,
    vendor_pages,
)

_VARYING = re.compile("[0-9]{6}(?= is)|(?<=Ref )[A-Z]{2}")  # of one message and another
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r"^\((.+)\)=$|^#+ (.+)$", re.MULTILINE)


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
def test_every_settings_block_passes_the_checks(block, monkeypatch):
    monkeypatch.setitem(sys.modules, "shop.sms", example_module())
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
    assert _VARYING.sub("…", capsys.readouterr().out) == _VARYING.sub("…", shown)


@pytest.mark.django_db
def test_the_messages_page_shows_the_message_that_is_sent(api, code_of):
    api.send()
    shown = blocks(DOCS / "messages.md", "text")[0]
    expected = shown.strip().replace("123456", code_of(PHONE)).replace("KX", Challenge.objects.get().reference)
    assert outbox[-1].text == expected


@pytest.mark.django_db
def test_the_api_page_shows_the_fields_of_every_answer(api, code_of):
    sent = api.send().json()
    code = code_of(PHONE)
    wrong = "000000" if code != "000000" else "111111"
    refused, proof = (api.verify(sent["challenge"], guess).json() for guess in (wrong, code))
    shown = [json.loads(block) for block in blocks(DOCS / "http-api.md", "json")]
    assert [list(body) for body in shown] == [list(body) for body in (sent, proof, refused)]
    assert shown[2] == refused
