import unittest

import pytest
from django.conf import settings
from django.test import SimpleTestCase

from django_phone_otp import conf
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import Message
from django_phone_otp.backends.console import ConsoleBackend
from django_phone_otp.backends.locmem import LocmemBackend
from django_phone_otp.core.rates import Rate
from django_phone_otp.test import latest_code, outbox, override_phone_otp

CONSOLE = {"default": {"BACKEND": "django_phone_otp.backends.console.ConsoleBackend"}}


def message(number="+14155550123", code="424242"):
    return Message(
        number=number, channel="sms", purpose="signup", text=code, code=code, variables={}, language="", key=code
    )


def test_as_a_block_it_changes_keys_and_puts_them_back():
    before = settings.PHONE_OTP
    with override_phone_otp(CODE_LENGTH=8, DEFAULT_REGION="IN"):
        assert conf.current().purposes["signup"].code_length == 8
        assert conf.current().default_region == "IN"
        assert conf.current().purposes["payment"].context == ("amount", "payee")  # what was not named stays
    assert settings.PHONE_OTP is before
    assert conf.current().default_region is None
    assert conf.current().purposes["signup"].code_length == 6


def test_it_puts_back_what_was_before_when_the_block_raises():
    with pytest.raises(LookupError), override_phone_otp(CODE_LENGTH=8):
        raise LookupError
    assert conf.current().purposes["signup"].code_length == 6


def test_blocks_nest():
    with override_phone_otp(CODE_LENGTH=8):
        with override_phone_otp(DEFAULT_REGION="IN"):
            assert conf.current().purposes["signup"].code_length == 8
            assert conf.current().default_region == "IN"
        assert conf.current().purposes["signup"].code_length == 8
        assert conf.current().default_region is None


@override_phone_otp(CODE_LENGTH=9)
def test_as_a_decorator_it_holds_for_the_function():
    assert conf.current().purposes["signup"].code_length == 9


@override_phone_otp(CODE_LENGTH=7, LIMITS={"send.ip": ["1/1s"]})
class DecoratedTests(SimpleTestCase):
    def test_as_a_decorator_it_holds_for_every_test_of_a_class(self):
        assert conf.current().purposes["signup"].code_length == 7

    def test_and_for_the_next(self):
        assert conf.current().limits["send.ip"] == (Rate(1, 1),)
        assert outbox == []
        outbox.append(message())

    def test_and_each_starts_with_an_empty_outbox(self):
        assert outbox == []
        outbox.append(message())


def test_only_test_cases_can_be_decorated():
    with pytest.raises(TypeError, match="TestCase"):
        override_phone_otp(CODE_LENGTH=7)(type("NotATestCase", (), {}))


def test_a_decorated_class_leaves_nothing_behind():
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(DecoratedTests)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 3
    assert result.wasSuccessful()
    assert conf.current().purposes["signup"].code_length == 6


def test_messages_go_to_the_outbox_unless_backends_are_named(settings):
    settings.PHONE_OTP = {"BACKENDS": CONSOLE}
    assert isinstance(backends["default"], ConsoleBackend)
    with override_phone_otp():
        assert isinstance(backends["default"], LocmemBackend)
        with override_phone_otp(BACKENDS=CONSOLE):
            assert isinstance(backends["default"], ConsoleBackend)


def test_one_limit_and_one_name_can_be_changed_alone(settings):
    settings.PHONE_OTP = {"LIMITS": {"send.ip": ["9/1h"]}, "MESSAGE": {"APP_NAME": "Shop", "DOMAIN": "shop.example"}}
    with override_phone_otp(LIMITS={"send.number": ["1/1d"]}, MESSAGE={"APP_NAME": "Other"}):
        limits, names = conf.current().limits, conf.current().message
        assert limits["send.number"] == (Rate(1, 86_400),)
        assert limits["send.ip"] == (Rate(9, 3600),)
        assert limits["verify.number"] == (Rate(15, 86_400),)
        assert (names.app_name, names.domain) == ("Other", "shop.example")


def test_it_works_without_any_settings(settings):
    del settings.PHONE_OTP
    with override_phone_otp(LIMITS={"send.number": ["1/1d"]}):
        assert conf.current().limits["send.number"] == (Rate(1, 86_400),)


def test_the_outbox_starts_empty_and_is_one_list():
    from django_phone_otp.backends import locmem

    outbox.append(message())
    with override_phone_otp():
        assert outbox == []
        assert outbox is locmem.outbox


def test_the_latest_code_is_that_of_the_newest_message_to_the_number():
    outbox.extend([message(code="111111"), message(code="222222"), message("+14155550199", "333333")])
    assert latest_code("+14155550123") == "222222"
    assert latest_code("+1 415 555-0123") == "222222"
    assert latest_code("+1 (415) 555 0199") == "333333"


def test_without_a_message_there_is_no_code_and_the_error_does_not_show_the_number():
    outbox.append(message())
    with pytest.raises(LookupError) as problem:
        latest_code("+14155550199")
    assert "555" not in str(problem.value)
