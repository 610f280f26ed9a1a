"""Logging in, changing one's number, and proving it once more."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge
from django_phone_otp.test import outbox
from tests.html.browser import (
    OTHER_PHONE,
    PASSWORD,
    PHONE,
    account,
    click,
    enter,
    give_code,
    give_number,
    give_password,
    messages_to,
    send_again,
    wrong_code,
)

pytestmark = pytest.mark.django_db(transaction=True)

NAMESAKE = "+12025550123"  # ends like the other, so that it looks the same when it is masked


def test_a_number_and_its_code_are_a_log_in(visit):
    account("sam", PHONE)
    page = visit("/account/?tab=2")
    assert page.evaluate("location.pathname") == "/login/"
    give_number(page)
    give_code(page, wrong_code())
    expect(page.get_by_role("alert")).to_contain_text("That code is not right.")
    give_code(page)
    assert page.url.endswith("/account/?tab=2")
    assert "sam" in page.inner_text("main")


def test_the_pages_are_the_same_for_a_number_that_nobody_has(visit):
    account("sam", PHONE)
    known, unknown = list(pages_of_a_log_in(visit, PHONE)), list(pages_of_a_log_in(visit, NAMESAKE))
    assert "if that is the number of an account" in known[0]
    assert known == unknown
    assert (messages_to(PHONE), messages_to(NAMESAKE)) == (2, 0)


def pages_of_a_log_in(visit, number):
    page = visit("/login/", java_script_enabled=False)
    give_number(page, number)
    yield without_chance(page.content())
    for typed in ("12345", wrong_code(PHONE)):
        give_code(page, typed)
        yield without_chance(page.content().replace(typed, "…"))
    send_again(page)
    yield without_chance(page.content())


def without_chance(content):
    """Return a page without what differs by chance: keys, references and seconds."""
    for chance in (r'csrfmiddlewaretoken" value="\w+', r"<strong>[A-Z]{2}<", r'reference" value="[A-Z]{2}'):
        content, found = re.subn(chance, "…", content)
        assert found
    return re.sub(r'data-wait="\d+|<b>\d+', "…", content)


def test_the_number_is_changed_after_the_password(visit, mailoutbox):
    user = account("sam", PHONE, PASSWORD)
    User.objects.update(email="sam@example.com")
    page = visit("/")
    enter(page, user)
    page.goto("/account/")
    page.get_by_role("link", name="Change the number").click()
    give_password(page, "something else")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_accessible_description("That password is not right.")
    give_password(page)
    give_number(page, OTHER_PHONE)
    give_code(page, number=OTHER_PHONE)
    assert f"Codes go to {OTHER_PHONE} from now on. A notice goes to the old number." in page.inner_text("main")
    page.get_by_role("link", name="Continue").click()
    assert page.url.endswith("/account/")
    assert phone_otp.numbers_of(user) == [OTHER_PHONE]
    (notice,) = [message for message in outbox if message.number == PHONE]
    assert (notice.code, "was changed" in notice.text) == ("", True)
    assert [mail.to for mail in mailoutbox] == [["sam@example.com"]]


def test_after_a_change_only_the_new_number_logs_in(visit):
    user = account("sam", PHONE, PASSWORD)
    page = visit("/")
    enter(page, user)
    page.goto("/phone/number/")
    give_password(page)
    give_number(page, OTHER_PHONE)
    give_code(page, number=OTHER_PHONE)
    outbox.clear()
    page.context.clear_cookies()
    page.goto("/login/")
    give_number(page, PHONE)
    assert messages_to(PHONE) == 0
    page.goto("/login/")
    give_number(page, OTHER_PHONE)
    give_code(page, number=OTHER_PHONE)
    assert page.url.endswith("/account/")


def test_without_a_password_a_code_to_the_old_number_says_who_it_is(visit):
    user = account("sam", PHONE)
    page = visit("/")
    enter(page, user)
    page.goto("/phone/number/?next=/terminal/")
    assert "enter a code that we send to +1 ••••• ••123" in page.inner_text("main")
    assert len(outbox) == 0  # before the person asks for it
    click(page)
    give_code(page)
    assert page.evaluate("location.pathname") == "/phone/number/"
    give_number(page, OTHER_PHONE)
    give_code(page, number=OTHER_PHONE)
    page.get_by_role("link", name="Continue").click()
    assert page.url.endswith("/terminal/")
    assert phone_otp.numbers_of(user) == [OTHER_PHONE]
    assert messages_to(PHONE) == 2


def test_an_account_without_a_number_is_given_one(visit):
    user = account("sam", password=PASSWORD)
    page = visit("/")
    enter(page, user)
    page.goto("/vault/")
    page.get_by_role("link", name="Add your number").click()
    give_password(page)
    give_number(page)
    give_code(page)
    assert page.get_by_role("heading", name="Your number is verified").is_visible()
    assert phone_otp.numbers_of(user) == [PHONE]


def test_what_needs_a_fresh_code_asks_for_one_and_leads_back(visit):
    page = visit("/")
    enter(page, account("sam", PHONE))
    page.goto("/vault/?drawer=3&name=a%26b")
    assert page.evaluate("location.pathname") == "/phone/confirm/"
    click(page)
    give_code(page, wrong_code())
    send_again(page)
    give_code(page)
    assert page.url.endswith("/vault/?drawer=3&name=a%26b")
    page.goto("/vault/")
    assert page.evaluate("location.pathname") == "/vault/"  # for a while
    assert Challenge.objects.count() == 1


def test_a_log_in_by_phone_is_fresh_enough(visit):
    account("sam", PHONE)
    page = visit("/vault/")
    give_number(page)
    give_code(page)
    assert page.evaluate("location.pathname") == "/vault/"
