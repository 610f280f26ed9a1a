"""Prepared queries: what the ORM would send, the same answer, and compiled once for each database."""

import re
from datetime import timedelta
from unittest import mock

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import challenges, guesses, statements
from django_phone_otp.services.prepared import Given, Rows, Update, _Prepared
from tests import routers
from tests.conftest import PHONE, every_database


def bare(sql):
    """Return SQL without what is only written another way: the ORM sets no brackets around a value."""
    return re.sub(r"[()\s]", "", sql)


def sent(queries, verb):
    return [bare(query["sql"]) for query in queries if query["sql"].startswith(verb)]


def rolled_back(database, act):
    """Return the statements of ``act``, and leave nothing of it."""
    with CaptureQueriesContext(database) as queries, transaction.atomic(using=routers.chosen):
        act()
        transaction.set_rollback(True, using=routers.chosen)
    return queries


@pytest.fixture
def challenge(clock):
    phone_otp.send(PHONE, purpose="signup")
    return Challenge.objects.get()


@every_database
@pytest.mark.parametrize("model", [Challenge, Delivery])
def test_an_insert_is_what_the_orm_would_send(database, challenge, model):
    kept = model.objects.get()
    values = model.objects.values().get()
    Delivery.objects.all().delete()
    if model is Challenge:
        Challenge.objects.all().delete()
    by_orm = rolled_back(database, lambda: model(**values).save(force_insert=True))
    for _ in range(2):  # compiled, and then from memory
        by_us = rolled_back(database, lambda: statements.insert(model(**values)))
        assert sent(by_us, "INSERT") == sent(by_orm, "INSERT")
    row = model(**values)
    statements.insert(row)
    assert (row._state.adding, row._state.db) == (False, routers.chosen)
    assert model.objects.values().get() == values
    assert model.objects.get() == kept


@every_database
def test_an_insert_keeps_what_is_in_a_context(database, challenge):
    values = Challenge.objects.values().get()
    Delivery.objects.all().delete()
    Challenge.objects.all().delete()
    values |= {"context": {"payee": 'Zoë\'s 100 % "Café"', "amount": "1.50"}, "seed": bytes(range(16))}
    statements.insert(Challenge(**values))
    kept = Challenge.objects.values().get()
    assert (kept["context"], bytes(kept["seed"])) == (values["context"], values["seed"])


@pytest.mark.django_db
def test_an_insert_is_told_as_a_save_is(challenge):
    told = []

    def hear(sender, **about):
        told.append({name: value for name, value in about.items() if name not in {"signal", "instance"}})

    Delivery.objects.all().delete()
    for insert in (lambda row: row.save(force_insert=True), statements.insert):
        for signal in (pre_save, post_save):
            signal.connect(hear, sender=Delivery)
        try:
            insert(Delivery(challenge=challenge, channel="sms"))
        finally:
            for signal in (pre_save, post_save):
                signal.disconnect(hear, sender=Delivery)
    assert told[:2] == told[2:]
    assert told[3]["created"] is True


@pytest.mark.django_db
def test_an_insert_that_fails_spoils_the_transaction_that_it_is_in(challenge):
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            statements.insert(Delivery(challenge=challenge, channel="sms", status="gone fishing"))
        assert connections["default"].needs_rollback
        transaction.set_rollback(True)


def by_the_orm(challenge, right, held, now):
    """Count a guess as the ORM would without anything prepared."""
    last = Q(attempts__gte=challenge.max_attempts - 1)
    ends = {
        "status": "verified" if right else Case(When(last, then=Value("locked")), default=F("status")),
        "closed_at": now if right else Case(When(last, then=Value(now)), default=F("closed_at")),
    }
    rows = Challenge.objects.filter(
        pk=challenge.pk, status="pending", attempts__lt=challenge.max_attempts, expires_at__gt=now
    )
    rows.update(**({} if held else ends), attempts=F("attempts") + 1)


@every_database
@pytest.mark.parametrize(("right", "held"), [(True, False), (False, False), (True, True)])
def test_a_guess_is_counted_as_the_orm_would(database, challenge, right, held):
    now = timezone.now()
    by_orm = rolled_back(database, lambda: by_the_orm(challenge, right, held, now))
    for _ in range(2):
        by_us = rolled_back(database, lambda: guesses.count(challenge, right, now, held=held))
        assert sent(by_us, "UPDATE") == sent(by_orm, "UPDATE")
    assert len(sent(by_orm, "UPDATE")) == 1


@every_database
def test_what_is_judged_is_read_as_the_orm_would(database, challenge):
    rows = Challenge.objects.only(*challenges._JUDGED).filter(pk=challenge.pk)
    with CaptureQueriesContext(database) as by_orm:
        (expected,) = rows
    for _ in range(2):
        with CaptureQueriesContext(database) as by_us:
            found = challenges._get_judged(challenge.pk)
        assert sent(by_us, "SELECT") == sent(by_orm, "SELECT")
        assert found.get_deferred_fields() == expected.get_deferred_fields()
        for name in ("id", *challenges._JUDGED):
            assert getattr(found, name) == getattr(expected, name)
        assert (found._state.adding, found._state.db) == (False, routers.chosen)
    assert found.region == "US"  # deferred, and there when it is asked for


@every_database
def test_values_come_back_as_the_orm_reads_them(database, challenge):
    names = [field.attname for field in Challenge._meta.concrete_fields]
    rows = Rows(Challenge.objects.filter(number=Given(Challenge, "number")).values_list(*names))
    assert rows.values(routers.chosen, number=PHONE) == [Challenge.objects.values_list(*names).get()]
    assert rows.values(routers.chosen, number="+14155550199") == []


@every_database
def test_one_value_may_stand_in_several_places_and_another_one_comes_the_next_time(database, challenge):
    later = Update(
        Challenge.objects.filter(expires_at__gt=Given(Challenge, "expires_at", "now")),
        resend_at=Given(Challenge, "resend_at", "now"),
        closed_at=Given(Challenge, "closed_at"),
    )
    now = timezone.now()
    for seconds, closed_at in ((1, None), (2, now)):
        moment = now + timedelta(seconds=seconds)
        assert later.run(routers.chosen, now=moment, closed_at=closed_at) == 1
        assert Challenge.objects.values_list("resend_at", "closed_at").get() == (moment, closed_at)
    assert later.run(routers.chosen, now=challenge.expires_at, closed_at=None) == 0


@pytest.mark.django_db
def test_it_is_compiled_once(challenge):
    rows = Rows(Challenge.objects.filter(pk=Given(Challenge, "id")))
    with mock.patch.object(_Prepared, "_compile", autospec=True, side_effect=_Prepared._compile) as compiles:
        for _ in range(3):
            assert rows.objects("default", id=challenge.pk) == [challenge]
    assert compiles.call_count == 1


@pytest.mark.django_db
def test_compiling_leaves_alone_what_threads_share(challenge):
    rows = Rows(Challenge.objects.all())
    assert rows.objects("default") == [challenge]
    assert rows._query.alias_refcount == {}


@pytest.mark.django_db
def test_an_update_that_fails_spoils_the_transaction_that_it_is_in(challenge):
    spoil = Update(Challenge.objects.filter(pk=Given(Challenge, "id")), status=Given(Challenge, "status"))
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            spoil.run("default", id=challenge.pk, status="gone fishing")
        assert connections["default"].needs_rollback
        transaction.set_rollback(True)
