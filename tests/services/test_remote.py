"""A second opinion: the guess is counted here first, and the vendor's word can only take a right one away."""

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, BaseBackend, SendResult
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.exceptions import ChallengeClosed, ChallengeExpired, IncorrectCode, TooManyAttempts, Unavailable
from django_phone_otp.models import Challenge
from django_phone_otp.signals import challenge_failed, challenge_verified
from django_phone_otp.test import override_phone_otp
from tests.conftest import PHONE, every_database
from tests.races import kinds, together
from tests.services.test_races import wrong

pytestmark = pytest.mark.django_db


class Checking(BaseBackend):
    """Knows codes by an id, and says of each what ``says`` holds."""

    checks_codes = True
    reaches_people = False
    codes = []
    asked = []
    says = True

    def send(self, message):
        self.codes.append(message.code)
        return SendResult(id=f"v-{len(self.codes)}", check_id=f"c-{len(self.codes)}")

    def check_code(self, check_id, code):
        self.asked.append((check_id, code))
        if isinstance(Checking.says, Exception):
            raise Checking.says
        return Checking.says() if callable(Checking.says) else Checking.says


@pytest.fixture(autouse=True)
def through(request):
    """Send everything through the vendor that checks."""
    Checking.codes.clear()
    Checking.asked.clear()
    Checking.says = True
    with override_phone_otp(BACKENDS={"default": {"BACKEND": f"{__name__}.Checking"}}, LIMITS={"send.number": []}):
        yield


def send(**more):
    challenge = phone_otp.send(PHONE, purpose="signup", **more)
    return challenge, Checking.codes[-1]


def row():
    return Challenge.objects.values_list("status", "attempts").get()


def test_a_right_guess_that_the_vendor_confirms_verifies():
    challenge, code = send()
    assert phone_otp.verify(challenge.handle, code).phone == PHONE
    assert Checking.asked == [("c-1", code)]
    assert row() == ("verified", 1)


def test_a_wrong_guess_is_never_shown_to_the_vendor():
    challenge, code = send()
    with pytest.raises(IncorrectCode) as refusal:
        phone_otp.verify(challenge.handle, wrong(code))
    assert (Checking.asked, refusal.value.attempts_left) == ([], 4)


def test_a_right_guess_that_the_vendor_denies_is_a_wrong_one():
    Checking.says = False
    challenge, code = send()
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(IncorrectCode) as refusal:
            phone_otp.verify(challenge.handle, code)
        assert refusal.value.attempts_left == left
    assert row() == ("locked", 5)
    with pytest.raises(TooManyAttempts):
        phone_otp.verify(challenge.handle, code)
    assert len(Checking.asked) == 5


@pytest.mark.parametrize("fault", [BackendUnavailable("down"), KeyError("a fault")], ids=["down", "bug"])
def test_a_vendor_without_an_answer_verifies_nobody_and_gives_the_guess_back(fault, caplog):
    Checking.says = fault
    challenge, code = send()
    with pytest.raises(Unavailable) as refusal:
        phone_otp.verify(challenge.handle, code)
    assert refusal.value.retry_after == 30
    assert row() == ("pending", 0)
    assert code not in caplog.text
    Checking.says = True
    assert phone_otp.verify(challenge.handle, code).phone == PHONE
    assert row() == ("verified", 1)


def test_an_outage_of_the_checker_uses_no_guesses_up_and_frees_none():
    Checking.says = BackendUnavailable("down")
    challenge, code = send()
    for _ in range(3):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code))
    for _ in range(10):
        with pytest.raises(Unavailable):
            phone_otp.verify(challenge.handle, code)
    assert row() == ("pending", 3)


def test_a_double_click_whose_second_half_the_vendor_denies_locks_nobody_out():
    """A single-use vendor says yes to the first and no to the second, whose answer comes first."""
    challenge, code = send()
    for _ in range(3):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code))

    def first():
        Checking.says = False
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, code)
        return True

    Checking.says = first
    assert phone_otp.verify(challenge.handle, code).phone == PHONE
    assert row() == ("verified", 5)


