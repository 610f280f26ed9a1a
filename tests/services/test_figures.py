import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine

import django_phone_otp as phone_otp
from django_phone_otp.core.identifiers import first_uuid7, uuid7
from django_phone_otp.exceptions import NumberNotAllowed, PhoneOTPError, RateLimited
from django_phone_otp.models import Challenge, DailyFigures, Delivery
from django_phone_otp.services import counting, figures, limits, stats
from django_phone_otp.services.blocks import block
from django_phone_otp.test import latest_code, override_phone_otp
from tests.attacks.test_failing_closed import DEAD_MEMCACHED
from tests.conftest import PHONE, every_database
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = NOON.date()
SERIALS = itertools.count(1)


@pytest.fixture(autouse=True)
def moment():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def made(at=NOON, *, status="pending", closed=None, deliveries=(), **fields):
    """Make a challenge of ``at``, with deliveries."""
    with time_machine.travel(at, tick=False):
        given = {"number": PHONE, "region": "US", "purpose": "signup", "channel": "sms", **fields}
        challenge = Challenge.objects.create(
            id=uuid7(),
            serial=next(SERIALS),
            max_attempts=5,
            code_length=6,
            seed=b"x" * 16,
            key_id="k",
            status=status,
            created_at=at,
            expires_at=at + timedelta(minutes=5),
            resend_at=at,
            closed_at=closed and at + timedelta(seconds=closed),
            **given,
        )
        for place, each in enumerate(deliveries):
            after = each.pop("after", None)
            pk = first_uuid7(at + timedelta(milliseconds=place)).int + next(SERIALS)
            Delivery.objects.create(
                **{
                    "id": UUID(int=pk),
                    "challenge": challenge,
                    "channel": "sms",
                    "alias": "default",
                    "queued_at": at,
                    **each,
                },
                delivered_at=None if after is None else at + timedelta(seconds=after),
            )
    return challenge


def delivered(after=4, **fields):
    return {"status": "delivered", "after": after, **fields}


def lines_by(dimension, days=7, only=None):
    return {line.name: line for line in stats.read(days, dimension, only).lines}


@every_database
def test_the_figures_are_those_of_what_happened(database):
    made(status="verified", closed=20, deliveries=[delivered(4, price="0.0079", segments=2)])
    made(status="verified", closed=60, deliveries=[delivered(8, price="0.0079")], region="GB")
    made(deliveries=[{"status": "undelivered", "reason": "absent subscriber", "price": "0.01"}])
    made(status="locked", deliveries=[{"status": "failed", "reason": "no balance"}, {"status": "accepted"}])
    made(status="canceled", deliveries=[{"status": "unknown", "vendor_code": "E7"}], purpose="login")
    total = stats.read(7, "alias").total
    assert total.challenges == 5
    assert total.verified == 2
    assert total.messages == 5
    assert total.delivered == 2
    assert total.delivery_rate == pytest.approx(2 / 5)
    assert total.verification_rate == pytest.approx(2 / 5)
    assert total.cost == Decimal("0.0258")
    assert total.cost_per_verification == Decimal("0.0129")
    assert total.counts["segments"] == 6
    assert total.seconds_to("deliver", 0.5) == pytest.approx(4, rel=0.05)
    assert total.seconds_to("deliver", 0.95) == pytest.approx(8, rel=0.05)
    assert total.seconds_to("verify", 0.95) == pytest.approx(60, rel=0.05)
    assert total.reasons == {"undelivered: absent subscriber": 1, "failed: no balance": 1, "unknown: E7": 1}


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("alias", {"default": (2, 2), "backup": (1, 1)}),
        ("region", {"US": (2, 2), "IN": (1, 1)}),
        ("purpose", {"signup": (1, 1), "login": (2, 2)}),
        ("channel", {"sms": (2, 2), "whatsapp": (1, 1)}),
        ("day", {"2026-11-22": (2, 2), "2026-11-21": (1, 1)}),
    ],
)
def test_they_are_told_apart_by(dimension, expected):
    made(deliveries=[delivered()])
    made(deliveries=[{"status": "failed", "alias": "default"}, delivered(alias="backup")], region="IN", purpose="login")
    made(
        NOON - timedelta(days=1),
        deliveries=[delivered(channel="whatsapp")],
        purpose="login",
        channel="whatsapp",
    )
    lines = lines_by(dimension)
    assert {name: (line.challenges, line.messages) for name, line in lines.items() if line.challenges} == expected


