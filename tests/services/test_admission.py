"""What a message must get past: each limit by what it counts, and what a known browser is spared."""

import pytest
from django.http import HttpResponse

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import NumberNotAllowed, RateLimited, TooManyAttempts
from django_phone_otp.models import Delivery
from django_phone_otp.services.askers import COOKIE, remember_browser
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

OTHER_BLOCK, INDIA = "+14165550123", "+919876543210"
ARGENTINA, ARGENTINA_MOBILE = "+541123456789", "+5491123456789"


def passes(number, purpose="signup", request=None):
    try:
        phone_otp.send(number, purpose=purpose, request=request)
    except RateLimited:
        return False
    return True


def only(**rates):
    """Lift every limit but these, which are named with ``__`` for the dot."""
    return override_phone_otp(LIMITS={**UNLIMITED, **{name.replace("__", "."): rate for name, rate in rates.items()}})


@pytest.mark.parametrize(
    ("limit", "same", "other"),
    [
        ("send__number", (PHONE, "login"), ("+14155550199", "signup")),
        ("send__number", (PHONE, "signup"), (OTHER_BLOCK, "signup")),
        ("send__number_purpose", (PHONE, "signup"), (PHONE, "login")),
        ("send__prefix", ("+14155550199", "login"), (OTHER_BLOCK, "signup")),
        ("send__region", ("+14165550123", "signup"), (INDIA, "signup")),
        ("send__purpose", (INDIA, "signup"), (PHONE, "login")),
    ],
)
def test_each_limit_counts_what_it_is_named_after(limit, same, other):
    if limit == "send__region":
        same = ("+12125550123", "signup")
    with only(**{limit: ["1/1h"]}):
        assert passes(PHONE)
        assert not passes(*same)
        assert passes(*other)


def test_the_limit_on_all_messages_counts_all():
    with only(send__global=["2/1h"]):
        assert passes(PHONE)
        assert passes(INDIA, "login")
        assert not passes(OTHER_BLOCK)


def test_the_limit_of_a_client_counts_a_user_whatever_the_address(rf, django_user_model):
    member, other = (django_user_model.objects.create_user(name) for name in ("member", "other"))

    def request_of(user, address):
        request = rf.post("/", REMOTE_ADDR=address)
        request.user = user
        return request

    with only(send__client=["1/1h"]):
        assert passes(PHONE, request=request_of(member, "198.51.100.1"))
        assert not passes(OTHER_BLOCK, request=request_of(member, "198.51.100.2"))
        assert passes(OTHER_BLOCK, request=request_of(other, "198.51.100.1"))
        assert passes(INDIA, request=rf.post("/", REMOTE_ADDR="198.51.100.1"))


def test_two_numbers_of_one_phone_share_their_messages():
    with only(send__number=["1/1h"]):
        assert passes(ARGENTINA)
        assert not passes(ARGENTINA_MOBILE)


def test_a_purpose_may_have_limits_of_its_own():
    purposes = {"signup": {}, "payment": {"LIMITS": {"send.number_purpose": ["1/1h"], "send.purpose": []}}}
    with override_phone_otp(PURPOSES=purposes, LIMITS=UNLIMITED):
        assert passes(PHONE, "payment")
        assert not passes(PHONE, "payment")
        assert passes(PHONE)
        assert passes(PHONE)


def test_a_purpose_may_have_a_guess_budget_of_its_own():
    purposes = {"signup": {}, "payment": {"LIMITS": {"verify.number": ["5/1d"]}}}
    with override_phone_otp(PURPOSES=purposes, LIMITS=UNLIMITED):
        assert phone_otp.send(PHONE, purpose="payment").max_attempts == 5
        with pytest.raises(TooManyAttempts):
            phone_otp.send(PHONE, purpose="payment")
        assert phone_otp.send(PHONE, purpose="signup").max_attempts == 5


