"""The example site as its README shows it: with its own base page, and the messages beside it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from django_phone_otp.test import override_phone_otp
from example_project import settings as example
from tests.html.browser import OTHER_PHONE, click, fits, give_code, give_number, give_password

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(visit, settings):
    """The site's first page."""
    settings.DEBUG = True
    settings.TEMPLATES = example.TEMPLATES
    settings.LANGUAGES = example.LANGUAGES
    with override_phone_otp(BACKENDS=example.PHONE_OTP["BACKENDS"]):
        yield visit("/", viewport={"width": 1280, "height": 800})


def newest_code(page):
    """Read the code off the phone beside the page."""
    return re.match(r"\d{6}", page.locator("aside .bubble p[dir=auto]").first.inner_text())[0]


def is_well(page):
    assert Axe().run(page).response["violations"] == []
    assert fits(page)


def test_the_site_shows_each_message_beside_the_page_that_asks_for_it(site):
    site.get_by_role("navigation", name="Site").get_by_role("link", name="Sign up").click()
    give_number(site)
    reference = site.locator("main strong").inner_text()
    assert f"Ref {reference}" in site.locator("aside .bubble").first.inner_text()
    give_code(site, "12345")
    is_well(site)
    give_code(site, newest_code(site))
    site.get_by_label("Username").fill("sam")
    give_password(site)
    is_well(site)
    site.get_by_role("link", name="Change the number").click()
    give_password(site)
    give_number(site, OTHER_PHONE)
    give_code(site, newest_code(site))
    assert "was changed" in site.locator("aside").inner_text()  # the notice to the old number
    is_well(site)
    site.get_by_role("link", name="Continue").click()
    assert OTHER_PHONE in site.inner_text("main")
    site.get_by_role("link", name="Vault").click()
    assert site.get_by_role("heading", name="The vault").is_visible()
    click(site, "text=Log out")
    site.get_by_role("link", name="Vault").or_(site.locator("a[href='/vault/']")).first.click()
    give_number(site, OTHER_PHONE)
    give_code(site, newest_code(site))
    assert site.get_by_role("heading", name="The vault").is_visible()


def test_the_site_changes_its_language_and_direction(site):
    site.goto("/signup/?next=/vault/")
    for language, direction in (("ar", "rtl"), ("de", "ltr")):
        click(site, f"footer button[value={language}]")
        expect(site.locator("html")).to_have_attribute("lang", language)
        expect(site.locator("html")).to_have_attribute("dir", direction)
        assert site.url.endswith("/signup/?next=/vault/")
        is_well(site)