def test_what_is_narrowed_counts_nothing_else():
    made(deliveries=[delivered()])
    made(deliveries=[delivered()], region="IN", purpose="login")
    read = stats.read(7, "region", {"purpose": "login"})
    assert [line.name for line in read.lines] == ["IN"]
    assert read.total.messages == 1
    assert stats.read(7, "region", {"purpose": "login", "region": "US"}).total.messages == 0


def test_days_without_anything_are_days_too():
    made(NOON - timedelta(days=3), deliveries=[delivered()])
    read = stats.read(7, "alias")
    assert [line.name for line in read.days] == [f"2026-11-{day}" for day in range(16, 23)]
    assert [line.messages for line in read.days] == [0, 0, 0, 1, 0, 0, 0]
    # In groups that are whole, and end today.
    assert [line.messages for line in stats.merge(read.days, 3)] == [1, 0]
    assert [line.name for line in stats.merge(read.days, 3)] == ["2026-11-17", "2026-11-20"]


def test_decoys_test_numbers_and_notices_are_no_challenges():
    made(decoy=True, deliveries=[{"status": "failed", "alias": "", "reason": "decoy: the number is not registered"}])
    made(status="verified", closed=3, deliveries=[{"status": "delivered", "alias": "", "reason": "test number"}])
    made(purpose="notice", status="canceled", deliveries=[delivered()])
    total = stats.read(7, "alias").total
    assert (total.challenges, total.messages, total.delivered) == (0, 1, 1)
    assert not total.reasons


def test_without_receipts_prices_or_challenges_nothing_is_claimed():
    nothing = stats.read(7, "alias").total
    made(deliveries=[{"status": "accepted"}])
    figures.count_day(DAY)
    total = stats.read(7, "alias").total
    assert total.messages == 1
    assert (total.delivery_rate, total.cost, total.cost_per_verification) == (None, None, None)
    assert (nothing.verification_rate, nothing.seconds_to("deliver", 0.5)) == (None, None)


def test_a_challenge_is_that_of_the_alias_whose_message_came_last():
    made(
        status="verified",
        closed=9,
        deliveries=[{"status": "accepted", "alias": "first"}, delivered(alias="second"), {"status": "failed"}],
    )
    lines = lines_by("alias")
    assert {name: line.verified for name, line in lines.items()} == {"first": 0, "second": 1, "default": 0}


def test_a_challenge_is_that_of_the_channel_whose_message_left_last():
    made(
        status="verified",
        closed=9,
        channel="voice",
        deliveries=[delivered(), {"status": "failed", "channel": "voice", "reason": "no balance"}],
    )
    lines = lines_by("channel")
    assert {name: (line.challenges, line.messages) for name, line in lines.items()} == {"sms": (1, 1), "voice": (0, 0)}


def test_messages_by_aliases_that_give_no_receipts_do_not_lower_the_rate():
    for _ in range(9):
        made(deliveries=[{"status": "accepted", "alias": "silent"}])
    made(deliveries=[delivered(alias="talkative")])
    made(NOON - timedelta(days=1), deliveries=[{"status": "accepted", "alias": "talkative"}], region="GB")
    made(NOON - timedelta(days=1), deliveries=[{"status": "accepted", "alias": "talkative", "channel": "voice"}])
    by_alias = lines_by("alias")
    assert by_alias["silent"].delivery_rate is None
    assert by_alias["talkative"].delivery_rate == pytest.approx(1 / 2)
    assert stats.read(7, "alias").total.delivery_rate == pytest.approx(1 / 2)
    assert lines_by("region")["GB"].delivery_rate == 0  # this alias would have said so
    assert lines_by("region", only={"alias": "silent"})["US"].delivery_rate is None


def test_a_day_that_is_still_to_come_is_left_out():
    """A server whose clock is ahead has counted it."""
    DailyFigures.objects.create(
        day=DAY + timedelta(days=1),
        figures={"groups": [["default", "US", "signup", "sms", {"counts": {"messages": 1}}]]},
    )
    made(deliveries=[delivered()])
    assert stats.read(7, "day").total.messages == 1


def test_a_closing_time_that_is_missing_is_not_made_up():
    made(status="verified")
    total = stats.read(7, "alias").total
    assert (total.verified, total.seconds_to("verify", 0.5)) == (1, None)


def test_reasons_that_a_vendor_makes_up_do_not_add_up_without_end():
    made(deliveries=[{"status": "failed", "reason": f"made up {n}"} for n in range(counting.REASONS + 60)])
    reasons = stats.read(7, "alias").total.reasons
    assert len(reasons) == counting.REASONS + 1
    assert reasons["failed: …"] == 60


