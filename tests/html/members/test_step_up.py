"""Step-up: a view that asks for a verification which is not old, and the page where one is made."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from django.views import View

from django_phone_otp.html import VerificationRequiredMixin, verification_required
from django_phone_otp.html.stepup import ConfirmView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind, rebind
from django_phone_otp.test import latest_code, note_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

CONFIRM, OTHER = "/phone/confirm/", "+14155550124"
OLD_KEY, NEW_KEY = "o" * 32, "n" * 32
VIEWS = ["plain", "asynchronous", "class", "asynchronous-class"]


@verification_required()
def plain(request, word="in"):
    return HttpResponse(word)


@verification_required()
async def asynchronous(request):
    return HttpResponse("in")


class Plain(VerificationRequiredMixin, View):
    def get(self, request):
        return HttpResponse("in")

    post = get


class Asynchronous(VerificationRequiredMixin, View):
    async def get(self, request):
        return HttpResponse("in")


class Strict(Plain):
    verification_minutes = 1
    verification_url = "/elsewhere/"


urlpatterns = [
    path("plain/", plain),
    path("asynchronous/", asynchronous),
    path("class/", Plain.as_view()),
    path("asynchronous-class/", Asynchronous.as_view()),
    path("strict/", Strict.as_view()),
    path("elsewhere/", ConfirmView.as_view(change_url=None)),
    path("word/<str:word>/", plain),
    path("", include("tests.urls")),
]


def leads_to(response, url):
    return (response.status_code, response.headers.get("Location")) == (302, url)


def send(client, query="?next=/plain/", url=CONFIRM):
    """Press the button; return the URL of the page that asks for the code, and its content."""
    response = client.post(f"{url}{query}")
    assert response.status_code == 302, response.content.decode()
    where = response.headers["Location"]
    return where, client.get(where).content.decode()


def enter(client, where, page, number=PHONE, code=None):
    reference = re.search(r'name="reference" value="(\w+)"', page)[1]
    return client.post(where, {"reference": reference, "code": code or latest_code(number)})


@pytest.mark.parametrize("view", VIEWS)
def test_a_fresh_verification_lets_in_and_an_old_one_does_not(inside, sam, clock, view):
    assert leads_to(inside.get(f"/{view}/"), f"{CONFIRM}?next=%2F{view}%2F")
    note_code(inside, sam)
    clock.shift(600)
    assert inside.get(f"/{view}/").content == b"in"
    clock.shift(1)
    assert leads_to(inside.get(f"/{view}/"), f"{CONFIRM}?next=%2F{view}%2F")


@pytest.mark.parametrize("view", VIEWS)
def test_it_holds_on_an_asynchronous_server(sam, view):
    visitor = AsyncClient()
    get = async_to_sync(visitor.get)
    assert leads_to(get(f"/{view}/"), f"/login/?next=/{view}/")
    visitor.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    assert leads_to(get(f"/{view}/"), f"{CONFIRM}?next=%2F{view}%2F")
    note_code(visitor, sam)
    assert get(f"/{view}/").content == b"in"


@pytest.mark.parametrize("view", VIEWS)
def test_strangers_log_in_first_and_come_back(client, view):
    assert leads_to(client.get(f"/{view}/?a=1"), f"/login/?next=/{view}/%3Fa%3D1")


def test_a_view_has_minutes_and_a_page_of_its_own(inside, sam, clock):
    note_code(inside, sam)
    clock.shift(60)
    assert inside.get("/strict/").content == b"in"
    clock.shift(1)
    assert leads_to(inside.get("/strict/"), "/elsewhere/?next=%2Fstrict%2F")


def test_the_views_arguments_reach_it(inside, sam):
    note_code(inside, sam)
    assert inside.get("/word/hello/").content == b"hello"


@pytest.mark.parametrize("view", ["plain", "class"])
def test_a_form_that_was_sent_comes_back_by_get(inside, view):
    response = inside.post(f"/{view}/", {"amount": "12"})
    assert leads_to(response, f"{CONFIRM}?next=%2F{view}%2F")
    where, page = send(inside, response.headers["Location"].removeprefix(CONFIRM))
    assert leads_to(enter(inside, where, page), f"/{view}/")


def test_another_users_note_in_the_session_is_worth_nothing(inside, sam):
    note_code(inside, sam)
    other = User.objects.create_user("other")
    bind(other, OTHER)
    note = inside.session["phone_otp_verified"]
    inside.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    session = inside.session
    session["phone_otp_verified"] = note
    session.save()
    assert inside.get("/plain/").status_code == 302


@pytest.mark.parametrize("note", ["nonsense", None, {}, {"at": 1}, []])
def test_a_note_that_is_none_is_worth_nothing(inside, note):
    session = inside.session
    session["phone_otp_verified"] = note
    session.save()
    assert inside.get("/plain/").status_code == 302


def test_after_a_change_of_number_the_new_one_is_asked_for(inside, sam):
    sam.set_password("an old horse on a green hill")  # without one, the change would log out
    sam.save()
    inside.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    note_code(inside, sam)
    assert inside.get("/plain/").status_code == 200
    rebind(sam, OTHER)
    assert inside.get("/plain/").status_code == 302
    send(inside)
    assert outbox[-1].number == OTHER


def test_a_log_out_ends_it(inside, sam):
    note_code(inside, sam)
    inside.logout()
    inside.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    assert inside.get("/plain/").status_code == 302


def test_one_session_proves_nothing_for_another(inside, sam):
    note_code(inside, sam)
    second = Client()
    second.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
    assert second.get("/plain/").status_code == 302


class TestKeys:
    @pytest.fixture
    def noted(self, inside, sam):
        with override_phone_otp(KEYS=[OLD_KEY]):
            note_code(inside, sam)
        return inside

    def test_what_an_older_key_noted_still_counts(self, noted):
        with override_phone_otp(KEYS=[NEW_KEY, OLD_KEY]):
            assert noted.get("/plain/").status_code == 200

    def test_what_a_key_noted_that_has_left_does_not(self, noted):
        with override_phone_otp(KEYS=[NEW_KEY]):
            assert noted.get("/plain/").status_code == 302

    def test_the_session_has_no_number(self, noted):
        assert PHONE[1:] not in str(dict(noted.session.items()))


class TestPage:
    def test_nothing_is_sent_before_the_person_asks(self, inside):
        page = inside.get(f"{CONFIRM}?next=/plain/").content.decode()
        assert "+1 ••••• ••123" in page
        assert PHONE not in page
        assert not outbox
        assert not Challenge.objects.exists()

    def test_the_number_stays_hidden_and_cannot_be_changed_here(self, inside):
        where, page = send(inside)
        assert where == f"{CONFIRM}?step=code&next=%2Fplain%2F"
        assert PHONE not in page.partition("<main")[2].partition("</main>")[0]
        assert "+1 ••••• ••123" in page
        assert "another number" not in page

    def test_a_right_code_opens_the_view_under_another_session_key(self, inside):
        where, page = send(inside)
        before = inside.session.session_key
        assert leads_to(enter(inside, where, page), "/plain/")
        assert inside.session.session_key != before
        assert inside.get("/plain/").status_code == 200
        assert Challenge.objects.get().redeemed_at is not None

    def test_a_wrong_code_opens_nothing(self, inside):
        where, page = send(inside)
        wrong = f"{(int(latest_code(PHONE)) + 1) % 10**6:06}"
        response = enter(inside, where, page, code=wrong)
        assert "That code is not right." in response.content.decode()
        assert inside.get("/plain/").status_code == 302

    def test_without_next_it_goes_to_the_default(self, inside):
        where, page = send(inside, "")
        assert where == f"{CONFIRM}?step=code"
        assert leads_to(enter(inside, where, page), "/account/")

    def test_it_goes_to_no_other_site(self, inside):
        where, page = send(inside, "?next=https://example.org/")
        assert leads_to(enter(inside, where, page), "/account/")

    def test_without_a_number_it_says_where_to_give_one_and_keeps_the_way(self, inside, sam):
        sam.verified_phones.all().delete()
        page = inside.get(f"{CONFIRM}?next=/plain/").content.decode()
        assert 'href="/phone/number/?next=%2Fplain%2F"' in page
        pressed = inside.post(f"{CONFIRM}?next=/plain/")
        assert pressed.status_code == 200
        assert "Add your number" in pressed.content.decode()
        assert not outbox

    def test_where_no_number_page_is_none_is_offered(self, inside, sam):
        sam.verified_phones.all().delete()
        page = inside.get("/elsewhere/").content.decode()
        assert "We do not know yours yet." in page
        assert "Add your number" not in page

    def test_strangers_log_in_first(self, client):
        for step in ("", "?step=code"):
            assert client.get(CONFIRM + step).headers["Location"].startswith("/login/?next=")
            assert client.post(CONFIRM + step).headers["Location"].startswith("/login/?next=")

    def test_a_code_to_a_number_that_is_the_persons_no_more_opens_nothing(self, inside, sam):
        where, page = send(inside)
        code = latest_code(PHONE)
        bind(sam, OTHER)
        sam.verified_phones.filter(number=PHONE).delete()
        response = enter(inside, where, page, code=code)
        assert response.status_code == 200
        assert inside.get("/plain/").status_code == 302
        assert leads_to(inside.get(where), f"{CONFIRM}?next=%2Fplain%2F")

    def test_a_code_from_before_a_change_of_number_opens_nothing(self, inside, sam):
        where, page = send(inside)
        code = latest_code(PHONE)
        sam.set_password("an old horse on a green hill")
        sam.save()
        rebind(sam, OTHER)
        inside.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
        enter(inside, where, page, code=code)
        assert inside.get("/plain/").status_code == 302

    def test_a_second_click_on_send_is_one_message(self, inside):
        where, _ = send(inside)
        assert send(inside)[0] == where
        assert len(outbox) == 1

    def test_a_limit_is_told_to_people_and_programs(self, inside, sam):
        elsewhere = Client()
        elsewhere.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
        with override_phone_otp(LIMITS={**UNLIMITED, "send.number": ["1/1h"]}):
            send(elsewhere)
            response = inside.post(f"{CONFIRM}?next=/plain/")
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 0
        assert "Too many requests." in response.content.decode()
        assert "Send code" in response.content.decode()
