import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission, User
from django.urls import path, reverse

import django_phone_otp as phone_otp
from django_phone_otp.admin.phones import VerifiedPhoneInline
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import VerifiedPhone
from django_phone_otp.services.phones import bind, unbind
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED


class PeopleAdmin(UserAdmin):
    """As a project would write it."""

    inlines = (VerifiedPhoneInline,)


site = admin.AdminSite()
site.register(User, PeopleAdmin)
urlpatterns = [path("admin/", site.urls)]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def sam():
    """A user with a number."""
    user = User.objects.create_user("sam")
    bind(user, PHONE)
    with override_phone_otp(LIMITS=UNLIMITED):
        yield user


def log_in(client, *permissions):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user", *permissions]))
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")


def page_of(user):
    return reverse("admin:auth_user_change", args=[user.pk])


def unverify(client, user):
    """Save the page of a user with the box beside the number checked."""
    form = client.get(page_of(user)).context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    data = {name: value for name, value in values.items() if value and name not in {"groups", "user_permissions"}}
    joined = data.pop("date_joined")
    data |= {"date_joined_0": joined.date().isoformat(), "date_joined_1": joined.time().isoformat("seconds")}
    phone = VerifiedPhone.objects.get()
    data |= {"verified_phones-TOTAL_FORMS": 1, "verified_phones-INITIAL_FORMS": 1}
    data |= {"verified_phones-0-id": phone.pk, "verified_phones-0-user": user.pk, "verified_phones-0-DELETE": "on"}
    return client.post(page_of(user), data)


def test_the_numbers_of_a_user_are_shown_masked_and_cannot_be_added_or_changed(client, sam):
    log_in(client, "view_verifiedphone")
    page = client.get(page_of(sam)).content.decode()
    assert "+1\xa0•••••\xa0••123" in page
    assert "5550123" not in page
    assert 'name="verified_phones-0-number"' not in page
    assert "verified_phones-0-DELETE" not in page


def test_who_may_not_see_verified_phones_sees_none(client, sam):
    log_in(client)
    assert "••123" not in client.get(page_of(sam)).content.decode()


def test_who_may_delete_them_unverifies_one_and_the_log_says_so(client, sam):
    log_in(client, "delete_verifiedphone")
    token = phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, latest_code(PHONE)).token
    assert unverify(client, sam).status_code == 302
    assert not VerifiedPhone.objects.exists()
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="signup")
    said = LogEntry.objects.get().change_message
    assert "eleted" in said
    assert "5550123" not in said


def test_who_may_only_see_them_unverifies_nothing(client, sam):
    log_in(client, "view_verifiedphone")
    unverify(client, sam)
    assert VerifiedPhone.objects.exists()


def test_a_number_of_somebody_else_is_not_taken_away(sam):
    assert not unbind(User.objects.create_user("kim"), PHONE)
    assert VerifiedPhone.objects.get().user == sam
    assert unbind(sam, PHONE)
    assert not unbind(sam, PHONE)


def test_the_users_own_field_is_emptied_where_there_is_one(sam):
    with override_phone_otp(USER_FIELD="last_name"):
        bind(sam, PHONE)
        assert unbind(sam, PHONE)
    assert User.objects.get(pk=sam.pk).last_name == ""


def test_a_row_of_before_there_was_a_field_can_be_taken_away_too(client, sam):
    log_in(client, "delete_verifiedphone")
    with override_phone_otp(USER_FIELD="last_name"):
        assert unverify(client, sam).status_code == 302
    assert not VerifiedPhone.objects.exists()


def test_a_form_that_is_not_saved_yet_unverifies_nothing(sam):
    VerifiedPhoneInline.formset.delete_existing(None, VerifiedPhone.objects.get(), commit=False)
    assert VerifiedPhone.objects.exists()
