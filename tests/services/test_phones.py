from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, signals

from django_phone_otp.exceptions import NumberTaken
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.phones import bind, find_user, is_active, is_registered
from django_phone_otp.test import override_phone_otp

pytestmark = pytest.mark.django_db

PHONE, OTHER = "+14155550123", "+14155550199"
MODES = {"table": None, "field": "last_name", "unique-field": "username"}


@pytest.fixture(params=MODES.values(), ids=MODES)
def _mode(request):
    with override_phone_otp(USER_FIELD=request.param):
        yield


@pytest.fixture
def _table():
    with override_phone_otp(USER_FIELD=None):
        yield


@pytest.fixture
def sam():
    return User.objects.create_user("sam")


@pytest.fixture
def kim():
    return User.objects.create_user("kim")


@pytest.mark.usefixtures("_mode")
def test_a_bound_number_finds_its_user_and_no_other(sam, kim):
    assert find_user(PHONE) is None
    assert not is_registered(PHONE)
    bind(sam, PHONE)
    bind(kim, OTHER)
    assert find_user(PHONE) == sam
    assert find_user(OTHER) == kim
    assert is_registered(PHONE)
    assert not is_registered("+14155550100")


@pytest.mark.usefixtures("_mode")
def test_an_inactive_user_is_nobody(sam):
    bind(sam, PHONE)
    User.objects.update(is_active=False)
    assert find_user(PHONE) is None
    assert not is_registered(PHONE)


@pytest.mark.usefixtures("_mode")
@pytest.mark.parametrize("active", [True, False])
def test_a_number_of_another_account_is_taken_and_stays_there(sam, kim, active):
    bind(sam, PHONE)
    User.objects.filter(pk=sam.pk).update(is_active=active)
    with pytest.raises(NumberTaken) as refusal:
        bind(kim, PHONE)
    assert PHONE not in str(refusal.value)
    User.objects.update(is_active=True)
    assert find_user(PHONE) == sam


@pytest.mark.usefixtures("_mode")
def test_binding_the_same_number_again_changes_nothing_but_the_time(sam):
    bind(sam, PHONE)
    bind(sam, PHONE)
    assert find_user(PHONE) == sam


@pytest.mark.usefixtures("_mode")
def test_the_callers_transaction_outlives_a_number_that_is_taken(sam, kim):
    bind(sam, PHONE)
    with transaction.atomic():
        with pytest.raises(NumberTaken):
            bind(kim, PHONE)
        kim.email = "kim@example.com"
        kim.save(update_fields=["email"])
    kim.refresh_from_db()
    assert kim.email == "kim@example.com"
    assert find_user(PHONE) == sam


@pytest.mark.usefixtures("_mode")
def test_a_rollback_of_the_caller_undoes_the_binding(sam):
    with transaction.atomic():
        bind(sam, PHONE)
        transaction.set_rollback(True)
    assert not is_registered(PHONE)


@pytest.mark.usefixtures("_mode")
def test_no_number_ever_finds_a_user_who_has_none(sam):
    assert find_user(PHONE) is None
    assert not is_registered(PHONE)


@pytest.mark.usefixtures("_mode")
def test_a_fault_in_the_project_is_not_taken_for_a_number_that_is_taken(sam, monkeypatch):
    def receiver(**_):
        raise IntegrityError("a rule of the project's own")

    for model in (User, VerifiedPhone):
        signals.post_save.connect(receiver, sender=model)
    try:
        with pytest.raises(IntegrityError, match="a rule"):
            bind(sam, PHONE)
    finally:
        for model in (User, VerifiedPhone):
            signals.post_save.disconnect(receiver, sender=model)
    assert not is_registered(PHONE)
    sam.save()  # what is in memory is not the number either
    assert not is_registered(PHONE)


@pytest.mark.usefixtures("_table")
def test_the_time_of_the_newest_verification_is_kept(sam):
    first, second = datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    with time_machine.travel(first, tick=False):
        bind(sam, PHONE)
    with time_machine.travel(second, tick=False):
        bind(sam, PHONE)
    (kept,) = VerifiedPhone.objects.all()
    assert (kept.user, kept.number, kept.verified_at) == (sam, PHONE, second)


@pytest.mark.usefixtures("_table")
def test_a_user_may_have_several_numbers_and_is_found_once(sam):
    bind(sam, PHONE)
    bind(sam, OTHER)
    assert find_user(PHONE) == find_user(OTHER) == sam
    assert VerifiedPhone.objects.count() == 2


@pytest.mark.usefixtures("_table")
def test_a_bound_number_is_shown_masked(sam):
    bind(sam, PHONE)
    assert str(VerifiedPhone.objects.get()) == "+1 ••••• ••123"
    assert PHONE[2:] not in repr(VerifiedPhone.objects.get())


def test_in_a_field_of_the_user_nothing_is_kept_beside_it(sam):
    with override_phone_otp(USER_FIELD="last_name"):
        sam.first_name = "not saved"
        bind(sam, PHONE)
        stored = User.objects.get(pk=sam.pk)
        assert (sam.last_name, stored.last_name, stored.first_name) == (PHONE, PHONE, "")
        bind(sam, OTHER)
        assert find_user(PHONE) is None
        assert find_user(OTHER) == sam
    assert VerifiedPhone.objects.count() == 0


def test_of_two_who_bind_one_number_at_once_the_second_is_told_that_it_is_taken(sam, kim, monkeypatch):
    exists = QuerySet.exists

    def look_then_lose(queryset):
        found = exists(queryset)
        monkeypatch.undo()
        bind(sam, PHONE)  # the other one, between this one's look and its write
        return found

    with override_phone_otp(USER_FIELD="username"):
        monkeypatch.setattr(QuerySet, "exists", look_then_lose)
        with transaction.atomic(), pytest.raises(NumberTaken):
            bind(kim, PHONE)
        assert find_user(PHONE) == sam
        assert kim.username == "kim"  # or saving the object later would take the number


def test_a_number_of_somebody_whom_the_projects_manager_hides_is_taken(sam, kim, monkeypatch):
    with override_phone_otp(USER_FIELD="username"):
        bind(sam, PHONE)
        monkeypatch.setattr(User._default_manager, "get_queryset", lambda: QuerySet(User).exclude(pk=sam.pk))
        with pytest.raises(NumberTaken):
            bind(kim, PHONE)


def test_the_same_user_who_binds_twice_at_once_is_bound(sam, monkeypatch):
    update = QuerySet.update

    def update_then_lose(queryset, **changes):
        updated = update(queryset, **changes)
        monkeypatch.undo()
        VerifiedPhone.objects.create(user=sam, number=PHONE)
        return updated

    with override_phone_otp(USER_FIELD=None):
        monkeypatch.setattr(QuerySet, "update", update_then_lose)
        bind(sam, PHONE)
        assert find_user(PHONE) == sam
        assert VerifiedPhone.objects.count() == 1


class TestActive:
    """A user model may have is_active as a field, a property, or not at all."""

    def test_a_property_is_asked_too(self, monkeypatch):
        user = User.objects.create_user("member")
        bind(user, PHONE)
        assert find_user(PHONE) == user
        monkeypatch.setattr(User, "is_active", property(lambda self: False, lambda self, value: None))
        assert find_user(PHONE) is None
        assert not is_registered(PHONE)

    def test_without_it_everybody_is(self):
        assert is_active(object())
