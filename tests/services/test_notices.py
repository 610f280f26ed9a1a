"""Notices: they bring no code, nothing holds them back, and they fail nothing that they tell of."""

import django
import pytest
from django.contrib.auth.models import User
from django.core import mail

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, BaseBackend, SendResult
from django_phone_otp.exceptions import Invalid, PhoneOTPError
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import notices
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services import queues
from tests.services.test_limits import DEAD_REDIS

pytestmark = pytest.mark.django_db
OTHER = "+14155550124"
ADDRESS = "sam@example.com"
REFUSED = "the vendor words its messages itself"


class Failing(BaseBackend):
    """Sends to every number but one."""

    reaches_people = False

    def send(self, message):
        if message.number == PHONE:
            raise BackendUnavailable("no connection", raw=f"{PHONE} refused")
        return SendResult(id="vendor-id-7")


class CodesAlone(BaseBackend):
    reaches_people = False
    sends_text = False

    def send(self, message):
        raise AssertionError("a notice has no code, which is all that this vendor takes")


class DeadMail:
    def __init__(self, *_, **__):
        pass

    def send_messages(self, letters):
        raise ConnectionError(f"no mail server for {letters[0].to[0]}")


@pytest.fixture
def sam():
    return User.objects.create_user("sam", ADDRESS)


def tell(user, former=(PHONE,), language="en"):
    notices.tell_of_change(user, list(former), language)


def backend(name):
    return {"default": {"BACKEND": f"{__name__}.{name}"}}


def test_a_notice_is_a_message_without_a_code(sam):
    tell(sam)
    (message,) = outbox
    assert (message.number, message.channel, message.purpose) == (PHONE, "sms", "notice")
    assert (message.code, message.variables["code"]) == ("", "")
    assert "@example.com" not in message.text  # the line that a phone would read a code from
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.challenge.number) == ("accepted", PHONE)


def test_behind_a_notice_there_is_nothing_to_guess(sam):
    tell(sam)
    challenge = Challenge.objects.get()
    assert (challenge.status, challenge.max_attempts, challenge.code_length) == ("canceled", 0, 0)
    for code in ("0000", "000000", "0000000000", ""):
        with pytest.raises(PhoneOTPError):
            phone_otp.verify(challenge.handle, code)
    for verb in (phone_otp.resend, phone_otp.cancel):
        with pytest.raises(PhoneOTPError):
            verb(challenge.handle)
    challenge.refresh_from_db()
    assert (challenge.status, challenge.attempts, challenge.messages) == ("canceled", 0, 1)


def test_nobody_can_ask_for_one(api):
    with pytest.raises(Invalid):
        phone_otp.send(PHONE, purpose="notice")
    assert api.send(purpose="notice").status_code == 400
    assert not outbox


def test_no_limit_holds_it_back(sam, settings):
    with override_phone_otp(LIMITS={"send.number": ["1/1d"], "send.global": ["1/1d"]}, BUDGET={"PRICES": {"US": "1"}}):
        phone_otp.send(PHONE, purpose="signup")
        for _ in range(3):
            tell(sam)
        assert [message.code == "" for message in outbox] == [False, True, True, True]
    outbox.clear()
    settings.CACHES = DEAD_REDIS
    tell(sam)
    assert len(outbox) == 1


def test_it_takes_nothing_of_what_the_number_has(sam):
    for _ in range(5):
        tell(sam)
    challenge = phone_otp.send(PHONE, purpose="signup")
    assert (challenge.serial, challenge.max_attempts) == (1, 5)
    assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE


def test_one_number_that_cannot_be_reached_keeps_nothing_from_the_others(sam):
    with override_phone_otp(BACKENDS=backend("Failing")):
        tell(sam, (PHONE, OTHER))
    found = dict(Delivery.objects.values_list("challenge__number", "status"))
    assert found == {PHONE: "failed", OTHER: "accepted"}
    assert [letter.to for letter in mail.outbox] == [[ADDRESS]]


def test_a_number_that_is_none_any_more_keeps_nothing_from_the_others(sam):
    """As one that was a test number when it was bound, and has left the settings."""
    tell(sam, ("+15555550100", PHONE))
    found = dict(Delivery.objects.values_list("challenge__region", "status"))
    assert found == {"": "failed", "US": "accepted"}
    assert [message.number for message in outbox] == [PHONE]
    assert len(mail.outbox) == 1


def test_a_vendor_that_words_its_messages_itself_is_given_none(sam):
    with override_phone_otp(BACKENDS=backend("CodesAlone")):
        tell(sam)
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert REFUSED in delivery.reason
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_down_is_only_logged_and_without_the_address(sam, settings, caplog):
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": f"{__name__}.DeadMail"}}
    else:
        settings.EMAIL_BACKEND = f"{__name__}.DeadMail"
    tell(sam)
    assert len(outbox) == 1
    assert "The notice could not be mailed: ConnectionError" in caplog.text
    for secret in (ADDRESS, PHONE, PHONE[2:]):
        assert secret not in caplog.text


def test_a_template_that_fails_is_only_logged_and_the_mail_goes_out(sam, settings, caplog):
    broken = {
        "phone_otp/message/notice.txt": "{% fail %}",
        "phone_otp/email/number_changed.txt": "Changed.",
        "phone_otp/email/number_changed_subject.txt": "\n  Your\n  number \n",
    }
    loaders = [("django.template.loaders.locmem.Loader", broken)]
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": {"loaders": loaders}}]
    tell(sam)
    assert not outbox
    (letter,) = mail.outbox
    assert (letter.subject, letter.body) == ("Your number", "Changed.")  # a subject is one line
    assert PHONE not in caplog.text


def test_a_queue_gets_the_deliverys_primary_key_alone(sam):
    queues.enqueued.clear()
    with override_phone_otp(DISPATCHER="tests.services.queues.remember"):
        tell(sam)
    assert queues.enqueued == [str(Delivery.objects.get().pk)]


def test_a_queue_that_is_down_leaves_the_notice_for_the_sweep(sam, caplog):
    with override_phone_otp(DISPATCHER="tests.services.queues.down"):
        tell(sam)
    assert Delivery.objects.get().status == "queued"
    assert PHONE not in caplog.text
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("language", ["de", ""])
def test_it_is_worded_in_the_language_that_is_given_or_the_sites(sam, language):
    tell(sam, language=language)
    words = "Telefonnummer" if language else "phone number"
    assert words in outbox[0].text
    assert words in mail.outbox[0].subject
    assert words in mail.outbox[0].body


def test_without_a_name_of_the_app_the_words_do_without_it(sam):
    with override_phone_otp(MESSAGE={"APP_NAME": ""}):
        tell(sam)
        tell(sam, ())
        assert outbox[0].text.startswith("The phone number of your account was changed.")
    assert [letter.subject for letter in mail.outbox] == [
        "Your phone number was changed",
        "A phone number was added to your account",
    ]


def test_a_name_with_signs_of_html_stays_as_it_is(sam):
    with override_phone_otp(MESSAGE={"APP_NAME": "Salt & <Pepper>"}):
        tell(sam)
        assert "your Salt & <Pepper> account" in outbox[0].text
    assert mail.outbox[0].subject == "Your Salt & <Pepper> phone number was changed"
    assert "your Salt & <Pepper> account" in mail.outbox[0].body


def test_whoever_has_no_address_gets_no_mail():
    tell(User.objects.create_user("kim"))
    tell(object())  # a user model that knows of no addresses
    assert len(outbox) == 2
    assert mail.outbox == []
