import re

import pytest
from playwright.sync_api import expect

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox
from tests.html.browser import (
    AGAIN,
    PHONE,
    WHATSAPP,
    click,
    expire,
    give_code,
    give_number,
    let_resend,
    messages_to,
    send_again,
    wrong_code,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(visit):
    """The page that asks for a code that was just sent."""
    page = visit("/signup/")
    give_number(page)
    return page


def is_verified(page):
    return page.get_by_text("is verified.").is_visible()


@pytest.mark.parametrize("mark", [" ", "-"])
def test_a_code_may_be_pasted_as_it_was_written(page, mark):
    code = latest_code(PHONE)
    written = f" {code[:3]}{mark}{code[3:]} "
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", written)
    page.keyboard.press("Control+V")  # the field has the focus already
    expect(page.locator("[name=code]")).to_have_value(written)
    click(page)
    assert is_verified(page)


def test_a_wrong_code_stays_there_to_be_corrected(page):
    wrong = wrong_code()
    give_code(page, wrong)
    words = "That code is not right. Check the newest message, and enter its code again."
    field = page.get_by_role("textbox")
    expect(field).to_have_value(wrong)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(f"^{words} We sent it to "))
    expect(field).to_be_focused()
    assert page.title() == "Error: Enter the code"
    page.get_by_role("button", name="Continue").focus()
    page.get_by_role("alert").get_by_role("link", name=words).click()
    expect(field).to_be_focused()
    give_code(page)
    assert is_verified(page)


def test_what_is_no_code_is_told_so_and_is_no_guess(page):
    for typed, words in (("", "Enter the code: 6 digits."), ("12345", "6 digits"), ("abcdef", "digits only")):
        page.locator("[name=code]").fill(typed)
        click(page)
        expect(page.locator("#code-error")).to_contain_text(words)
        expect(page.locator("[name=code]")).to_have_value(typed)
    assert Challenge.objects.get().attempts == 0


def test_the_tries_that_are_left_are_told_in_the_last_two_only(page):
    for words in ("again.", "again.", "again. You have 2 tries left.", "again. You have 1 try left."):
        give_code(page, wrong_code())
        expect(page.locator("#code-error")).to_have_text(re.compile(rf"enter its code {re.escape(words)}$"))
    give_code(page, wrong_code())
    expect(page.get_by_role("alert")).to_contain_text("it was the last try. Ask for a new code.")
    assert page.locator("[name=code]").count() == 0
    page.keyboard.press("Enter")  # the button that sends a new one has the focus
    expect(page.get_by_role("status").first).to_have_text("A new code was sent.")
    give_code(page)
    assert is_verified(page)
    assert messages_to() == 2


def test_a_code_that_expired_on_the_way_is_told_so_and_one_click_brings_another(page):
    expire()
    give_code(page)
    expect(page.get_by_role("alert")).to_contain_text("expired")
    click(page)
    expect(page.get_by_role("status").first).to_have_text("A new code was sent.")
    assert messages_to() == 2
    give_code(page)
    assert is_verified(page)


def test_another_message_has_the_same_code_and_then_another_channel_is_offered(page):
    assert page.locator(WHATSAPP).count() == 0
    send_again(page)
    expect(page.get_by_role("status").first).to_have_text("The code was sent again.")
    assert page.get_by_text("Still nothing?").count() == 0
    send_again(page, WHATSAPP)
    assert [message.channel for message in outbox] == ["sms", "sms", "whatsapp"]
    assert len({message.code for message in outbox}) == 1
    expect(page.get_by_text("Still nothing?")).to_be_visible()
    expect(page.get_by_role("button", name="Send it by text message")).to_be_visible()
    give_code(page)
    assert is_verified(page)


def test_the_time_until_another_message_is_the_servers(visit):
    page = visit("/signup/", as_new=True)
    page.clock.install()
    give_number(page)
    button, countdown = page.locator(AGAIN), page.locator("[data-wait]")
    expect(button).to_be_disabled()
    expect(countdown).to_have_attribute("aria-hidden", "true")  # or every second would be read out
    page.clock.run_for(10_000)
    seconds = int(countdown.locator("b").inner_text())
    assert 10 <= seconds <= 20
    page.reload()  # on the server, less time went by
    expect(button).to_be_disabled()
    assert seconds < int(countdown.locator("b").inner_text()) <= 30


def test_when_another_message_may_be_asked_for_it_is_said_once(visit):
    page = visit("/signup/", as_new=True)
    page.clock.install()
    give_number(page)
    status = page.get_by_role("status")
    status.evaluate(
        """status => {
            window.said = [];
            new MutationObserver(() => said.push(status.textContent)).observe(status, {childList: true});
        }"""
    )
    expect(status).to_have_text("")
    page.clock.run_for(31_000)
    expect(status).to_have_text("You can get another one now.")
    expect(page.locator("[data-wait]")).to_be_hidden()
    page.clock.run_for(60_000)
    assert page.evaluate("said") == ["You can get another one now."]
    let_resend()
    click(page, AGAIN)
    assert messages_to() == 2


STUB = """
    window.OTPCredential = class {};
    window.asked = [];
    const get = (options) => {
        asked.push(options);
        return new Promise((resolve, reject) => { window.arrive = (code) => resolve({code}); window.deny = reject; });
    };
    Object.defineProperty(navigator, "credentials", {value: {get}});
"""


@pytest.fixture
def webotp(visit):
    """The same page, in a browser that reads codes from messages."""
    page = visit("/login/", as_new=True)
    page.context.add_init_script(STUB)
    page.goto("/signup/")
    assert page.evaluate("asked") == []
    give_number(page)
    return page


def test_a_code_from_the_message_is_filled_in_and_waits_for_the_person(webotp):
    assert webotp.evaluate("asked.map(({otp}) => otp)") == [{"transport": ["sms"]}]
    code_page = webotp.url
    webotp.evaluate("code => arrive(code)", latest_code(PHONE))
    expect(webotp.locator("[name=code]")).to_have_value(latest_code(PHONE))
    webotp.reload()
    assert webotp.url == code_page
    assert Challenge.objects.get().attempts == 0
    give_code(webotp)
    assert is_verified(webotp)


def test_a_code_from_the_message_is_sent_by_itself_where_the_project_says_so(monkeypatch, webotp):
    monkeypatch.setattr("example_project.website.views.Signup.submits_by_itself", True)
    webotp.reload()
    with webotp.expect_navigation():
        webotp.evaluate("code => arrive(code)", latest_code(PHONE))
    assert is_verified(webotp)


def test_a_browser_that_will_not_read_messages_leaves_it_to_the_person(webotp):
    webotp.evaluate("deny(new DOMException('not here', 'NotAllowedError'))")
    give_code(webotp)
    assert is_verified(webotp)
