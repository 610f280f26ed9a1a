import types
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.admin import many
from django_phone_otp.admin.readonly import ReadOnlyAdmin
from django_phone_otp.backends.base import DeliveryStatus
from django_phone_otp.exceptions import Unavailable
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import opening, polling
from django_phone_otp.test import override_phone_otp
from tests.admin import url
from tests.admin.accounts import log_in_as
from tests.admin.test_actions import PolledBackend
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

MODELS = {"cancel": Challenge, "ask": Delivery}
VIEWS = ("view_challenge", "view_delivery")
ACCOUNTS = {
    "view-only": VIEWS,
    "revealing": (*VIEWS, "reveal_number", "unlock_number"),
    "support": (*VIEWS, "cancel_challenge", "poll_delivery"),
    "without-the-list": ("cancel_challenge", "poll_delivery"),
}
MAY = {"view-only": False, "revealing": False, "support": True, "without-the-list": False, "superuser": True}


@pytest.fixture(autouse=True)
def _rows():
    """Five pending challenges, whose messages a vendor took that can be asked."""
    backends = {"default": {"BACKEND": "tests.admin.test_actions.PolledBackend"}}
    with override_phone_otp(BACKENDS=backends, LIMITS=UNLIMITED):
        for last in range(5):
            phone_otp.send(f"+1415555012{last}", purpose="signup")
        yield


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


def list_url(name):
    return url(MODELS[name]._meta.model_name, "changelist")


def keys_of(name, count=3):
    return [str(pk) for pk in MODELS[name].objects.order_by("-pk").values_list("pk", flat=True)[:count]]


def choose(client, name, keys, query="", **form):
    """Tick rows and choose what to do, as the list does."""
    form = {"action": name, "_selected_action": keys, "index": "0", "select_across": "0", **form}
    return client.post(list_url(name) + query, form)


def confirm(client, name, keys, query="", **form):
    """Say yes to the question."""
    form = {"action": name, "_selected_action": keys, "confirmed": "yes", **form}
    return client.post(list_url(name) + query, form, follow=True)


def state():
    return list(Challenge.objects.order_by("pk").values()), list(Delivery.objects.order_by("pk").values())


@pytest.mark.parametrize("account", MAY)
@pytest.mark.parametrize("name", MODELS)
def test_each_account_does_to_many_what_it_has_a_permission_for_and_nothing_else(client, account, name):
    log_in(client, account)
    before = state()
    page = client.get(list_url(name)).content.decode()
    assert ('name="action"' in page) == MAY[account]
    assert ('name="_selected_action"' in page) == MAY[account]
    question = choose(client, name, keys_of(name))
    assert question.status_code == (200 if MAY[account] else 403)
    assert state() == before  # a question does nothing
    assert not LogEntry.objects.exists()
    done = confirm(client, name, keys_of(name))
    assert done.status_code == (200 if MAY[account] else 403)
    assert (state() != before) == MAY[account]
    assert LogEntry.objects.count() == (3 if MAY[account] else 0)


@pytest.mark.parametrize("name", MODELS)
def test_a_list_offers_what_may_be_done_to_many_and_nothing_of_the_site(staff, name, monkeypatch):
    def everything(*_):
        raise AssertionError

    monkeypatch.setitem(admin.site._actions, "everything", everything)
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 2)
    page = staff.get(list_url(name)).content.decode()
    offered = page[page.index('<select name="action"') : page.index("</select>")]
    assert offered.count("<option") == 2
    assert f'<option value="{name}">' in offered
    assert "of 2 selected" in page
    assert 'class="question' not in page  # nor the rows of all pages
    before = state()
    for refused in ("delete_selected", "everything", "reveal", "unlock", "nonsense", ""):
        answer = confirm(staff, name, keys_of(name), action=refused)
        assert "No action was chosen" in answer.content.decode()
    assert state() == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", MODELS)
def test_the_page_of_one_row_has_links_and_no_menu(staff, name):
    listing = admin.site.get_model_admin(MODELS[name])
    request = staff.get(list_url(name)).wsgi_request
    assert set(listing.get_actions(request)) == {name}
    for location, offered in (("CHANGE_LIST", {name}), ("CHANGE_FORM", set())):
        assert set(listing.get_actions(request, action_location=types.SimpleNamespace(value=location))) == offered


