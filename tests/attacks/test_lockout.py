"""A6 and R13: whoever burns all that a number has locks out strangers, and not the person whose number it is."""

import pytest
from django.http import HttpResponse

import django_phone_otp as phone_otp
from django_phone_otp.services.askers import COOKIE
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import ATTACKER, HOME, PHONE, browser, burn_guesses, entries, known, numbers, wrong
from tests.unlimited import UNLIMITED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NEIGHBOURS = [f"{PHONE[:-2]}{n:02}" for n in range(30, 90)]


def burn_budget(clock):
    """Use up the guesses of a day."""
    assert burn_guesses() == 15


def burn_ceiling(clock):
    """Come back every day until 100 guesses in a row were wrong."""
    days = []
    while sum(days) < 100:
        days.append(burn_guesses())
        clock.shift(25 * 3600)
    assert days == [15, 15, 15, 15, 15, 15, 10]


def burn_messages(clock):
    """Have all messages of a day sent."""
    for _ in range(5):
        for _ in range(3):
            browser().send()
        clock.shift(330)
    assert len(outbox) == 10


def burn_block(clock):
    """Have as many messages sent to the owner's neighbours as one block gets in an hour."""
    answers = [browser(f"203.0.113.{n // 10}").send(number).status_code for n, number in enumerate(NEIGHBOURS)]
    assert answers.count(201) == 50


def burn_address(clock):
    """Share the owner's address, and use up what it has."""
    assert [browser(HOME).send(number).status_code for number in numbers(21)].count(201) == 20


def burn_verify_address(clock):
    """Share the owner's address, and use up its guesses."""
    judged = 0
    for number in numbers(13):
        attacker = browser(HOME)
        handle = attacker.send(number).json()["challenge"]
        for _ in range(5):
            judged += attacker.verify(handle, wrong(latest_code(number))).json()["code"] == "incorrect_code"
    assert judged == 60


def burn_guard(clock):
    """Guess at so many numbers, from so many addresses, that strangers' guesses wait."""
    for n, number in enumerate(numbers(51)):
        attacker = browser(f"203.0.113.{n}")
        attacker.verify(attacker.send(number).json()["challenge"], wrong(latest_code(number)))


def gets_in(api):
    """Ask for a code and give it; tell whether it was proved."""
    answer = api.send()
    if answer.status_code != 201:
        assert answer.status_code == 429
        return False
    return api.verify(answer.json()["challenge"], latest_code(PHONE)).status_code == 200


@pytest.fixture
def owner(clock):
    """The browser in which the number was verified some days ago."""
    api = known()
    clock.shift(3 * 86400)
    outbox.clear()
    return api


SIEGES = [
    burn_budget,
    burn_ceiling,
    burn_messages,
    burn_block,
    burn_address,
    burn_verify_address,
    burn_guard,
]
by_name = pytest.mark.parametrize("siege", SIEGES, ids=lambda siege: siege.__name__)


@by_name
def test_a6_the_owners_browser_gets_in_whatever_an_attacker_burned(siege, owner, clock):
    siege(clock)
    assert gets_in(owner)
    assert not gets_in(browser(HOME)), "a stranger does not"
    assert gets_in(owner)


def test_a6_all_at_once_still_do_not_lock_the_owner_out(owner, clock):
    for siege in (burn_ceiling, burn_block, burn_guard):
        siege(clock)
    assert gets_in(owner)
    assert not gets_in(browser(HOME))


@by_name
def test_r13_time_opens_every_lock_but_the_ceiling(siege, owner, clock):
    siege(clock)
    clock.shift(27 * 3600)
    assert gets_in(browser(HOME)) == (siege is not burn_ceiling)


def test_r13_staff_open_the_ceiling(owner, clock):
    burn_ceiling(clock)
    assert not gets_in(browser(HOME))
    phone_otp.unlock(PHONE)
    assert gets_in(browser(HOME))


class TestCookiesThatAreNotTheOwners:
    @pytest.fixture(autouse=True)
    def _besieged(self, owner, clock):
        self.owner = owner
        self.others = known("+13125550123", ATTACKER)
        burn_budget(clock)

    def assert_worthless(self, cookie):
        assert not gets_in(browser(ATTACKER, cookie=cookie))

    def test_a6_a_forged_one_is_worth_nothing(self):
        real = entries(self.owner)
        for position in range(len(real)):
            self.assert_worthless(real[:position] + ("A" if real[position] != "A" else "B") + real[position + 1 :])

    @pytest.mark.parametrize("cookie", ["A" * 27, ".".join(["A" * 27] * 9), "." * 27, "A" * 4000, "\u00e4" * 27, '"'])
    def test_a6_a_made_up_one_is_worth_nothing(self, cookie):
        self.assert_worthless(cookie)

    def test_a6_one_for_another_number_is_worth_nothing(self):
        self.assert_worthless(entries(self.others))

    def test_a6_half_of_one_and_half_of_another_are_worth_nothing(self):
        mine, theirs = entries(self.others), entries(self.owner)
        for cut in range(len(mine)):
            if mine[:cut] != theirs[:cut]:
                self.assert_worthless(mine[:cut] + theirs[cut:])

    def test_a6_one_of_ninety_days_ago_is_worth_nothing(self, clock):
        clock.shift(90 * 86400)
        burn_budget(clock)
        self.assert_worthless(entries(self.owner))

    def test_a6_one_of_another_project_is_worth_nothing(self, rf):
        request, response = rf.post("/"), HttpResponse()
        with override_phone_otp(KEYS=["the-secret-of-another-project-0123456789"]):
            phone_otp.remember_browser(request, response, PHONE)
        self.assert_worthless(response.cookies[COOKIE].value)

    def test_a6_a_stolen_one_gives_no_log_in_and_the_guesses_of_known_browsers(self):
        assert burn_guesses(cookie=entries(self.owner)) == 15


class TestWhoHasThePhoneForAWhile:
    """They can make browsers known as they like: that is worth one lane, and not one for each."""

    @pytest.fixture(autouse=True)
    def _made(self, clock):
        """Make nine browsers known, three at a time."""
        self.made = []
        for _ in range(3):
            self.made += [known(address=f"203.0.113.{len(self.made) + n}") for n in range(3)]
            clock.shift(330)
        clock.shift(2 * 86400)
        outbox.clear()

    def test_a6_many_known_browsers_have_the_guesses_of_one(self):
        with override_phone_otp(LIMITS=UNLIMITED):
            assert sum(burn_guesses(cookie=entries(api)) for api in self.made) == 15
            assert burn_guesses() == 15, "those of strangers"

    def test_r15_many_known_browsers_have_the_messages_of_one(self, clock):
        sent = 0
        for turn in range(6):
            # Three at a time, as a number has: what is refused may count, too.
            for sender in (*self.made[turn % 3 * 3 :][:3], browser(), browser(), browser()):
                answer = sender.send()
                if answer.status_code == 201:
                    sender.post("cancel", {"challenge": answer.json()["challenge"]})
                    sent += 1
            clock.shift(330)
        assert sent == len(outbox) == 10 + 10

    def test_a6_a_browser_is_made_known_by_the_right_code_only(self):
        attacker = browser()
        handle = attacker.send().json()["challenge"]
        for answer in (
            attacker.verify(handle, wrong(latest_code(PHONE))),
            attacker.post("status", {"challenge": handle}),
            attacker.post("cancel", {"challenge": handle}),
            attacker.verify(handle, latest_code(PHONE)),
        ):
            assert COOKIE not in answer.cookies
