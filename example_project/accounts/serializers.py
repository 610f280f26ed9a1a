"""What sign-up and log-in take."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from django_phone_otp.api.fields import PhoneTokenField, PhoneTokenSerializer


class SignupSerializer(PhoneTokenSerializer):
    """A name, and the proof of a number."""

    username = serializers.CharField(max_length=150, validators=[UniqueValidator(User.objects.all())])
    phone_token = PhoneTokenField(purpose="signup")


class LoginSerializer(serializers.Serializer[Any]):
    """The proof of a number."""

    phone_token = serializers.CharField(max_length=64)
