"""Clicks on the button that sends a code: the same page twice, and a page that the browser kept."""

import pytest

from django_phone_otp.models import Challenge
from django_phone_otp.test import outbox
from tests.html.pages import NEW, NUMBER, PASSWORD, SIGNUP, hidden, leads_to, step, with_cookies_of, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
THIRD = "+14155550125"
ASK = step(NUMBER, "number")


@pytest.fixture
def inside(inside):
    inside.post(NUMBER, {"password": PASSWORD})
    return inside


def sent():
    return [message.number for message in outbox]


def test_a_second_click_is_no_second_message_for_whoever_is_logged_in(inside):
    key, twin = hidden(inside.get(ASK), "key"), with_cookies_of(inside)
    for tab in (inside, twin, inside):
        assert leads_to(tab.post(ASK, {"phone": NEW, "key": key}), step(NUMBER, "code"))
    assert sent() == [NEW]


def test_a_number_that_was_corrected_on_a_page_that_the_browser_kept_gets_its_own_code(inside):
    key = hidden(inside.get(ASK), "key")
    for number in (NEW, THIRD):
        assert leads_to(inside.post(ASK, {"phone": number, "key": key}), step(NUMBER, "code"))
    assert sent() == [NEW, THIRD]
    assert f"We sent it to {THIRD} ." in words(inside.get(step(NUMBER, "code")))
    assert Challenge.objects.get(number=NEW).status == "canceled"


def test_a_new_page_for_the_same_number_sends_no_second_message_while_the_code_works(client):
    client.get(SIGNUP)
    client.post(SIGNUP, {"phone": NEW})  # the session begins here
    reference = hidden(client.get(step(SIGNUP, "code")), "reference")
    for _ in range(2):
        client.post(SIGNUP, {"phone": THIRD})
    assert sent() == [NEW, THIRD]
    assert hidden(client.get(step(SIGNUP, "code")), "reference") == Challenge.objects.get(number=THIRD).reference
    assert Challenge.objects.get(number=NEW).reference == reference
