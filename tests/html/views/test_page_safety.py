"""What keeps others out of the pages: tokens of forms, where they lead, headers, escapes, and reports of errors."""

import re

import django
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import include, path
from django.utils import translation
from django.utils.html import escape

from django_phone_otp.html import LoginView
from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, note_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.views.people import Person, at_step, wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
OTHER = "+14155550124"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Broken(LoginView):
    def verified(self, proof):
        typed = self.request.POST["code"]
        raise RuntimeError(f"a fault in the project, after {len(typed)} digits")


class BrokenNumber(LoginView):
    def send(self, number, **kwargs):
        typed = self.request.POST["phone"]
        raise RuntimeError(f"a fault in the project, after {len(typed)} characters")


urlpatterns = [
    path("allowed/", LoginView.as_view(success_url_allowed_hosts={"shop.example"}), name="allowed"),
    path("bare/", LoginView.as_view(content_security_policy=None)),
    path("own/", LoginView.as_view(content_security_policy="default-src 'self'")),
    path("broken/", Broken.as_view()),
    path("broken-number/", BrokenNumber.as_view()),
    path("", include("tests.urls")),
]


@pytest.fixture(autouse=True)
def kim():
    """Somebody who has an account with a number."""
    user = User.objects.create_user("kim", password="a made-up password")
    bind(user, PHONE)
    return user


def arrive(url="/login/", phone=PHONE, person=None):
    """Return somebody who has the page in front of them that asks for a code."""
    person = person or Person()
    person.open(url)
    person.send(url, phone)
    return person


def member(kim):
    """Return somebody who is logged in, and gave code and password just now."""
    person = Person()
    person.client.force_login(kim)
    note_code(person.client, kim)
    person.client.post("/phone/number/", {"password": "a made-up password"})
    return person


POSTS = [
    ("/login/", {"phone": PHONE}),
    ("/login/?step=code", {"code": "123456", "reference": "AA"}),
    ("/login/?step=code", {"action": "resend", "reference": "AA", "messages": "1"}),
    ("/signup/", {"phone": OTHER}),
    ("/signup/?step=code", {"code": "123456", "reference": "AA"}),
    ("/signup/?step=details", {"username": "sam"}),
    ("/phone/number/", {"password": "a made-up password"}),
    ("/phone/number/?step=number", {"phone": OTHER}),
    ("/phone/number/?step=code", {"code": "123456", "reference": "AA"}),
    ("/phone/number/?step=done", {}),
    ("/phone/confirm/", {}),
    ("/phone/confirm/?step=code", {"code": "123456", "reference": "AA"}),
]


@pytest.mark.parametrize(("url", "fields"), POSTS)
@pytest.mark.parametrize("middleware", [True, False])
def test_a_form_of_another_site_does_nothing(kim, settings, url, fields, middleware):
    if not middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    client = Client(enforce_csrf_checks=True)
    client.cookies = member(kim).client.cookies
    for forged in (fields, {**fields, "csrfmiddlewaretoken": "a" * 64}):
        assert client.post(url, forged).status_code == 403
    assert outbox == []
    assert not Challenge.objects.exists()


