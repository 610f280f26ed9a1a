"""What a page weighs, and what its policy keeps out: measured in the browser."""

import pytest

from django_phone_otp.test import override_phone_otp
from tests.html.browser import give_number

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 15_000  # bytes of everything that makes a page, as it travels


@pytest.mark.parametrize("language", ["en", "hi", "ar"])
@override_phone_otp(REGIONS=["*"])
def test_all_that_makes_a_page_is_light_and_comes_from_the_site(visit, live_server, language):
    page = visit("/signup/", locale=language)
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("[name=region] option").count() > 200
    number = weigh(page)
    give_number(page)
    for name, parts in (("number", number), ("code", weigh(page))):
        total = sum(parts.values())
        print(f"\n{language}, {name}: {total} bytes in {len(parts)} requests")  # noqa: T201
        assert total < MOST
        assert len(parts) == 4
        assert [url for url in parts if not url.startswith(f"{live_server.url}/")] == []


def weigh(page):
    """Load the page once more, with nothing at hand; return the bytes that each part of it took to come."""
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.route("**", lambda route: route.continue_())  # keeps the cache out
    document = page.reload()
    page.unroute("**")
    # A browser without a window shows no icon, and asks for none.
    requests.append(page.locator("link[rel=icon]").evaluate("(link) => link.href"))
    requests.remove(document.url)
    # The test server compresses no static file; a page compresses itself.
    parts = {url: len(page.context.request.get(url).body()) for url in requests}
    return {document.url: document.request.sizes()["responseBodySize"]} | parts


def test_the_policy_keeps_out_what_is_not_the_pages_own(browser, live_server):
    page = browser.new_page()
    page.goto(f"{live_server.url}/signup/")
    for attempt in (
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))",
        "document.body.append(Object.assign(document.createElement('style'), {textContent: 'main {display: none}'}))",
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://example.com/a.png'}))",
        "void fetch('/signup/').catch(() => 0)",
        "Object.assign(document.forms[0], {action: 'https://example.com/'}).submit()",
    ):
        with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            page.evaluate(attempt)
    assert page.evaluate("window.ran") is None
    assert page.locator("main").is_visible()
    page.close()
