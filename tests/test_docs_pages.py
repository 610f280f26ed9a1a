"""The documentation of the pages: its tables are complete, and its blocks do what it says of them."""

import inspect
import re
import sys
import unittest
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from django import forms
from django.contrib.auth.models import User
from django.shortcuts import resolve_url
from django.urls import include, path
from django.utils.functional import Promise

import django_phone_otp
from django_phone_otp import html
from django_phone_otp.html import progress, urls
from django_phone_otp.html.code_step import CodeStep
from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.html.page import Page, strict_policy
from django_phone_otp.html.staff import PhoneAdminSite
from django_phone_otp.services import identity
from django_phone_otp.services.phones import bind, rebind
from django_phone_otp.services.recency import SESSION_KEY
from django_phone_otp.test import latest_code, note_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import NEW
from tests.pages import DOCS, blocks, cells, index, plain, rows_of, run_settings
from tests.unlimited import UNLIMITED

PACKAGE = Path(django_phone_otp.__file__).parent
TEMPLATES = PACKAGE / "templates" / "phone_otp"

# ---- What the tables say ----

_GROUPS = {"every page": Page, "with a number": NumberStep, "with a code": CodeStep}
_OF_A_FLOW = {"http_method_names", "steps", "public", "step_before_code", "step_after_code"}  # for the package's own
_PAGES = ("pages.md", "change-of-number.md", "step-up.md", "admin-login.md")


def class_of(view):
    return _GROUPS.get(view) or (PhoneAdminSite if view == "PhoneAdminSite" else getattr(html, view))


def test_the_tables_of_views_have_every_attribute_with_its_default():
    rows = [row for name in _PAGES for row in rows_of(name, "view", "attribute", "default")]
    documented = {(plain(row["view"]), plain(row["attribute"])): row["default"] for row in rows}
    assert len(documented) == len(rows)
    exported = {getattr(html, name) for name in html.__all__ if inspect.isclass(getattr(html, name))}
    views = {view for view in exported if not issubclass(view, forms.Form)} | {*_GROUPS.values(), PhoneAdminSite}
    known = {
        (view, name)
        for view in views
        for name, value in vars(view).items()
        if not name.startswith("_") and name not in _OF_A_FLOW and not is_method(value)
    }
    seen = {(class_of(view), attribute) for view, attribute in documented}
    assert known <= seen
    assert {attribute for _, attribute in seen - known} == {"next_page", "success_url_allowed_hosts"}  # Django's own
    for (view, attribute), default in documented.items():
        value = getattr(class_of(view), attribute)
        said = eval(plain(default), {"NumberForm": html.NumberForm})
        assert (resolve_url(said) if isinstance(value, Promise) else said) == (
            str(value) if isinstance(value, Promise) else value
        ), (view, attribute)


def is_method(value):
    return inspect.isfunction(value) or isinstance(value, classmethod | staticmethod | property)


def test_the_methods_to_override_exist():
    for row in rows_of("pages.md", "view", "method"):
        name, arguments = re.fullmatch(r"`(\w+)\((.*)\)`", row["method"]).groups()
        parameters = inspect.signature(getattr(class_of(plain(row["view"])), name)).parameters
        expected = [str(parameter).partition(":")[0] for parameter in parameters.values() if parameter.name != "self"]
        assert arguments.replace("context", "kwargs") == ", ".join(expected), name


def test_the_arguments_of_the_decorator_are_as_the_table_says():
    said = index(
        rows_of("step-up.md", "argument of `verification_required`"),
        *("argument of `verification_required`", "default"),
    )
    parameters = inspect.signature(html.verification_required).parameters
    known = {name: parameters[name].default for name in parameters if name != "view"}
    assert known.keys() == said.keys()
    assert eval(said["minutes"]) == known["minutes"]
    assert resolve_url(eval(said["url"])) == str(known["url"])