def test_with_the_token_of_the_page_the_form_is_taken():
    client = Client(enforce_csrf_checks=True)
    page = client.get("/login/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    assert client.post("/login/", {"phone": PHONE, "csrfmiddlewaretoken": token}).status_code == 302


ELSEWHERE = [
    "https://evil.example",
    "https://evil.example/account/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "http:///evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "\x08//evil.example",
    "data:text/html,hello",
]


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_another_site_is_dropped_at_every_step(kim, onward):
    seen = []

    def follow(client, url, fields=None):
        fields = None if fields is None else {**fields, "next": onward}
        response = client.get(url, {"next": onward}) if fields is None else client.post(url, fields)
        seen.append(response)
        return response

    person = Person()
    person.page = follow(person.client, "/login/")
    follow(person.client, "/login/", {"phone": PHONE, "key": person.hidden("key")})
    person.open("/login/?step=code")
    reference = person.hidden("reference")
    follow(person.client, "/login/?step=code", {"code": "000", "reference": reference})
    asked = {"action": "resend", "reference": reference, "messages": "9"}
    follow(person.client, "/login/?step=code", asked)
    answer = {"code": latest_code(PHONE), "reference": reference}
    assert follow(person.client, "/login/?step=code", answer).headers["Location"] == "/account/"
    assert follow(person.client, "/login/?step=code", answer).headers["Location"] == "/account/"
    for url in ("/signup/", "/phone/number/", "/phone/confirm/"):
        follow(person.client, url)
        follow(person.client, url, {"phone": OTHER, "password": "x"})
    for response in seen:
        assert "evil" not in response.headers.get("Location", "")
        assert "javascript" not in response.headers.get("Location", "")
        for link in re.findall(r'(?:href|action|src)="([^"]*)"', response.content.decode()):
            assert not re.match(r"(?i)javascript:|data:|//|\\|/\\|.*evil", link), link


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_another_site_in_the_address_of_a_form_is_dropped_too(onward):
    person = Person()
    person.open("/login/")
    response = person.client.post("/login/", {"phone": PHONE}, QUERY_STRING=f"next={onward}")
    assert response.headers["Location"] == "/login/?step=code"
    person.open("/login/?step=code")
    answer = {"code": latest_code(PHONE), "reference": person.hidden("reference"), "next": onward}
    response = person.client.post("/login/?step=code", answer)
    assert response.headers["Location"] == "/account/"


@pytest.mark.urls(__name__)
def test_another_host_of_the_project_is_gone_to_at_the_end():
    onward = "https://shop.example/cart/?a=1&b=2"
    url = "/allowed/?next=https%3A%2F%2Fshop.example%2Fcart%2F%3Fa%3D1%26b%3D2"
    person = Person()
    response = person.log_in(PHONE, url)
    assert response.headers["Location"] == onward
    evil = Person()
    assert evil.log_in(PHONE, "/allowed/?next=https://evil.example/").headers["Location"] == "/account/"


def assert_closed(response):
    """Make sure that nobody may keep, frame or follow the answer, and that it runs no script but its own."""
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert {"no-store", "private", "no-cache"} <= set(re.split(r",\s*", response.headers["Cache-Control"]))


def test_every_page_keeps_others_out(kim, clock):
    with override_phone_otp(LIMITS={**UNLIMITED, "send.number": ["2/1h"]}):
        person = arrive()
        pages = [person.client.get("/login/"), person.page]
        pages.append(person.client.post("/login/?step=code", {"code": "1", "reference": person.hidden("reference")}))
        pages.append(person.client.post("/login/", {"phone": "12"}))
        pages.append(person.client.post("/login/", {"phone": PHONE, "key": "another"}))
        pages.append(person.client.post("/login/", {"phone": PHONE, "key": "a-third"}))
        assert pages[-1].status_code == 429
        sam = arrive("/signup/", OTHER)
        sam.enter("/signup/", latest_code(OTHER))
        pages += [sam.client.get("/signup/"), sam.page]
        inside = member(kim)
        pages += [inside.client.get(url) for url in ("/phone/confirm/", "/phone/number/?step=number")]
        outside = Client()
        outside.force_login(kim)
        pages += [outside.get("/phone/number/"), outside.post("/phone/number/", {"password": "wrong"})]
    for page in pages:
        assert_closed(page)


def test_the_pages_have_nothing_that_the_policy_forbids():
    person = arrive()
    for page in (person.open("/login/"), person.open("/login/?step=code")):
        body = page.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", body)


def test_static_files_of_another_host_are_let_in(settings):
    settings.STATIC_URL = "https://cdn.example/static/"
    policy = Client().get("/login/").headers["Content-Security-Policy"]
    assert "style-src https://cdn.example; script-src https://cdn.example; img-src https://cdn.example;" in policy
    settings.STATIC_URL = "//cdn.example/static/"
    assert "script-src https://cdn.example;" in Client().get("/login/").headers["Content-Security-Policy"]


@pytest.mark.urls(__name__)
def test_the_form_may_lead_to_where_a_log_in_leads(settings):
    settings.LOGIN_REDIRECT_URL = "https://app.example/start/"
    settings.LOGIN_URL = "https://id.example/login/"
    policy = Client().get("/allowed/").headers["Content-Security-Policy"]
    targets = re.search(r"form-action ([^;]*);", policy)[1].split()
    assert set(targets) == {"'self'", "https://app.example", "https://id.example", "shop.example"}
    assert "unsafe" not in policy


@pytest.mark.urls(__name__)
def test_a_project_may_have_a_policy_of_its_own():
    assert "Content-Security-Policy" not in Client().get("/bare/").headers
    assert Client().get("/own/").headers["Content-Security-Policy"] == "default-src 'self'"
    assert Client().get("/bare/").headers["X-Frame-Options"] == "DENY"


HTML = "\"'><script>alert(1)</script><b>"


def test_html_that_was_typed_is_shown_as_text():
    person = Person()
    person.open("/signup/")
    page = person.send("/signup/", HTML, region=HTML, key=HTML)
    assert HTML not in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert escape(HTML) in page.content.decode()
    with override_phone_otp(REGIONS=["US"]):
        page = person.send("/signup/", HTML, region=HTML)
        assert "<script>alert" not in page.content.decode()
        assert escape(HTML) in page.content.decode()
    person.send("/signup/", OTHER, region=HTML)
    page = person.enter("/signup/", HTML, reference=HTML)
    assert "<script>alert" not in page.content.decode()
    assert person.hidden("code") == HTML


@pytest.mark.parametrize("url", ["/login/", "/signup/"])
def test_html_in_where_to_go_on_is_shown_as_text(url):
    page = Client().get(url, {"next": f"/account/?q={HTML}", "step": HTML}).content.decode()
    assert "<script>alert" not in page
    assert "%3Cscript%3E" in page  # in the link to the other page


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("fault", ["/broken/", "/broken-number/"])
def test_a_report_of_a_fault_shows_neither_code_nor_number(settings, fault):
    settings.DEBUG = False
    settings.ADMINS = ["ops@example.com"] if django.VERSION >= (6,) else [("Ops", "ops@example.com")]
    person = Person(raise_request_exception=False)
    if fault == "/broken/":
        arrive(fault, person=person)
        typed = latest_code(PHONE)
        answer = {"code": typed, "reference": person.hidden("reference")}
        response = person.client.post(at_step(fault, "code"), answer)
    else:
        typed = PHONE
        response = person.client.post(fault, {"phone": PHONE, "key": "made-up"})
    assert response.status_code == 500
    (report,) = mail.outbox
    whole = "\n".join([report.subject, report.body, *(body for body, _ in report.alternatives)])
    assert "a fault in the project" in whole
    for word in (typed, PHONE, PHONE.removeprefix("+"), "4155550123"):
        assert word not in whole


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace"])
def test_other_methods_are_not_allowed(method):
    assert getattr(Client(), method)("/login/").status_code == 405


def test_a_wrong_code_is_in_no_log(caplog):
    caplog.set_level("DEBUG")
    person = arrive()
    guess = wrong(latest_code(PHONE))
    person.enter("/login/", guess)
    for word in (guess, latest_code(PHONE), PHONE):
        assert word not in caplog.text


def test_a_page_says_which_language_it_is_in_where_there_is_one(settings):
    assert Client().get("/login/").headers["Content-Language"].startswith("en")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Locale" not in name]
    with translation.override(None):
        assert "Content-Language" not in Client().get("/login/").headers
