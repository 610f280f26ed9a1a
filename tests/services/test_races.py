"""What must hold when everything happens at once, on every database."""

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.core.rates import Rate
from django_phone_otp.exceptions import (
    ChallengeClosed,
    IncorrectCode,
    InvalidToken,
    PhoneOTPError,
    ResendTooSoon,
    TooManyAttempts,
    Unavailable,
)
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import opening
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, every_database
from tests.races import kinds, together
from tests.unlimited import UNLIMITED

pytestmark = every_database


def wrong(code, position=0):
    """Return a code of the same length that is not ``code``."""
    return str((int(code) + 1 + position) % 10 ** len(code)).zfill(len(code))


def test_of_fifty_wrong_guesses_at_once_only_those_granted_are_evaluated(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    outcomes = together(50, lambda n: phone_otp.verify(challenge.handle, wrong(code, n)))
    assert kinds(outcomes) == {"IncorrectCode": 5, "TooManyAttempts": 45}
    stored = Challenge.objects.get()
    assert (stored.attempts, stored.status) == (5, "locked")
    assert stored.closed_at is not None


def test_of_twenty_right_guesses_at_once_one_gives_a_proof(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    outcomes = together(20, lambda n: phone_otp.verify(challenge.handle, code))
    assert kinds(outcomes) == {"ChallengeClosed": 19, "Proof": 1}
    assert Challenge.objects.get().attempts == 1


def test_right_and_wrong_guesses_at_once_stand_in_one_queue(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)
    outcomes = together(30, lambda n: phone_otp.verify(challenge.handle, code if n % 10 == 0 else wrong(code, n)))
    evaluated = [o for o in outcomes if isinstance(o, IncorrectCode | phone_otp.Proof)]
    stored = Challenge.objects.get()
    assert len(evaluated) == stored.attempts <= 5
    assert sum(isinstance(o, phone_otp.Proof) for o in outcomes) == (stored.status == "verified")
    assert all(isinstance(o, IncorrectCode | phone_otp.Proof | TooManyAttempts | ChallengeClosed) for o in outcomes)


def test_of_twenty_redeems_of_one_token_one_succeeds(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    token = phone_otp.verify(challenge.handle, latest_code(PHONE)).token
    outcomes = together(20, lambda n: phone_otp.redeem(token, purpose="signup"))
    assert outcomes.count(PHONE) == 1
    assert sum(isinstance(outcome, InvalidToken) for outcome in outcomes) == 19


@override_phone_otp(LIMITS=UNLIMITED)
def test_sends_at_once_are_granted_together_no_more_than_the_number_has(database):
    outcomes = together(20, lambda n: phone_otp.send(PHONE, purpose="signup"))
    granted = [outcome.max_attempts for outcome in outcomes if isinstance(outcome, Challenge)]
    assert kinds(outcomes) == {"Challenge": 3, "TooManyAttempts": 17}
    assert sum(granted) == 15
    assert sorted(Challenge.objects.values_list("serial", flat=True)) == [1, 2, 3]


@override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["12/1d"]})
def test_with_several_live_challenges_no_more_wrong_guesses_are_evaluated_than_the_number_has(database):
    """Ten attackers each open challenges and guess as fast as they can, until nobody is granted anything."""

    def attack(position):
        evaluated = 0
        for _ in range(6):
            try:
                challenge = phone_otp.send(PHONE, purpose="signup")
            except TooManyAttempts:
                continue
            for guess in range(8):
                try:
                    phone_otp.verify(challenge.handle, f"{position:03}{guess:03}")
                except IncorrectCode:
                    evaluated += 1
                except PhoneOTPError:
                    break
        return evaluated

    outcomes = together(10, attack)
    assert kinds(outcomes) == {"int": 10}
    assert sum(outcomes) == 12


@override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["12/1d"]})
def test_canceling_while_guessing_buys_no_guesses(database):
    def attack(position):
        evaluated = 0
        for _ in range(8):
            try:
                challenge = phone_otp.send(PHONE, purpose="signup")
                for guess in range(2):
                    try:
                        phone_otp.verify(challenge.handle, f"{position:03}{guess:03}")
                    except IncorrectCode:
                        evaluated += 1
                phone_otp.cancel(challenge.handle)
            except PhoneOTPError:
                continue
        return evaluated

    outcomes = together(6, attack)
    assert kinds(outcomes) == {"int": 6}
    assert sum(outcomes) == 12


