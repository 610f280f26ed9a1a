"""Fixtures of the tests in a real browser."""

import pytest

from django_phone_otp.test import override_phone_otp
from tests.unlimited import UNLIMITED

GONE = "net::ERR_ABORTED"  # not a fault: the person clicked on before it had come
HEED_THE_POLICY = "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"
REFUSED = 429  # a limit's page, which is a page like any other


@pytest.fixture(scope="module")
def browser(chromium):
    """Chromium: one for all tests of a module, each of which has contexts of its own."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright's own event loop runs in this thread, which Django would take for asynchronous code.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, live_server):
    """Return a function that opens a path of the site in a browser of its own, where nothing may go wrong.

    Limits are lifted, but for the guess budget.
    """
    wrong = []

    def visit(path, **options):
        context = browser.new_context(base_url=live_server.url, **options)
        context.add_init_script(HEED_THE_POLICY)
        context.on("page", lambda page: watch(page, wrong))
        page = context.new_page()
        page.goto(path)
        return page

    with override_phone_otp(LIMITS=UNLIMITED):
        yield visit
    for context in browser.contexts:
        context.close()
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