def test_a_wrong_guess_that_comes_later_does_not_lock_a_right_one_out():
    challenge, code = send()
    for _ in range(3):
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code))

    def think():
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, wrong(code))
        return True

    Checking.says = think
    assert phone_otp.verify(challenge.handle, code).phone == PHONE


def test_the_guess_is_counted_before_the_vendor_is_asked():
    seen = []

    def look():
        seen.append(row())
        return True

    Checking.says = look
    challenge, code = send()
    phone_otp.verify(challenge.handle, code)
    assert seen == [("pending", 1)]


def test_the_newest_message_is_the_one_that_is_asked_about(clock):
    challenge, code = send()
    clock.shift(30)
    phone_otp.resend(challenge.handle)
    phone_otp.verify(challenge.handle, code)
    assert Checking.asked == [("c-2", code)]


def test_a_challenge_that_ends_while_the_vendor_thinks_stays_ended(clock):
    def think():
        clock.shift(301)
        return True

    Checking.says = think
    challenge, code = send()
    with pytest.raises(ChallengeExpired):
        phone_otp.verify(challenge.handle, code)
    assert row() == ("pending", 1)


def test_a_challenge_that_is_canceled_while_the_vendor_thinks_stays_canceled():
    def think():
        phone_otp.cancel(challenge.handle)
        return True

    Checking.says = think
    challenge, code = send()
    with pytest.raises(ChallengeClosed):
        phone_otp.verify(challenge.handle, code)
    assert row() == (ChallengeStatus.CANCELED, 1)


def test_test_numbers_and_other_vendors_are_judged_here_alone():
    other = {"default": {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}}
    with override_phone_otp(BACKENDS={**other, "checking": {"BACKEND": f"{__name__}.Checking"}}):
        from django_phone_otp.test import latest_code

        challenge = phone_otp.send(PHONE, purpose="signup")
        assert phone_otp.verify(challenge.handle, latest_code(PHONE)).phone == PHONE
    assert Checking.asked == []


def test_a_message_whose_check_id_is_not_known_is_judged_here(monkeypatch):
    monkeypatch.setattr(Checking, "send", lambda self, message: self.codes.append(message.code) or SendResult(id="v"))
    challenge, code = send()
    assert phone_otp.verify(challenge.handle, code).phone == PHONE
    assert Checking.asked == []


def test_an_alias_that_cannot_be_built_stops_nobody():
    backends = {"default": {"BACKEND": f"{__name__}.Checking"}, "broken": {"BACKEND": "nowhere.Backend"}}
    with override_phone_otp(BACKENDS=backends):
        challenge, code = send()
        assert phone_otp.verify(challenge.handle, code).phone == PHONE


def test_a_message_that_was_never_sent_is_judged_here():
    from django_phone_otp.services.remote import question_about

    challenge, _ = send()
    challenge.deliveries.update(sent_at=None)
    assert question_about(challenge) is None


@pytest.mark.parametrize("word", ["yes", 1, None, [True]], ids=["text", "number", "nothing", "list"])
def test_only_true_is_a_yes(word):
    Checking.says = word
    challenge, code = send()
    with pytest.raises(IncorrectCode):
        phone_otp.verify(challenge.handle, code)


def test_each_end_is_told_once():
    seen = []

    def receiver(signal, challenge, **_):
        seen.append("verified" if signal is challenge_verified else "failed")

    for signal in (challenge_verified, challenge_failed):
        signal.connect(receiver)
    try:
        challenge, code = send()
        Checking.says = False
        with pytest.raises(IncorrectCode):
            phone_otp.verify(challenge.handle, code)
        Checking.says = True
        phone_otp.verify(challenge.handle, code)
    finally:
        for signal in (challenge_verified, challenge_failed):
            signal.disconnect(receiver)
    assert seen == ["failed", "verified"]


@every_database
def test_of_twenty_right_guesses_at_once_one_is_a_proof(database):
    challenge, code = send()
    outcomes = kinds(together(20, lambda _: phone_otp.verify(challenge.handle, code)))
    assert outcomes["Proof"] == 1
    assert sum(outcomes.values()) == 20
    assert set(outcomes) <= {"Proof", "ChallengeClosed", "TooManyAttempts"}
    assert len(Checking.asked) <= 5
