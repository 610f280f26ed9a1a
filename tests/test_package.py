"""What a project imports."""

import subprocess
import sys

import pytest

import django_phone_otp as phone_otp


@pytest.mark.parametrize(
    "name", ["send", "resend", "status", "verify", "cancel", "redeem", "peek", "bind", "find_user"]
)
def test_the_verbs_are_at_the_top_of_the_package(name):
    assert callable(getattr(phone_otp, name))
    assert name in dir(phone_otp)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sned'"):
        _ = phone_otp.sned


def test_the_package_can_be_imported_before_django_is_set_up():
    code = "import django_phone_otp, sys; sys.exit('django.db' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
