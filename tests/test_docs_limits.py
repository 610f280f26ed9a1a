"""What the page about limits says: reasons, log lines, the cookie, and its hook, which is run as it stands there."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.http import HttpResponse

import django_phone_otp
from django_phone_otp.core import numbers
from django_phone_otp.services import delivery
from django_phone_otp.services.askers import COOKIE, remember_browser
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.pages import DOCS, blocks, index, rows_of
from tests.unlimited import UNLIMITED

PACKAGE = Path(django_phone_otp.__file__).parent


def sources():
    return {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


def test_every_reason_for_a_refused_number_is_in_the_table_and_no_other():
    documented = set(index(rows_of("limits.md", "reason", "is"), "reason", "is"))
    core = (PACKAGE / "core" / "numbers.py").read_text()
    service = (PACKAGE / "services" / "numbers.py").read_text()
    raised = set(re.findall(r'RefusedNumber\("(\w+)"', core)) | set(numbers.REFUSED_TYPES.values())
    returned = set(re.findall(r'return "(\w+)"', service)) | {"test_number"}
    assert '"test_number"' in service
    assert documented == raised | returned


def test_every_line_that_staff_see_is_one_that_is_logged():
    formats = [
        re.escape(text).replace("%s", ".+").replace("%r", "'.+'")
        for source in sources().values()
        for text in re.findall(r'logger\.\w+\("([^"]+)"', source)
    ]
    lines = [row["line"].strip("`") for row in rows_of("limits.md", "level", "line", "says")]
    assert lines
    for line in lines:
        assert any(re.fullmatch(known, line) for known in formats), line


def test_the_cookie_is_as_the_table_says(rf):
    response = HttpResponse()
    remember_browser(rf.post("/", secure=True), response, PHONE)
    cookie = response.cookies[COOKIE]
    said = index(rows_of("limits.md", "the cookie"), "the cookie", "")
    assert said["name"] == COOKIE
    assert f"{cookie['max-age'] // 86400} days" in said["lasts"]
    assert f"{len(cookie.value)} characters each" in said["holds"]
    assert cookie["httponly"]
    assert cookie["secure"]


@pytest.mark.parametrize("page", ["limits.md", "routing.md"])
def test_how_long_a_message_waits_for_its_account(page):
    assert delivery.PATIENCE == 5
    assert "up to five seconds" in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.django_db
class TestTheHook:
    @pytest.fixture(autouse=True)
    def service(self, httpserver, settings, monkeypatch):
        """A CAPTCHA's own service, and the module of the page as ``shop.humans``."""
        module = ModuleType("shop.humans")
        exec(
            next(block for block in blocks(DOCS / "limits.md", "python") if "def require_captcha" in block),
            vars(module),
        )
        monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
        monkeypatch.setitem(sys.modules, "shop.humans", module)
        settings.CAPTCHA_URL = httpserver.url_for("/siteverify")
        settings.CAPTCHA_SITE_KEY, settings.CAPTCHA_SECRET = "made-up-site-key", "made-up-secret"
        settings.CAPTCHA_HOSTNAME = "example.com"
        limits = {**UNLIMITED, "send.number": ["4/1h"]}
        with override_phone_otp(CHALLENGE_HOOK="shop.humans.require_captcha", LIMITS=limits):
            yield httpserver

    def answer(self, service, status=200, **found):
        service.clear()
        service.expect_request("/siteverify", method="POST").respond_with_json(found, status=status)

    def near(self, api):
        for _ in range(2):
            assert api.send().status_code == 201

    def test_demands_what_the_page_shows(self, api, service):
        self.near(api)
        response = api.send()
        assert response.status_code == 403
        shown = next(block for block in blocks(DOCS / "limits.md", "json") if "challenge_required" in block)
        assert response.json() == json.loads(shown)

    def test_lets_those_through_who_solved_it(self, api, service):
        self.near(api)
        self.answer(service, success=True, hostname="example.com")
        assert api.send(headers={"X-Captcha-Token": "made-up-token"}).status_code == 201
        ((request, _),) = service.log
        assert request.form.to_dict() == {"secret": "made-up-secret", "response": "made-up-token"}

    @pytest.mark.parametrize("found", [{"success": False}, {"success": True, "hostname": "evil.example"}])
    def test_lets_nobody_else_through(self, api, service, found):
        self.near(api)
        self.answer(service, **{"hostname": "example.com", **found})
        assert api.send(headers={"X-Captcha-Token": "made-up-token"}).status_code == 403

    def test_is_closed_while_the_service_is_down(self, api, service):
        self.near(api)
        self.answer(service, status=500)
        assert api.send(headers={"X-Captcha-Token": "made-up-token"}).status_code == 503
