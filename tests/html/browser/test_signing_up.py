import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge
from tests.html.browser import (
    AGAIN,
    OTHER_PHONE,
    PHONE,
    WHATSAPP,
    account,
    click,
    expire,
    give_code,
    give_number,
    messages_to,
    send_again,
    wrong_code,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_account(page):
    return page.evaluate("location.pathname + location.search") == "/account/"


def test_a_number_its_code_and_a_name_make_an_account(visit):
    page = visit("/")
    page.get_by_role("navigation").get_by_role("link", name="Sign up").click()
    page.get_by_label("Country").select_option("US")
    page.get_by_label("Phone number").fill("(415) 555-0123")
    click(page)
    assert "We sent it to +14155550123." in page.inner_text("main")
    assert f"with the reference {Challenge.objects.get().reference}" in page.inner_text("main")
    give_code(page)
    page.get_by_label("Username").fill("sam")
    click(page)
    assert at_account(page)
    assert PHONE in page.inner_text("main")
    assert phone_otp.numbers_of(User.objects.get(username="sam")) == [PHONE]


def test_a_plus_in_the_number_wins_over_the_list(visit):
    page = visit("/signup/", locale="en-GB")
    assert page.locator("[name=region]").input_value() == "GB"  # as the browser says
    give_number(page, "+1 415 555 0123")
    assert messages_to(PHONE) == 1


def test_a_number_without_its_country_is_refused_and_kept(visit):
    page = visit("/signup/", locale="en")
    give_number(page, "415 555 0123")
    field = page.get_by_label("Phone number")
    expect(field).to_have_value("415 555 0123")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "As you would dial it, or with + and the country code, such as +1 415 555 0123. "
        "Choose the country, or begin with + and the country code."
    )
    expect(field).to_be_focused()
    assert page.title().startswith("Error: ")


def test_back_and_forward_show_what_is_true(visit):
    page = visit("/signup/")
    give_number(page)
    code_page = page.url
    page.go_back()
    expect(page.locator("[name=phone]")).to_have_value(PHONE)  # to correct it
    page.go_forward()
    give_code(page)
    details_page = page.url
    page.goto(code_page)
    assert page.url == details_page  # there is no code to enter any more
    page.locator("[name=username]").fill("sam")
    click(page)
    page.go_back()
    assert at_account(page)
    assert User.objects.count() == 1
    assert messages_to() == 1


def test_a_reload_sends_nothing_and_guesses_nothing(visit):
    page = visit("/signup/")
    give_number(page)
    page.reload()
    page.reload()
    give_code(page)
    page.reload()
    assert page.locator("[name=username]").is_visible()
    assert messages_to() == 1
    assert Challenge.objects.get().attempts == 1


def test_another_browser_knows_nothing(visit):
    page = visit("/signup/")
    give_number(page)
    give_code(page)
    stranger = visit("/signup/?step=code")
    assert stranger.locator("[name=phone]").input_value() == ""
    stranger.goto("/signup/?step=details")
    assert stranger.locator("[name=phone]").input_value() == ""


def test_the_code_of_an_older_tab_is_no_guess_and_the_tab_says_which_is_meant(visit):
    older = visit("/signup/")
    give_number(older)
    newer = older.context.new_page()
    newer.goto("/signup/")
    give_number(newer, OTHER_PHONE)
    challenge = Challenge.objects.get(number=OTHER_PHONE)
    older.bring_to_front()
    give_code(older)
    words = f"A newer code was sent. Enter the one with the reference {challenge.reference}."
    expect(older.get_by_role("alert")).to_contain_text(words)
    challenge.refresh_from_db()
    assert challenge.attempts == 0
    give_code(older, number=OTHER_PHONE)
    assert f"{OTHER_PHONE} is verified." in older.inner_text("main")
    newer.reload()
    assert f"{OTHER_PHONE} is verified." in newer.inner_text("main")


def test_an_older_tab_sends_nothing_again(visit):
    older = visit("/signup/")
    give_number(older)
    newer = older.context.new_page()
    newer.goto(older.url)
    send_again(newer)
    assert messages_to() == 2
    older.bring_to_front()
    older.locator(AGAIN).evaluate("button => button.disabled = false")
    click(older, AGAIN)
    assert messages_to() == 2
    assert older.locator(WHATSAPP).count() == 1


def test_two_numbers_leave_one_code_that_works(visit):
    page = visit("/signup/")
    give_number(page)
    page.get_by_role("link", name="Change number").click()
    give_number(page, OTHER_PHONE)
    states = {challenge.number: challenge.state for challenge in Challenge.objects.all()}
    assert states == {PHONE: "canceled", OTHER_PHONE: "pending"}


def test_somebody_with_an_account_is_led_to_the_log_in(visit):
    account("first", PHONE)
    page = visit("/signup/")
    give_number(page)
    give_code(page)
    expect(page.get_by_role("alert")).to_contain_text(f"{PHONE} belongs to another account.")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    assert page.evaluate("location.pathname") == "/login/"


def test_without_javascript_everything_works(visit):
    page = visit("/signup/", java_script_enabled=False)
    give_number(page, "12")
    expect(page.get_by_role("alert")).to_be_visible()
    give_number(page)
    expect(page.locator(AGAIN)).to_be_enabled()
    click(page, AGAIN)
    expect(page.get_by_role("alert")).to_contain_text("A code was sent a moment ago. You can ask for another in ")
    send_again(page)
    expect(page.get_by_role("status").first).to_have_text("The code was sent again.")
    send_again(page, WHATSAPP)
    give_code(page, wrong_code())
    expect(page.get_by_role("alert")).to_contain_text("That code is not right.")
    expire()
    page.goto(page.url)
    click(page)
    assert messages_to() == 4
    give_code(page)
    page.locator("[name=username]").fill("sam")
    click(page)
    assert page.url.endswith("/account/")
