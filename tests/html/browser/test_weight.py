"""What a page weighs, and what its policy keeps out: measured in the browser."""

import pytest

from tests.html.browser import give_number

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 15_000  # bytes: everything of a page, not compressed


@pytest.mark.parametrize("language", ["en", "de", "hi", "ar"])
def test_everything_of_a_page_is_light_and_comes_from_the_site(visit, live_server, language):
    page = visit("/terminal/", locale=language)
    responses = []
    page.context.on("response", responses.append)
    page.goto("/signup/", wait_until="networkidle")
    assert page.locator("[name=region] option").count() > 200  # REGIONS is "*"
    number = weigh(page, responses)
    give_number(page)
    page.goto(page.url, wait_until="networkidle")
    code = weigh(page, responses)
    for name, sizes in (("number", number), ("code", code)):
        print(f"\n{language} {name}: {sum(sizes.values())} bytes, {len(sizes)} requests: {sizes}")  # noqa: T201
        assert sum(sizes.values()) < MOST
        assert len(sizes) == 4
        assert {url.startswith(f"{live_server.url}/") for url in sizes} == {True}


def weigh(page, responses):
    """Return the bytes of the newest answer from each URL that ``page`` is made of."""
    # A browser without a window shows no icon, and asks for none.
    icon = page.context.request.get(page.locator("link[rel=icon]").evaluate("(link) => link.href"))
    parts = page.evaluate("[location.href, ...performance.getEntriesByType('resource').map(({name}) => name)]")
    bodies = {response.url: response.body() for response in responses if response.request.redirected_to is None}
    return {url: len(bodies[url]) for url in parts} | {icon.url: len(icon.body())}


def test_the_policy_is_in_force(browser, live_server):
    page = browser.new_page()
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.goto(f"{live_server.url}/signup/")
    for attempt in (
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))",
        "document.body.append(Object.assign(document.createElement('style'), {textContent: 'main {display: none}'}))",
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://example.com/a.png'}))",
        "fetch('/signup/').catch(() => 1)",
        "Object.assign(document.forms[0], {action: 'https://example.com/'}).submit()",
    ):
        before = len(heard)
        page.evaluate(attempt)
        page.wait_for_timeout(0)
        assert "Content Security Policy" in "".join(heard[before:]), attempt
    assert page.evaluate("window.ran") is None
    assert page.locator("main").is_visible()
    page.close()
