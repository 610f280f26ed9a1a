"""``bindphone``: a number for an account, from whoever knows by other means that it is theirs."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.test import outbox, override_phone_otp
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def olive():
    return User.objects.create_user("olive", is_staff=True)


def bindphone(username="olive", number=PHONE):
    stdout = io.StringIO()
    call_command("bindphone", username, number, stdout=stdout, no_color=True)
    return stdout.getvalue()


def refused(username="olive", number=PHONE):
    with pytest.raises(CommandError) as refusal:
        bindphone(username, number)
    return str(refusal.value)


def test_the_number_is_bound_and_neither_shown_nor_told(olive):
    said = bindphone(number="+1 (415) 555-0123")
    assert "0123" not in said
    assert numbers_of(olive) == [PHONE]
    assert not outbox


def test_a_number_as_it_is_dialled_at_home_is_read_so(olive):
    assert "country code" in refused(number="(415) 555-0123")
    with override_phone_otp(DEFAULT_REGION="US"):
        bindphone(number="(415) 555-0123")
    assert numbers_of(olive) == [PHONE]


def test_it_may_be_said_twice(olive):
    bindphone()
    bindphone()
    assert VerifiedPhone.objects.count() == 1


def test_a_user_who_is_not_there_is_named():
    assert refused("nobody") == "There is no user 'nobody'."


def test_a_number_of_another_account_stays_there(olive):
    bind(User.objects.create_user("kim"), PHONE)
    assert "0123" not in refused()
    assert numbers_of(olive) == []


@pytest.mark.parametrize("number", ["", "olive", "+1 900 555 0123", "+88299123456"])
def test_what_gets_no_messages_is_refused(olive, number):
    refused(number=number)
    assert not VerifiedPhone.objects.exists()


def test_a_region_that_gets_no_messages_is_refused(olive):
    with override_phone_otp(REGIONS=["GB"]):
        refused()
    assert numbers_of(olive) == []


def test_the_users_own_field_is_written_where_there_is_one(olive):
    with override_phone_otp(USER_FIELD="last_name"):
        bindphone()
    olive.refresh_from_db()
    assert olive.last_name == PHONE
    assert not VerifiedPhone.objects.exists()
