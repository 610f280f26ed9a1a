"""Who asks, and what they count by."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse

import django_phone_otp as phone_otp
from django_phone_otp.core.lanes import KNOWN, STRANGERS
from django_phone_otp.models import Challenge
from django_phone_otp.services.askers import COOKIE, asker_of, browser_of, mark_browser, remember_browser
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE
from tests.known import cookie_for, known_request

OTHER = "+14155550199"


def test_without_a_request_nothing_is_known():
    asker = asker_of(None)
    assert (asker.address, asker.lane(PHONE)) == ("", "")
    assert asker.message_buckets(known=False) == asker.guess_buckets() == {}


def test_a_stranger_counts_by_the_address(rf):
    asker = asker_of(rf.post("/", REMOTE_ADDR="198.51.100.7"))
    assert asker.message_buckets(known=False) == {"send.ip": "198.51.100.7"}
    assert asker.guess_buckets() == {"verify.ip": "198.51.100.7"}


def test_a_user_counts_as_such_and_a_session_where_there_is_no_user(rf, client, django_user_model, db):
    request = rf.post("/")
    request.user = AnonymousUser()
    request.session = client.session
    request.session.save()
    assert asker_of(request).message_buckets(known=False)["send.client"] == f"session {request.session.session_key}"
    request.user = django_user_model.objects.create_user("member")
    assert asker_of(request).message_buckets(known=False)["send.client"] == f"user {request.user.pk}"
    request.user = type("Stateless", (), {"pk": None, "is_authenticated": True})()
    assert asker_of(request).message_buckets(known=False)["send.client"].startswith("session ")


def test_a_known_browser_does_not_count_by_its_address(rf):
    asker = asker_of(known_request(rf, PHONE))
    assert (asker.lane(PHONE), asker.lane(OTHER)) == (KNOWN, STRANGERS)
    assert asker.message_buckets(known=True) == {"send.ip": "127.0.0.1 known"}
    assert asker.guess_buckets(PHONE) == {"verify.ip": f"known for {PHONE}"}
    assert asker.message_buckets(known=False)["send.ip"] == asker.guess_buckets()["verify.ip"] == "127.0.0.1"


@pytest.mark.parametrize("cookie", ["", "x", "A" * 27, ".".join(["A" * 27] * 4), "A" * 100_000, "\x00", "ü" * 27])
def test_a_made_up_cookie_is_a_strangers(rf, cookie):
    request = rf.post("/")
    request.COOKIES[COOKIE] = cookie
    assert asker_of(request).lane(PHONE) == ""


def test_a_browser_that_is_known_for_one_number_is_for_a_second_one_too(rf):
    request = known_request(rf, PHONE)
    request.COOKIES[COOKIE] = cookie_for(request, OTHER)
    asker = asker_of(request)
    assert asker.lane(PHONE) == asker.lane(OTHER) == KNOWN


def test_the_cookie_is_kept_from_scripts_and_goes_where_the_session_goes(rf, settings):
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN = "/shop/", "example.com"
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    response = HttpResponse()
    remember_browser(rf.post("/"), response, PHONE)
    cookie = response.cookies[COOKIE]
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/shop/", "example.com", "Strict")
    assert cookie["httponly"]
    assert cookie["max-age"] == 90 * 86400
    assert not cookie["secure"]


@pytest.mark.parametrize("secure", ["the request", "the setting"])
def test_over_https_the_cookie_stays_there(rf, settings, secure):
    settings.SESSION_COOKIE_SECURE = secure == "the setting"
    response = HttpResponse()
    remember_browser(rf.post("/", secure=secure == "the request"), response, PHONE)
    assert response.cookies[COOKIE]["secure"]


def test_the_repr_of_who_asks_shows_no_cookie(rf):
    request = known_request(rf, PHONE)
    assert request.COOKIES[COOKIE] not in repr(asker_of(request))


@pytest.mark.django_db
def test_the_mark_of_a_browser_is_made_once_and_outlives_a_log_in(client):
    class Request:
        session = client.session

    assert browser_of(Request()) == ""
    mark = mark_browser(Request())
    Request.session.cycle_key()
    assert browser_of(Request()) == mark_browser(Request()) == mark
    Request.session.flush()
    assert browser_of(Request()) == ""
    assert mark_browser(None) == browser_of(None) == ""


@pytest.mark.django_db
def test_the_api_makes_the_browser_known_for_the_number_and_nobody_else(api, code_of):
    wrong = api.verify(api.send().json()["challenge"], "000000")
    assert COOKIE not in wrong.cookies
    response = api.verify(api.send().json()["challenge"], code_of(PHONE))
    assert response.cookies[COOKIE].value
    phone_otp.send(PHONE, purpose="login")  # somebody else
    api.send()
    lanes = list(Challenge.objects.order_by("pk").values_list("lane", flat=True))
    assert lanes == [STRANGERS] * 3 + [KNOWN]


def test_without_a_limit_on_clients_nobody_asks_who_is_logged_in(rf):
    class Request(type(rf.post("/"))):
        @property
        def user(self):
            raise AssertionError("the user was asked for")

    request = rf.post("/")
    request.__class__ = Request
    with override_phone_otp(LIMITS={"send.client": []}):
        assert "send.client" not in asker_of(request).message_buckets(known=False)


def test_a_request_that_lacks_most_of_what_requests_have_is_a_strangers():
    request = type("Request", (), {"META": {"REMOTE_ADDR": None}})()
    asker = asker_of(request)
    assert (asker.address, asker.lane(PHONE)) == ("unknown", STRANGERS)
    assert asker.message_buckets(known=False) == {"send.ip": "unknown"}
