"""A flow that a project put together may end it as often as it likes, and leaves other flows alone."""

import pytest
from django.http import HttpResponse
from django.urls import include, path

import django_phone_otp as phone_otp
from django_phone_otp.html import SendCodeView, VerifyCodeView
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code
from tests.html.pages import SIGNUP, ask, enter, hidden, leads_to, step

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("unlimited")]
NEW = "+14155550124"


class AskNumber(SendCodeView):
    flow = "newsletter"
    code_url = "newsletter-code"


class AskCode(VerifyCodeView):
    flow = "newsletter"
    number_url = "newsletter"

    def verified(self, proof):
        number = phone_otp.redeem(proof.token, purpose=self.purpose)
        self.progress.forget()
        self.progress.forget()  # a second time it is a wish that came true
        return HttpResponse(f"{number} is on the list")


urlpatterns = [
    path("newsletter/", AskNumber.as_view(), name="newsletter"),
    path("newsletter/code/", AskCode.as_view(), name="newsletter-code"),
    path("", include("tests.urls")),
]


def subscribe(client):
    client.post("/newsletter/", {"phone": NEW})
    page = client.get("/newsletter/code/")
    answer = {"reference": hidden(page, "reference"), "code": latest_code(NEW)}
    return client.post("/newsletter/code/", answer)


def test_a_flow_that_ended_begins_again(client):
    assert subscribe(client).content.decode() == f"{NEW} is on the list"
    assert leads_to(client.get("/newsletter/code/"), "/newsletter/")


def test_a_flow_that_ends_leaves_another_in_the_same_session_where_it_was(client):
    ask(client)
    subscribe(client)
    assert leads_to(enter(client), step(SIGNUP, "details"))
    assert Challenge.objects.filter(status="verified").count() == 2
