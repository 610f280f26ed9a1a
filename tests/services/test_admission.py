"""What a message must get past: each limit by what it counts, and what a known browser is spared."""

from dataclasses import replace

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.core.windows import LOOK
from django_phone_otp.exceptions import (
    IncorrectCode,
    Invalid,
    NumberNotAllowed,
    RateLimited,
    ResendTooSoon,
    TooManyAttempts,
    Unavailable,
)
from django_phone_otp.models import Delivery
from django_phone_otp.services import guesses, limits, opening
from django_phone_otp.services.askers import COOKIE, asker_of
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.known import cookie_for, known_request
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
        return known_request(rf, PHONE)

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
            assert [passes(PHONE, request=owner) for _ in range(2)] == [True, False]

    @pytest.mark.parametrize("limit", ["send__region", "send__purpose", "send__global"], ids=lambda name: name[6:])
    def test_is_held_to_what_bounds_the_bill(self, owner, limit):
        with only(**{limit: ["1/1h"]}):
            assert passes("+14155550199")
            assert not passes(PHONE, request=owner)

    @pytest.mark.parametrize("limit", ["send__ip", "send__prefix"], ids=lambda name: name[6:])
    def test_is_held_to_its_address_and_its_block_together_with_the_others(self, rf, limit):
        """Who has many numbers, and made a browser known for each, pumps no more than strangers do."""
        passed = 0
        with only(**{limit: ["5/1h"]}):
            for last in range(12):
                number = f"+1415555010{last % 10}"
                passed += passes(number, request=known_request(rf, number))
        assert passed == 5

    def test_is_not_multiplied_by_who_has_the_phone(self, rf):
        """Asked for by a known browser and verified by a new one, each code makes one more that is known."""
        cookies, sent = [""], 0
        with override_phone_otp(RESEND_AFTER=[0], LIMITS={"send.ip": [], "verify.ip": []}):
            while cookies:
                asking, verifying = rf.post("/"), rf.post("/")
                asking.COOKIES[COOKIE] = cookies.pop()
                for _ in range(12):
                    try:
                        challenge = phone_otp.send(PHONE, purpose="signup", request=asking)
                    except (RateLimited, TooManyAttempts):
                        continue
                    sent += 1
                    phone_otp.verify(challenge.handle, latest_code(PHONE), request=verifying)
                    cookies.append(cookie_for(verifying, PHONE))
        assert sent == 3 + 3, "three in five minutes for strangers, and as many for all known browsers together"

    def test_shares_its_guesses_with_the_others_that_are_known(self, rf, owner):
        with override_phone_otp(LIMITS=UNLIMITED):
            for _ in range(3):
                phone_otp.send(PHONE, purpose="signup", request=owner)
            second = known_request(rf, PHONE)
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


def test_tries_that_are_refused_use_up_nothing_but_their_senders_places(rf, clock):
    with only(send__number=["3/5m", "10/1d"], send__prefix=["9/1h"], send__global=["9/1h"], send__ip=["20/1h"]):
        request = rf.post("/")
        assert [passes(PHONE, request=request) for _ in range(20)] == [True] * 3 + [False] * 17
        for last in range(6):
            assert passes(f"+141555501{last + 30}"), "the messages of the block and of all are still there"
        assert not passes("+14165550123", request=request), "the sender's are not"
        clock.shift(330)
        assert passes("+14165550123") is False  # nine in the hour
    with only(send__number=["3/5m", "10/1d"]):
        assert passes(PHONE), "and the number has its day"


class TestOneMessageIsOnePlace:
    @pytest.fixture(autouse=True)
    def _limits(self):
        with only(send__number=["9/1h"], send__ip=["9/1h"]), override_phone_otp(RESEND_AFTER=[0]):
            yield

    def used(self, rf):
        """Return how many places are taken of the number and of the address."""
        asker = asker_of(rf.post("/"))
        looks = {"send.number": f"{PHONE}", **asker.message_buckets(known=False)}
        tallies = [
            replace(tally, step=LOOK) for name, value in looks.items() for tally in limits.tallies_of(name, value)
        ]
        return [reading.used for reading in limits.count(tallies, limits.milliseconds())]

    def test_when_another_click_was_quicker(self, rf, client, monkeypatch):
        request = rf.post("/")
        request.session = client.session
        request.session.save()
        first = phone_otp.send(PHONE, purpose="signup", request=request)
        read, stale = opening.read_budget, [True]

        def too_early(number, purpose, lane, now):
            found = read(number, purpose, lane, now)
            return found._replace(entries=[]) if stale and stale.pop() else found

        monkeypatch.setattr(opening, "read_budget", too_early)
        assert phone_otp.send(PHONE, purpose="signup", request=request).pk == first.pk
        assert self.used(rf) == [1, 1]

    def test_when_every_turn_is_lost(self, rf, monkeypatch):
        phone_otp.send(PHONE, purpose="signup", request=rf.post("/"))
        monkeypatch.setattr(opening, "TURNS", 2)
        monkeypatch.setattr(opening, "read_budget", lambda *_: opening.Budget([], (limits.Rate(15, 86400),)))
        with pytest.raises(Unavailable):
            phone_otp.send(PHONE, purpose="signup", request=rf.post("/"))
        assert self.used(rf) == [1, 1]

    def test_when_another_resend_was_quicker(self, rf, monkeypatch):
        challenge = phone_otp.send(PHONE, purpose="signup", request=rf.post("/"))
        monkeypatch.setattr(opening, "reopen", lambda *_: None)
        with pytest.raises(ResendTooSoon):
            phone_otp.resend(challenge.handle, request=rf.post("/"))
        assert self.used(rf) == [1, 1]

    def test_what_is_no_guess_counts_against_nobody_but_its_sender(self, rf):
        challenge = phone_otp.send(PHONE, purpose="payment", context={"amount": "12.50", "payee": "Ana Example"})
        with only(verify__failed=["1/10m"]):
            for _ in range(3):
                with pytest.raises(Invalid):
                    phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, "000000", context=challenge.context, request=rf.post("/"))

    def test_a_guess_that_finds_no_place_is_not_counted_as_wrong(self, rf, monkeypatch):
        challenge = phone_otp.send(PHONE, purpose="signup")
        with only(verify__failed=["1/10m"]):
            monkeypatch.setattr(guesses, "count", lambda *_, **__: False)
            with pytest.raises(TooManyAttempts):
                phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
            monkeypatch.undo()
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))


@pytest.mark.parametrize("number", [ARGENTINA, ARGENTINA_MOBILE])
def test_a_prefix_is_denied_in_either_spelling(number):
    for prefix in ("+5491123", "+541123"):
        with override_phone_otp(DENIED_PREFIXES=[prefix]), pytest.raises(NumberNotAllowed):
            phone_otp.send(number, purpose="signup")


def test_a_browser_is_known_for_either_spelling(rf):
    assert asker_of(known_request(rf, ARGENTINA)).lane(ARGENTINA_MOBILE) == "known"