def test_a_page_of_challenges_ends_where_the_next_begins(monkeypatch):
    monkeypatch.setattr(counting, "PAGE", 2)
    for second in range(5):
        made(NOON + timedelta(seconds=second), deliveries=[delivered(), delivered()])
    total = stats.read(7, "alias").total
    assert (total.challenges, total.messages) == (5, 10)


def test_days_begin_at_midnight_in_utc():
    made(datetime(2026, 11, 22, tzinfo=UTC))
    made(datetime(2026, 11, 22, tzinfo=UTC) - timedelta(milliseconds=1))
    assert [line.challenges for line in stats.read(7, "alias").days][-2:] == [1, 1]


def test_today_is_counted_anew_after_a_minute_and_not_before(moment):
    made()
    assert stats.read(7, "alias").total.challenges == 1
    made()
    moment.shift(30)
    assert stats.read(7, "alias").total.challenges == 1
    moment.shift(31)
    assert stats.read(7, "alias").total.challenges == 2
    assert stats.read(7, "alias").counted_at == NOON + timedelta(seconds=61)


def test_a_day_is_counted_anew_until_the_last_receipt_can_have_come(moment):
    challenge = made(deliveries=[{"status": "accepted"}])
    for hours, expected in ((1, 0), (2 * 24, 1), (10 * 24, 1)):
        moment.move_to(NOON + timedelta(hours=hours))
        total = stats.read(30, "alias").total
        assert total.delivered == expected
        challenge.deliveries.update(status="delivered")
    moment.move_to(NOON + timedelta(days=10, hours=2))
    Delivery.objects.update(status="undelivered")
    assert stats.read(30, "alias").total.delivered == 1  # what has settled is read from its figures alone


def test_what_was_deleted_stays_counted(moment):
    with override_phone_otp(RETENTION=timedelta(hours=25)):
        made(deliveries=[delivered()])
        assert stats.read(7, "alias").total.messages == 1
        moment.move_to(NOON + timedelta(days=2))
        Challenge.objects.all().delete()
        made(NOON + timedelta(days=2))
        read = stats.read(7, "alias")
    assert (read.total.messages, read.total.challenges) == (1, 2)


def test_a_day_that_is_being_deleted_meanwhile_is_not_counted_again(moment):
    with override_phone_otp(RETENTION=timedelta(days=2)):
        for days in (1, 0):
            made(NOON - timedelta(days=days))
        assert list(figures.count_days()) == [DAY, DAY - timedelta(days=1)]
        moment.shift(2 * 3600)
        run = figures.count_days()
        assert next(run) == DAY
        moment.shift(24 * 3600)  # which takes long, and another run is quicker
        Challenge.objects.all().delete()
        assert list(run) == []
    assert stats.read(7, "alias").total.challenges == 2


def test_somebody_who_looks_waits_for_no_long_count(monkeypatch):
    for _ in range(4):
        made()
    made(NOON - timedelta(days=1))
    monkeypatch.setattr(figures, "QUICK", 3)
    read = stats.read(7, "alias")
    assert (read.left, read.total.challenges) == (1, 1)
    assert list(figures.count_days()) == [DAY]
    read = stats.read(7, "alias")
    assert (read.left, read.total.challenges) == (0, 5)


def test_somebody_who_looks_waits_for_a_few_days_only(monkeypatch):
    for days in range(3):
        made(NOON - timedelta(days=days))
    monkeypatch.setattr(figures, "PATIENCE", -1.0)
    assert stats.read(7, "alias").left == 3
    assert stats.read(2, "alias").left == 2
    assert stats.read(7, "alias").counted_at is None


@pytest.mark.parametrize("is_known", [True, False])
def test_what_another_run_counted_and_deleted_meanwhile_stays_as_that_counted_it(monkeypatch, moment, is_known):
    made()
    if is_known:
        figures.count_day(DAY)
        moment.shift(2 * 3600)
    count = figures.count_between

    def after_another_run(*bounds):
        monkeypatch.setattr(figures, "count_between", count)
        moment.shift(1)
        figures.count_day(DAY)
        Challenge.objects.all().delete()
        return count(*bounds)

    monkeypatch.setattr(figures, "count_between", after_another_run)
    figures.count_day(DAY)
    assert stats.read(7, "alias").total.challenges == 1


def test_a_day_that_another_run_counted_and_deleted_is_not_counted_at_all():
    for days in range(2):
        made(NOON - timedelta(days=days))
    run = figures.count_days()
    assert next(run) == DAY
    assert list(figures.count_days()) == [DAY - timedelta(days=1)]
    Challenge.objects.all().delete()
    assert list(run) == []
    assert stats.read(7, "alias").total.challenges == 2