@pytest.mark.parametrize("name", MODELS)
def test_the_question_says_how_many_and_which_and_no_number(staff, name):
    page = choose(staff, name, keys_of(name)).content.decode()
    assert "do this to 3 rows?" in page
    assert page.count('name="_selected_action"') == 3
    assert f"<li>{MODELS[name].objects.order_by('-pk')[0]}</li>" in page
    assert "not possible any more" not in page
    assert "5550" not in page


def end(name, keys):
    rows = MODELS[name].objects.filter(pk__in=keys)
    if name == "cancel":
        rows.update(expires_at=timezone.now())
    else:
        rows.update(status="delivered")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("query", ["", "?state=pending", "?status__exact=accepted", "?purpose=signup"])
def test_rows_that_ended_meanwhile_are_counted_and_left_alone_whatever_the_filter(staff, name, query):
    if ("state" in query and name == "ask") or ("status" in query and name == "cancel"):
        query = ""
    keys = keys_of(name, 5)
    end(name, keys[:1])
    question = choose(staff, name, keys, query).content.decode()
    assert "do this to 4 rows?" in question
    assert "not possible any more for 1 other" in question
    end(name, keys[1:2])
    page = confirm(staff, name, keys, query).content.decode()
    assert "3 done, 2 not possible any more" in page
    assert 'class="warning"' in page
    assert {entry.object_id for entry in LogEntry.objects.all()} == set(keys[2:])
    if name == "cancel":
        assert [row.status for row in Challenge.objects.order_by("-pk")] == ["pending"] * 2 + ["canceled"] * 3


@pytest.mark.parametrize("name", MODELS)
def test_all_done_is_said_as_a_success(staff, name):
    page = confirm(staff, name, keys_of(name)).content.decode()
    assert '<li class="success">3 done</li>' in page


@pytest.mark.parametrize("name", MODELS)
def test_where_nothing_is_possible_nothing_is_asked(staff, name):
    end(name, keys_of(name))
    answer = choose(staff, name, keys_of(name))
    assert (answer.status_code, answer["Location"]) == (302, list_url(name))
    assert "3 not possible any more" in staff.get(list_url(name)).content.decode()


@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_row_is_counted_as_none(staff, name):
    keys = [*keys_of(name, 1), "nonsense", "", str(uuid4()), "'; --", "+14155550123"]
    assert "do this to 1 row?" in choose(staff, name, keys).content.decode()
    assert "1 done, 5 not possible any more" in confirm(staff, name, keys).content.decode()


@pytest.mark.parametrize("name", MODELS)
def test_a_row_that_is_ticked_twice_is_one(staff, name):
    assert "1 done<" in confirm(staff, name, keys_of(name, 1) * 3).content.decode()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("keys", "form", "said"),
    [
        ([], {}, "No row was ticked"),
        (None, {"select_across": "1"}, "Only rows that are ticked on one page"),
        ([str(uuid4()) for _ in range(51)], {}, "At most 50 rows"),
    ],
    ids=["none", "all-pages", "too-many"],
)
@pytest.mark.parametrize("step", [choose, confirm])
def test_no_more_and_no_less_than_the_ticked_rows_of_a_page_are_taken(staff, name, keys, form, said, step):
    before = state()
    answer = step(staff, name, keys_of(name) if keys is None else keys, "?purpose=signup", **form)
    page = answer if answer.status_code == 200 else staff.get(answer["Location"])
    assert said in page.content.decode()
    assert state() == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", MODELS)
def test_staff_come_back_to_the_list_they_were_on(staff, name):
    answer = choose(staff, name, [], "?purpose=signup")
    assert answer["Location"] == f"{list_url(name)}?purpose=signup"
    assert (
        f'href="{list_url(name)}?purpose=signup"'
        in choose(staff, name, keys_of(name), "?purpose=signup").content.decode()
    )


