"""Signing up: a number, its code, the project's own form; and nobody owns anything before the end."""

import re

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import include, path

from django_phone_otp.html import SignupView
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
OTHER = "+14155550124"


def hidden(response, name):
    return re.search(rf'name="{name}" value="([\w-]*)"', response.content.decode())[1]


def prove(client, phone=PHONE, url="/signup/"):
    """Go as far as the details; return the page that asks for them."""
    page = client.post(url, {"phone": phone}, follow=True)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(phone)}
    return client.post(f"{url}?step=code", answer, follow=True)


def finish(client, page, url="/signup/", **details):
    answer = {"username": "sam", "reference": hidden(page, "reference"), **details}
    return client.post(f"{url}?step=details", answer)


def test_a_number_a_code_and_a_name_make_an_account_that_is_logged_in(client):
    page = prove(client)
    assert f"<bdi>{PHONE}</bdi> is verified." in page.content.decode()
    response = finish(client, page)
    assert (response.status_code, response.headers["Location"]) == (302, "/account/")
    user = User.objects.get()
    assert (user.username, VerifiedPhone.objects.get().number) == ("sam", PHONE)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get("/vault/").status_code == 200  # the number was proved just now


def test_until_the_end_nobody_owns_anything(client):
    prove(client)
    assert not User.objects.exists()
    assert not VerifiedPhone.objects.exists()
    assert Challenge.objects.get().redeemed_at is None


def test_whoever_began_with_somebody_elses_number_has_nothing_when_the_owner_signs_up(client):
    thief = Client()
    thief.post("/signup/", {"phone": PHONE})  # and has no code
    finish(client, prove(client))
    assert thief.get("/signup/?step=details", follow=True).redirect_chain[-1][0] == "/signup/?step=code"
    assert thief.post("/signup/?step=details", {"username": "thief"}).headers["Location"] == "/signup/?step=code"
    assert VerifiedPhone.objects.get().user.username == "sam"
    assert not User.objects.filter(username="thief").exists()


def test_a_session_that_was_shared_before_the_code_gets_nothing_after_it(client):
    client.get("/signup/")
    client.post("/signup/", {"phone": PHONE})
    thief = Client()
    thief.cookies["sessionid"] = client.cookies["sessionid"].value
    page = client.get("/signup/?step=code")
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    assert client.post("/signup/?step=code", answer).headers["Location"] == "/signup/?step=details"
    thief.post("/signup/?step=details", {"username": "thief", "reference": answer["reference"]})
    assert not User.objects.exists()


def test_details_that_are_wrong_cost_no_second_code(client):
    User.objects.create_user("sam")
    page = prove(client)
    again = finish(client, page)
    assert again.status_code == 200
    assert "already exists" in again.content.decode()
    assert finish(client, again, username="kim").status_code == 302
    assert len(outbox) == 1


def test_a_page_about_another_number_makes_no_account(client):
    first = prove(client)
    page = client.post("/signup/", {"phone": OTHER}, follow=True)  # in another tab
    client.post("/signup/?step=code", {"reference": hidden(page, "reference"), "code": latest_code(OTHER)})
    assert finish(client, first).headers["Location"] == "/signup/?step=details"
    assert not User.objects.exists()
    assert f"<bdi>{OTHER}</bdi> is verified." in client.get("/signup/?step=details").content.decode()


def test_a_number_that_has_an_account_is_told_to_whoever_has_the_phone(client):
    bind(User.objects.create_user("owner"), PHONE)
    page = client.post("/signup/", {"phone": PHONE}, follow=True)
    assert "another account" not in page.content.decode()
    taken = prove(Client(), PHONE)
    body = taken.content.decode()
    assert f"<bdi>{PHONE}</bdi> belongs to another account." in body
    assert 'href="/login/"' in body
    assert 'name="username"' not in body


def test_a_number_that_is_taken_meanwhile_makes_no_account(client):
    page = prove(client)
    bind(User.objects.create_user("owner"), PHONE)
    assert "belongs to another account" in finish(client, page).content.decode()
    assert User.objects.count() == 1
    assert Challenge.objects.get().redeemed_at is None  # all or nothing


def test_after_ten_minutes_the_number_must_be_verified_again(client, clock):
    page = prove(client)
    clock.shift(601)
    response = finish(client, page)
    assert response.headers["Location"] == "/signup/"
    assert "Too much time has gone by" in client.get("/signup/").content.decode()
    assert client.get("/signup/?step=details").headers["Location"] == "/signup/"
    assert not User.objects.exists()


def test_a_second_click_on_the_last_button_goes_on(client):
    page = prove(client)
    finish(client, page)
    assert finish(client, page).headers["Location"] == "/account/"
    assert User.objects.count() == 1


def test_a_second_click_that_carries_the_old_cookie_leaves_the_new_one_alone(client):
    page = prove(client)
    old = Client()
    old.cookies["sessionid"] = client.cookies["sessionid"].value
    finish(client, page)
    response = old.post("/signup/?step=details", {"username": "sam", "reference": hidden(page, "reference")})
    assert response.headers["Location"] == "/account/"
    assert "sessionid" not in response.cookies


def test_a_second_click_on_a_right_code_goes_on_to_the_details(client):
    page = client.post("/signup/", {"phone": PHONE}, follow=True)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    for _ in range(2):
        assert client.post("/signup/?step=code", answer).headers["Location"] == "/signup/?step=details"
    assert client.get("/signup/?step=code").headers["Location"] == "/signup/?step=details"


