"""The admin behind a code: staff give their password and a code, both in one session."""

import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path

from django_phone_otp.auth import PhoneTokenBackend
from django_phone_otp.html.staff import PhoneAdminSite
from django_phone_otp.services.phones import bind, rebind
from django_phone_otp.test import note_code, outbox
from tests.conftest import PHONE
from tests.html.pages import CONFIRM, PASSWORD, enter, hidden, key_of, leads_to, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("unlimited")]

OTHER = "+14155550124"
ADMIN, ADMIN_LOGIN = "/staff/", "/staff/login/?next=/staff/"
CONFIRM_ADMIN = f"{CONFIRM}?next=%2Fstaff%2F"


class OwnBackend(PhoneTokenBackend):
    purpose = "verify"


class Hourly(PhoneAdminSite):
    verification_minutes = 60
    confirm_url = "/elsewhere/"


site, hourly = PhoneAdminSite(name="staff"), Hourly(name="hourly")
site.register(User)

urlpatterns = [
    path("staff/", site.urls),
    path("hourly/", hourly.urls),
    path("", include("tests.urls")),
]


@pytest.fixture
def olive():
    user = User.objects.create_superuser("olive", password=PASSWORD)
    bind(user, PHONE)
    return user


def give_password(client, url=ADMIN, password=PASSWORD, username="olive"):
    """Log in on the admin's own page, as Django has it."""
    return client.post(f"{url}login/?next={url}", {"username": username, "password": password})


def is_inside(client, url=ADMIN):
    response = client.get(url)
    assert response.status_code in {200, 302}
    return response.status_code == 200


def test_a_password_leads_to_the_phone_and_the_phone_into_the_admin(client, olive):
    assert leads_to(client.get(ADMIN), ADMIN_LOGIN)
    assert leads_to(give_password(client), ADMIN)
    assert leads_to(client.get(ADMIN), ADMIN_LOGIN)
    assert leads_to(client.get(ADMIN_LOGIN), CONFIRM_ADMIN)
    assert not outbox
    where = client.post(CONFIRM_ADMIN).headers["Location"]
    assert [message.number for message in outbox] == [PHONE]
    answer = {"reference": hidden(client.get(where), "reference"), "code": outbox[-1].code}
    before = key_of(client)
    assert leads_to(client.post(where, answer), ADMIN)
    assert is_inside(client)
    assert key_of(client) != before


def test_a_password_alone_opens_nothing_of_the_admin(client, olive):
    give_password(client)
    for url in (ADMIN, f"{ADMIN}auth/user/", f"{ADMIN}auth/user/{olive.pk}/change/", f"{ADMIN}password_change/"):
        assert client.get(url).status_code == 302, url
        assert client.post(url, {"username": "taken-over"}).status_code == 302, url
    olive.refresh_from_db()
    assert olive.username == "olive"


def test_a_phone_alone_is_asked_for_the_password(client, olive):
    log_in(client)
    assert client.session["_auth_user_id"] == str(olive.pk)
    assert leads_to(client.get(ADMIN), ADMIN_LOGIN)
    page = client.get(ADMIN_LOGIN)
    assert (page.status_code, 'name="password"' in page.content.decode()) == (200, True)
    assert give_password(client, password="wrong").status_code == 200
    assert not is_inside(client)


def test_a_code_of_before_the_password_counts_in_the_same_session(client, olive):
    log_in(client)
    give_password(client)
    assert is_inside(client)


def test_a_code_in_another_session_counts_for_nothing(client, olive):
    log_in(Client())
    give_password(client)
    assert not is_inside(client)


def test_a_code_of_somebody_else_in_this_browser_counts_for_nothing(client, olive):
    bind(User.objects.create_superuser("kim", password=PASSWORD), OTHER)
    give_password(client)
    note_code(client, olive)
    assert is_inside(client)
    give_password(client, username="kim")
    assert not is_inside(client)


def test_a_backend_of_ones_own_that_takes_proofs_is_a_phone_too(client, olive, settings):
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{__name__}.OwnBackend"]
    client.force_login(olive, backend=f"{__name__}.OwnBackend")
    note_code(client, olive)
    assert not is_inside(client)


def test_who_is_no_member_of_staff_stays_out_with_both(client, olive):
    User.objects.update(is_staff=False, is_superuser=False)
    assert give_password(client).status_code == 200  # the page says so
    client.force_login(olive, backend="django.contrib.auth.backends.ModelBackend")
    note_code(client, olive)
    assert not is_inside(client)


def test_who_was_made_inactive_is_out(client, olive):
    give_password(client)
    note_code(client, olive)
    assert is_inside(client)
    User.objects.update(is_active=False)
    assert not is_inside(client)


def test_after_a_change_of_number_the_new_one_is_asked_for(client, olive):
    give_password(client)
    note_code(client, olive)
    rebind(olive, OTHER)
    assert leads_to(client.get(ADMIN_LOGIN), CONFIRM_ADMIN)


def test_staff_without_a_number_are_told_so_and_cannot_give_themselves_one(client, olive):
    olive.verified_phones.all().delete()
    give_password(client)
    page = client.get(ADMIN_LOGIN, follow=True).content.decode()
    assert "We do not know yours yet." in page
    assert not is_inside(client)
    assert client.get("/phone/number/?step=number").headers["Location"] == "/phone/number/"


def test_once_a_session_is_enough_and_with_minutes_it_is_not(client, olive, clock):
    give_password(client)
    note_code(client, olive)
    clock.shift(3600)
    assert is_inside(client)
    assert is_inside(client, "/hourly/")
    clock.shift(1)
    assert is_inside(client)
    assert not is_inside(client, "/hourly/")
    assert leads_to(client.get("/hourly/login/?next=/hourly/auth/"), "/elsewhere/?next=%2Fhourly%2Fauth%2F")


def test_without_next_the_way_is_to_the_admins_own_front_page(client, olive):
    give_password(client)
    assert leads_to(client.get("/staff/login/"), CONFIRM_ADMIN)


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "/\\evil", "javascript:alert(1)"])
def test_no_other_site_is_behind_the_code(client, olive, onward):
    give_password(client)
    confirm = client.get("/staff/login/", {"next": onward}).headers["Location"]
    assert confirm.startswith(f"{CONFIRM}?")
    where = client.post(confirm).headers["Location"]
    answer = {"reference": hidden(client.get(where), "reference"), "code": outbox[-1].code}
    assert leads_to(client.post(where, answer), "/account/")


def test_who_gave_the_password_alone_can_log_out(client, olive):
    give_password(client)
    assert client.post(f"{ADMIN}logout/").status_code in {200, 302}
    assert "_auth_user_id" not in client.session


def test_logging_out_and_in_again_asks_again(client, olive):
    give_password(client)
    note_code(client, olive)
    client.post(f"{ADMIN}logout/")
    give_password(client)
    assert not is_inside(client)


def test_a_code_that_was_entered_for_another_page_opens_the_admin_too(client, olive):
    give_password(client)
    client.post(CONFIRM)
    assert leads_to(enter(client, CONFIRM), "/account/")
    assert is_inside(client)


SCRIPT = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="made-up-and-long-enough-to-pass-for-one-0123456789",
    INSTALLED_APPS=[
        "django_phone_otp.html.apps.PhoneAdminConfig",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django_phone_otp",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from django.contrib import admin
from django.contrib.auth.models import User

print(type(admin.site._wrapped).__name__ if admin.site.is_registered(User) else "empty")
"""


def test_the_app_config_takes_the_place_of_djangos_own_in_a_bare_project():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        capture_output=True,
        env=environment,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "PhoneAdminSite"), done.stderr
