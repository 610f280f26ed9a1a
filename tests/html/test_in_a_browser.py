import pytest

from django_phone_otp.backends.inbox import InboxBackend
from tests.messages import message

TEXTS = (
    "424242 is your Example code.\nIt expires in 5 minutes. Do not share it.\n\n@login.example.com #424242",
    "x" * 160,
    "٤٢٤٢ هو رمزك",
)


@pytest.fixture
def browser(chromium, live_server, monkeypatch, settings):
    """Chromium, for pages of a server under DEBUG."""
    from playwright.sync_api import sync_playwright

    # Playwright's own event loop runs in this thread, which Django would take for asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.DEBUG = True
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(browser, url):
    """Open ``url``; return the page, and all that goes wrong on it."""
    page = browser.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
    page.goto(url, wait_until="networkidle")
    return page, wrong


@pytest.mark.django_db(transaction=True)
def test_the_pages_load_without_an_error_and_fit_a_phone_and_a_desktop(browser, live_server):
    for text in TEXTS:
        InboxBackend(alias="default").send(message(text, channel="whatsapp"))
    for path, shown in (("/", "django-phone-otp"), ("/phone/inbox/", "424242 is your Example code.")):
        page, wrong = open_page(browser, live_server.url + path)
        assert shown in page.inner_text("body")
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("innerWidth") == width
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("system-ui")  # its style came
        assert wrong == []
        page.close()
