"""``PhoneTokenField``: a sign-up serializer takes a token and gets the number."""

import pytest
from rest_framework import serializers

import django_phone_otp as phone_otp
from django_phone_otp.api.fields import PhoneTokenField, PhoneTokenSerializer
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.services import proofs
from django_phone_otp.test import latest_code
from tests.conftest import PHONE

pytestmark = pytest.mark.django_db


class Plain(serializers.Serializer):
    phone = PhoneTokenField(purpose="signup")
    age = serializers.IntegerField()


class Careful(PhoneTokenSerializer):
    phone = PhoneTokenField(purpose="signup")
    other = PhoneTokenField(purpose="login", required=False)
    age = serializers.IntegerField()


@pytest.fixture
def token():
    return phone_otp.verify(phone_otp.send(PHONE, purpose="signup").handle, latest_code(PHONE)).token


@pytest.mark.parametrize("kind", [Plain, Careful])
def test_gives_the_verified_number_and_spends_the_token(token, kind):
    serializer = kind(data={"phone": token, "age": 30})
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {"phone": PHONE, "age": 30}
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="signup")


@pytest.mark.parametrize("kind", [Plain, Careful])
@pytest.mark.parametrize("forged", ["x", "A" * 43])
def test_a_forged_token_is_an_error_of_the_field(kind, forged):
    serializer = kind(data={"phone": forged, "age": 30})
    assert not serializer.is_valid()
    assert serializer.errors["phone"][0].code == "invalid_token"


@pytest.mark.parametrize("value", [7, True, None, ["x"], {"a": "b"}])
def test_what_is_no_text_is_no_token(value):
    serializer = Careful(data={"phone": value, "age": 30})
    assert not serializer.is_valid()
    assert serializer.errors["phone"][0].code in {"invalid", "null"}


def test_in_a_plain_serializer_the_token_is_spent_whatever_else_is_wrong(token):
    assert not Plain(data={"phone": token, "age": "old"}).is_valid()
    with pytest.raises(InvalidToken):
        phone_otp.redeem(token, purpose="signup")


def test_in_a_token_serializer_a_mistake_elsewhere_does_not_cost_the_token(token):
    assert not Careful(data={"phone": token, "age": "old"}).is_valid()
    assert Careful(data={"phone": token, "age": 30}).is_valid()


def test_a_token_that_is_spent_between_looking_and_spending_is_an_error_of_the_field(token, monkeypatch):
    monkeypatch.setattr(proofs, "peek", lambda token, purpose, context: PHONE)
    phone_otp.redeem(token, purpose="signup")
    serializer = Careful(data={"phone": token, "age": 30})
    assert not serializer.is_valid()
    assert serializer.errors["phone"][0].code == "invalid_token"


class TestBound:
    """A payment's serializer says which payment the proof must be for."""

    CONTEXT = {"amount": "10.00", "payee": "Shop"}

    class Pay(PhoneTokenSerializer):
        phone = PhoneTokenField(purpose="payment", bound_to=lambda field: field.context["payment"])

    @pytest.fixture
    def token(self):
        challenge = phone_otp.send(PHONE, purpose="payment", context=self.CONTEXT)
        return phone_otp.verify(challenge.handle, latest_code(PHONE), context=self.CONTEXT).token

    def test_the_same_payment_is_proved(self, token):
        serializer = self.Pay(data={"phone": token}, context={"payment": self.CONTEXT})
        assert serializer.is_valid()
        assert serializer.validated_data == {"phone": PHONE}

    def test_another_payment_is_not(self, token):
        serializer = self.Pay(data={"phone": token}, context={"payment": {**self.CONTEXT, "amount": "99.00"}})
        assert not serializer.is_valid()
        assert serializer.errors["phone"][0].code == "invalid_token"


def test_a_serializer_that_may_be_left_out_spends_nothing(token):
    class Order(serializers.Serializer):
        proof = Careful(allow_null=True)

    assert Order(data={"proof": None}).is_valid()
    assert phone_otp.redeem(token, purpose="signup") == PHONE


def test_a_token_for_another_purpose_is_refused(token):
    class Login(PhoneTokenSerializer):
        phone = PhoneTokenField(purpose="login")

    assert not Login(data={"phone": token}).is_valid()
