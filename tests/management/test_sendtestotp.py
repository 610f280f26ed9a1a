import io

import pytest
from django.core.management import CommandError, call_command

from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryUncertain,
    MessageRejected,
    SendResult,
)
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import outbox, override_phone_otp

pytestmark = pytest.mark.django_db

PHONE = "+14155550123"
LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
FAILURES = {
    "unavailable": BackendUnavailable("no connection", raw=f"{PHONE} refused"),
    "rejected": MessageRejected("the sender is not registered", vendor_code="E11"),
    "uncertain": DeliveryUncertain("no answer in time"),
}


class VendorBackend(BaseBackend):
    reaches_people = False

    def __init__(self, *, alias, fails="", **options):
        super().__init__(alias=alias, **options)
        self.fails = fails

    def send(self, message):
        if self.fails:
            raise FAILURES[self.fails]
        return SendResult(id="vendor-id-7")


def vendor(**options):
    return {"BACKEND": f"{__name__}.VendorBackend", "OPTIONS": options}


def send(number=PHONE, **options):
    stdout = io.StringIO()
    call_command("sendtestotp", number, stdout=stdout, no_color=True, **options)
    return stdout.getvalue()


def refused(number=PHONE, **options):
    with pytest.raises(CommandError) as refusal:
        send(number, **options)
    assert "4155550123" not in str(refusal.value)
    return str(refusal.value)


def test_a_message_goes_out_with_a_code_of_zeros_and_the_number_is_shown_masked():
    said = send("+1 (415) 555-0123")
    (message,) = outbox
    assert (message.number, message.code) == (PHONE, "000000")
    assert "000000" in message.text
    assert said == f"default: accepted for +1 ••••• ••123 (id {message.key})\n"


def test_nothing_can_be_verified_with_it():
    send()
    assert Challenge.objects.count() == Delivery.objects.count() == 0


def test_another_alias_can_be_named():
    with override_phone_otp(BACKENDS={"default": LOCMEM, "spare": vendor()}):
        assert send(backend="spare") == "spare: accepted for +1 ••••• ••123 (id vendor-id-7)\n"
        assert outbox == []


def test_an_alias_that_does_not_exist_is_named():
    assert refused(backend="nope") == "BACKENDS['nope']: there is no such alias"


def test_an_alias_that_cannot_be_used_says_why():
    with override_phone_otp(BACKENDS={"default": vendor(fail="x")}):
        assert refused() == "BACKENDS['default']: option 'fail' is unknown; did you mean 'fails'?"


def test_a_wrong_setting_is_named():
    with override_phone_otp(CODE_LENGTH=3):
        assert "PHONE_OTP['CODE_LENGTH']" in refused()


@pytest.mark.parametrize("number", ["hello", "+1415", "+19002345678", ""])
def test_a_number_that_gets_no_messages_is_refused_and_not_repeated(number):
    said = refused(number)
    assert "number" in said
    assert not number or number not in said
    assert outbox == []


def test_it_is_held_to_the_limit_of_the_number():
    with override_phone_otp(LIMITS={"send.number": ["1/1h"]}):
        send()
        assert "Too many requests" in refused()
        assert len(outbox) == 1


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("unavailable", "The message was not sent: no connection"),
        ("rejected", "The message was not sent: the sender is not registered"),
        ("uncertain", "The message may have been sent: no answer in time"),
    ],
)
def test_a_failure_says_whether_the_message_may_have_left(fails, said):
    with override_phone_otp(BACKENDS={"default": vendor(fails=fails)}):
        assert refused() == said


def test_a_test_number_never_reaches_a_vendor(settings):
    settings.DEBUG = True
    with override_phone_otp(TEST_NUMBERS={"+15555550100": {"code": "424242", "until": "2999-12-31"}}):
        assert "cannot be sent to this number" in refused("+15555550100")
        assert outbox == []
