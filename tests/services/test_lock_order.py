"""Whatever is done to a number at once takes its rows in one order, so that the database ends nobody's transaction."""

import random
import time
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services import erasure, unlocking
from django_phone_otp.services.phones import bind, numbers_of, rebind, unbind
from tests.conftest import PHONE, every_database
from tests.races import kinds, together
from tests.services.sending import prove

pytestmark = [every_database, pytest.mark.usefixtures("unlimited")]
NEW, OTHER = "+14155550124", "+14155550125"
ROUNDS = 8  # of races that were lost in most rounds, before there was an order


@pytest.fixture(autouse=True)
def alias(everything):
    """The database that all is in."""
    return everything.alias


@pytest.fixture
def people():
    """Sam, who has a number, and Kim, who has another one."""
    sam, kim = User.objects.create_user("sam"), User.objects.create_user("kim")
    bind(sam, PHONE)
    bind(kim, OTHER)
    return sam, kim


def redeem_and(verb, user, token, alias):
    """What a project does, and what the pages do: spend the proof and use its number in one transaction."""
    with transaction.atomic(using=alias):
        return verb(user, phone_otp.redeem(token, purpose="verify"))


def race(*acts):
    """Do all at once, each a moment later than it might; return what became of them."""
    pauses = [random.uniform(0, 0.01) for _ in acts]

    def run(position):
        time.sleep(pauses[position])
        return acts[position]()

    return together(len(acts), run)


def anew(sam, kim):
    """As at the beginning: Sam has the one number and Kim has the other."""
    VerifiedPhone.objects.all().delete()
    Challenge.objects.all().delete()
    bind(sam, PHONE)
    bind(kim, OTHER)


LOST = {"NumberTaken", "InvalidToken"}  # what whoever comes too late is told


@pytest.mark.parametrize("taker", ["kim", "sam"])
def test_a_number_that_is_given_up_while_somebody_takes_it(alias, people, taker):
    sam, kim = people
    for _ in range(ROUNDS):
        anew(sam, kim)
        user, token = (sam if taker == "sam" else kim), prove(PHONE)
        outcomes = race(partial(unbind, sam, PHONE), partial(redeem_and, bind, user, token, alias))
        assert set(kinds(outcomes[:1])) == {"bool"}
        assert set(kinds(outcomes[1:])) <= {"NoneType", *LOST}


def test_a_number_that_is_exchanged_while_somebody_takes_it(alias, people):
    sam, kim = people
    for _ in range(ROUNDS):
        anew(sam, kim)
        mine, theirs = prove(NEW), prove(PHONE)
        outcomes = race(partial(redeem_and, rebind, sam, mine, alias), partial(redeem_and, rebind, kim, theirs, alias))
        assert set(kinds(outcomes[:1])) == {"list"}
        assert set(kinds(outcomes[1:])) <= {"list", *LOST}
        assert numbers_of(sam) == [NEW]


def test_two_changes_of_one_account_one_of_which_is_none(alias, people):
    sam, kim = people
    for _ in range(ROUNDS):
        anew(sam, kim)
        tokens = [prove(NEW), prove(PHONE)]
        outcomes = race(*(partial(redeem_and, rebind, sam, token, alias) for token in tokens))
        assert set(kinds(outcomes)) <= {"list", *LOST}
        assert len(numbers_of(sam)) == 1


def test_a_number_that_is_bound_while_it_becomes_the_only_one(people):
    sam, kim = people
    for last in range(ROUNDS):
        anew(sam, kim)
        number = f"+1415555013{last}"
        outcomes = race(partial(rebind, sam, number), partial(bind, sam, number), partial(unbind, sam, PHONE))
        assert set(kinds(outcomes)) <= {"list", "NoneType", "bool"}
        assert numbers_of(sam) == [number]


def test_a_number_that_is_erased_while_somebody_takes_it(alias, people):
    sam, kim = people
    for _ in range(ROUNDS):
        anew(sam, kim)
        token = prove(PHONE)
        outcomes = race(lambda: list(erasure.erase(PHONE)), partial(redeem_and, bind, kim, token, alias))
        assert set(kinds(outcomes[:1])) == {"list"}
        assert set(kinds(outcomes[1:])) <= {"NoneType", *LOST}


def test_a_number_that_is_unlocked_while_a_code_is_sent_carries_no_failure_on(people):
    for _ in range(ROUNDS):
        Challenge.objects.all().delete()
        phone_otp.send(PHONE, purpose="signup")
        Challenge.objects.update(status="locked", attempts=5, streak=92)
        outcomes = race(partial(phone_otp.send, PHONE, purpose="signup"), partial(unlocking.unlock, PHONE))
        assert set(kinds(outcomes)) == {"Challenge", "int"}
        assert not Challenge.objects.filter(lane="", streak__gt=0).exists()


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_where_a_transaction_reads_the_past_two_changes_leave_one_number(alias, people):
    """PostgreSQL ends one of the two there; MariaDB lets both go on."""
    sam, _kim = people
    for last in range(ROUNDS):
        tokens = [prove(f"+141555501{last}{place}") for place in (3, 4)]

        def change(token):
            with connections[alias].cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return redeem_and(rebind, sam, token, alias)

        assert kinds(race(*(partial(change, token) for token in tokens))) == {"list": 2}
        assert len(numbers_of(sam)) == 1