def test_the_variables_of_the_style_sheet_are_in_the_table_with_their_defaults():
    sheet = (PACKAGE / "static" / "phone_otp" / "pages.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\((--otp-[\w-]+), (?:light-dark\((\S+), (\S+?)\)|([\d.]+rem))\)", sheet))
    known = {(name, light or one, dark or one) for name, light, dark, one in used}
    assert len(known) == len({name for name, _, _ in known}) == len(set(re.findall("--otp-[a-z-]+", sheet)))
    rows = rows_of("look.md", "variable", "light", "dark")
    assert {tuple(plain(row[column]) for column in ("variable", "light", "dark")) for row in rows} == known


def test_the_templates_and_their_blocks_are_in_the_table():
    known = {
        template.name: set(re.findall(r"{% block (\w+) %}", template.read_text(encoding="utf-8")))
        for template in TEMPLATES.glob("*.html")
        if template.name != "inbox.html"  # for development
    }
    rows = rows_of("look.md", "template", "blocks")
    said = {plain(row["template"]): set(cells(row["blocks"].partition(";")[0])) for row in rows}
    assert said == known


def test_the_templates_of_notices_are_in_the_table():
    known = {"phone_otp/message/notice.txt"}
    known |= {f"phone_otp/email/{template.name}" for template in (TEMPLATES / "email").iterdir()}
    assert set(index(rows_of("change-of-number.md", "template", "is"), "template", "is")) == known


def test_the_languages_in_the_table_are_those_of_the_catalogs():
    codes = [plain(row["code"]) for row in rows_of("look.md", "code", "language")]
    assert codes == sorted(directory.name for directory in (PACKAGE / "locale").iterdir())
    assert len(codes) == 8
    for page in ("pages.md", "messages.md"):
        assert "eight languages" in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.django_db
def test_the_headers_are_as_the_table_says(client):
    response = client.get("/login/")
    said = index(rows_of("look.md", "header", "value"), "header", "value")
    assert said["Content-Security-Policy"] == strict_policy()
    assert said == {name: response.headers[name] for name in said}


def test_the_session_keeps_what_the_security_page_says():
    names = {plain(row["key"]) for row in rows_of("security.md", "key", "in the session")}
    assert names == {progress.SESSION_KEY, SESSION_KEY, identity.SESSION_KEY}


# ---- Blocks that need a project around them ----


@pytest.mark.django_db(transaction=True)
def test_the_page_of_a_payment_carries_it_out_once_for_its_own_code(client, settings, monkeypatch, with_urls):
    carried_out = []
    owner = User.objects.create_user("owner")
    bind(owner, PHONE)

    class Payment:
        amount, payee = "120.00 INR", "Example Shop"

        def carry_out(self):
            carried_out.append(self)

    shortcuts = ModuleType("shop.models")
    shortcuts.Payment = Payment
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.models", shortcuts)
    namespace = {}
    exec(next(block for block in blocks(DOCS / "step-up.md", "python") if "class ConfirmPayment" in block), namespace)
    namespace["get_object_or_404"] = lambda model, *, pk, user: Payment()
    with_urls(path("payments/<int:pk>/", namespace["ConfirmPayment"].as_view()))
    client.force_login(owner)
    purposes = next(block for block in blocks(DOCS / "step-up.md", "python") if "PHONE_OTP = {" in block)
    with override_phone_otp(PURPOSES=run_settings(purposes, monkeypatch)["PURPOSES"]):
        assert client.post("/payments/7/").headers["Location"] == "/payments/7/?step=code"
        assert client.get("/payments/8/?step=code").headers["Location"] == "/payments/8/"  # another payment's own
        assert "120.00 INR" in outbox[-1].text
        page = client.get("/payments/7/?step=code").content.decode()
        reference = re.search(r'name="reference" value="(\w+)"', page)[1]
        answer = {"code": latest_code(PHONE), "reference": reference}
        for _ in range(2):
            client.post("/payments/7/?step=code", answer)
    assert len(carried_out) == 1


@pytest.fixture
def with_urls(settings, monkeypatch):
    """Return a function that puts a URL before those of the suite."""

    def put(*patterns):
        module = ModuleType("tests.docs_urls")
        module.urlpatterns = [*patterns, path("", include("tests.urls"))]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return put


