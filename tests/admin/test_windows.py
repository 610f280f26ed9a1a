from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.admin import lists
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import override_phone_otp
from tests.admin import url
from tests.conftest import every_database
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
ROWS = {"challenge": Challenge, "delivery": Delivery}


@pytest.fixture
def staff(staff, monkeypatch):
    """Staff whose lists look at three rows, of eight."""
    monkeypatch.setattr(lists, "MOST_LISTED", 3)
    with override_phone_otp(LIMITS=UNLIMITED):
        for last in range(8):
            phone_otp.send(f"+1415555012{last}", purpose="signup" if last else "verify")
    return staff


def changelist(staff, model, **query):
    page = staff.get(url(model, "changelist"), query)
    assert page.status_code == 200
    return page, [row.pk for row in page.context["cl"].result_list]


@pytest.mark.parametrize("model", ROWS)
def test_a_list_looks_at_the_newest_and_leads_to_the_older_ones_till_all_were_seen(staff, model):
    seen, query = [], {}
    for _ in range(10):
        page, rows = changelist(staff, model, **query)
        assert len(rows) <= 3
        seen += rows
        oldest = page.context["cl"].oldest
        assert ("Older ones" in page.content.decode()) == (oldest is not None)
        if oldest is None:
            break
        query = {"before": str(oldest)}
    assert seen == list(ROWS[model].objects.order_by("-pk").values_list("pk", flat=True))


@every_database
@pytest.mark.parametrize("model", ROWS)
@pytest.mark.parametrize("name", ["purpose", "region", "channel", "number_of", "user", "before", "time"])
def test_a_nul_in_the_address_is_refused_as_what_makes_no_sense(database, staff, model, name):
    assert staff.get(url(model, "changelist"), {name: "\0"})["Location"].endswith("?e=1")
    assert staff.get(url(model, "export") + f"?{name}=%00").status_code == 400


@pytest.mark.parametrize("model", ROWS)
def test_a_filter_that_is_set_to_nothing_does_not_open_the_window(staff, model):
    assert len(changelist(staff, model, number_of="", user="")[1]) == 3


@pytest.mark.parametrize("model", ROWS)
def test_the_older_ones_are_looked_through_with_the_same_filters(staff, model):
    page, _ = changelist(staff, model, purpose="signup")
    assert f"purpose=signup&amp;before={page.context['cl'].oldest}" in page.content.decode()


@pytest.mark.parametrize("model", ROWS)
def test_a_filter_looks_no_further_than_the_list_does(staff, model):
    assert changelist(staff, model, purpose="verify")[1] == []
    before = ROWS[model].objects.order_by("pk")[2].pk
    assert len(changelist(staff, model, purpose="verify", before=str(before))[1]) == 1


@pytest.mark.parametrize("model", ROWS)
def test_what_an_index_finds_is_shown_whatever_its_age(staff, model):
    first = Challenge.objects.order_by("pk").first()
    _, rows = changelist(staff, model, number_of=str(first.pk))
    assert len(rows) == 1


@pytest.mark.parametrize("model", ROWS)
def test_a_time_is_where_the_list_ends(staff, model, monkeypatch):
    monkeypatch.setattr(lists, "MOST_LISTED", 100)
    for days, times in ((2, ("week", "month")), (20, ("month",)), (40, ())):
        with time_machine.travel(timezone.now() - timedelta(days=days)), override_phone_otp(LIMITS=UNLIMITED):
            phone_otp.send("+14155550150", purpose="signup")
        row = ROWS[model].objects.order_by("pk").first().pk
        assert [time for time in lists.TIMES if row in changelist(staff, model, time=time)[1]] == list(times)
        assert row in changelist(staff, model)[1]


@pytest.mark.parametrize("state", [*ChallengeStatus, "nonsense"])
def test_the_states_are_those_of_now(staff, monkeypatch, state):
    monkeypatch.setattr(lists, "MOST_LISTED", 100)
    now = timezone.now()
    keys = list(Challenge.objects.order_by("pk").values_list("pk", flat=True))
    Challenge.objects.filter(pk=keys[0]).update(expires_at=now)
    for key, stored in zip(keys[1:4], ("verified", "locked", "canceled"), strict=True):
        Challenge.objects.filter(pk=key).update(status=stored, expires_at=now)
    expected = {
        "expired": keys[:1],
        "verified": keys[1:2],
        "locked": keys[2:3],
        "canceled": keys[3:4],
        "pending": keys[4:],
    }
    assert sorted(changelist(staff, "challenge", state=state)[1]) == expected.get(state, keys)


def test_the_regions_that_are_offered_are_those_that_the_settings_name(staff):
    settings = {
        "REGIONS": ["US", "IN"],
        "DEFAULT_REGION": "US",
        "ROUTES": [{"regions": ["GB"], "backends": ["default"]}],
        "BUDGET": {"PRICES": {"FR": "0.1", "*": "0.2"}},
    }
    with override_phone_otp(**settings):
        page = changelist(staff, "challenge")[0].content.decode()
    assert all(f"?region={region}" in page for region in ("US", "IN", "GB", "FR"))
    assert "?region=*" not in page


def test_a_region_may_be_written_into_the_address(staff):
    assert len(changelist(staff, "challenge", region="us")[1]) == 3