def test_two_that_count_one_day_at_once_keep_one(monkeypatch):
    made()
    count = figures.count_between

    def meanwhile(*bounds):
        DailyFigures.objects.create(day=DAY, figures=count(*bounds))
        return count(*bounds)

    monkeypatch.setattr(figures, "count_between", meanwhile)
    figures.count_day(DAY)
    assert stats.read(7, "alias").total.challenges == 1


def test_figures_are_kept_for_more_than_a_year_and_then_go():
    DailyFigures.objects.create(day=DAY - timedelta(days=400))
    DailyFigures.objects.create(day=DAY - timedelta(days=401))
    assert figures.forget_old() == 1
    assert DailyFigures.objects.get().day == DAY - timedelta(days=400)


def test_no_number_is_in_the_figures():
    made(deliveries=[delivered(vendor_id="made-up-id"), {"status": "failed", "reason": "absent"}])
    figures.count_day(DAY)
    kept = str(DailyFigures.objects.values().get())
    assert "5550123" not in kept
    assert "made-up-id" not in kept


def refused():
    figures.count_day(DAY)
    return stats.read(7, "alias").refused


def test_what_the_limits_refuse_is_counted_by_limit(api):
    with override_phone_otp(LIMITS={**UNLIMITED, "send.number": ["1/1h"], "send.prefix": ["1/1h"]}):
        phone_otp.send(PHONE, purpose="signup")
        for _ in range(3):
            with pytest.raises(RateLimited):
                phone_otp.send(PHONE, purpose="signup")
    assert refused() == {"send.number": 3, "send.prefix": 3}


def test_numbers_that_get_no_message_are_counted_by_whose_reason_it_is():
    block("+1415555*")
    for settings in ({"REGIONS": ["GB"]}, {"DENIED_PREFIXES": ["+1415"]}, {}):
        with override_phone_otp(LIMITS=UNLIMITED, **settings), pytest.raises(NumberNotAllowed):
            phone_otp.send(PHONE, purpose="signup")
    with pytest.raises(NumberNotAllowed):
        phone_otp.send("+1 900 555 0123", purpose="signup")
    assert refused() == {"REGIONS": 1, "DENIED_PREFIXES": 1, "blocked": 1, "kind_of_number": 1}


def test_a_refusal_that_nobody_is_told_of_costs_no_count_that_could_be_measured():
    block("+1415555*")
    for regions in (["GB"], ["US"]):
        with override_phone_otp(LIMITS=UNLIMITED, REGIONS=regions, PURPOSES={"login": {"REGISTERED_ONLY": True}}):
            phone_otp.send(PHONE, purpose="login")
    assert refused() == {}


def test_used_up_guesses_are_counted():
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.number": ["1/1d"]}):
        challenge = phone_otp.send(PHONE, purpose="signup")
        with pytest.raises(PhoneOTPError):
            phone_otp.verify(challenge.handle, "000000" if latest_code(PHONE) != "000000" else "111111")
        with pytest.raises(PhoneOTPError):
            phone_otp.send(PHONE, purpose="signup")
    assert refused() == {"verify.number": 1}


def demands(request, **_):
    return {"captcha": "please"}


@pytest.mark.parametrize(
    ("hook", "name"), [(None, "verify.failed"), (f"{__name__}.demands", "CHALLENGE_HOOK")], ids=["none", "demanding"]
)
def test_guesses_that_are_held_up_are_counted(api, hook, name):
    with override_phone_otp(LIMITS={**UNLIMITED, "verify.failed": ["1/10m"]}, CHALLENGE_HOOK=hook):
        handle = api.send().json()["challenge"]
        wrong = "000000" if latest_code(PHONE) != "000000" else "111111"
        statuses = [api.verify(handle, wrong).status_code for _ in range(3)]
    assert statuses == [400, *([403] * 2 if hook else [429] * 2)]
    assert refused() == {name: 2}


def test_a_cache_that_forgets_does_not_take_back_what_was_counted(settings):
    limits.note_refusal("send.ip")
    limits.note_refusal("send.ip")
    assert refused() == {"send.ip": 2}
    from django.core.cache import cache

    cache.clear()
    limits.note_refusal("send.ip")
    assert refused() == {"send.ip": 2}


def test_a_cache_that_fails_costs_the_count_and_nothing_else(settings, caplog):
    settings.CACHES = DEAD_MEMCACHED
    limits.note_refusal("send.ip")
    assert limits.refusals_on(date(2026, 11, 22)) == {}
    assert "The cache for statistics failed" in caplog.text


def test_a_days_figures_are_named_after_the_day():
    made()
    figures.count_day(DAY)
    assert str(DailyFigures.objects.get()) == "2026-11-22"
