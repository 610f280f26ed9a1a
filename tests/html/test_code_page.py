"""The page that asks for the code: what counts as a guess, what a click leads to, and what is said at each moment."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path

from django_phone_otp.html import SignupView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.core.scripts import fullwidth
from tests.html.pages import (
    LOGIN,
    PLAIN_TEMPLATES,
    SIGNUP,
    again,
    ask,
    enter,
    hidden,
    leads_to,
    step,
    with_cookies_of,
    words,
)
from tests.races import kinds, together
from tests.services.test_limits import DEAD_REDIS
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
OTHER = "+14155550124"
CODE, DETAILS = step(SIGNUP, "code"), step(SIGNUP, "details")
WRONG = "That code is not right."


class Shy(SignupView):
    number_masked = True
    number_changeable = False
    submits_by_itself = True
    help_url = "home"


urlpatterns = [path("shy/", Shy.as_view()), path("", include("tests.urls"))]


def only():
    return Challenge.objects.get()


class TestGuesses:
    def test_a_right_code_goes_on_and_the_number_is_verified(self, client):
        ask(client)
        assert leads_to(enter(client), DETAILS)
        assert only().status == "verified"

    @pytest.mark.parametrize("between", [" ", "-", "\u00a0", "\u2013"])
    def test_it_may_be_typed_in_groups(self, client, between):
        ask(client)
        code = latest_code(PHONE)
        assert leads_to(enter(client, code=f" {code[:3]}{between}{code[3:]} "), DETAILS)

    def test_a_wrong_one_is_counted_said_and_stays_to_be_corrected(self, client):
        ask(client)
        typed = wrong(latest_code(PHONE))
        page = enter(client, code=typed)
        assert page.status_code == 200
        assert WRONG in words(page)
        assert f'value="{typed}"' in page.content.decode()
        assert 'aria-invalid="true"' in page.content.decode()
        assert re.search(r"<title>\s*Error:\s*Enter the code\s*</title>", page.content.decode())
        assert only().attempts == 1

    def test_tries_are_counted_aloud_only_at_the_end(self, client):
        ask(client)
        code = latest_code(PHONE)
        said = [words(enter(client, code=wrong(code, n))) for n in range(4)]
        assert not any("left" in page for page in said[:2])
        assert "You have 2 tries left." in said[2]
        assert "You have 1 try left." in said[3]
        last = words(enter(client, code=wrong(code, 4)))
        assert "it was the last try" in last
        assert "Send a new code" in last

    @pytest.mark.parametrize("typed", ["", " ", "12345", "1234567", "123", "1" * 20])
    def test_too_few_or_too_many_digits_are_no_guess_and_told_so(self, client, typed):
        page = ask(client)
        answer = client.post(CODE, {"reference": hidden(page, "reference"), "code": typed})
        assert "Enter the code: 6 digits." in words(answer)
        assert only().attempts == 0

    @pytest.mark.parametrize("typed", ["abcdef", "12345a", fullwidth("123456"), "123456\n7", "<script>", "1" * 65])
    def test_what_is_no_code_is_no_guess(self, client, typed):
        ask(client)
        answer = enter(client, code=typed)
        assert answer.status_code == 200
        assert "Enter the code" in words(answer)
        assert only().attempts == 0
        assert "<script>" not in answer.content.decode().partition("<form")[2]

    def test_without_a_field_it_is_no_guess(self, client):
        page = ask(client)
        assert client.post(CODE, {"reference": hidden(page, "reference")}).status_code == 200
        assert only().attempts == 0

    @pytest.mark.parametrize("reference", ["", "XX", "xx", "A" * 500])
    def test_beside_another_reference_it_is_no_guess_even_if_it_is_right(self, client, reference):
        ask(client)
        page = enter(client, reference=reference)
        assert f"Enter the one with the reference {only().reference}." in words(page)
        assert (only().attempts, only().status) == (0, "pending")

    def test_the_message_and_the_page_name_the_same_reference(self, client):
        page = ask(client)
        assert f"with the reference {only().reference} ." in words(page)
        assert f"Ref {only().reference}" in outbox[-1].text

    def test_of_two_tabs_the_older_ones_code_is_no_guess_at_the_newer(self, client, monkeypatch):
        first = ask(client)
        code = latest_code(PHONE)
        second = ask(client, phone=OTHER)
        newer = Challenge.objects.get(number=OTHER)
        monkeypatch.setattr("django_phone_otp.models.reference_of", lambda pk: "BB" if pk == newer.pk.bytes else "CC")
        answer = client.post(CODE, {"reference": "CC", "code": code})
        assert "A newer code was sent." in words(answer)
        assert (Challenge.objects.get(number=OTHER).attempts, first.status_code) == (0, 200)
        assert OTHER in words(second)

    def test_with_atomic_requests_wrong_guesses_stay_counted(self, client, monkeypatch):
        from django.db import connection

        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        ask(client)
        code = latest_code(PHONE)
        for n in range(5):
            enter(client, code=wrong(code, n))
        assert (only().attempts, only().status) == (5, "locked")
        assert enter(client).status_code == 429  # also the right one

    def test_a_limit_on_guesses_says_when_to_come_back(self, client):
        ask(client)
        code = latest_code(PHONE)
        with override_phone_otp(LIMITS={**UNLIMITED, "verify.ip": ["1/1h"]}):
            enter(client, code=wrong(code))
            page = enter(client, code=code)
        assert page.status_code == 429
        assert int(page.headers["Retry-After"]) > 0
        assert "Too many requests." in words(page)

    def test_a_cache_that_is_gone_judges_no_guess(self, client, settings):
        page = ask(client)
        code = latest_code(PHONE)
        settings.CACHES, settings.TEMPLATES = DEAD_REDIS, PLAIN_TEMPLATES
        with override_phone_otp(LIMITS={**UNLIMITED, "verify.ip": ["60/1h"]}):
            answer = enter(client, code=code, reference=hidden(page, "reference"))
        assert (answer.status_code, only().attempts) == (503, 0)
        assert int(answer.headers["Retry-After"]) > 0


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

    def test_a_second_click_sends_nothing_and_is_no_error(self, client, clock):
        ask(client)
        clock.shift(30)
        page = client.get(CODE)
        for _ in range(2):
            assert leads_to(again(client, page=page), CODE)
        assert len(outbox) == 2

    def test_a_second_click_on_a_new_code_sends_nothing(self, client, clock):
        ask(client)
        clock.shift(301)
        page = client.get(CODE)
        for _ in range(2):
            assert leads_to(again(client, page=page), CODE)
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


class TestDemand:
    """What the project's hook demands when limits are near."""

    @pytest.fixture(autouse=True)
    def _near(self, unlimited):
        limits = {**UNLIMITED, "verify.ip": ["4/1h"], "verify.number": ["1000/1d"]}
        with override_phone_otp(CHALLENGE_HOOK=f"{__name__}.puzzle", LIMITS=limits):
            yield

    def test_it_reaches_the_template_and_nothing_is_judged(self, client):
        ask(client)
        code = latest_code(PHONE)
        for n in range(2):
            assert enter(client, code=wrong(code, n)).context["demand"] is None
        page = enter(client, code=code)
        assert page.context["demand"] == {"site_key": "made-up-site-key"}
        assert "Confirm that you are not a robot" in words(page)
        assert (only().attempts, only().status) == (2, "pending")
        reference = hidden(page, "reference")
        assert leads_to(client.post(CODE, {"reference": reference, "code": code, "solved": "yes"}), DETAILS)


def puzzle(request, **_):
    return None if request.POST.get("solved") == "yes" else {"site_key": "made-up-site-key"}


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


@pytest.mark.django_db(transaction=True)
def test_of_forty_wrong_codes_at_once_in_one_session_five_are_judged(client):
    page = ask(client)
    reference, code = hidden(page, "reference"), latest_code(PHONE)

    def guess(n):
        answer = with_cookies_of(client).post(CODE, {"reference": reference, "code": wrong(code, n)})
        return WRONG[:-1] in words(answer)

    outcomes = together(40, guess)
    assert kinds(outcomes) == {"bool": 40}
    assert outcomes.count(True) == only().attempts == 5
    assert only().status == "locked"
    assert Client().get(CODE).status_code == 302
