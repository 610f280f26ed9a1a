"""Counts commit on their own, whatever transaction the project runs a request in."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, Api, every_database
from tests.races import kinds, together
from tests.services.test_races import wrong


@pytest.fixture
def atomic_requests(database, monkeypatch):
    """Run every view of the project in a transaction."""
    monkeypatch.setitem(database.settings_dict, "ATOMIC_REQUESTS", True)
    return database


@every_database
def test_with_atomic_requests_every_wrong_guess_stays_counted(atomic_requests, api):
    handle = api.send().json()["challenge"]
    code = latest_code(PHONE)
    answers = [api.verify(handle, wrong(code, n)).json()["code"] for n in range(10)]
    assert answers == ["incorrect_code"] * 5 + ["too_many_attempts"] * 5
    assert Challenge.objects.get().attempts == 5


@every_database
def test_with_atomic_requests_and_faulty_receivers_the_races_end_the_same(atomic_requests, faulty_receivers, client):
    from django.db import connections

    handle = Api(client).send().json()["challenge"]
    code = latest_code(PHONE)

    def guess(position):
        # Each thread has connections of its own, so each has to be told.
        connections[atomic_requests.alias].settings_dict["ATOMIC_REQUESTS"] = True
        return Api(type(client)()).verify(handle, wrong(code, position)).json()["code"]

    outcomes = together(50, guess)
    assert kinds(outcomes) == {"str": 50}
    assert outcomes.count("incorrect_code") == 5
    assert outcomes.count("too_many_attempts") == 45


@every_database
def test_with_atomic_requests_and_faulty_receivers_one_right_guess_in_twenty_gives_a_proof(
    atomic_requests, faulty_receivers, client
):
    handle = Api(client).send().json()["challenge"]
    code = latest_code(PHONE)
    outcomes = together(20, lambda n: Api(type(client)()).verify(handle, code).status_code)
    assert sorted(outcomes) == [200] + [409] * 19


@every_database
def test_with_atomic_requests_and_faulty_receivers_one_of_twenty_redeems_succeeds(database, faulty_receivers, api):
    """A project redeems inside its own transaction, as its views do with ATOMIC_REQUESTS."""
    token = api.verify(api.send().json()["challenge"], latest_code(PHONE)).json()["token"]

    def redeem(_):
        with transaction.atomic(using=database.alias):
            return phone_otp.redeem(token, purpose="signup")

    outcomes = together(20, redeem)
    assert outcomes.count(PHONE) == 1
    # SQLite answers whoever would write after having read meanwhile that the database is locked.
    assert all(isinstance(outcome, InvalidToken | OperationalError) for outcome in outcomes if outcome != PHONE)


@every_database
@override_phone_otp(LIMITS={"send.number": [], "send.ip": [], "verify.ip": [], "verify.number": ["12/1d"]})
def test_with_atomic_requests_and_faulty_receivers_live_challenges_share_one_budget(
    atomic_requests, faulty_receivers, client
):
    def attack(position):
        own = Api(type(client)())
        evaluated = 0
        for _ in range(5):
            handle = own.send().json().get("challenge")
            for guess in range(7) if handle else ():
                evaluated += own.verify(handle, f"{position:03}{guess:03}").json()["code"] == "incorrect_code"
        return evaluated

    outcomes = together(8, attack)
    assert kinds(outcomes) == {"int": 8}
    assert sum(outcomes) == 12


@every_database
@override_phone_otp(RESEND_AFTER=[0], LIMITS={"send.number": [], "send.ip": [], "verify.ip": []})
def test_with_atomic_requests_and_faulty_receivers_a_resend_adds_no_guesses(atomic_requests, faulty_receivers, client):
    handle = Api(client).send().json()["challenge"]
    code = latest_code(PHONE)

    def act(position):
        own = Api(type(client)())
        if position % 3 == 0:
            return own.post("resend", {"challenge": handle}).status_code
        return own.verify(handle, wrong(code, position)).json()["code"]

    outcomes = together(24, act)
    assert outcomes.count("incorrect_code") == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "call",
    [
        lambda handle: phone_otp.send(PHONE, purpose="signup"),
        lambda handle: phone_otp.verify(handle, "123456"),
        phone_otp.resend,
    ],
    ids=["send", "verify", "resend"],
)
def test_a_call_inside_somebodys_transaction_fails_loudly_and_says_what_to_do(call):
    handle = phone_otp.send(PHONE, purpose="signup").handle
    with transaction.atomic(), pytest.raises(ImproperlyConfigured, match="non_atomic_requests"):
        call(handle)
    assert Challenge.objects.get().attempts == 0
    assert len(outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_without_autocommit_is_a_transaction_too():
    handle = phone_otp.send(PHONE, purpose="signup").handle
    transaction.set_autocommit(False)
    try:
        with pytest.raises(ImproperlyConfigured):
            phone_otp.verify(handle, "123456")
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.django_db
def test_djangos_test_case_is_let_through():
    assert phone_otp.send(PHONE, purpose="signup").status == "pending"
