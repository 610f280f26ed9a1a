import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

import django_phone_otp as phone_otp
from django_phone_otp.admin.charts import Chart, Series, round_up
from django_phone_otp.models import Challenge, DailyFigures, Delivery
from django_phone_otp.services import figures, limits
from django_phone_otp.test import latest_code, override_phone_otp
from tests.admin import url
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
MARKUP = re.compile(r"<[^>]*>|\s+")


@pytest.fixture
def messages():
    """A challenge that was verified, and one whose message was not delivered."""
    with override_phone_otp(LIMITS=UNLIMITED, BUDGET={"PRICES": {"*": "0.0079"}}):
        challenge = phone_otp.send(PHONE, purpose="signup")
        phone_otp.verify(challenge.handle, latest_code(PHONE))
        phone_otp.send("+14155550124", purpose="verify")
    verified, other = Delivery.objects.order_by("pk")
    later = verified.queued_at + timedelta(seconds=4)
    Delivery.objects.filter(pk=verified.pk).update(status="delivered", delivered_at=later, price="0.0079")
    Delivery.objects.filter(pk=other.pk).update(status="undelivered", reason="absent subscriber", price="0.0079")


def page_of(client, **query):
    answer = client.get(url("dailyfigures", "changelist"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(page):
    return MARKUP.sub(" ", page)


def test_the_page_tells_what_was_sent_delivered_verified_and_refused(staff, messages):
    limits.note_refusal("send.ip")
    words = re.sub(r"\s+", " ", text_of(page_of(staff)))
    assert "All 2 2 50.0% 50.0%" in words
    assert "0.02 0.0158" in words
    assert "undelivered: absent subscriber 1" in words
    assert "send.ip 1" in words
    assert "The newest day was counted at" in words


@pytest.mark.parametrize("by", ["alias", "region", "purpose", "channel"])
def test_each_line_leads_to_what_it_is_about(staff, messages, by):
    page = page_of(staff, by=by)
    links = re.findall(r'<a href="(\?[^"]*)">([^<]*)</a>\s*</th>', page)
    assert links
    for link, name in links:
        narrowed = staff.get(url("dailyfigures", "changelist") + link.replace("&amp;", "&")).content.decode()
        assert f"{by}: {name}" in narrowed
        assert "Show all" in narrowed


def test_days_are_lines_that_lead_nowhere(staff, messages):
    page = page_of(staff, by="day", days="7")
    assert len(re.findall(r'<th scope="row">\s*\d{4}-\d\d-\d\d\s*</th>', page)) == 7


@pytest.mark.parametrize(
    "query", [{"days": "nonsense"}, {"by": "number"}, {"by": ""}, {"alias": "x" * 5000}, {"region": "\0<script>"}]
)
def test_what_makes_no_sense_does_no_harm(staff, messages, query):
    assert "<script>" not in page_of(staff, **query).partition("<main")[2]


@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_every_span_is_drawn_with_a_table_beside_each_picture(staff, messages, days):
    page = page_of(staff, days=days)
    assert page.count('role="img"') == page.count("As a table") == 4
    assert not re.search(r"\sstyle=|<style|\son\w+=", page)


def test_without_anything_the_page_says_so(staff):
    words = text_of(page_of(staff))
    assert "Nothing was counted yet" not in words  # today is counted: there was nothing
    assert words.count("There is nothing to show.") == 4


def test_days_that_take_too_long_are_said_to_be_left_out(staff, messages, monkeypatch):
    monkeypatch.setattr(figures, "PATIENCE", -1.0)
    words = text_of(page_of(staff))
    assert "Nothing was counted yet." in words
    assert "1 day is not counted" in words


def test_regions_that_nobody_reads_are_in_the_sums(staff):
    groups = [["default", f"{n:02}", "signup", "sms", {"counts": {"messages": 1}}] for n in range(103)]
    today = figures.today()
    DailyFigures.objects.create(day=today, figures={"groups": groups}, made_at=timezone.now())
    words = re.sub(r"\s+", " ", text_of(page_of(staff, by="region")))
    assert "All 0 103" in words
    assert "3 more are in the sums and not listed." in words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4, "4.0 s"), (45, "44 s"), (150, "2.5 min"), (1200, "20 min"), (8900, "2.5 h"), (40_000, "11 h")],
)
def test_times_are_said_as_people_say_them(staff, messages, seconds, words):
    Delivery.objects.filter(status="delivered").update(delivered_at=Delivery.objects.first().queued_at)
    for delivery in Delivery.objects.filter(status="delivered"):
        delivery.delivered_at = delivery.queued_at + timedelta(seconds=seconds)
        delivery.save()
    said = re.search(r"([\d.]+) (s|min|h) / ", text_of(page_of(staff)))
    wanted, unit = words.split()
    assert said.group(2) == unit
    assert float(said.group(1)) == pytest.approx(float(wanted), rel=0.06)


def test_the_page_costs_the_same_however_many_there_were(staff, messages, django_assert_num_queries):
    page_of(staff, days=30)
    for last in range(130, 160):
        with override_phone_otp(LIMITS=UNLIMITED):
            phone_otp.send(f"+14155550{last}", purpose="signup")
    with django_assert_num_queries(5):  # session, user, the first day, which days are kept, and their figures
        page_of(staff, days=30)


@pytest.mark.parametrize(
    ("permissions", "status"), [((), 403), (("view_challenge",), 403), (("view_dailyfigures",), 200)]
)
def test_who_may_see_it_has_the_permission_for_it(client, messages, permissions, status):
    user = User.objects.create_user("support", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(url("dailyfigures", "changelist")).status_code == status
    assert (url("dailyfigures", "changelist") in client.get("/admin/").content.decode()) == (status == 200)


def test_nothing_can_be_added_changed_or_deleted(staff, messages):
    page_of(staff)
    for page in ("add/", "2026-11-24/change/", "2026-11-24/delete/"):
        assert staff.get(url("dailyfigures", "changelist") + page).status_code == 404
    before = list(DailyFigures.objects.values())
    staff.post(url("dailyfigures", "changelist"), {"action": "delete_selected", "_selected_action": "2026-11-24"})
    assert list(DailyFigures.objects.values()) == before


def test_it_has_no_number_and_no_handle(staff, messages):
    handles = [challenge.handle for challenge in Challenge.objects.all()]
    for by in ("alias", "day"):
        page = page_of(staff, by=by)
        assert "5550123" not in page
        assert not [handle for handle in handles if handle in page]


@given(st.floats(1e-3, 1e12))
def test_an_axis_ends_at_a_round_number_that_is_no_smaller(value):
    top = round_up(value)
    assert value <= top <= value * 2.5 + 1e-9
    assert float(f"{top:.2g}") == pytest.approx(top)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=60), st.booleans())
def test_all_that_is_drawn_lies_within_the_picture(values, stacked):
    chart = Chart("", [str(place) for place in range(len(values))], [Series("", "first", values)] * 2, stacked=stacked)
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= chart.width
        assert 0 <= bar.y <= bar.y + bar.height <= chart.height + 0.2
    for line in chart.lines:
        assert all(0 <= dot.at <= chart.width and 0 <= height <= chart.height for dot, height in line.marks)
        assert len(line.dots) == sum(value is not None for value in values)
    assert chart.is_empty == (not any(values))
