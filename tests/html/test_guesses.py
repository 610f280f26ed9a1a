"""Guesses on the page that asks for the code: what counts as one, and what is said and demanded then."""

import re

import pytest
from django.test import Client

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.core.scripts import fullwidth
from tests.html.pages import CODE, DETAILS, PLAIN_TEMPLATES, ask, enter, hidden, leads_to, only, with_cookies_of, words
from tests.races import kinds, together
from tests.services.test_limits import DEAD_REDIS
from tests.services.test_races import wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
OTHER = "+14155550124"
WRONG = "That code is not right."


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

    @pytest.mark.parametrize("reference", ["", "AE", "ae", "A" * 500])
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
