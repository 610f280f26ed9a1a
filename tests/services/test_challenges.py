"""The verbs, one after the other: what each promises a caller."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp import signals
from django_phone_otp.exceptions import (
    ChallengeClosed,
    ChallengeExpired,
    ChallengeNotFound,
    IncorrectCode,
    Invalid,
    InvalidPhone,
    NumberNotAllowed,
    RateLimited,
    ResendTooSoon,
    TooManyAttempts,
)
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent():
    """Record the names of the signals, and in what state the challenge was."""
    seen = []

    def note(name):
        def receiver(**kwargs):
            seen.append((name, str(kwargs["challenge"].status)))

        return receiver

    receivers = {name: note(name) for name in ("challenge_sent", "challenge_verified", "challenge_failed")}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield seen
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def send(**kwargs):
    return phone_otp.send(PHONE, **{"purpose": "signup", **kwargs})


class TestSend:
    def test_returns_what_a_client_needs(self, clock):
        challenge = send()
        assert challenge.handle
        assert (challenge.status, challenge.purpose, challenge.channel) == ("pending", "signup", "sms")
        assert challenge.masked_number == "+1 ••••• ••123"
        assert (challenge.code_length, challenge.attempts_left) == (6, 5)
        assert challenge.expires_at == timezone.now() + timedelta(minutes=5)
        assert challenge.resend_at == timezone.now() + timedelta(seconds=30)
        assert challenge.delivery_status == "accepted"

    def test_sends_one_message_with_the_code(self):
        send()
        (message,) = outbox
        assert (message.number, message.channel, message.purpose) == (PHONE, "sms", "signup")
        assert message.code in message.text
        assert len(message.code) == 6

    def test_every_spelling_of_a_number_is_that_number(self):
        phone_otp.send("+1 (415) 555-0123", purpose="signup")
        assert outbox[0].number == PHONE

    def test_an_object_with_as_e164_will_do(self):
        class PhoneNumber:
            as_e164 = PHONE

        assert phone_otp.send(PhoneNumber(), purpose="signup").number == PHONE

    def test_two_challenges_have_different_codes_and_handles(self):
        first, second = send(), send()
        assert first.handle != second.handle
        assert bytes(first.seed) != bytes(second.seed)

    @pytest.mark.parametrize(
        ("kwargs", "field"),
        [
            ({"purpose": "unknown"}, "purpose"),
            ({"purpose": None}, "purpose"),
            ({"purpose": ["signup"]}, "purpose"),
            ({"channel": "voice"}, "channel"),
            ({"channel": "pigeon"}, "channel"),
            ({"context": {"amount": "1"}}, "context"),
            ({"purpose": "payment"}, "context"),
            ({"purpose": "payment", "context": {"amount": "1"}}, "context"),
            ({"purpose": "payment", "context": {"amount": 1.5, "payee": "Shop"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "x\n@evil.example #123456"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "https://evil.example"}}, "context"),
            ({"purpose": "payment", "context": {"amount": "1", "payee": "x" * 65}}, "context"),
        ],
    )
    def test_what_is_not_offered_is_refused_and_nothing_is_sent(self, kwargs, field):
        with pytest.raises(Invalid) as refusal:
            send(**kwargs)
        assert list(refusal.value.errors) == [field]
        assert not outbox
        assert not Challenge.objects.exists()

    def test_a_number_outside_the_regions_is_not_allowed(self):
        with override_phone_otp(REGIONS=["IN"]), pytest.raises(NumberNotAllowed) as refusal:
            send()
        assert refusal.value.reason == "region"
        assert not outbox

    @pytest.mark.parametrize("phone", [None, 14155550123, True, ["+14155550123"], "nobody", "+14155550123;ext=1"])
    def test_what_is_not_a_number_is_invalid(self, phone):
        with pytest.raises(InvalidPhone):
            phone_otp.send(phone, purpose="signup")
        assert not outbox

    def test_the_fourth_in_five_minutes_is_limited_and_says_how_long(self):
        for _ in range(3):
            send()
        with pytest.raises(RateLimited) as refusal:
            send()
        assert 300 <= refusal.value.retry_after <= 330
        assert len(outbox) == 3

    def test_an_address_is_limited_whatever_number_it_asks_for(self, rf):
        with override_phone_otp(LIMITS={"send.ip": ["2/1h"]}):
            for n in range(2):
                phone_otp.send(f"+1415555010{n}", purpose="signup", request=rf.post("/"))
            with pytest.raises(RateLimited):
                phone_otp.send("+14155550109", purpose="signup", request=rf.post("/"))
            phone_otp.send("+14155550109", purpose="signup", request=rf.post("/", REMOTE_ADDR="198.51.100.7"))

    def test_a_purpose_has_its_own_length_lifetime_and_guesses(self, clock):
        purposes = {"pin": {"CODE_LENGTH": 8, "CODE_TTL": timedelta(minutes=1), "MAX_ATTEMPTS": 2}}
        with override_phone_otp(PURPOSES=purposes):
            challenge = send(purpose="pin")
        assert len(outbox[0].code) == challenge.code_length == 8
        assert challenge.expires_at == timezone.now() + timedelta(minutes=1)
        assert challenge.attempts_left == 2


class TestVerify:
    def test_the_right_code_gives_a_proof(self, clock):
        proof = phone_otp.verify(send().handle, latest_code(PHONE))
        assert (proof.phone, proof.purpose, proof.status) == (PHONE, "signup", "verified")
        assert proof.verified_at == timezone.now()

    @pytest.mark.parametrize("spell", ["{0} {1}", "{0}-{1}", " {0}\u2013{1} ", "{0}\u00a0{1}"])
    def test_spaces_and_dashes_do_not_matter(self, spell):
        challenge = send()
        code = latest_code(PHONE)
        assert phone_otp.verify(challenge.handle, spell.format(code[:3], code[3:])).phone == PHONE

    def test_a_wrong_code_says_how_many_guesses_are_left(self):
        challenge = send()
        code = latest_code(PHONE)
        left = []
        for n in range(5):
            with pytest.raises(IncorrectCode) as refusal:
                phone_otp.verify(challenge.handle, wrong(code, n))
            left.append(refusal.value.attempts_left)
        assert left == [4, 3, 2, 1, 0]

    def test_after_the_last_guess_even_the_right_code_is_refused(self, clock):
        challenge = send()
        code = latest_code(PHONE)
        for n in range(5):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, wrong(code, n))
        with pytest.raises(TooManyAttempts) as refusal:
            phone_otp.verify(challenge.handle, code)
        assert refusal.value.retry_after == 300
        assert Challenge.objects.get().attempts == 5

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "12345",
            "1234567",
            "12345a",
            "١٢٣٤٥٦",
            "\uff11" * 6,
            "²²²²²²",
            "123456\n",
            "1\x0023456",
            pytest.param("1" * 1_000_000, id="a megabyte"),
            None,
            123456.0,
            7,
            True,
            ["123456"],
            {"code": "123456"},
            b"654321",
        ],
    )
    def test_what_cannot_be_the_code_is_invalid_and_not_counted(self, code):
        challenge = send()
        with pytest.raises(Invalid) as refusal:
            phone_otp.verify(challenge.handle, code)
        assert list(refusal.value.errors) == ["code"]
        assert Challenge.objects.get().attempts == 0

    @pytest.mark.parametrize("handle", ["", "x", "A" * 43, None, 7, ["A" * 43], "é" * 43, "A" * 1_000_000])
    def test_a_forged_handle_is_refused_before_any_database_work(self, handle, django_assert_num_queries):
        send()
        with django_assert_num_queries(0), pytest.raises(ChallengeNotFound):
            phone_otp.verify(handle, "123456")

    def test_the_handle_of_a_challenge_that_is_gone_is_not_found(self):
        challenge = send()
        Challenge.objects.all().delete()
        for call in (phone_otp.status, phone_otp.cancel, phone_otp.resend):
            with pytest.raises(ChallengeNotFound):
                call(challenge.handle)
        with pytest.raises(ChallengeNotFound):
            phone_otp.verify(challenge.handle, "123456")

    def test_a_code_lives_to_its_last_second_and_no_longer(self, clock):
        first, code = send(), latest_code(PHONE)
        clock.shift(timedelta(seconds=299, microseconds=999_999))
        assert phone_otp.verify(first.handle, code)
        clock.shift(timedelta(seconds=1))
        second, code = send(), latest_code(PHONE)
        clock.shift(timedelta(seconds=300))
        with pytest.raises(ChallengeExpired):
            phone_otp.verify(second.handle, code)
        assert phone_otp.status(second.handle).attempts == 0

    def test_a_code_proves_only_its_own_challenge(self):
        first = send()
        code = latest_code(PHONE)
        second = send()
        assert latest_code(PHONE) != code
        with pytest.raises(IncorrectCode):
            phone_otp.verify(second.handle, code)
        assert phone_otp.verify(first.handle, code)

    @pytest.mark.parametrize("other", [{"amount": "10.01", "payee": "Shop"}, {"amount": "10.00", "payee": "Shop "}])
    def test_another_context_is_a_wrong_guess(self, other):
        given = {"amount": "10.00", "payee": "Shop"}
        challenge = send(purpose="payment", context=given)
        code = latest_code(PHONE)
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, code, context=other)
        assert phone_otp.verify(challenge.handle, code, context=dict(reversed(given.items())))

    @pytest.mark.parametrize("context", [None, {}, {"amount": "10.00"}, {"amount": "1", "payee": "x", "more": "y"}])
    def test_a_missing_context_is_invalid_and_not_counted(self, context):
        challenge = send(purpose="payment", context={"amount": "10.00", "payee": "Shop"})
        with pytest.raises(Invalid):
            phone_otp.verify(challenge.handle, latest_code(PHONE), context=context)
        assert Challenge.objects.get().attempts == 0

    def test_an_address_is_limited_whatever_it_guesses_at(self, rf):
        challenge = send()
        with override_phone_otp(LIMITS={"verify.ip": ["2/1h"]}):
            for _ in range(2):
                with pytest.raises(IncorrectCode):
                    phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
            with pytest.raises(RateLimited):
                phone_otp.verify(challenge.handle, "000000", request=rf.post("/"))
        assert Challenge.objects.get().attempts == 2

    def test_a_key_that_left_the_ring_makes_every_guess_wrong(self):
        with override_phone_otp(KEYS=["k" * 32]):
            send()
            pk = Challenge.objects.get().pk
            code = latest_code(PHONE)
        with override_phone_otp(KEYS=["n" * 32]), pytest.raises(IncorrectCode):
            phone_otp.verify(Challenge.objects.get(pk=pk).handle, code)

    def test_a_challenge_outlives_the_rotation_of_the_secret_key(self, settings):
        challenge = send()
        code = latest_code(PHONE)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 6, [settings.SECRET_KEY]
        proof = phone_otp.verify(challenge.handle, code)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the-newest-" * 6, [settings.SECRET_KEY]
        assert phone_otp.redeem(proof.token, purpose="signup") == PHONE

    def test_new_challenges_use_the_newest_key(self, settings):
        send()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 6, [settings.SECRET_KEY]
        send()
        assert Challenge.objects.values("key_id").distinct().count() == 2

    def test_a_challenge_that_closes_between_reading_and_counting_says_why(self, monkeypatch):
        from django_phone_otp.services import challenges

        challenge = send()
        code = latest_code(PHONE)

        def cancel_meanwhile(*_):
            phone_otp.cancel(challenge.handle)
            return True

        monkeypatch.setattr(challenges, "is_right", cancel_meanwhile)
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, code)
        assert Challenge.objects.get().attempts == 0

    def test_a_challenge_with_no_place_left_in_its_queue_is_locked_whatever_its_state_says(self):
        challenge = send()
        Challenge.objects.update(attempts=5)
        with pytest.raises(TooManyAttempts):
            phone_otp.verify(challenge.handle, latest_code(PHONE))

    def test_a_locked_challenge_past_its_end_is_expired(self, clock):
        challenge = send()
        Challenge.objects.update(attempts=5, status="locked")
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.verify(challenge.handle, latest_code(PHONE))


class TestResend:
    def test_sends_the_same_code_again_and_buys_neither_guesses_nor_time(self, clock):
        challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        clock.shift(30)
        again = phone_otp.resend(challenge.handle)
        assert outbox[0].code == outbox[1].code
        assert outbox[0].key != outbox[1].key
        assert again.attempts_left == 4
        assert again.expires_at == challenge.expires_at
        assert again.handle == challenge.handle

    def test_says_how_long_the_code_still_lives(self, clock):
        challenge = send()
        clock.shift(timedelta(minutes=4, seconds=40))
        phone_otp.resend(challenge.handle)
        assert "expires in 5 minutes" in outbox[0].text
        assert "expires in 1 minute." in outbox[1].text

    def test_waits_longer_each_time(self, clock):
        with override_phone_otp(LIMITS={"send.number": []}, CODE_TTL=timedelta(minutes=10)):
            challenge = send()
            pauses = []
            for _ in range(6):
                pauses.append((challenge.resend_at - timezone.now()).total_seconds())
                clock.move_to(challenge.resend_at)
                challenge = phone_otp.resend(challenge.handle)
        assert pauses == [30, 40, 60, 90, 120, 120]

    def test_a_moment_too_soon_says_how_long_to_wait(self, clock):
        challenge = send()
        clock.shift(timedelta(seconds=29, milliseconds=500))
        with pytest.raises(ResendTooSoon) as refusal:
            phone_otp.resend(challenge.handle)
        assert refusal.value.retry_after == 1
        assert len(outbox) == 1

    def test_another_channel_may_be_asked_for(self, clock):
        challenge = send()
        clock.shift(30)
        assert phone_otp.resend(challenge.handle, channel="whatsapp").channel == "whatsapp"
        assert [message.channel for message in outbox] == ["sms", "whatsapp"]
        assert phone_otp.status(challenge.handle).channel == "whatsapp"

    def test_a_channel_that_is_not_offered_is_refused(self, clock):
        challenge = send()
        clock.shift(30)
        with pytest.raises(Invalid):
            phone_otp.resend(challenge.handle, channel="voice")

    def test_counts_against_the_number(self, clock):
        first = send()
        send()
        send()
        clock.shift(30)
        with pytest.raises(RateLimited):
            phone_otp.resend(first.handle)
        assert len(outbox) == 3

    def test_is_refused_once_the_challenge_is_over(self, clock):
        challenge = send()
        clock.shift(30)
        phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.resend(challenge.handle)

    def test_is_refused_after_the_end(self, clock):
        challenge = send()
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.resend(challenge.handle)

    def test_that_loses_to_a_cancel_says_so(self, clock, monkeypatch):
        from django_phone_otp.services import admission, limits

        challenge = send()
        clock.shift(30)

        def cancel_first(*_):
            phone_otp.cancel(challenge.handle)
            return admission.Places(limits.Hits(), limits.Hits())

        monkeypatch.setattr(admission, "admit_message", cancel_first)
        with pytest.raises(ChallengeClosed):
            phone_otp.resend(challenge.handle)
        assert len(outbox) == 1

    def test_that_loses_to_another_resend_waits_a_moment(self, clock, monkeypatch):
        from django_phone_otp.services import opening

        challenge = send()
        clock.shift(30)
        monkeypatch.setattr(opening, "reopen", lambda *_: None)
        with pytest.raises(ResendTooSoon) as refusal:
            phone_otp.resend(challenge.handle)
        assert refusal.value.retry_after == 1


class TestStatusAndCancel:
    def test_status_shows_the_newest_message(self):
        challenge = send()
        assert phone_otp.status(challenge.handle).delivery_status == "accepted"
        Delivery.objects.update(status="delivered")
        assert phone_otp.status(challenge.handle).delivery_status == "delivered"
        Delivery.objects.all().delete()
        assert phone_otp.status(challenge.handle).delivery_status == "queued"

    def test_expired_is_pending_past_its_time(self, clock):
        challenge = send()
        assert phone_otp.status(challenge.handle).status_at(timezone.now()) == "pending"
        clock.shift(300)
        assert phone_otp.status(challenge.handle).status_at(timezone.now()) == "expired"

    def test_the_state_knows_that_time_has_passed(self, clock):
        challenge = send()
        assert challenge.state == "pending"
        clock.shift(300)
        assert (challenge.state, challenge.status) == ("expired", "pending")

    def test_a_canceled_challenge_proves_nothing(self, clock):
        challenge = send()
        canceled = phone_otp.cancel(challenge.handle)
        assert (canceled.status, canceled.closed_at) == ("canceled", timezone.now())
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.cancel(challenge.handle)

    def test_a_verified_challenge_cannot_be_canceled(self):
        challenge = send()
        proof = phone_otp.verify(challenge.handle, latest_code(PHONE))
        with pytest.raises(ChallengeClosed):
            phone_otp.cancel(challenge.handle)
        assert phone_otp.redeem(proof.token, purpose="signup") == PHONE

    def test_an_expired_challenge_cannot_be_canceled(self, clock):
        challenge = send()
        clock.shift(300)
        with pytest.raises(ChallengeExpired):
            phone_otp.cancel(challenge.handle)

    def test_a_strangers_send_does_not_disturb_the_owners_challenge(self):
        owners = send()
        code = latest_code(PHONE)
        strangers = send()
        phone_otp.cancel(strangers.handle)
        assert phone_otp.verify(owners.handle, code).phone == PHONE


class TestRegisteredOnly:
    """Nobody learns who is registered: a decoy looks like a challenge and never verifies."""

    @pytest.fixture
    def member(self):
        user = User.objects.create_user("member")
        bind(user, PHONE)
        return user

    def test_a_registered_number_gets_its_code(self, member):
        challenge = send(purpose="login")
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE

    def test_an_unknown_number_gets_the_same_answer_and_no_message(self, member, clock):
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        assert [message.number for message in outbox] == [PHONE]
        shown = ("status", "purpose", "channel", "code_length", "attempts_left", "expires_at", "resend_at")
        assert [getattr(real, name) for name in shown] == [getattr(decoy, name) for name in shown]
        assert real.delivery_status == decoy.delivery_status
        assert len(real.handle) == len(decoy.handle)

    def test_the_fate_of_a_message_tells_nothing(self, member):
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        Delivery.objects.filter(challenge=real).update(status="delivered")
        states = {phone_otp.status(handle).delivery_status for handle in (real.handle, decoy.handle)}
        assert states == {"accepted"}

    def test_a_blocked_user_gets_the_same_answer_and_no_message(self, member):
        User.objects.update(is_active=False)
        assert send(purpose="login").delivery_status == "accepted"
        assert not outbox

    def test_a_decoy_never_verifies_not_even_with_the_code_that_it_would_have(self):
        from django_phone_otp.services.codes import code_of

        challenge = send(purpose="login")
        stored = Challenge.objects.get()
        with pytest.raises(IncorrectCode) as refusal:
            phone_otp.verify(challenge.handle, code_of(stored))
        assert refusal.value.attempts_left == 4

    def test_a_decoy_locks_resends_and_cancels_like_any_challenge(self, clock):
        challenge = send(purpose="login")
        with pytest.raises(ResendTooSoon):
            phone_otp.resend(challenge.handle)
        clock.shift(30)
        assert phone_otp.resend(challenge.handle).delivery_status == "accepted"
        for _ in range(5):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, "000000")
        with pytest.raises(TooManyAttempts):
            phone_otp.verify(challenge.handle, "000000")
        phone_otp.cancel(send(purpose="login").handle)
        assert not outbox

    def test_unknown_numbers_are_limited_alike(self):
        for _ in range(3):
            send(purpose="login")
        with pytest.raises(RateLimited):
            send(purpose="login")

    def test_who_signs_up_after_a_decoy_gets_a_code_in_the_same_session(self, rf):
        request = rf.post("/")
        request.session = type("Session", (), {"session_key": "one-browser"})()
        decoy = send(purpose="login", request=request)
        bind(User.objects.create_user("member"), PHONE)
        assert send(purpose="login", request=request).handle != decoy.handle
        assert len(outbox) == 1

    def test_a_template_with_a_fault_tells_nothing(self, member, settings, tmp_path):
        template = tmp_path / "phone_otp" / "message" / "login.txt"
        template.parent.mkdir(parents=True)
        template.write_text("{% if %}")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        real, decoy = send(purpose="login"), phone_otp.send("+14155550199", purpose="login")
        assert real.delivery_status == decoy.delivery_status == "accepted"

    def test_support_can_see_why_no_message_went(self):
        send(purpose="login")
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.reason) == ("failed", "decoy: the number is not registered")


class TestSignals:
    def test_tell_what_happened_after_it_is_stored(self, sent):
        challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        phone_otp.verify(challenge.handle, latest_code(PHONE))
        assert sent == [
            ("challenge_sent", "pending"),
            ("challenge_failed", "pending"),
            ("challenge_verified", "verified"),
        ]

    def test_the_last_wrong_guess_says_locked(self, sent):
        with override_phone_otp(MAX_ATTEMPTS=1):
            challenge = send()
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(latest_code(PHONE)))
        assert sent[-1] == ("challenge_failed", "locked")

    def test_a_receiver_that_raises_changes_nothing(self, faulty_receivers):
        challenge = send()
        for n in range(4):
            with pytest.raises(IncorrectCode):
                phone_otp.verify(challenge.handle, wrong(latest_code(PHONE), n))
        assert Challenge.objects.get().attempts == 4
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE
        assert Challenge.objects.get().status == "verified"
