"""The page that asks for the code: what a click leads to, what is said at each moment, and how the code comes again."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import include, path

from django_phone_otp.html import SignupView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import (
    CODE,
    DETAILS,
    LOGIN,
    SIGNUP,
    again,
    ask,
    enter,
    hidden,
    leads_to,
    only,
    step,
    with_cookies_of,
    words,
)
from tests.races import kinds, together
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]


class Shy(SignupView):
    number_masked = True
    number_changeable = False
    submits_by_itself = True
    help_url = "home"


urlpatterns = [path("shy/", Shy.as_view()), path("", include("tests.urls"))]


class TestWhere:
    def test_without_a_challenge_the_number_is_asked_for(self, client):
        assert leads_to(client.get(CODE), SIGNUP)
        assert leads_to(client.post(CODE, {"code": "123456", "reference": "XX"}), SIGNUP)
        assert leads_to(client.post(CODE, {"action": "resend"}), SIGNUP)

    def test_a_reload_changes_nothing(self, client):
        first = ask(client)
        assert [hidden(client.get(CODE), "reference") for _ in range(3)] == [hidden(first, "reference")] * 3
        assert len(outbox) == only().messages == 1

    def test_a_challenge_that_was_deleted_is_as_none(self, client):
        ask(client)
        Challenge.objects.all().delete()
        assert leads_to(client.get(CODE), SIGNUP)

    def test_what_a_session_holds_instead_of_a_key_is_as_none(self, client):
        ask(client)
        for odd in ("", "not a key", "0" * 32):
            session = client.session
            session["phone_otp_pages"] = {"signup": {"challenge": odd}}
            session.save()
            assert leads_to(client.get(CODE), SIGNUP)

    def test_a_challenge_for_another_purpose_is_as_none(self, client):
        """As when the project gave its view another purpose since."""
        ask(client)
        session = client.session
        session["phone_otp_pages"]["login"] = session["phone_otp_pages"]["signup"]
        session.save()
        assert leads_to(client.get(step(LOGIN, "code")), LOGIN)

    def test_an_unknown_step_is_the_first(self, client):
        for name in ("", "nothing", "identity", "__class__", "code/"):
            assert "Send code" in words(client.get(SIGNUP, {"step": name}))

    def test_the_number_is_shown_in_full_with_a_way_to_change_it(self, client):
        page = ask(client)
        assert f"We sent it to {PHONE} ." in words(page)
        assert f'<a href="{SIGNUP}">' in page.content.decode()

    @pytest.mark.urls(__name__)
    def test_a_view_may_hide_it_and_offer_no_change(self, client):
        page = ask(client, "/shy/")
        assert PHONE not in page.content.decode()
        assert "•• ••123" in page.content.decode()
        assert 'href="/shy/"' not in page.content.decode()
        assert "data-submit" in page.content.decode()


class TestEnded:
    def test_an_expired_code_is_told_and_one_click_sends_a_new_one(self, client, clock):
        ask(client)
        clock.shift(301)
        page = client.get(CODE)
        assert "That code has expired." in words(page)
        assert 'name="code"' not in page.content.decode()
        assert leads_to(again(client), CODE)
        page = client.get(CODE)
        assert "A new code was sent." in words(page)
        assert "A new code was sent." not in words(client.get(CODE))  # once
        assert leads_to(enter(client), DETAILS)
        assert [message.number for message in outbox] == [PHONE, PHONE]

    def test_a_code_that_comes_too_late_is_told_so(self, client, clock):
        page = ask(client)
        clock.shift(301)
        answer = enter(client, reference=hidden(page, "reference"))
        assert "That code has expired." in words(answer)
        assert "Get a new code" in words(answer)

    def test_a_locked_one_is_told_and_one_click_sends_a_new_one(self, client):
        ask(client)
        code = latest_code(PHONE)
        for n in range(5):
            enter(client, code=wrong(code, n))
        assert "There were too many wrong tries" in words(client.get(CODE))
        answer = enter(client, code=code)
        assert answer.status_code == 429
        assert "Too many wrong codes were entered." in words(answer)
        assert int(answer.headers["Retry-After"]) > 0
        assert leads_to(again(client), CODE)
        assert leads_to(enter(client), DETAILS)

    def test_a_closed_one_is_told(self, client):
        ask(client)
        Challenge.objects.update(status="canceled")
        assert "That code was already used or canceled." in words(client.get(CODE))
        answer = enter(client)
        assert "This verification is finished." in words(answer)

    def test_when_no_guess_is_left_for_the_number_no_new_code_is_sent(self, client):
        for _ in range(3):
            ask(client)
            code = latest_code(PHONE)
            for n in range(5):
                enter(client, code=wrong(code, n))
        page = again(client)
        assert page.status_code == 429
        assert int(page.headers["Retry-After"]) > 0
        assert "Too many wrong codes were entered." in words(page)
        assert len(outbox) == 3


class TestAgain:
    def test_too_soon_it_is_refused_with_the_wait_of_the_server(self, client, clock):
        page = ask(client)
        assert 'data-wait="30"' in page.content.decode()
        clock.shift(10)
        answer = again(client)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "20")
        assert "You can ask for another in 20 seconds." in words(answer)
        assert hidden(answer, "reference") == only().reference
        assert 'data-wait="20"' in client.get(CODE).content.decode()
        assert len(outbox) == 1

    def test_later_the_same_code_comes_again(self, client, clock):
        ask(client)
        clock.shift(30)
        assert "data-wait" not in client.get(CODE).content.decode()
        assert leads_to(again(client), CODE)
        assert outbox[0].code == outbox[1].code
        assert "The code was sent again." in words(client.get(CODE))

    @pytest.mark.parametrize(("later", "said"), [(30, "The code was sent again."), (301, "A new code was sent.")])
    def test_a_second_click_sends_nothing_and_says_what_the_first_one_did(self, client, clock, later, said):
        ask(client)
        clock.shift(later)
        page = client.get(CODE)
        for _ in range(2):
            assert leads_to(again(client, page=page), CODE)
            assert said in words(client.get(CODE))
        assert len(outbox) == 2

    def test_another_channel_is_offered_after_the_first_and_only_those_there_are(self, client, clock):
        ask(client)
        clock.shift(30)
        assert 'value="whatsapp"' not in client.get(CODE).content.decode()
        again(client, channel="whatsapp")  # not offered yet, so it is a click like any other
        assert outbox[-1].channel == "sms"
        clock.shift(40)
        page = client.get(CODE).content.decode()
        assert "Send it by WhatsApp" in page
        assert 'value="voice"' not in page
        again(client, channel="voice")
        assert outbox[-1].channel == "sms"
        clock.shift(60)
        again(client, channel="whatsapp")
        assert outbox[-1].channel == "whatsapp"
        assert "Send it by text message" in client.get(CODE).content.decode()

    def test_a_new_code_may_come_by_the_other_channel_too(self, client, clock):
        ask(client)
        clock.shift(30)
        again(client)
        clock.shift(301)
        again(client, channel="whatsapp")
        assert [message.channel for message in outbox] == ["sms", "sms", "whatsapp"]

    @pytest.mark.urls(__name__)
    def test_help_is_offered_after_two(self, client, clock):
        page = ask(client, "/shy/")
        for wait in (30, 40):
            assert "Still nothing?" not in words(page)
            clock.shift(wait)
            again(client, "/shy/")
            page = client.get("/shy/?step=code")
        assert "Still nothing?" in words(page)
        assert '<a href="/">Get help</a>' in page.content.decode()

    def test_a_limit_on_messages_is_told(self, client, clock):
        ask(client)
        clock.shift(30)
        with override_phone_otp(LIMITS={**UNLIMITED, "send.global": ["1/1h"]}):
            again(client)
            clock.shift(40)
            page = again(client)
        assert page.status_code == 429
        assert "Too many requests." in words(page)

    def test_a_number_that_may_get_no_more_is_told(self, client, clock):
        ask(client)
        clock.shift(30)
        with override_phone_otp(LIMITS=UNLIMITED, REGIONS=["GB"]):
            page = again(client)
        assert "We do not send codes to this country." in words(page)
        assert len(outbox) == 0


class TestSameBrowser:
    @pytest.fixture(autouse=True)
    def _bound(self, unlimited):
        with override_phone_otp(PURPOSES={"signup": {"SAME_BROWSER": True}}, LIMITS=UNLIMITED):
            yield

    def test_the_whole_flow_works(self, client, clock):
        client.get(SIGNUP)
        ask(client)
        enter(client, code=wrong(latest_code(PHONE)))
        clock.shift(30)
        again(client)
        assert leads_to(enter(client), DETAILS)
        page = client.get(DETAILS)
        answer = client.post(DETAILS, {"username": "sam", "reference": hidden(page, "reference")})
        assert leads_to(answer, "/account/")

    def test_a_double_click_is_one_message_because_the_page_marks_the_browser_first(self, client):
        page = client.get(SIGNUP)
        twin = with_cookies_of(client)
        for tab in (client, twin):
            tab.post(SIGNUP, {"phone": PHONE, "key": hidden(page, "key")})
        assert len(outbox) == Challenge.objects.count() == 1


class TestSettings:
    """What a purpose has of its own."""

    def test_a_code_of_another_length_is_asked_for_as_long_as_it_is(self, client):
        with override_phone_otp(PURPOSES={"signup": {"CODE_LENGTH": 8}}, LIMITS=UNLIMITED):
            page = ask(client)
            assert "8-digit code" in words(page)
            assert "Enter the code: 8 digits." in words(enter(client, code="123456"))
            assert leads_to(enter(client), DETAILS)

    def test_how_long_it_works_is_said_rounded_up(self, client, clock):
        with override_phone_otp(PURPOSES={"signup": {"CODE_TTL": timedelta(seconds=61)}}, LIMITS=UNLIMITED):
            assert "It works for 2 more minutes." in words(ask(client))
            clock.shift(1)
            assert "It works for 1 more minute." in words(client.get(CODE))


def test_log_in_says_if_and_hides_the_number(client):
    bind(User.objects.create_user("owner"), PHONE)
    page = ask(client, LOGIN)
    assert "+1 ••••• ••123 , if that is the number of an account." in words(page)
    assert PHONE not in page.content.decode()
    assert "Use another number" in words(page)


@pytest.mark.django_db(transaction=True)
def test_of_ten_clicks_on_send_again_at_once_one_sends(client):
    with override_phone_otp(LIMITS=UNLIMITED, RESEND_AFTER=[0, 60]):
        page = ask(client)
        sent = {name: hidden(page, name) for name in ("action", "reference", "messages")}

        def click(_):
            return with_cookies_of(client).post(CODE, sent).status_code

        outcomes = together(10, click)
    assert kinds(outcomes) == {"int": 10}
    assert set(outcomes) <= {302, 429}
    assert len(outbox) == 2
