"""Fixtures of the tests of pages: an account, and a real browser."""

import os
import tempfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.services.phones import bind
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import PASSWORD
from tests.unlimited import UNLIMITED

GONE = "net::ERR_ABORTED"  # not a fault: the person clicked on before it had come
HEED_THE_POLICY = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"
REFUSED = 429  # a limit's page, which is a page like any other


@pytest.fixture
def sam():
    """An account with a number and a password."""
    user = User.objects.create_user("sam", "sam@example.com", PASSWORD)
    bind(user, PHONE)
    return user


@pytest.fixture
def inside(sam):
    """A client in which Sam is logged in, by nothing that counts as a password just given."""
    client = Client()
    client.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(scope="module")
def browser(chromium):
    """Chromium: one for all tests of a module."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # machines are busy at times
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright's own event loop runs in this thread, which Django would take for asynchronous code.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots():
    """Where pictures of the pages are kept, for people to look at."""
    default = Path(tempfile.gettempdir()) / "phone-otp-screenshots"
    folder = Path(os.environ.get("PHONE_OTP_SCREENSHOTS") or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Visitors:
    """Browsers of people who know nothing of each other. A test gets one that an earlier test is done with."""

    def __init__(self, browser):
        self.browser = browser
        self.idle = {}
        self.busy = []
        self.wrong = []

    def open(self, *, as_new=False, **options):
        """Return an empty page. ``as_new`` is for tests that change the browser itself."""
        kind = None if as_new else str(options)
        page = self.idle.pop(kind, None) or self._new_page(options)
        self.busy.append((kind, page))
        return page

    def leave(self):
        """Forget all that the pages of a test left behind; return what went wrong on them."""
        for kind, page in self.busy:
            if kind is None or kind in self.idle:
                page.context.close()
                continue
            for tab in page.context.pages:
                if tab is not page:
                    tab.close()
            page.goto("about:blank")
            page.context.clear_cookies()
            page.context.clear_permissions()
            self.idle[kind] = page
        self.busy.clear()
        wrong = self.wrong.copy()
        self.wrong.clear()
        return wrong

    def _new_page(self, options):
        context = self.browser.new_context(**options)
        context.add_init_script(HEED_THE_POLICY)
        context.on("page", lambda page: watch(page, self.wrong))
        return context.new_page()


@pytest.fixture(scope="module")
def visitors(browser):
    """All who visit in a module; opening a browser of one's own is what takes the most time."""
    return Visitors(browser)


@pytest.fixture
def visit(visitors, live_server):
    """Return a function that opens a path of the site in a browser of its own, where nothing may go wrong.

    Limits are lifted, but for the guess budget.
    """

    def visit(path, **options):
        page = visitors.open(base_url=live_server.url, **options)
        page.goto(path)
        return page

    with override_phone_otp(LIMITS=UNLIMITED, REGIONS=["US", "GB"]):
        yield visit
        wrong = visitors.leave()
    assert wrong == []


@pytest.fixture
def open_page(browser):
    """Return a function that opens a URL; it returns the page, and all that goes wrong on it."""

    def open_page(url):
        page = browser.new_page()
        wrong = []
        watch(page, wrong)
        page.goto(url, wait_until="networkidle")
        return page, wrong

    return open_page


def watch(page, wrong):
    """Put in ``wrong`` whatever goes wrong on ``page`` from now on."""

    def heed(message):
        if message.type in {"error", "warning"} and f"status of {REFUSED}" not in message.text:
            wrong.append(message.text)

    page.on("console", heed)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url) if request.failure != GONE else None)
    page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 and got.status != REFUSED else None)
