"""The two steps as views of their own, in a flow that a project puts together."""

import re
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import include, path

import django_phone_otp as phone_otp
from django_phone_otp import html
from django_phone_otp.html import SendCodeView, VerifyCodeView
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox
from tests.conftest import PHONE

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
OTHER = "+14155550124"
OWED = SimpleNamespace(amount="12.00 EUR")


class AskNumber(SendCodeView):
    purpose = "payment"
    code_url = "ask-code"

    def get_bound_to(self):
        return {"amount": OWED.amount, "payee": "Example Shop"}


class AskCode(VerifyCodeView):
    purpose = "payment"
    number_url = "/ask/"

    def get_bound_to(self):
        return {"amount": OWED.amount, "payee": "Example Shop"}

    def verified(self, proof):
        number = phone_otp.redeem(proof.token, purpose="payment", context=self.get_bound_to())
        return HttpResponse(f"paid by {number}")


class Unfinished(VerifyCodeView):
    purpose = "payment"
    number_url = "/ask/"
    get_bound_to = AskCode.get_bound_to


urlpatterns = [
    path("ask/", AskNumber.as_view()),
    path("ask/code/", AskCode.as_view(), name="ask-code"),
    path("ask/unfinished/", Unfinished.as_view()),
    path("", include("tests.urls")),
]


@pytest.fixture(autouse=True)
def _owed():
    OWED.amount = "12.00 EUR"


def answer(client, url="/ask/code/"):
    page = client.get(url).content.decode()
    reference = re.search(r'name="reference" value="(\w+)"', page)[1]
    return client.post(url, {"reference": reference, "code": latest_code(PHONE)})


def test_the_number_leads_to_the_code_and_the_code_to_what_the_project_does(client):
    response = client.post("/ask/?next=/account/", {"phone": PHONE})
    assert response.headers["Location"] == "/ask/code/?next=%2Faccount%2F"
    assert "12.00 EUR" in outbox[-1].text
    assert answer(client).content.decode() == f"paid by {PHONE}"


def test_the_page_links_back_to_the_number(client):
    client.post("/ask/", {"phone": PHONE})
    assert 'href="/ask/"' in client.get("/ask/code/").content.decode()


def test_without_a_number_the_code_is_not_asked_for(client):
    assert client.get("/ask/code/").headers["Location"] == "/ask/"
    assert client.post("/ask/code/", {"code": "123456"}).headers["Location"] == "/ask/"


def test_a_code_is_wrong_for_what_is_owed_now_when_that_changed(client):
    client.post("/ask/", {"phone": PHONE})
    OWED.amount = "12.01 EUR"
    assert "That code is not right." in answer(client).content.decode()
    assert Challenge.objects.get().attempts == 1


def test_a_second_click_says_that_the_code_was_used(client):
    client.post("/ask/", {"phone": PHONE})
    page = client.get("/ask/code/").content.decode()
    typed = {"reference": re.search(r'name="reference" value="(\w+)"', page)[1], "code": latest_code(PHONE)}
    assert client.post("/ask/code/", typed).content.decode() == f"paid by {PHONE}"
    assert "Get a new code" in client.post("/ask/code/", typed).content.decode()


def test_a_view_that_does_nothing_with_a_proof_says_what_is_missing(client):
    client.post("/ask/", {"phone": PHONE})
    with pytest.raises(ImproperlyConfigured, match="define verified"):
        answer(client, "/ask/unfinished/")


def test_a_wrong_code_spends_no_proof_of_before(client):
    """A code that was right once opens nothing when its proof is too old, whatever is typed then."""
    client.post("/ask/", {"phone": PHONE})
    page = client.get("/ask/code/").content.decode()
    reference = re.search(r'name="reference" value="(\w+)"', page)[1]
    answer(client)
    refused = client.post("/ask/code/", {"reference": reference, "code": "000000"})
    assert "paid" not in refused.content.decode()
    assert "phone_otp_known" not in refused.cookies


def test_the_views_are_found_by_name_and_nothing_else_is():
    assert {name for name in dir(html) if getattr(html, name)} == set(html.__all__)
    with pytest.raises(AttributeError):
        html.ResetView  # noqa: B018
