"""A double click on each button."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox
from tests.html.browser import (
    AGAIN,
    OTHER_PHONE,
    PASSWORD,
    PHONE,
    WHATSAPP,
    account,
    enter,
    expire,
    let_resend,
    messages_to,
    wrong_code,
)

pytestmark = pytest.mark.django_db(transaction=True)


def double_click(page, then, button="button.main"):
    """Click twice, as fast as fingers do, and wait for ``then`` on the page. Return how often the browser posted."""
    posts = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    page.locator(button).dblclick(delay=15)
    expect(page.get_by_text(then).first).to_be_visible()
    return len(posts)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_in_a_sign_up_it_is_one_message_one_guess_and_one_account(visit, script):
    page = visit("/signup/", java_script_enabled=script)
    page.locator("[name=phone]").fill(PHONE)
    double_click(page, "Enter the code")
    assert messages_to() == 1
    for messages, button in ((2, AGAIN), (3, WHATSAPP)):
        let_resend()
        page.goto(page.url)
        double_click(page, "The code was sent again.", button)
        assert messages_to() == messages == Challenge.objects.get().messages
    expire()
    page.goto(page.url)
    double_click(page, "A new code was sent.")
    assert messages_to() == 4
    page.locator("[name=code]").fill(wrong_code())
    double_click(page, "That code is not right.")
    assert sorted(Challenge.objects.values_list("attempts", flat=True)) == [0, 1]
    page.locator("[name=code]").fill(latest_code(PHONE))
    double_click(page, "is verified.")
    assert sorted(Challenge.objects.values_list("attempts", flat=True)) == [0, 2]
    page.locator("[name=username]").fill("sam")
    assert double_click(page, "Your account") == 1  # the first answer logs in, and a second would take its place
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    assert User.objects.count() == 1


def test_in_a_log_in_it_is_one_log_in(visit):
    account("sam", PHONE)
    page = visit("/login/")
    page.locator("[name=phone]").fill(PHONE)
    double_click(page, "Enter the code")
    page.locator("[name=code]").fill(latest_code(PHONE))
    double_click(page, "Log out")
    assert page.url.endswith("/account/")
    assert len(outbox) == 1


def test_in_a_change_of_number_it_is_one_change(visit):
    account("sam", PHONE, PASSWORD)
    page = visit("/")
    enter(page, User.objects.get())
    page.goto("/phone/number/")
    page.locator("[name=password]").fill(PASSWORD)
    double_click(page, "Your phone number")
    page.locator("[name=phone]").fill(OTHER_PHONE)
    double_click(page, "Enter the code")
    page.locator("[name=code]").fill(latest_code(OTHER_PHONE))
    double_click(page, "Your number is changed")
    assert (messages_to(OTHER_PHONE), messages_to(PHONE)) == (1, 1)  # the code, and the notice


def test_in_a_step_up_it_is_one_message(visit):
    account("sam", PHONE)
    page = visit("/")
    enter(page, User.objects.get())
    page.goto("/vault/")
    double_click(page, "Enter the code")
    assert messages_to() == 1
    page.locator("[name=code]").fill(latest_code(PHONE))
    double_click(page, "The vault")
