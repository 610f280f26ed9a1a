"""The forms of the pages, which a project may put on pages of its own."""

import re

import pytest

from django_phone_otp.exceptions import (
    IncorrectCode,
    Invalid,
    InvalidPhone,
    NumberNotAllowed,
    NumberTaken,
    RateLimited,
)
from django_phone_otp.html import CodeForm, NumberForm
from django_phone_otp.html.forms import PasswordForm
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE


@pytest.fixture
def ask(rf):
    """Return a function that fills in the form for a number."""

    def ask(**data):
        form = NumberForm(rf.get("/"), data)
        form.is_valid()
        return form

    return ask


def test_a_refusal_of_the_number_stands_at_it_and_another_above(ask):
    for refusal in (InvalidPhone("unreadable"), NumberNotAllowed("region")):
        form = ask(phone="12")
        form.refuse(refusal)
        assert list(form.errors) == ["phone"]
    form = ask(phone=PHONE)
    form.refuse(RateLimited(30))
    assert list(form.errors) == ["__all__"]


def test_every_refusal_of_a_code_stands_at_it():
    for refusal in (IncorrectCode(2), RateLimited(30), NumberTaken()):
        form = CodeForm({"code": "123456", "reference": "KX"}, digits=6)
        assert form.is_valid()
        form.refuse(refusal)
        assert list(form.errors) == ["code"]


@pytest.mark.parametrize("typed", ["", "12 34", "1-2", "1234567"])
def test_a_number_of_digits_that_is_wrong_is_told_by_how_many_they_should_be(typed):
    form = CodeForm({"code": typed}, digits=6)
    form.is_valid()
    form.refuse(Invalid({"code": ["The code has 6 digits."]}))
    assert form.errors["code"] == ["Enter the code: 6 digits."]


@pytest.mark.parametrize("typed", ["12a456", "١٢٣٤٥٦", "12.456"])
def test_what_is_not_digits_is_told_so(typed):
    form = CodeForm({"code": typed}, digits=6)
    form.is_valid()
    form.refuse(Invalid({"code": ["Enter the code from the message: digits only."]}))
    assert form.errors["code"] == ["Enter the code from the message: digits only."]


def test_a_key_is_new_on_every_page(rf):
    keys = {NumberForm(rf.get("/")).new_key for _ in range(20)}
    assert len(keys) == 20
    assert all(re.fullmatch(r"[\w-]{22}", key) for key in keys)


def test_the_list_says_the_code_of_each_country_and_which_is_chosen(rf):
    with override_phone_otp(REGIONS=["IN", "US"], DEFAULT_REGION="IN"):
        form = NumberForm(rf.get("/"))
        assert form.chosen == "IN"
        shown = re.findall(r'<option value="?(\w\w)"?( selected)?>([^<]+)', form.options)
    assert shown == [("IN", " selected", "India +91"), ("US", "", "United States +1")]


def test_names_of_countries_are_text_and_not_html(rf, settings):
    settings.LANGUAGE_CODE = "en"
    assert "&amp; Príncipe" in NumberForm(rf.get("/")).options


def test_a_password_is_taken_as_it_is_typed_up_to_a_length():
    form = PasswordForm({"password": " a b "})
    assert form.is_valid()
    assert form.cleaned_data["password"] == " a b "
    assert not PasswordForm({"password": "x" * 4097}).is_valid()
    assert not PasswordForm({}).is_valid()
