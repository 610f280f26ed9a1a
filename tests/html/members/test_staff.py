"""The admin behind a code: neither a password alone opens it, nor a phone alone."""

import re
import subprocess
import sys
from types import ModuleType

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path
from django.utils.module_loading import import_string

from django_phone_otp.html.apps import PhoneAdminConfig
from django_phone_otp.html.staff import PhoneAdminSite
from django_phone_otp.services.phones import bind, rebind
from django_phone_otp.test import latest_code, note_code, outbox
from tests.conftest import PHONE
from tests.html.pages import PASSWORD

pytestmark = pytest.mark.django_db

CONFIRM, ADMIN, OTHER = "/phone/confirm/", "/admin/", "+14155550124"
PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
PHONE_BACKEND = "django_phone_otp.auth.PhoneTokenBackend"
INSTALLED = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="s" * 50,
    INSTALLED_APPS=[
        "django_phone_otp.html.apps.PhoneAdminConfig",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django_phone_otp",
    ],
)
django.setup()
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
print(admin.site.__class__.__name__, apps.get_app_config("admin").label, admin.site.is_registered(User))
"""


def serve(settings, site):
    """Serve ``site`` as the admin, beside the pages of the example site."""
    urls = ModuleType("urls_of_staff")
    urls.urlpatterns = [
        path("admin/", site.urls),
        path("", include("example_project.website.urls")),
        path("", include("example_project.accounts.urls")),
    ]
    settings.ROOT_URLCONF = urls


@pytest.fixture(autouse=True)
def _admin(settings):
    serve(settings, PhoneAdminSite())


@pytest.fixture
def boss():
    user = User.objects.create_superuser("boss", password=PASSWORD)
    bind(user, PHONE)
    return user


def member(user, backend=PASSWORD_BACKEND):
    client = Client()
    client.force_login(user, backend=backend)
    return client


def leads_to(response, url):
    return (response.status_code, response.headers.get("Location")) == (302, url)


def test_the_password_leads_to_the_code_and_the_code_to_the_admin(client, boss):
    assert leads_to(client.get(ADMIN), "/admin/login/?next=/admin/")
    given = {"username": "boss", "password": PASSWORD, "next": ADMIN}
    page = client.post("/admin/login/?next=/admin/", given, follow=True)
    assert page.redirect_chain[-1][0] == f"{CONFIRM}?next=%2Fadmin%2F"
    assert not outbox
    page = client.post(page.redirect_chain[-1][0], follow=True)
    reference = re.search(r'name="reference" value="(\w+)"', page.content.decode())[1]
    answer = {"reference": reference, "code": latest_code(PHONE)}
    assert leads_to(client.post(page.redirect_chain[-1][0], answer), ADMIN)
    assert client.get(ADMIN).status_code == 200


def test_the_password_alone_opens_nothing(boss):
    client = member(boss)
    assert leads_to(client.get(ADMIN), "/admin/login/?next=/admin/")
    assert leads_to(client.get("/admin/login/?next=/admin/"), f"{CONFIRM}?next=%2Fadmin%2F")
    assert leads_to(client.get("/admin/login/"), f"{CONFIRM}?next=%2Fadmin%2F")


def test_a_log_in_by_phone_alone_leads_to_the_password(boss):
    client = member(boss, PHONE_BACKEND)
    note_code(client, boss)
    page = client.get(ADMIN, follow=True)
    assert page.redirect_chain[-1][0] == "/admin/login/?next=/admin/"
    assert 'name="password"' in page.content.decode()


def test_the_password_after_a_log_in_by_phone_is_enough(boss):
    """Both were given in this session, which Django keeps when it is the same user's."""
    client = member(boss, PHONE_BACKEND)
    note_code(client, boss)
    given = {"username": "boss", "password": PASSWORD, "next": ADMIN}
    assert client.post("/admin/login/?next=/admin/", given, follow=True).status_code == 200
    assert client.get(ADMIN).status_code == 200


def test_nobody_but_staff_gets_in_with_both():
    user = User.objects.create_user("sam", password=PASSWORD)
    bind(user, PHONE)
    client = member(user)
    note_code(client, user)
    page = client.get(ADMIN, follow=True)
    assert page.redirect_chain[-1][0] == "/admin/login/?next=/admin/"
    assert 'name="password"' in page.content.decode()


def test_staff_without_a_number_are_not_let_in_and_get_none_here():
    client = member(User.objects.create_superuser("boss", password=PASSWORD))
    page = client.get(ADMIN, follow=True)
    assert "We do not know yours yet." in page.content.decode()
    assert "from an administrator" in client.get("/phone/number/").content.decode()


def test_a_code_is_good_for_the_session_unless_minutes_are_given(boss, clock):
    client = member(boss)
    note_code(client, boss)
    clock.shift(86_400)
    assert client.get(ADMIN).status_code == 200


def test_after_the_minutes_it_is_asked_for_again(boss, clock, settings):
    class Strict(PhoneAdminSite):
        verification_minutes = 15

    serve(settings, Strict())
    client = member(boss)
    note_code(client, boss)
    clock.shift(900)
    assert client.get(ADMIN).status_code == 200
    clock.shift(1)
    assert leads_to(client.get("/admin/login/?next=/admin/"), f"{CONFIRM}?next=%2Fadmin%2F")
    assert client.get(ADMIN).status_code == 302


def test_whoever_gave_the_password_alone_can_log_out(boss):
    client = member(boss)
    assert client.post("/admin/logout/").status_code == 200
    assert "_auth_user_id" not in client.session


def test_after_a_change_of_number_the_new_one_is_asked_for(boss):
    client = member(boss)
    note_code(client, boss)
    assert client.get(ADMIN).status_code == 200
    rebind(boss, OTHER)
    assert client.get(ADMIN).status_code == 302
    client.post(f"{CONFIRM}?next=/admin/")
    assert outbox[-1].number == OTHER


@pytest.mark.parametrize("path", ["auth/user/", "auth/user/add/", "password_change/", "jsi18n/", "nonsense/"])
def test_no_page_of_the_admin_is_open_to_the_password_alone(boss, path):
    assert member(boss).get(f"{ADMIN}{path}").headers["Location"].startswith("/admin/login/")


def test_the_apps_entry_names_the_site_of_the_package_and_is_nobodys_default():
    assert import_string(PhoneAdminConfig.default_site) is PhoneAdminSite
    assert not PhoneAdminConfig.default


def test_the_apps_entry_takes_the_place_of_the_admins():
    said = subprocess.run([sys.executable, "-c", INSTALLED], capture_output=True, text=True, check=False)
    assert (said.stdout, said.returncode) == ("PhoneAdminSite admin True\n", 0), said.stderr
