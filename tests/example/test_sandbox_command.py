"""``manage.py vendorsandbox`` and the settings that point at it."""

import contextlib
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from example_project import vendors as accounts
from example_project.sandbox import VENDORS
from tests.example.conftest import NUMBER, SENDS, eventually

ROOT = Path(__file__).resolve().parent.parent.parent
BOUND = 60  # seconds: no command outlives its test by more


@contextlib.contextmanager
def command(*options, vendor=""):
    """Run the command, and kill it if the test did not end it."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "example_project.settings", "VENDOR": vendor}
    # A shell starts what it runs in the background deaf to Ctrl-C, and whatever that starts inherits it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "example_project/manage.py", "vendorsandbox", *options],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def addresses(process):
    """Return what is where, as the command says it."""
    lines = [process.stdout.readline().split() for _ in range(1 + len(VENDORS))]
    return {name: (url, " ".join(rest)) for name, url, *rest in lines}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_is_where_and_stops_cleanly_when_told(session, how):
    with command("--port", "0", "--for", str(BOUND)) as process:
        where = addresses(process)
        assert tuple(where) == ("page", *VENDORS)
        page, _ = where["page"]
        assert session.get(page, timeout=10).status_code == 200
        path, headers, body = SENDS["kaleyra"](NUMBER)
        assert session.post(where["kaleyra"][0] + path, headers=headers, json=body, timeout=10).status_code == 202
        assert session.get(f"{page}messages.json", timeout=10).json()[0]["number"] == NUMBER
        assert "garbage" in process.stdout.readline()
        process.send_signal(how)
        _, err = process.communicate(timeout=BOUND)
    assert (process.returncode, err) == (0, "")


def test_it_stops_by_itself():
    with command("--port", "0", "--for", "0.01") as process:
        process.communicate(timeout=BOUND)
    assert process.returncode == 0


def test_a_port_that_is_taken_is_said_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with command("--port", port, "--for", "0.01") as process:
            _, err = process.communicate(timeout=BOUND)
    assert process.returncode == 1
    assert f"Ports from {port} on cannot be listened on" in err
    assert "Traceback" not in err


def test_its_help_names_the_numbers_with_a_fate():
    with command("--help") as process:
        out, _ = process.communicate(timeout=BOUND)
    assert re.search(r"198\s+are\s+not\s+delivered", out)
    assert re.search(r"199\s+fail\s+late", out)


def test_receipts_go_to_the_webhooks_of_the_aliases_that_are_set_up(session, httpserver):
    httpserver.expect_request(re.compile("/phone/webhooks/.*")).respond_with_data("")
    webhooks = httpserver.url_for("/phone/webhooks/{alias}/{secret}/")
    with command(
        "--port", "0", "--for", str(BOUND), "--delay", "0", "--receipts-to", webhooks, vendor="aoc"
    ) as process:
        where = addresses(process)
        for vendor in ("aoc", "kaleyra"):
            path, headers, body = SENDS[vendor](NUMBER)
            session.post(where[vendor][0] + path, headers=headers, json=body, timeout=10)
        assert eventually(lambda: len(httpserver.log) == 4)
        process.terminate()
        process.communicate(timeout=BOUND)
    told = {name for name, (_, rest) in where.items() if rest == "(posts receipts)"}
    assert told == {"aoc", "kaleyra"}
    assert {request.path for request, _ in httpserver.log} == {
        f"/phone/webhooks/{alias}/{accounts.WEBHOOK_SECRET}/" for alias in ("default", "backup")
    }


# Settings


def settings_with(monkeypatch, vendor):
    monkeypatch.setenv("VENDOR", vendor)
    return runpy.run_path(str(ROOT / "example_project" / "settings.py"))


@pytest.mark.parametrize(
    ("vendor", "backup"), [("imb", "aoc"), ("kaleyra", "aoc"), ("aoc", "kaleyra"), ("startmessaging", "aoc")]
)
def test_a_vendor_is_the_default_and_another_one_its_backup(monkeypatch, vendor, backup):
    made = settings_with(monkeypatch, vendor)
    phone_otp = made["PHONE_OTP"]
    assert phone_otp["BACKENDS"] == {"default": accounts.BLOCKS[vendor], "backup": accounts.BLOCKS[backup]}
    assert phone_otp["ROUTES"] == [{"backends": ["default", "backup"]}]
    assert (phone_otp["DEFAULT_REGION"], phone_otp["REGIONS"]) == ("IN", ["*"])
    assert made["SANDBOX_PAGE"] == "http://127.0.0.1:8100/"


def test_without_a_vendor_everything_is_in_the_inbox(monkeypatch):
    made = settings_with(monkeypatch, "")
    assert json.dumps(made["PHONE_OTP"]["BACKENDS"]) == (
        '{"default": {"BACKEND": "django_phone_otp.backends.inbox.InboxBackend"}}'
    )
    assert "ROUTES" not in made["PHONE_OTP"]
    assert made["SANDBOX_PAGE"] == ""


def test_a_vendor_that_does_not_exist_is_an_error_that_names_the_four(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="imb, kaleyra, aoc, startmessaging, not 'nobody'"):
        settings_with(monkeypatch, "nobody")


@pytest.mark.django_db
@pytest.mark.django_db
def test_the_site_points_to_the_sandbox_where_there_is_one(client, settings):
    settings.SANDBOX_PAGE = "http://127.0.0.1:8100/"
    assert 'href="http://127.0.0.1:8100/"' in client.get("/", headers={"Host": "localhost"}).content.decode()
    page = client.get("/terminal/", headers={"Host": "localhost"}).content.decode()
    assert 'href="http://127.0.0.1:8100/"' in page
    assert "curl -s http://127.0.0.1:8100/messages.json" in page
    assert "inbox" not in page
