import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import expect

from django_phone_otp.test import latest_code, override_phone_otp
from tests.html.browser import (
    AGAIN,
    PHONE,
    every_state,
    fits,
    let_resend,
    messages_to,
    wrong_code,
)

pytestmark = pytest.mark.django_db(transaction=True)

PHONE_SIZE = {"width": 320, "height": 800}
COLORS_AGAIN = "axe.run({runOnly: ['color-contrast', 'link-in-text-block']})"

LINKS_TO_NOTHING = """
[...document.querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute('href'))
  .filter((target) => !document.querySelector(target))
"""


@pytest.fixture(autouse=True)
def _few_languages(settings):
    """As many as the example site has, whose pages list them."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
    settings.DEBUG = True  # or the inbox is not there


def faults(response):
    return [(fault["id"], node["html"]) for fault in response["violations"] for node in fault["nodes"]]


@pytest.mark.parametrize("language", ["en", "ar"])
@override_phone_otp(REGIONS=["*"])
def test_axe_finds_no_fault_in_any_state_of_any_page(visit, screenshots, language):
    page = visit("/signup/", locale=language, viewport=PHONE_SIZE)
    found = {}
    for name in every_state(page):
        found[name, "light"] = faults(Axe().run(page).response)
        page.screenshot(path=screenshots / f"{language}-{name}.png")
        page.emulate_media(color_scheme="dark")
        found[name, "dark"] = faults(page.evaluate(COLORS_AGAIN))
        page.screenshot(path=screenshots / f"{language}-{name}-dark.png")
        page.emulate_media(color_scheme="light")
        found[name, "links"] = page.evaluate(LINKS_TO_NOTHING)
        found[name, "width"] = [] if fits(page) else ["does not fit"]
    assert {where: what for where, what in found.items() if what} == {}
    assert len(found) >= 4 * 26


def tab_to(page, target, key="Tab"):
    """Press a key until the focus is on ``target``; whatever has it on the way must show that it does."""
    for _ in range(20):
        page.keyboard.press(key)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") not in {"none", ""}
        if page.locator(target).evaluate("(it) => it === document.activeElement"):
            return
    pytest.fail(f"no way to {target} by keyboard")


def press_enter(page):
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_keyboard_is_enough_to_sign_up(visit):
    page = visit("/signup/", locale="en")
    expect(page.locator("[name=phone]")).to_be_focused()
    page.keyboard.type("12")
    press_enter(page)
    expect(page.locator("[name=phone]")).to_be_focused()  # to be corrected
    page.keyboard.press("Control+A")
    page.keyboard.type("(415) 555-0123")
    tab_to(page, "[name=region]", "Shift+Tab")
    page.keyboard.type("United St")
    expect(page.locator("[name=region]")).to_have_value("US")
    tab_to(page, "button.main")
    press_enter(page)
    let_resend()
    expect(page.locator("[name=code]")).to_be_focused()
    page.goto(page.url)
    tab_to(page, AGAIN)
    press_enter(page)
    assert messages_to(PHONE) == 2
    page.keyboard.type(wrong_code())
    press_enter(page)
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(latest_code(PHONE))
    press_enter(page)
    tab_to(page, "[name=username]")
    page.keyboard.type("sam")
    tab_to(page, "button.main")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    assert User.objects.get().username == "sam"


def test_a_field_with_an_error_has_another_border(visit):
    page = visit("/signup/")
    border = "getComputedStyle(document.querySelector('[name=phone]')).border"
    before = page.evaluate(border)
    page.locator("[name=phone]").fill("12")
    page.locator("button.main").click()
    expect(page.locator("[name=phone]")).to_have_attribute("aria-invalid", "true")
    assert page.evaluate(border) != before