def test_after_the_account_is_made_its_code_leads_nowhere_else(client):
    finish(client, prove(client))
    response = client.post("/signup/?step=code", {"code": "000000"})
    assert response.headers["Location"] == "/account/"


def test_a_second_click_on_a_right_code_with_the_cookie_of_before_leads_where_the_first_did(client):
    page = client.post("/signup/", {"phone": PHONE}, follow=True)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    old = Client()
    old.cookies["sessionid"] = client.cookies["sessionid"].value
    for each in (client, old):
        response = each.post("/signup/?step=code", answer)
        assert response.headers["Location"] == "/signup/?step=details"
    assert "sessionid" not in response.cookies  # the browser goes on with the first one's
    assert client.get("/signup/?step=details").status_code == 200


def test_a_proof_that_was_used_elsewhere_goes_on_at_a_second_click(client):
    page = client.post("/signup/", {"phone": PHONE}, follow=True)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    client.post("/signup/?step=code", answer)
    Challenge.objects.update(redeemed_at=Challenge.objects.get().closed_at)
    assert client.post("/signup/?step=code", answer).headers["Location"] == "/account/"


def test_without_a_password_there_is_none_and_with_one_it_works(client):
    finish(client, prove(client))
    assert not User.objects.get().has_usable_password()
    other = Client()
    finish(other, prove(other, OTHER), username="kim", password="made-up-Words-9")
    assert User.objects.get(username="kim").check_password("made-up-Words-9")


class EmptyPasswordForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["username"]


class WithEmptyPassword(SignupView):
    details_form_class = EmptyPasswordForm


class WithOwnUser(SignupView):
    details_form_class = type("NickForm", (forms.Form,), {"nick": forms.CharField(), "picture": forms.FileField()})

    def create_user(self, form, number):
        assert number == PHONE
        return User.objects.create_user(form.cleaned_data["nick"])


class Failing(WithEmptyPassword):
    def create_user(self, form, number):
        User.objects.create_user("half")
        raise RuntimeError("a fault in the project")


class WithoutForm(SignupView):
    pass


urlpatterns = [
    path("empty/", WithEmptyPassword.as_view()),
    path("own/", WithOwnUser.as_view()),
    path("failing/", Failing.as_view()),
    path("formless/", WithoutForm.as_view()),
    path("", include("tests.urls")),
]
with_urls = pytest.mark.urls(__name__)


@with_urls
def test_an_account_that_is_saved_with_an_empty_password_gets_none(client):
    finish(client, prove(client, url="/empty/"), url="/empty/")
    assert not User.objects.get().has_usable_password()


@with_urls
def test_a_project_makes_its_users_as_it_likes(client):
    page = prove(client, url="/own/")
    assert 'enctype="multipart/form-data"' in page.content.decode()
    answer = {"nick": "sam", "reference": hidden(page, "reference"), "picture": SimpleUploadedFile("a.txt", b"a")}
    assert client.post("/own/?step=details", answer).status_code == 302
    assert VerifiedPhone.objects.get().user.username == "sam"


@with_urls
@pytest.mark.django_db(transaction=True)
def test_a_fault_of_the_project_undoes_it_all(client):
    page = prove(client, url="/failing/")
    with pytest.raises(RuntimeError, match="a fault"):
        finish(client, page, url="/failing/")
    assert not User.objects.exists()
    assert Challenge.objects.get().redeemed_at is None


@with_urls
def test_a_view_without_a_form_says_what_to_set(client):
    with pytest.raises(ImproperlyConfigured, match="details_form_class"):
        prove(client, url="/formless/")


def test_the_log_in_is_by_the_backend_that_takes_proofs_where_there_is_one(client, settings):
    finish(client, prove(client))
    assert client.session["_auth_user_backend"] == "django_phone_otp.auth.PhoneTokenBackend"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    other = Client()
    finish(other, prove(other, OTHER), username="kim")
    assert other.session["_auth_user_backend"] == "django.contrib.auth.backends.ModelBackend"


def test_details_before_any_number_are_asked_for_from_the_beginning(client):
    assert client.get("/signup/?step=details").headers["Location"] == "/signup/"
    assert client.post("/signup/?step=details", {"username": "sam"}).headers["Location"] == "/signup/"


def test_the_person_goes_on_where_they_wanted_to(client):
    with override_phone_otp(LIMITS=UNLIMITED):
        page = client.post("/signup/?next=/vault/", {"phone": PHONE}, follow=True)
        assert page.redirect_chain == [("/signup/?step=code&next=%2Fvault%2F", 302)]
        answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
        page = client.post("/signup/?step=code&next=/vault/", answer, follow=True)
        answer = {"reference": answer["reference"], "username": "sam"}
        response = client.post("/signup/?step=details&next=/vault/", answer)
    assert response.headers["Location"] == "/vault/"


def test_a_visitors_second_click_is_one_message_with_the_cookies_of_the_first_answer_too(client):
    key = hidden(client.get("/signup/"), "key")
    for _ in range(2):
        response = client.post("/signup/", {"phone": PHONE, "key": key})
        assert response.headers["Location"] == "/signup/?step=code"
    assert len(outbox) == Challenge.objects.count() == 1
    client.post("/signup/", {"phone": OTHER, "key": key})  # corrected on a page that the browser kept
    assert [message.number for message in outbox] == [PHONE, OTHER]


def test_a_code_that_is_sent_again_when_it_is_too_late_for_its_proof_is_told_so(client, clock):
    page = client.post("/signup/", {"phone": PHONE}, follow=True)
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    client.post("/signup/?step=code", answer)
    clock.shift(601)
    assert "Too much time has gone by" in client.post("/signup/?step=code", answer).content.decode()
