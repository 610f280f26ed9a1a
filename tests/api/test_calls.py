"""The five calls: bodies in, answers out, refusals as problem documents."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import InterfaceError, InternalError, OperationalError

from django_phone_otp.api import errors
from django_phone_otp.backends.base import BackendUnavailable
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges
from django_phone_otp.services.blocks import block
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_delivery import vendors
from tests.services.test_limits import DEAD_REDIS
from tests.services.test_races import wrong

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def assert_problem(response, status, code, **extra):
    """Check one problem document whole, so that nothing more is said than should be."""
    body = response.json()
    assert response.status_code == status, body
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert {"status": body["status"], "code": body["code"]} == {"status": status, "code": code}
    assert body["type"] == f"urn:django-phone-otp:{code}"
    assert body["title"]
    assert body["detail"]
    assert {key: body[key] for key in body if key not in {"type", "title", "status", "detail", "code"}} == extra


class TestAnswers:
    def test_send_gives_201_and_a_challenge(self, api):
        response = api.send("+91 98765 43210")
        body = response.json()
        assert response.status_code == 201
        assert response["Cache-Control"] == "no-store"
        assert response["Content-Type"] == "application/json"
        assert len(body.pop("challenge")) == 43
        assert body == {
            "status": "pending",
            "purpose": "signup",
            "channel": "sms",
            "phone": "+91 ••••• ••210",
            "code_length": 6,
            "attempts_left": 5,
            "expires_at": "2026-11-22T10:05:00.000Z",
            "resend_at": "2026-11-22T10:00:30.000Z",
            "delivery": "accepted",
        }

    def test_verify_gives_200_and_a_proof(self, api):
        handle = api.send().json()["challenge"]
        response = api.verify(handle, latest_code(PHONE))
        body = response.json()
        assert response.status_code == 200
        assert len(body.pop("token")) == 43
        assert body == {
            "challenge": handle,
            "status": "verified",
            "purpose": "signup",
            "phone": PHONE,
            "verified_at": "2026-11-22T10:00:00.000Z",
        }

    def test_resend_status_and_cancel_give_200_and_the_challenge(self, api, clock):
        sent = api.send().json()
        clock.shift(30)
        resent = api.post("resend", {"challenge": sent["challenge"], "channel": "whatsapp"})
        assert resent.status_code == 200
        assert resent.json() == {**sent, "channel": "whatsapp", "resend_at": "2026-11-22T10:01:10.000Z"}
        assert api.post("status", {"challenge": sent["challenge"]}).json() == resent.json()
        canceled = api.post("cancel", {"challenge": sent["challenge"]})
        assert canceled.status_code == 200
        assert canceled.json() == {**resent.json(), "status": "canceled", "attempts_left": 0}

    def test_status_says_expired(self, api, clock):
        handle = api.send().json()["challenge"]
        clock.shift(300)
        body = api.post("status", {"challenge": handle}).json()
        assert (body["status"], body["attempts_left"]) == ("expired", 0)

    def test_a_context_is_bound(self, api):
        context = {"amount": "10.00", "payee": "Shop"}
        handle = api.send(purpose="payment", context=context).json()["challenge"]
        code = latest_code(PHONE)
        assert_problem(
            api.verify(handle, code, context={**context, "amount": "10.01"}), 400, "incorrect_code", attempts_left=4
        )
        assert api.verify(handle, code, context=context).status_code == 200

    def test_an_accept_header_does_not_cost_anyone_their_code(self, api):
        assert api.send(headers={"Accept": "text/html"}).status_code == 201

    def test_more_fields_are_ignored(self, api):
        assert api.send(status="verified", max_attempts=99, decoy=True).json()["attempts_left"] == 5

    def test_a_logged_in_person_needs_the_csrf_token(self, django_user_model):
        from django.test import Client

        client = Client(enforce_csrf_checks=True)
        client.force_login(django_user_model.objects.create_user("member"))
        body = {"phone": PHONE, "purpose": "signup"}
        response = client.post("/api/phone/send/", body, content_type="application/json")
        assert_problem(response, 403, "permission_denied")
        assert not outbox


class TestRefusals:
    def test_400_incorrect_code(self, api):
        handle = api.send().json()["challenge"]
        assert_problem(api.verify(handle, wrong(latest_code(PHONE))), 400, "incorrect_code", attempts_left=4)

    def test_400_invalid(self, api):
        assert_problem(
            api.post("send", {}),
            400,
            "invalid",
            errors={"phone": ["This field is required."], "purpose": ["This field is required."]},
        )

    @pytest.mark.parametrize("phone", ["12345", "+14155550123;ext=1", "+1911"])
    def test_400_invalid_phone(self, api, phone):
        message = "Enter a phone number, with its country code."
        assert_problem(api.send(phone), 400, "invalid_phone", errors={"phone": [message]})

    @pytest.mark.parametrize("phone", ["+19002345678", "+881612345678", "+447012345678", "+80012345678"])
    def test_400_number_not_allowed(self, api, phone):
        message = "Messages cannot be sent to this number. Use another one."
        assert_problem(api.send(phone), 400, "number_not_allowed", errors={"phone": [message]})

    @pytest.mark.parametrize("blocked", [PHONE, "+1415*", "US"])
    def test_400_number_not_allowed_for_what_staff_blocked(self, api, blocked):
        message = "Messages cannot be sent to this number. Use another one."
        with override_phone_otp(RESEND_AFTER=[0]):
            handle = api.send().json()["challenge"]
            block(blocked)
            for refused in (api.send(), api.post("resend", {"challenge": handle})):
                assert_problem(refused, 400, "number_not_allowed", errors={"phone": [message]})

    def test_404_challenge_not_found(self, api):
        api.send()
        for call in ("status", "cancel", "resend"):
            assert_problem(api.post(call, {"challenge": "A" * 43}), 404, "challenge_not_found")
        assert_problem(api.verify("A" * 43, "123456"), 404, "challenge_not_found")

    def test_409_challenge_closed(self, api):
        handle = api.send().json()["challenge"]
        api.verify(handle, latest_code(PHONE))
        for call in ("cancel", "resend"):
            assert_problem(api.post(call, {"challenge": handle}), 409, "challenge_closed")
        assert_problem(api.verify(handle, latest_code(PHONE)), 409, "challenge_closed")

    def test_410_challenge_expired(self, api, clock):
        handle = api.send().json()["challenge"]
        clock.shift(timedelta(minutes=5))
        for call in ("cancel", "resend"):
            assert_problem(api.post(call, {"challenge": handle}), 410, "challenge_expired")
        assert_problem(api.verify(handle, latest_code(PHONE)), 410, "challenge_expired")

    def test_422_idempotency_mismatch(self, api):
        key = {"Idempotency-Key": "made-up-key"}
        first = api.send(headers=key)
        assert api.send(headers=key).json() == first.json()
        assert_problem(api.send("+14155550199", headers=key), 422, "idempotency_mismatch")
        assert len(outbox) == 1

    def test_429_rate_limited(self, api):
        for _ in range(3):
            api.send()
        response = api.send()
        wait = response.json()["retry_after"]
        assert 300 <= wait <= 330
        assert response["Retry-After"] == str(wait)
        assert_problem(response, 429, "rate_limited", retry_after=wait)

    def test_429_too_many_attempts(self, api):
        handle = api.send().json()["challenge"]
        for n in range(5):
            api.verify(handle, wrong(latest_code(PHONE), n))
        response = api.verify(handle, latest_code(PHONE))
        assert response["Retry-After"] == "300"
        assert_problem(response, 429, "too_many_attempts", retry_after=300)

    def test_429_resend_too_soon(self, api):
        response = api.post("resend", {"challenge": api.send().json()["challenge"]})
        assert response["Retry-After"] == "30"
        assert_problem(response, 429, "resend_too_soon", retry_after=30)

    def test_502_delivery_failed(self, api):
        with vendors(BackendUnavailable("down")):
            assert_problem(api.send(), 502, "delivery_failed")

    def test_503_unavailable_without_the_cache(self, api, settings):
        handle = api.send().json()["challenge"]
        settings.CACHES = DEAD_REDIS
        for response in (api.send(), api.verify(handle, latest_code(PHONE))):
            assert response["Retry-After"] == "30"
            assert_problem(response, 503, "unavailable", retry_after=30)
        assert Challenge.objects.get().attempts == 0

    @pytest.mark.parametrize("fault", [OperationalError, InterfaceError, InternalError])
    def test_503_unavailable_without_a_database_that_takes_writes(self, api, monkeypatch, fault):
        def gone(*_args, **_kwargs):
            raise fault(f"could not connect while asking for {PHONE}")

        monkeypatch.setattr(challenges, "_get_judged", gone)
        handle = api.send().json()["challenge"]
        assert_problem(api.verify(handle, "123456"), 503, "unavailable", retry_after=30)

    def test_a_fault_of_the_code_is_not_dressed_up(self, api, monkeypatch):
        def fault(*_args, **_kwargs):
            raise ZeroDivisionError

        monkeypatch.setattr(challenges, "_get_judged", fault)
        handle = api.send().json()["challenge"]
        with pytest.raises(ZeroDivisionError):
            api.verify(handle, "123456")

    def test_401_says_how_to_authenticate(self, api, monkeypatch):
        from rest_framework.authentication import BasicAuthentication

        from django_phone_otp.api.views import SendView

        monkeypatch.setattr(SendView, "authentication_classes", [BasicAuthentication])
        response = api.send(headers={"Authorization": "Basic !!!"})
        assert response["WWW-Authenticate"].startswith("Basic ")
        assert_problem(response, 401, "authentication_failed")

    def test_a_projects_authentication_may_say_more_than_one_thing(self, api, monkeypatch):
        from rest_framework.authentication import BaseAuthentication
        from rest_framework.exceptions import AuthenticationFailed

        from django_phone_otp.api.views import SendView

        class Tokens(BaseAuthentication):
            def authenticate(self, request):
                raise AuthenticationFailed({"detail": "The token is not valid.", "messages": [{"token": "expired"}]})

        monkeypatch.setattr(SendView, "authentication_classes", [Tokens])
        response = api.send()
        assert response.json()["detail"] == "The token is not valid."
        assert_problem(response, 403, "authentication_failed")

    def test_every_error_of_the_app_has_a_status(self):
        from django_phone_otp.exceptions import PhoneOTPError, RetryLater

        def leaves(kind):
            return {kind} | {leaf for child in kind.__subclasses__() for leaf in leaves(child)}

        assert set(errors.STATUSES) == leaves(PhoneOTPError) - {PhoneOTPError, RetryLater}

    def test_djangos_own_permission_denied_is_a_problem_document_too(self):
        from django.core.exceptions import PermissionDenied

        assert errors.handle(PermissionDenied(), {}).status_code == 403

    def test_nothing_is_counted_for_a_refused_body(self, api):
        api.send([PHONE])
        assert not cache._cache


class TestMethods:
    @pytest.mark.parametrize("call", ["send", "resend", "status", "verify", "cancel"])
    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_only_post_does_anything(self, client, call, method):
        response = getattr(client, method)(f"/api/phone/{call}/")
        assert_problem(response, 405, "method_not_allowed")
        assert "POST" in response["Allow"]
