"""The documentation of the pages: a bare project that follows it to the letter works, and its tables are complete."""

import contextlib
import inspect
import os
import re
import shlex
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import requests
from django import forms
from django.contrib.auth.models import User
from django.shortcuts import resolve_url
from django.urls import include, path
from django.utils import translation
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
from tests.pages import DOCS, blocks, cells, index, plain, rows_of, run_settings
from tests.unlimited import UNLIMITED

PACKAGE = Path(django_phone_otp.__file__).parent
TEMPLATES = PACKAGE / "templates" / "phone_otp"
BOUND = 60  # seconds: no server outlives its test by more
NEW_PHONE, OTHER_PHONE, STAFF_PHONE = "+14155550124", "+14155550125", "+14155550127"
PASSWORD = "made-up-and-long-42"

_BLOCK = re.compile(r"^```(sh|python|jinja|css)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:# |\{# |/\* )([\w./]+\.\w+)(, at the end)?(?: #\}| \*/)?\n")
_IN_PLACE = re.compile(r'"([\w.]+)",  # in place of "([\w.]+)"')


class Site:
    """A bare project that does what a page says, block by block."""

    def __init__(self, home):
        self.home = home
        self.log = home / "server.log"
        # Not the suite's own settings; and the output of the server as it comes.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
        self.env |= {"PYTHONUNBUFFERED": "1", "DJANGO_SUPERUSER_PASSWORD": PASSWORD}

    def follow(self, page):
        """Write every file of ``page`` that has a path, and run its commands, in order."""
        for language, block in _BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
            if language == "sh":
                for line in block.splitlines():
                    self.run(line)
            elif named := _PATH.match(block):
                self.write(named[1], block, append=bool(named[2]))

    def run(self, line):
        """Run a command of a page; the server is started by ``serve()``."""
        command = shlex.split(line)
        if command[0] == "cd":
            self.home /= command[1]
        elif command[-1] != "runserver":
            if command[2:3] == ["createsuperuser"]:
                command.append("--noinput")  # the password is in the environment
            self.manage(*(command[2:] if command[0] == "python" else command[1:]), bare=command[0] == "django-admin")

    def manage(self, *arguments, bare=False):
        """Return what ``manage.py``, or ``django-admin`` for a bare one, prints."""
        program = ["-m", "django"] if bare else ["manage.py"]
        done = subprocess.run(
            [sys.executable, "-W", "error", *program, *arguments],
            cwd=self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BOUND,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def write(self, name, text, *, append=False):
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((file.read_text(encoding="utf-8") if append else "") + text, encoding="utf-8")

    def change(self, name, old, new):
        """Change a line as the prose of a page says."""
        text = (self.home / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        self.write(name, text.replace(old, new))

    @contextlib.contextmanager
    def serve(self):
        """Serve the project on a free port, and give its URL."""
        command = [sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:0"]
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                command, cwd=self.home, env=self.env, stdout=subprocess.PIPE, stderr=log, text=True
            ) as server,
        ):
            guard = threading.Timer(BOUND, server.kill)
            guard.start()
            try:
                lines = iter(server.stdout.readline, "")
                found = next(filter(None, (re.search(r"http://127\.0\.0\.1:[0-9]+/", line) for line in lines)), None)
                assert found, self.log.read_text(encoding="utf-8")
                yield found[0].rstrip("/")
            finally:
                guard.cancel()
                server.kill()


class Person:
    """Somebody with a browser that keeps cookies, and the phone beside it."""

    def __init__(self, site):
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        self.page = None

    def open(self, url):
        self.page = self.session.get(self.site + url, timeout=10)
        return self

    def send(self, **answers):
        """Send the first form of the page, filled in, as a browser does."""
        form = re.search(r"<form.*?</form>", self.page.text, re.DOTALL)[0]
        action = re.search(r'action="([^"]+)"', form)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        url = self.site + action[1] if action else self.page.url
        self.page = self.session.post(url, data=hidden | answers, headers={"Referer": self.page.url}, timeout=10)
        return self

    def messages(self, number):
        return [message["text"] for message in self.open_inbox() if message["number"] == number]

    def open_inbox(self):
        return self.session.get(f"{self.site}/phone/inbox.json", timeout=10).json()

    def enter_code(self, number):
        """Type the code of the newest message, whose reference must be the one on the page."""
        newest = self.messages(number)[0]
        assert f"<strong>{re.search('Ref ([A-Z]+)', newest)[1]}</strong>" in self.page.text
        return self.send(code=re.search("[0-9]{6}", newest)[0])

    def sees(self, words):
        return self.page.status_code == 200 and words in self.page.text

    @property
    def place(self):
        return self.page.url.removeprefix(self.site)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project of the page, as far as it goes from top to bottom; what it needs is checked on the way."""
    site = Site(tmp_path_factory.mktemp("docs"))
    site.follow("pages.md")
    return site


@pytest.fixture
def site(built):
    with built.serve() as url:
        yield url


def test_the_project_has_no_issues_and_its_tables(built):
    assert "System check identified no issues (0 silenced)." in built.manage("check")
    assert "[ ]" not in built.manage("showmigrations")


def test_somebody_signs_up_logs_in_again_and_changes_the_number(site):
    sam = Person(site).open("/")
    assert sam.place == "/login/?next=/"
    assert 'href="/signup/' in sam.page.text
    sam.open("/signup/").send(phone="+1 415 555 0123", region="")
    assert sam.place == "/signup/?step=code"
    sam.enter_code(PHONE)
    assert sam.place == "/signup/?step=details"
    sam.send(username="sam", password1=PASSWORD, password2=PASSWORD)
    assert sam.place == "/"
    assert sam.sees(PHONE)

    sam.send()  # log out
    assert sam.open("/").place == "/login/?next=/"
    sam.send(phone=PHONE, region="").enter_code(PHONE)
    assert sam.place == "/"
    assert sam.sees("sam")

    assert sam.open("/vault/").sees("The answer is 42.")
    sam.open("/phone/number/")
    assert sam.place == "/phone/number/"
    sam.send(password=PASSWORD)
    assert sam.place == "/phone/number/?step=number"
    sam.send(phone=NEW_PHONE, region="").enter_code(NEW_PHONE)
    assert sam.sees(NEW_PHONE)
    assert sam.sees("Continue")
    assert sam.open("/").sees(NEW_PHONE)
    assert not sam.sees(PHONE)
    assert "was changed" in sam.messages(PHONE)[0]


def test_a_stranger_is_asked_to_log_in_before_the_vault(site):
    assert Person(site).open("/vault/").place == "/login/?next=/vault/"


def test_the_vault_asks_for_a_code_when_the_last_one_is_old(built, site):
    kim = Person(site).open("/signup/").send(phone=OTHER_PHONE, region="").enter_code(OTHER_PHONE)
    kim.send(username="kim", password1=PASSWORD, password2=PASSWORD)
    let_time_go_by(built, minutes=6)
    kim.open("/vault/")
    assert kim.place == "/phone/confirm/?next=%2Fvault%2F"
    before = len(kim.messages(OTHER_PHONE))
    kim.send()
    assert len(kim.messages(OTHER_PHONE)) == before + 1
    kim.enter_code(OTHER_PHONE)
    assert (kim.place, kim.page.text) == ("/vault/", "The answer is 42.")


def let_time_go_by(site, *, minutes):
    """Make what every session knows of codes older."""
    lines = (
        "from django.contrib.sessions.models import Session",
        "from django.contrib.sessions.backends.db import SessionStore",
        "for row in Session.objects.all():",
        "    store = SessionStore(row.session_key)",
        f"    if {SESSION_KEY!r} in store:",
        f"        store[{SESSION_KEY!r}]['at'] -= {minutes * 60}",
        "        store.save()",
    )
    site.manage("shell", "--command", "\n".join(lines))


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Another such project, with all that is added later: no password, a look, languages, an admin behind a code."""
    site = Site(tmp_path_factory.mktemp("more"))
    for page in ("pages.md", "look.md", "change-of-number.md", "admin-login.md"):
        site.follow(page)
    site.change("people/views.py", "details_form_class = UserCreationForm", "details_form_class = NameForm")
    first = "from django.contrib.auth.forms import UserCreationForm"
    site.change("people/views.py", first, "from people.forms import NameForm")
    last = '    path("admin/"'
    site.change("mysite/urls.py", last, f'    path("newsletter/", include("people.newsletter")),\n{last}')
    site.change("mysite/urls.py", "django_phone_otp.html.urls", "people.phone_urls")
    new, old = _IN_PLACE.search(blocks(DOCS / "admin-login.md", "python")[0]).groups()
    site.change("mysite/settings.py", old, new)
    assert "no issues" in site.manage("check")
    return site


@pytest.fixture
def more(extended):
    with extended.serve() as url:
        yield url


def test_somebody_without_a_password_is_asked_for_a_code_before_the_number_changes(extended, more):
    lee = Person(more).open("/signup/").send(phone=PHONE, region="").enter_code(PHONE).send(username="lee")
    assert lee.place == "/"
    assert lee.open("/phone/number/").place == "/phone/number/?step=number"  # the code of the sign-up is fresh
    let_time_go_by(extended, minutes=11)
    lee.open("/phone/number/")
    assert lee.place == "/phone/confirm/?next=%2Fphone%2Fnumber%2F"
    lee.send().enter_code(PHONE)
    assert lee.place == "/phone/number/?step=number"
    lee.send(phone=NEW_PHONE, region="").enter_code(NEW_PHONE)
    assert lee.sees(NEW_PHONE)


def test_the_pages_take_the_look_of_the_site_and_the_language_of_the_reader(more):
    person = Person(more)
    person.session.headers["Accept-Language"] = "de"
    page = person.open("/login/").page
    assert "<header>My site</header>" in page.text
    assert page.text.count("</main>") == 1
    assert "What is your number?" in page.text
    assert page.headers["Content-Language"] == "de"
    with translation.override("de"):
        assert str(NumberStep.form_class.base_fields["phone"].label) in page.text
    styles, script = re.search(r'href="(/static/[^"]+css)"', page.text)[1], re.search(r'src="([^"]+)"', page.text)[1]
    for file in (styles, script, "/static/people/pages.css"):
        assert person.open(file).page.status_code == 200, file
    assert person.open("/login/").send(phone="1", region="").page.text.count('role="alert"') == 1


def test_the_newsletter_of_the_page_takes_a_number_and_its_code(more):
    person = Person(more).open("/newsletter/").send(phone=OTHER_PHONE, region="")
    assert person.place == "/newsletter/code/"
    person.enter_code(OTHER_PHONE)
    assert person.page.text == "You are on the list."
    assert person.open("/newsletter/code/").place == "/newsletter/"


def test_staff_come_in_by_password_and_code_and_never_by_the_password_alone(more):
    olive = Person(more).open("/admin/")
    olive.send(username="olive", password=PASSWORD)
    assert olive.place == "/phone/confirm/?next=%2Fadmin%2F"
    assert olive.open("/phone/number/").place == "/phone/confirm/?next=%2Fphone%2Fnumber%2F"
    assert olive.open("/admin/").place == "/phone/confirm/?next=%2Fadmin%2F"
    olive.send().enter_code(STAFF_PHONE)
    assert olive.place == "/admin/"
    assert olive.sees("Site administration")


def test_whoever_came_by_phone_alone_is_asked_for_the_password_by_the_admin(more):
    olive = Person(more).open("/login/").send(phone=STAFF_PHONE, region="").enter_code(STAFF_PHONE)
    assert olive.place == "/"
    assert olive.open("/admin/").place == "/admin/login/?next=/admin/"


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
        rebind(owner, NEW_PHONE)
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
        rebind(owner, NEW_PHONE)
    ((request, _),) = httpserver.log
    text = "The phone number of your Example account was changed. If this was not you, call us at once."
    assert text in request.get_data(as_text=True)
    assert names["notice"]["id"] in request.get_data(as_text=True)