class TestAKnownBrowser:
    @pytest.fixture
    def owner(self, rf):
        """A request of a browser that verified PHONE, from the address of an attacker."""
        request, response = rf.post("/"), HttpResponse()
        remember_browser(request, response, PHONE)
        request.COOKIES[COOKIE] = response.cookies[COOKIE].value
        return request

    @pytest.mark.parametrize(
        "limit", ["send__number", "send__number_purpose", "send__ip", "send__prefix"], ids=lambda name: name[6:]
    )
    def test_gets_messages_though_strangers_used_the_limit_up(self, rf, owner, limit):
        with only(**{limit: ["2/1h"]}):
            for last in range(3):
                passes(PHONE if "number" in limit else f"+1415555010{last}", request=rf.post("/"))
            assert not passes(PHONE, request=rf.post("/"))
            assert passes(PHONE, request=owner)
            # And its own limit is as tight as that of strangers.
            shared = limit == "send__prefix"
            assert [passes(PHONE, request=owner) for _ in range(2)] == [True, shared]

    @pytest.mark.parametrize("limit", ["send__region", "send__purpose", "send__global"], ids=lambda name: name[6:])
    def test_is_held_to_what_bounds_the_bill(self, owner, limit):
        with only(**{limit: ["1/1h"]}):
            assert passes("+14155550199")
            assert not passes(PHONE, request=owner)

    def test_is_not_multiplied_by_who_has_the_phone(self, rf):
        """Asked for by a known browser and verified by a new one, each code makes one more that is known."""
        cookies, sent = [""], 0
        with override_phone_otp(RESEND_AFTER=[0], LIMITS={"send.ip": [], "verify.ip": []}):
            while cookies:
                asking, verifying, response = rf.post("/"), rf.post("/"), HttpResponse()
                asking.COOKIES[COOKIE] = cookies.pop()
                for _ in range(12):
                    try:
                        challenge = phone_otp.send(PHONE, purpose="signup", request=asking)
                    except (RateLimited, TooManyAttempts):
                        continue
                    sent += 1
                    phone_otp.verify(challenge.handle, latest_code(PHONE), request=verifying)
                    remember_browser(verifying, response, PHONE)
                    cookies.append(response.cookies[COOKIE].value)
        assert sent == 3 + 3, "three in five minutes for strangers, and as many for all known browsers together"

    def test_shares_its_guesses_with_the_others_that_are_known(self, rf, owner):
        with override_phone_otp(LIMITS=UNLIMITED):
            for _ in range(3):
                phone_otp.send(PHONE, purpose="signup", request=owner)
            second, response = rf.post("/"), HttpResponse()
            remember_browser(second, response, PHONE)
            second.COOKIES[COOKIE] = response.cookies[COOKIE].value
            with pytest.raises(TooManyAttempts):
                phone_otp.send(PHONE, purpose="signup", request=second)
            assert phone_otp.send(PHONE, purpose="signup", request=rf.post("/")).max_attempts == 5

    def test_is_a_stranger_for_every_other_number(self, rf, owner):
        with only(send__ip=["1/1h"]):
            assert passes("+14155550199", request=rf.post("/"))
            assert not passes("+14155550199", request=owner)


def test_a_number_that_was_denied_meanwhile_gets_no_second_message(clock):
    challenge = phone_otp.send(PHONE, purpose="signup")
    clock.shift(30)
    with override_phone_otp(DENIED_PREFIXES=["+1415"]):
        with pytest.raises(NumberNotAllowed) as refusal:
            phone_otp.resend(challenge.handle)
        assert refusal.value.reason == "prefix"
        assert not outbox


def test_a_decoy_is_resent_whatever_its_number(clock):
    """Else a resend would tell who was blocked."""
    with override_phone_otp(DENIED_PREFIXES=["+1415"]):
        challenge = phone_otp.send(PHONE, purpose="login")
        clock.shift(30)
        assert phone_otp.resend(challenge.handle).delivery_status == "accepted"
    assert not outbox


def test_a_resend_tells_nobody_that_a_registered_number_was_denied(clock, django_user_model):
    phone_otp.bind(django_user_model.objects.create_user("member"), PHONE)
    challenge = phone_otp.send(PHONE, purpose="login")
    outbox.clear()
    clock.shift(30)
    with override_phone_otp(DENIED_PREFIXES=["+1415"]):
        assert phone_otp.resend(challenge.handle).delivery_status == "accepted"
        assert not outbox
    assert Delivery.objects.filter(status="failed", reason="the number is refused (prefix)").count() == 1


def test_a_refusal_is_logged_once(caplog):
    with override_phone_otp(DENIED_PREFIXES=["+1415"]), caplog.at_level("INFO", "django_phone_otp"):
        phone_otp.send(PHONE, purpose="login")
    assert [record.getMessage() for record in caplog.records] == ["A number was refused: prefix"]
    assert Delivery.objects.get().reason == "decoy: the number is refused (prefix)"
