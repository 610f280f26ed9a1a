"""The site of the documentation: a bare project that follows its pages to the letter works."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import threading

import pytest
import requests
from django.utils import translation

from django_phone_otp.html.number_step import NumberStep
from django_phone_otp.services.recency import SESSION_KEY
from tests.conftest import PHONE
from tests.html.pages import NEW
from tests.pages import DOCS, blocks

BOUND = 60  # seconds: no server outlives its test by more
OTHER_PHONE, STAFF_PHONE = "+14155550125", "+14155550127"
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
    sam.send(phone=NEW, region="").enter_code(NEW)
    assert sam.sees(NEW)
    assert sam.sees("Continue")
    assert sam.open("/").sees(NEW)
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
    lee.send(phone=NEW, region="").enter_code(NEW)
    assert lee.sees(NEW)


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
