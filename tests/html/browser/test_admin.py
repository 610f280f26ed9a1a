"""The admin in a browser, light and dark, wide and narrow: a strict policy holds, and axe finds no fault."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client

from django_phone_otp.test import override_phone_otp
from tests.admin.everything import SETTINGS, every_page, make_everything
from tests.html.conftest import HEED_THE_POLICY, watch
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 400, "height": 900}}
# What is around it is Django's, and so are the headings of a delivery's receipts, two of which are empty.
PARTS = {"include": ["#content"], "exclude": [".inline-group thead"]}
ICON = "status of 404"  # a browser asks for the site's icon, which this site has not


def strict(get_response):
    """A middleware with a policy that lets nothing inline through."""

    def respond(request):
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return respond


@pytest.fixture
def pages(settings, live_server):
    """The address of each page of the app in the admin, and a session that may see them all."""
    settings.MIDDLEWARE = [f"{__name__}.strict", *settings.MIDDLEWARE]
    client = Client()
    root = User.objects.create_superuser("root")
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    with override_phone_otp(LIMITS=UNLIMITED, **SETTINGS):
        make_everything(root)
        ours = {name: url for name, url in every_page() if "phone_otp" in url}
        yield {re.sub(r" \[.*", "", name): live_server.url + url for name, url in ours.items()}, client


@pytest.mark.parametrize("size", SIZES)
def test_every_page_keeps_a_strict_policy_fits_and_has_no_fault_light_or_dark(
    browser, pages, live_server, screenshots, size
):
    addresses, client = pages
    context = browser.new_context(viewport=SIZES[size])
    context.add_init_script(HEED_THE_POLICY)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    found, wrong = {}, []
    watch(page, wrong)
    for name, address in addresses.items():
        if client.get(address).status_code != 200:  # what only takes what is posted, or what nobody may do
            continue
        page.goto(address)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")  # colours fade over
            page.screenshot(path=screenshots / f"admin-{name}-{size}-{scheme}.png", full_page=True)
            faults = Axe().run(page, context=PARTS).response["violations"]
            found[name, scheme] = [(fault["id"], node["html"]) for fault in faults for node in fault["nodes"]]
        found[name, "policy"] = [words for words in wrong if ICON not in words]
        found[name, "width"] = page.evaluate("document.documentElement.scrollWidth > innerWidth") and ["does not fit"]
        wrong.clear()
    context.close()
    assert {where: what for where, what in found.items() if what} == {}
    assert len(found) >= 4 * 8