@pytest.mark.django_db
def test_the_module_of_urls_replaces_the_packages_own(settings, monkeypatch):
    module = ModuleType("people.phone_urls")
    exec(next(block for block in blocks(DOCS / "change-of-number.md", "python") if "app_name" in block), vars(module))
    assert module.app_name == urls.app_name
    assert {pattern.name for pattern in module.urlpatterns} | {"login"} == {
        pattern.name for pattern in urls.urlpatterns
    }


def demand_a_proof(request, **about):
    return None if request.POST.get("cf-turnstile-response") == "made-up-token" else {"captcha": "made-up-site-key"}


@pytest.mark.django_db
def test_the_widget_of_the_limits_page_is_in_each_form_once_the_hook_demands_it(client, settings):
    widget = next(block for block in blocks(DOCS / "limits.md", "jinja") if "demand.html" in block)
    loaders = [
        ("django.template.loaders.locmem.Loader", {"phone_otp/demand.html": widget}),
        "django.template.loaders.app_directories.Loader",
    ]
    options = settings.TEMPLATES[0]["OPTIONS"] | {"loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": options}]
    number = {"phone": PHONE, "region": ""}
    hook = f"{__name__}.demand_a_proof"
    with override_phone_otp(CHALLENGE_HOOK=hook, LIMITS={**UNLIMITED, "send.number": ["1/1h"]}):
        assert "cf-turnstile" not in client.get("/signup/").content.decode()
        refused = client.post("/signup/", number).content.decode()
        assert form_with(refused, 'name="phone"').count('data-sitekey="made-up-site-key"') == 1
        assert f'value="{PHONE}"' in refused
        met = client.post("/signup/", number | {"cf-turnstile-response": "made-up-token"})
    assert met.headers["Location"] == "/signup/?step=code"


def form_with(page, field):
    return next(form for form in re.findall("<form.*?</form>", page, re.DOTALL) if field in form)


@pytest.mark.django_db
def test_the_page_about_testing_has_a_test_that_passes(settings):
    names = {}
    exec(next(block for block in blocks(DOCS / "testing.md", "python") if "/signup/" in block), names)
    result = unittest.TestResult()
    with override_phone_otp(REGIONS=["*"]):  # as its decorator does in setUpClass(), which would close the database
        names["SignupTests"]("test_somebody_signs_up")(result)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


@pytest.mark.django_db
def test_a_code_that_a_test_noted_opens_what_asks_for_one(client):
    block = next(block for block in blocks(DOCS / "testing.md", "python") if "note_code" in block)
    owner = User.objects.create_user("owner")
    client.force_login(owner)
    with pytest.raises(LookupError):
        note_code(client, owner)
    bind(owner, PHONE)
    assert client.get("/vault/").status_code == 302
    exec(block, {"self": SimpleNamespace(client=client), "user": owner})
    assert client.get("/vault/").status_code == 200


@pytest.mark.django_db
def test_the_notice_on_the_page_is_the_one_that_is_sent(django_capture_on_commit_callbacks):
    owner = User.objects.create_user("owner")
    bind(owner, PHONE)
    with django_capture_on_commit_callbacks(execute=True):
        rebind(owner, NEW)
    assert f"`{outbox[-1].text}`" in (DOCS / "change-of-number.md").read_text(encoding="utf-8")


@pytest.mark.django_db
def test_the_registered_notice_of_the_page_takes_what_a_notice_has(httpserver, django_capture_on_commit_callbacks):
    names = {}
    exec(next(block for block in blocks(DOCS / "templates.md", "python") if "notice = {" in block), names)
    httpserver.expect_request("/v1/sms").respond_with_json({})
    owner = User.objects.create_user("owner")
    bind(owner, PHONE)
    account = {
        "BACKEND": "django_phone_otp.backends.aoc.AOCBackend",
        "OPTIONS": {
            "api_key": "made-up",
            "sender": "EXMPLE",
            "base_url": httpserver.url_for(""),
            "templates": [names["notice"]],
        },
    }
    with override_phone_otp(BACKENDS={"default": account}), django_capture_on_commit_callbacks(execute=True):
        rebind(owner, NEW)
    ((request, _),) = httpserver.log
    text = "The phone number of your Example account was changed. If this was not you, call us at once."
    assert text in request.get_data(as_text=True)
    assert names["notice"]["id"] in request.get_data(as_text=True)
