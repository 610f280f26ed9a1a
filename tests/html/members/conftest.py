"""Accounts that have no password."""

import pytest
from django.contrib.auth.models import User

from django_phone_otp.services.phones import bind
from tests.conftest import PHONE


@pytest.fixture
def codes_only():
    """An account with a number and no password."""
    user = User.objects.create_user("kim", "kim@example.com")
    bind(user, PHONE)
    return user


@pytest.fixture
def bare():
    """An account with neither."""
    return User.objects.create_user("lou", "lou@example.com")
