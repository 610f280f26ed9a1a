"""What holds for every page: no form from elsewhere, no way to another site, no frame, no copy, no secret settings."""

import gzip
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import include, path

from django_phone_otp.html import ConfirmView, LoginView, SendCodeView, SignupView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import numbers_of
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.pages import (
    CONFIRM,
    LOGIN,
    NEW,
    NUMBER,
    PASSWORD,
    PLAIN_TEMPLATES,
    SIGNUP,
    ask,
    enter,
    hidden,
    leads_to,
    step,
)
from tests.services.test_limits import DEAD_REDIS
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("unlimited")]
SHOP = "https://shop.example"
EVIL = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://testserver.evil.example/",
    "http://testserver@evil.example/",
    "\thttps://evil.example/",
    "//evil.example/?step=code",
    "",
]


class Abroad(LoginView):
    success_url_allowed_hosts = {"shop.example"}
    next_page = f"{SHOP}/cart/"


class Lenient(LoginView):
    content_security_policy = None


class Own(LoginView):
    content_security_policy = "default-src 'self'"


class Unknown(SendCodeView):
    purpose = "sign-up"


urlpatterns = [
    path("abroad/", Abroad.as_view()),
    path("lenient/", Lenient.as_view()),
    path("own/", Own.as_view()),
    path("unknown/", Unknown.as_view()),
    path("bare-signup/", SignupView.as_view()),
    path("elsewhere/", ConfirmView.as_view(next_page="/vault/")),
    path("", include("tests.urls")),
]


# ---- Headers ----


def assert_safe(response, status=200):
    assert response.status_code == status
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in response.headers["Cache-Control"]
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_pages_of_strangers_are_safe(client, sam):
    assert_safe(client.get(SIGNUP))
    assert_safe(client.head(SIGNUP))
    assert_safe(client.get(step(SIGNUP, "code")), 302)
    assert_safe(client.post(SIGNUP, {"phone": "12"}))
    assert_safe(client.post(SIGNUP, {"phone": PHONE}), 302)
    assert_safe(client.get(step(SIGNUP, "code")))
    assert_safe(enter(client, code="000"))
    assert_safe(enter(client), 302)
    assert_safe(client.get(step(SIGNUP, "details")))
    assert_safe(client.get(LOGIN))
    assert_safe(ask(client, LOGIN))
    assert_safe(enter(client, LOGIN), 302)


def test_the_pages_of_members_are_safe(inside):
    assert_safe(inside.get(NUMBER))
    assert_safe(inside.post(NUMBER, {"password": "wrong"}))
    assert_safe(inside.post(NUMBER, {"password": PASSWORD}), 302)
    assert_safe(inside.get(step(NUMBER, "number")))
    assert_safe(inside.post(step(NUMBER, "number"), {"phone": NEW}), 302)
    page = inside.get(step(NUMBER, "code"))
    assert_safe(page)
    assert_safe(enter(inside, NUMBER, phone=NEW), 302)
    assert_safe(inside.get(step(NUMBER, "done")))
    assert_safe(inside.get(CONFIRM))
    assert_safe(inside.post(CONFIRM), 302)
    assert_safe(inside.get(step(CONFIRM, "code")))


def test_refusals_are_safe_too(client, inside, settings):
    with override_phone_otp(LIMITS={**UNLIMITED, "send.global": ["1/1h"], "verify.ip": ["1/1h"]}):
        ask(client)
        assert_safe(client.post(SIGNUP, {"phone": NEW}), 429)
        assert_safe(inside.post(CONFIRM), 429)
        enter(client, code="000000" if latest_code(PHONE) != "000000" else "000001")
        assert_safe(enter(client), 429)
        assert_safe(inside.post(NUMBER, {"password": PASSWORD}), 429)
    settings.CACHES, settings.TEMPLATES = DEAD_REDIS, PLAIN_TEMPLATES
    with override_phone_otp(LIMITS={"send.number": ["3/5m"]}):
        assert_safe(client.post(SIGNUP, {"phone": NEW}), 503)
        assert_safe(inside.post(CONFIRM), 503)
        assert_safe(inside.post(NUMBER, {"password": PASSWORD}), 503)
    for url in (SIGNUP, LOGIN):
        for method in ("put", "patch", "delete", "trace"):
            assert_safe(getattr(client, method)(url), 405)
        assert_safe(client.options(url))


