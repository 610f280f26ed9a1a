"""SAME_BROWSER: a handle is worth nothing outside the session that asked."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeNotFound
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, Api
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bound():
    purposes = {"signup": {"SAME_BROWSER": True}, "verify": {}}
    with override_phone_otp(PURPOSES=purposes, LIMITS=UNLIMITED, RESEND_AFTER=[0]):
        yield


@pytest.fixture
def thief():
    """Another browser, which may know all that is in an answer."""
    other = Api(Client())
    other.send("+14155550199")  # it has a session of its own
    return other


def test_the_browser_that_asked_does_everything(api):
    handle = api.send().json()["challenge"]
    for call in ("status", "resend"):
        answer = api.post(call, {"challenge": handle}).json()
        assert (answer["challenge"], answer["status"]) == (handle, "pending")
    assert api.verify(handle, latest_code(PHONE)).json()["challenge"] == handle
    second = api.send().json()["challenge"]
    assert api.post("cancel", {"challenge": second}).json()["status"] == "canceled"


def test_another_browser_is_told_that_there_is_no_such_challenge(api, thief):
    handle = api.send().json()["challenge"]
    code, sent = latest_code(PHONE), len(outbox)
    for call in ("status", "resend", "cancel"):
        assert thief.post(call, {"challenge": handle}).status_code == 404
    assert thief.verify(handle, code).status_code == 404
    assert len(outbox) == sent
    stored = Challenge.objects.get(number=PHONE)
    assert (stored.status, stored.attempts) == ("pending", 0)
    assert api.verify(handle, code).status_code == 200


def test_a_second_click_gets_the_same_handle(api):
    handle = api.send().json()["challenge"]
    assert api.send().json()["challenge"] == handle
    key = {"Idempotency-Key": "made-up-key"}
    keyed = api.send("+14155550188", headers=key).json()["challenge"]
    assert api.send("+14155550188", headers=key).json()["challenge"] == keyed
    assert api.verify(keyed, latest_code("+14155550188")).status_code == 200


def test_a_key_is_the_same_before_the_session_is_saved_and_after(api):
    key = {"Idempotency-Key": "made-up-key"}
    handles = {api.send(headers=key).json()["challenge"] for _ in range(3)}
    assert len(handles) == len(outbox) == 1
    for _ in range(2):
        assert api.post("resend", {"challenge": handles.copy().pop()}, **key).status_code == 200
    assert len(outbox) == 2


def test_it_outlives_a_log_in(api, django_user_model):
    handle = api.send().json()["challenge"]
    api.client.force_login(django_user_model.objects.create_user("member"))
    assert api.verify(handle, latest_code(PHONE)).status_code == 200


def test_purposes_that_are_not_bound_work_from_anywhere(api, thief):
    handle = api.send(purpose="verify").json()["challenge"]
    assert thief.verify(handle, latest_code(PHONE)).status_code == 200


def test_without_a_session_it_is_a_mistake_of_the_project(rf):
    for request in (None, rf.post("/")):
        with pytest.raises(ImproperlyConfigured, match="SAME_BROWSER"):
            phone_otp.send(PHONE, purpose="signup", request=request)
    assert not outbox


def test_in_python_the_other_verbs_need_the_request_too(api):
    handle = api.send().json()["challenge"]
    for verb in (phone_otp.status, phone_otp.cancel, phone_otp.resend):
        with pytest.raises(ChallengeNotFound):
            verb(handle)
    with pytest.raises(ChallengeNotFound):
        phone_otp.verify(handle, latest_code(PHONE))