@pytest.mark.parametrize("name", MODELS)
def test_what_cannot_be_written_down_is_not_done(staff, name, monkeypatch):
    written = []
    log_change = admin.ModelAdmin.log_change

    def disk_that_fills(*args):
        if len(written) == 2:
            raise OSError
        written.append(log_change(*args))

    asked = []
    monkeypatch.setattr(PolledBackend, "fetch_status", lambda self, delivery_id: asked.append(delivery_id))
    monkeypatch.setattr(admin.ModelAdmin, "log_change", disk_that_fills)
    with pytest.raises(OSError):  # noqa: PT011 - and no number
        confirm(staff, name, keys_of(name))
    assert len(asked) == (2 if name == "ask" else 0)
    assert Challenge.objects.filter(status="canceled").count() == (2 if name == "cancel" else 0)


@pytest.mark.parametrize("name", MODELS)
def test_the_log_says_who_did_what_to_which_row_and_no_number(staff, name):
    confirm(staff, name, keys_of(name))
    for entry in LogEntry.objects.all():
        assert entry.user == User.objects.get()
        assert entry.change_message == {"cancel": "Cancel the challenge", "ask": "Ask the vendor now"}[name]
        assert "5550" not in f"{entry} {entry.object_repr} {entry.change_message}"
    assert {entry.object_id for entry in LogEntry.objects.all()} == set(keys_of(name))


def test_a_challenge_that_ends_while_staff_click_is_not_counted_as_done(staff, monkeypatch):
    cancel, calls = opening.cancel_pending, []

    def lost_the_first(pk):
        calls.append(pk)
        return len(calls) > 1 and cancel(pk)

    monkeypatch.setattr("django_phone_otp.admin.actions.opening.cancel_pending", lost_the_first)
    assert "2 done, 1 not possible any more" in confirm(staff, "cancel", keys_of("cancel")).content.decode()


def test_what_is_refused_now_does_not_stop_the_others(staff, monkeypatch):
    cancel, calls = opening.cancel_pending, []

    def refused_the_first(pk):
        calls.append(pk)
        if len(calls) == 1:
            raise Unavailable(60)
        return cancel(pk)

    monkeypatch.setattr("django_phone_otp.admin.actions.opening.cancel_pending", refused_the_first)
    assert "2 done, 1 failed, which can be tried" in confirm(staff, "cancel", keys_of("cancel")).content.decode()


def test_vendors_are_asked_and_their_answers_kept(staff, monkeypatch):
    monkeypatch.setattr(PolledBackend, "word", DeliveryStatus.DELIVERED)
    confirm(staff, "ask", keys_of("ask"))
    assert [row.status for row in Delivery.objects.order_by("-pk")] == ["delivered"] * 3 + ["accepted"] * 2
    monkeypatch.setattr(PolledBackend, "word", None)
    page = confirm(staff, "ask", keys_of("ask", 5)).content.decode()
    assert "3 not possible any more, 2 failed, which can be tried again later" in page


def test_a_slow_vendor_keeps_nobody_waiting_for_all_rows(staff, monkeypatch):
    now = [0.0]

    def slow(delivery):
        now[0] += 6
        return polling.Answer.SAME

    monkeypatch.setattr(many, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("django_phone_otp.admin.actions.polling.ask", slow)
    page = confirm(staff, "ask", keys_of("ask", 5)).content.decode()
    assert "2 done, 3 left, because there was no time for more" in page
    assert LogEntry.objects.count() == 2
    assert now[0] < many.PATIENCE + 6


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_done_to_many_for_another_site(staff, name):
    staff.handler.enforce_csrf_checks = True
    before = state()
    for answer in (choose(staff, name, keys_of(name)), confirm(staff, name, keys_of(name))):
        assert answer.status_code == 403
    assert state() == before


@pytest.mark.parametrize("name", MODELS)
def test_looking_at_many_costs_as_many_queries_as_at_one(staff, name, django_assert_num_queries):
    choose(staff, name, keys_of(name, 1))
    with CaptureQueriesContext(connection) as one:
        choose(staff, name, keys_of(name, 1))
    with django_assert_num_queries(len(one)):
        choose(staff, name, keys_of(name, 5))
