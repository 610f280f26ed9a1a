"""Step-up while the number changes: a code to a number that is not the person's any more opens nothing."""

import pytest
from django.contrib.auth.models import User

from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox
from tests.conftest import PHONE
from tests.html.pages import CONFIRM, enter, leads_to, step, words
from tests.services.test_races import wrong

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
OTHER = "+14155550124"


@pytest.fixture
def inside(inside):
    inside.post(CONFIRM)
    return inside


def test_a_number_that_was_taken_away_meanwhile_is_told_and_opens_nothing(inside):
    VerifiedPhone.objects.all().delete()
    page = enter(inside, CONFIRM)
    assert page.status_code == 200
    assert "Verify your number again." in words(page)
    assert "phone_otp_verified" not in inside.session
    assert inside.get("/vault/").headers["Location"].startswith(CONFIRM)


def test_a_number_that_somebody_else_has_now_opens_nothing(inside):
    VerifiedPhone.objects.update(user=User.objects.create_user("kim"))
    assert enter(inside, CONFIRM).status_code == 200
    assert "phone_otp_verified" not in inside.session


def test_a_wrong_code_opens_nothing(inside):
    assert enter(inside, CONFIRM, wrong(latest_code(PHONE))).status_code == 200
    assert inside.get("/vault/").status_code == 302


def test_after_a_number_was_added_the_code_goes_to_the_one_that_was_verified_last(clock, inside):
    clock.shift(60)
    bind(User.objects.get(), OTHER)
    inside.post(CONFIRM)
    assert outbox[-1].number == OTHER
    assert leads_to(enter(inside, CONFIRM, phone=OTHER), "/account/")
    assert inside.get("/vault/").status_code == 200
    assert leads_to(inside.get(step(CONFIRM, "code")), "/account/")  # back: it is proved