def test_a_page_travels_compressed_and_never_twice_at_one_length(client):
    answers = [client.get("/signup/", headers={"Accept-Encoding": "gzip"}) for _ in range(20)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert all("Accept-Encoding" in answer["Vary"] and "Cookie" in answer["Vary"] for answer in answers)
    assert all("Content-Security-Policy" in answer and "no-store" in answer["Cache-Control"] for answer in answers)
    assert b"<html" in gzip.decompress(answers[0].content)
    assert len({len(answer.content) for answer in answers}) > 1  # BREACH compares lengths
    assert "Content-Encoding" not in client.get("/signup/")


def test_the_policy_may_be_the_projects_own_or_left_to_it(client):
    assert client.get("/own/").headers["Content-Security-Policy"] == "default-src 'self'"
    assert "Content-Security-Policy" not in client.get("/lenient/").headers


def test_static_files_of_another_host_are_let_in(client, settings):
    settings.STATIC_URL = "https://static.example/s/"
    policy = client.get(LOGIN).headers["Content-Security-Policy"]
    assert "style-src https://static.example; script-src https://static.example" in policy
    settings.STATIC_URL = "//static.example/s/"
    assert "style-src https://static.example;" in client.get(LOGIN).headers["Content-Security-Policy"]


def test_forms_may_lead_where_the_project_lets_them(client, settings):
    assert "form-action 'self';" in client.get(LOGIN).headers["Content-Security-Policy"]
    assert f"form-action 'self' {SHOP} shop.example;" in client.get("/abroad/").headers["Content-Security-Policy"]
    settings.LOGIN_URL = "https://login.example/in/"
    assert "form-action 'self' https://login.example;" in client.get(LOGIN).headers["Content-Security-Policy"]


def test_the_language_of_the_page_is_said(client, settings):
    assert client.get(LOGIN, headers={"Accept-Language": "de"}).headers["Content-Language"] == "de"
    settings.USE_I18N = False
    assert client.get(LOGIN).status_code == 200


# ---- Forms from elsewhere ----


def forms_of(client, inside):
    """Return every form that may be sent, by a client that got as far as it."""
    ask(client)
    inside.get(NUMBER)
    return [
        (client, SIGNUP, {"phone": NEW}),
        (client, step(SIGNUP, "code"), {"reference": reference_of(client), "code": latest_code(PHONE)}),
        (client, step(SIGNUP, "code"), {"action": "resend", "reference": reference_of(client), "messages": "1"}),
        (client, step(SIGNUP, "details"), {"reference": reference_of(client), "username": "kim"}),
        (client, LOGIN, {"phone": NEW}),
        (client, step(LOGIN, "code"), {"code": "123456"}),
        (inside, NUMBER, {"password": PASSWORD}),
        (inside, step(NUMBER, "done"), {}),
        (inside, CONFIRM, {}),
        (inside, step(CONFIRM, "code"), {"code": "123456"}),
    ]


def reference_of(client):
    return hidden(client.get(step(SIGNUP, "code")), "reference")


@pytest.mark.parametrize("middleware", [True, False], ids=["with-middleware", "without"])
def test_no_form_from_elsewhere_is_taken(client, inside, settings, middleware):
    if not middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    forms, sent = forms_of(client, inside), len(outbox)
    for who, url, answer in forms:
        who.handler.enforce_csrf_checks = True
        assert who.post(url, answer).status_code == 403, url
    assert len(outbox) == sent
    challenge = Challenge.objects.get()
    assert (challenge.status, challenge.attempts) == ("pending", 0)
    assert [user.username for user in User.objects.all()] == ["sam"]
    assert numbers_of(User.objects.get()) == [PHONE]


def test_a_form_of_the_page_itself_is_taken(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    client = Client(enforce_csrf_checks=True)
    token = hidden(client.get(SIGNUP), "csrfmiddlewaretoken")
    assert leads_to(client.post(SIGNUP, {"phone": PHONE, "csrfmiddlewaretoken": token}), step(SIGNUP, "code"))


def test_every_form_on_every_page_has_a_token(client, inside):
    pages = [client.get(SIGNUP), ask(client, phone=NEW), inside.get(NUMBER), inside.get(CONFIRM)]
    enter(client, phone=NEW)
    pages.append(client.get(step(SIGNUP, "details")))
    for page in pages:
        body = page.content.decode()
        body = body[body.index("<main") : body.index("</main")]
        assert body.count("<form") == body.count("csrfmiddlewaretoken") >= 1


# ---- The way on ----


def to(url, onward, name=""):
    """Return the URL of a step with where to go on, as the query of a link that somebody sent."""
    return f"{url}?{urlencode({'next': onward, **({'step': name} if name else {})})}"


@pytest.mark.parametrize("onward", EVIL)
def test_no_page_leads_to_another_site(client, sam, onward):
    """Neither by redirects nor by links, whichever step the link was to."""
    seen = []

    def post(who, url, answer):
        seen.append(who.post(url, answer))
        return seen[-1]

    def get(who, url):
        seen.append(who.get(url))
        return seen[-1]

    get(client, to(SIGNUP, onward))
    post(client, to(SIGNUP, onward), {"phone": NEW, "next": onward})
    page = get(client, to(SIGNUP, onward, "code"))
    answer = {"reference": hidden(page, "reference"), "code": latest_code(NEW), "next": onward}
    post(client, to(SIGNUP, onward, "code"), answer)
    page = get(client, to(SIGNUP, onward, "details"))
    post(client, to(SIGNUP, onward, "details"), {**answer, "username": "kim"})
    assert leads_to(seen[-1], "/account/")

    member = Client()
    get(member, to(LOGIN, onward))
    post(member, to(LOGIN, onward), {"phone": PHONE, "next": onward})
    page = get(member, to(LOGIN, onward, "code"))
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE), "next": onward}
    post(member, to(LOGIN, onward, "code"), answer)
    assert leads_to(seen[-1], "/account/")
    post(member, to(LOGIN, onward, "code"), answer)  # a second click

    post(member, to(CONFIRM, onward), {"next": onward})
    page = get(member, to(CONFIRM, onward, "code"))
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE), "next": onward}
    post(member, to(CONFIRM, onward, "code"), answer)
    assert leads_to(seen[-1], "/account/")

    post(member, to(NUMBER, onward), {"password": PASSWORD, "next": onward})
    post(member, to(NUMBER, onward, "number"), {"phone": "+14155550125", "next": onward})
    page = get(member, to(NUMBER, onward, "code"))
    answer = {"reference": hidden(page, "reference"), "code": latest_code("+14155550125"), "next": onward}
    post(member, to(NUMBER, onward, "code"), answer)
    page = get(member, to(NUMBER, onward, "done"))
    assert 'href="/account/"' in page.content.decode()
    post(member, to(NUMBER, onward, "done"), {"next": onward})
    assert leads_to(seen[-1], "/account/")

    for response in seen:
        assert response.status_code in {200, 302}
        assert "evil" not in response.headers.get("Location", "")
        assert "next" not in response.headers.get("Location", "")
        body = response.content.decode()
        assert "evil" not in body
        assert "javascript:" not in body


