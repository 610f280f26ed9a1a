"""The page of the sandbox: what it shows, who may change an outage, and what a browser makes of it."""

import re

import pytest

from example_project.sandbox import VENDORS
from example_project.sandbox.outages import Outage
from tests.example.conftest import NUMBER


def test_it_shows_the_messages_newest_first_with_what_became_of_them(vendors):
    vendors.send("kaleyra", body="the first\ntwo lines")
    vendors.send("startmessaging", "+919876543199")
    page = vendors.page().text
    assert page.index("424242 is your Example verification code.") < page.index("the first<br>two lines")
    for shown in (NUMBER, "+919876543199", "kaleyra", "startmessaging", "delivered", "failed", "sms"):
        assert shown in page


def test_the_same_is_there_as_json(vendors, sandbox):
    vendors.send("kaleyra", body="the first")
    vendors.send("imb")
    newest, oldest = vendors.page(path="messages.json").json()
    assert (newest["vendor"], oldest["text"]) == ("imb", "the first")
    assert newest["received_at"].endswith("+00:00")
    del newest["received_at"]
    assert newest == {
        "vendor": "imb",
        "channel": "sms",
        "number": NUMBER,
        "text": sandbox.messages[-1].text,
        "code": "424242",
        "vendor_id": sandbox.messages[-1].vendor_id,
        "status": "delivered",
    }


def test_it_says_what_to_do_while_there_is_no_message(vendors):
    assert "No messages yet." in vendors.page().text
    assert vendors.page(path="messages.json").json() == []


def test_it_shows_the_newest_fifty_and_says_where_the_others_are(vendors):
    for number in range(52):
        vendors.send("aoc", text=f"number {number:03}")
    page = vendors.page().text
    assert "number 002" in page
    assert "number 001" not in page
    assert "The newest 50 of 52." in page


def test_a_message_cannot_write_html(vendors):
    vendors.send("kaleyra", body='<script>alert("1")</script> & <img src=x>')
    page = vendors.page().text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &lt;img src=x&gt;" in page


def test_it_names_every_vendor_outage_and_special_number(vendors, sandbox):
    sandbox.set_outage("imb", "garbage")
    page = vendors.page().text
    for shown in ("198", "199", "wrong", "syncdeliveries", *map(sandbox.url, VENDORS)):
        assert shown in page
    for mode in Outage:
        assert page.count(f'<option value="{mode}"') == len(VENDORS)
        assert mode.about in page
    assert page.count("selected") == len(VENDORS)
    assert re.search(r'<option value="garbage"\s+selected>', page)


@pytest.mark.parametrize("path", ["", "messages.json", "page.css", "icon.svg", "nothing", "outage"])
def test_every_answer_forbids_scripts_frames_and_caches(vendors, path):
    headers = vendors.page(path=path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("path", "kind"), [("page.css", "text/css"), ("icon.svg", "image/svg+xml")])
def test_its_style_and_icon_come_from_itself(vendors, path, kind):
    assert f'href="/{path}"' in vendors.page().text
    answer = vendors.page(path=path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("POST", "", 405), ("GET", "outage", 405), ("GET", "../settings.py", 404)],
)
def test_what_is_not_there_cannot_be_had(vendors, method, path, status):
    assert vendors.page(method, path).status_code == status


def test_a_head_request_gets_no_body(vendors):
    head = vendors.page("HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert vendors.page().status_code == 200  # on the same connection


# Who may change an outage


def test_a_form_changes_an_outage_and_leads_back(vendors, sandbox):
    answer = vendors.page("POST", "outage", data={"vendor": "aoc", "mode": "down"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/#aoc")
    assert sandbox.outage("aoc") == "down"


def test_json_changes_an_outage_and_is_told_so(vendors, sandbox):
    answer = vendors.page("POST", "outage", json={"vendor": "aoc", "mode": "limited"})
    assert (answer.status_code, answer.json()) == (200, {"vendor": "aoc", "mode": "limited"})
    assert sandbox.outage("aoc") == "limited"


@pytest.mark.parametrize(
    "body", [{}, [], {"vendor": "aoc"}, {"vendor": "nobody", "mode": "ok"}, {"vendor": "aoc", "mode": ["down"]}]
)
def test_an_outage_that_does_not_exist_is_refused(vendors, sandbox, body):
    assert vendors.page("POST", "outage", json=body).status_code == 400
    assert sandbox.outage("aoc") == "ok"


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("kind", ["data", "json"])
def test_another_site_cannot_change_an_outage(vendors, sandbox, headers, kind):
    answer = vendors.page("POST", "outage", headers=headers, **{kind: {"vendor": "aoc", "mode": "down"}})
    assert answer.status_code == 403
    assert sandbox.outage("aoc") == "ok"


def test_another_site_cannot_send_json_as_plain_text(vendors, sandbox):
    body = '{"vendor": "aoc", "mode": "down"}'
    assert vendors.page("POST", "outage", data=body, headers={"Content-Type": "text/plain"}).status_code == 415
    assert sandbox.outage("aoc") == "ok"


def test_a_name_that_was_pointed_at_this_machine_reads_nothing(vendors):
    vendors.send("kaleyra")
    answer = vendors.page(path="messages.json", headers={"Host": "evil.example:8100"})
    assert answer.status_code == 403
    assert "424242" not in answer.text


def test_its_own_origin_may(vendors, sandbox):
    headers = {"Origin": sandbox.page_url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    answer = vendors.page("POST", "outage", data={"vendor": "aoc", "mode": "errors"}, headers=headers)
    assert answer.status_code == 303
    assert sandbox.outage("aoc") == "errors"


# In a browser


@pytest.fixture
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, sandbox):
    """Return a function that opens the page, and gives it with all that goes wrong on it."""

    def run(**options):
        page, wrong = browser.new_page(**options), []
        page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
        page.goto(sandbox.page_url, wait_until="networkidle")
        return page, wrong

    return run


def test_an_outage_is_chosen_without_javascript(open_page, sandbox):
    page, wrong = open_page(java_script_enabled=False)
    page.get_by_label("State of Kaleyra").select_option("hang")
    page.get_by_role("button", name="Set Kaleyra").click()
    page.wait_for_url("**/#kaleyra")
    assert sandbox.outage("kaleyra") == "hang"
    assert wrong == []


def test_it_fits_a_phone_and_a_desktop(open_page, vendors):
    vendors.send("kaleyra", body="x" * 160)
    page, wrong = open_page()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("system-ui")  # its style came
    assert wrong == []