@override_phone_otp(RESEND_AFTER=[0], LIMITS=UNLIMITED)
def test_a_resend_between_guesses_adds_none(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)

    def act(position):
        if position % 3 == 0:
            return phone_otp.resend(challenge.handle)
        return phone_otp.verify(challenge.handle, wrong(code, position))

    outcomes = together(30, act)
    assert sum(isinstance(outcome, IncorrectCode) for outcome in outcomes) == 5
    assert {message.code for message in outbox} == {code}


def test_of_ten_resends_at_once_one_sends_a_message(database):
    with override_phone_otp(RESEND_AFTER=[0, 60], LIMITS=UNLIMITED):
        challenge = phone_otp.send(PHONE, purpose="signup")
        outcomes = together(10, lambda n: phone_otp.resend(challenge.handle))
    assert sum(isinstance(outcome, Challenge) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ResendTooSoon) for outcome in outcomes) == 9
    assert len(outbox) == Delivery.objects.count() == 2


def test_a_double_click_by_one_session_is_one_message(database, rf):
    class Session:
        session_key = "the-same-browser"

    def click(_):
        request = rf.post("/")
        request.session = Session()
        return phone_otp.send(PHONE, purpose="signup", request=request)

    with override_phone_otp(LIMITS=UNLIMITED):
        outcomes = together(8, click)
    assert kinds(outcomes) == {"Challenge": 8}
    assert len({outcome.handle for outcome in outcomes}) == 1
    assert len(outbox) == Challenge.objects.count() == 1


def test_one_idempotency_key_is_one_message(database, rf):
    def ask(_):
        return phone_otp.send(PHONE, purpose="signup", request=rf.post("/"), idempotency_key="made-up-key")

    with override_phone_otp(LIMITS=UNLIMITED):
        outcomes = together(8, ask)
    assert kinds(outcomes) == {"Challenge": 8}
    assert len({outcome.handle for outcome in outcomes}) == 1
    assert len(outbox) == 1


def test_verify_and_cancel_at_once_leave_one_winner(database):
    challenge = phone_otp.send(PHONE, purpose="signup")
    code = latest_code(PHONE)

    def act(position):
        return phone_otp.cancel(challenge.handle) if position % 2 else phone_otp.verify(challenge.handle, code)

    outcomes = together(10, act)
    winners = [outcome for outcome in outcomes if not isinstance(outcome, ChallengeClosed)]
    assert len(winners) == 1
    assert Challenge.objects.get().status == ("verified" if isinstance(winners[0], phone_otp.Proof) else "canceled")


def test_two_workers_with_one_delivery_send_one_message(database):
    with override_phone_otp(DISPATCHER="tests.services.queues.forget"):
        phone_otp.send(PHONE, purpose="signup")
        delivery = Delivery.objects.get()
        assert (delivery.status, len(outbox)) == ("queued", 0)
        from django_phone_otp.services.delivery import deliver

        outcomes = together(6, lambda n: deliver(str(delivery.pk)))
    assert kinds(outcomes) == {"NoneType": 6}
    assert len(outbox) == 1
    delivery.refresh_from_db()
    assert delivery.status == "accepted"


def test_a_turn_lost_fifty_times_is_an_honest_refusal(database, monkeypatch, caplog):
    monkeypatch.setattr(opening, "TURNS", 3)
    monkeypatch.setattr(opening, "TURN_PAUSE", 0)
    phone_otp.send(PHONE, purpose="signup")
    # A budget that always looks as it did before the first send: every turn is lost.
    monkeypatch.setattr(opening, "read_budget", lambda *_: opening.Budget([], (Rate(15, 86400),)))
    with pytest.raises(Unavailable) as refusal:
        phone_otp.send(PHONE, purpose="signup")
    assert refusal.value.__cause__ is None  # whose text would have the number
    assert "IntegrityError" in caplog.text
    assert PHONE not in caplog.text
    assert Challenge.objects.count() == 1