def test_the_way_on_is_kept_through_every_step(client, sam):
    first = client.post(to(LOGIN, "/vault/?a=1&b=2"), {"phone": PHONE})
    assert first.headers["Location"] == f"{LOGIN}?step=code&next=%2Fvault%2F%3Fa%3D1%26b%3D2"
    page = client.get(first.headers["Location"])
    assert 'href="/login/?next=%2Fvault%2F%3Fa%3D1%26b%3D2"' in page.content.decode()
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    assert leads_to(client.post(first.headers["Location"], answer), "/vault/?a=1&b=2")


def test_hosts_that_the_project_allows_are_led_to(client, sam):
    ask(client, "/abroad/")
    url = to("/abroad/", f"{SHOP}/kept/", "code")
    page = client.get(url)
    assert hidden(page, "reference")
    answer = {"reference": hidden(page, "reference"), "code": latest_code(PHONE)}
    assert leads_to(client.post(url, answer), f"{SHOP}/kept/")


def test_without_next_it_goes_to_the_views_own_page(client, sam):
    ask(client, "/abroad/")
    assert leads_to(enter(client, "/abroad/"), f"{SHOP}/cart/")


# ---- What the project must set ----


def test_without_sessions_the_page_says_what_to_add(client, settings):
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    with pytest.raises(ImproperlyConfigured, match=r"add django\.contrib\.sessions and its middleware"):
        client.get(SIGNUP)


def test_a_purpose_that_is_not_in_the_settings_is_named_with_the_one_that_is_meant(client):
    with pytest.raises(ImproperlyConfigured, match=r"Unknown is for the purpose 'sign-up'.*signup.*PURPOSES"):
        client.get("/unknown/")


def test_where_everybody_must_log_in_strangers_still_sign_up_and_log_in(client, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    for url in (SIGNUP, LOGIN, "/phone/login/"):
        assert client.get(url).status_code == 200, url
    for url in (NUMBER, CONFIRM):
        assert client.get(url).headers["Location"].startswith("/login/?next="), url


def test_in_the_transaction_of_a_request_the_pages_work(client, inside, monkeypatch):
    from django.db import connection

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    ask(client)
    assert leads_to(enter(client), step(SIGNUP, "details"))
    inside.post(CONFIRM)
    assert leads_to(enter(inside, CONFIRM), "/account/")
