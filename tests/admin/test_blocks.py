"""Blocking in the admin: who may, what is asked first, what is written down, and where no number is."""

import re

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.core.signals import got_request_exception
from django.views.debug import ExceptionReporter

import django_phone_otp as phone_otp
from django_phone_otp.models import Block, Challenge
from django_phone_otp.services import blocks
from django_phone_otp.test import override_phone_otp
from tests.admin import url
from tests.admin.accounts import log_in_as
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

MASKED = "+1\xa0•••••\xa0••123"
VIEWS = ("view_challenge", "view_block")
ACCOUNTS = {
    "view-only": VIEWS,
    "support": (*VIEWS, "cancel_challenge", "unlock_number", "reveal_number"),
    "blocking": (*VIEWS, "block_number"),
    "without-the-lists": ("block_number",),
}
MAY = {"view-only": False, "support": False, "blocking": True, "without-the-lists": False, "superuser": True}
WHAT = {
    PHONE: "the number +1 ••••• ••123, however it is written",
    "+1415*": "all numbers that begin with +1415",
    "GB": "all numbers of the region GB",
}
FORM = url("block", "block")
LIST = url("block", "changelist")


@pytest.fixture(autouse=True)
def challenge():
    with override_phone_otp(LIMITS=UNLIMITED):
        phone_otp.send(PHONE, purpose="signup")
        yield Challenge.objects.get()


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


def named(page):
    """Return what a browser posts of the form in a page that nobody typed into."""
    html = page.content.decode()
    form = html[html.index('id="content"') :]
    fields = re.findall(r'<(?:input|button) [^>]*name="(\w+)"(?: value="([^"]*)")?', form[: form.index("</form>")])
    return dict(fields)


class TestWho:
    @pytest.mark.parametrize("account", MAY)
    def test_may_block_by_the_form(self, client, account):
        log_in(client, account)
        may = MAY[account]
        shown = client.get(LIST)
        assert shown.status_code == (200 if account != "without-the-lists" else 403)
        assert (FORM in shown.content.decode()) is may
        assert client.get(FORM).status_code == (200 if may else 403)
        assert client.post(FORM, {"value": PHONE}).status_code == (200 if may else 403)
        assert not Block.objects.exists()  # a question does nothing
        assert not LogEntry.objects.exists()
        done = client.post(FORM, {"value": PHONE, "confirmed": "yes"})
        assert done.status_code == (302 if may else 403)
        assert Block.objects.exists() is LogEntry.objects.exists() is may

    @pytest.mark.parametrize("account", MAY)
    def test_may_unblock_a_row(self, client, account):
        log_in(client, account)
        blocks.block("GB")
        page, act = (url("block", name, Block.objects.get().pk) for name in ("change", "unblock"))
        may = MAY[account]
        assert (act in client.get(page).content.decode()) is may
        assert client.get(act).status_code == (200 if may else 403)
        assert Block.objects.exists()
        assert client.post(act).status_code == (302 if may else 403)
        assert Block.objects.exists() is not may
        assert LogEntry.objects.exists() is may

    @pytest.mark.parametrize("account", MAY)
    @pytest.mark.parametrize("act", ["block", "unblock"])
    def test_may_act_on_the_number_of_a_challenge(self, client, account, act, challenge):
        log_in(client, account)
        if act == "unblock":
            blocks.block(PHONE)
        other = "block" if act == "unblock" else "unblock"
        may, page = MAY[account], client.get(url("challenge", "change", challenge.pk)).content.decode()
        assert (url("challenge", act, challenge.pk) in page) is may
        assert url("challenge", other, challenge.pk) not in page
        assert client.get(url("challenge", act, challenge.pk)).status_code == (200 if may else 403)
        assert client.post(url("challenge", act, challenge.pk)).status_code == (302 if may else 403)
        assert blocks.is_stored(PHONE) is ((act == "block") if may else (act == "unblock"))
        assert LogEntry.objects.exists() is may

    @pytest.mark.parametrize("name", ["changelist", "block", "search"])
    def test_is_not_staff_sees_nothing(self, client, name):
        client.force_login(User.objects.create_user("sam"), backend="django.contrib.auth.backends.ModelBackend")
        answer = client.post(url("block", name), {"q": "GB", "value": "GB", "confirmed": "yes"})
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]
        assert not Block.objects.exists()

    def test_may_not_even_ask_what_is_blocked_without_the_list(self, client):
        log_in(client, "without-the-lists")
        assert client.post(url("block", "search"), {"q": "GB"}).status_code == 403


class TestTheForm:
    @pytest.mark.parametrize("typed", [PHONE, "+1 (415) 555-0123", "+1415*", "gb"])
    def test_says_what_will_be_blocked_and_does_it_when_that_was_confirmed(self, staff, typed):
        asked = staff.post(FORM, {"value": typed, "reason": "asked  us to"})
        value = asked.context["row"].value
        page = asked.content.decode()
        assert WHAT[value] in page
        assert "asked us to" in page
        assert "no-store" in asked["Cache-Control"]
        assert not Block.objects.exists()
        done = staff.post(FORM, named(asked), follow=True)
        assert done.redirect_chain == [(LIST, 302)]
        assert f"Blocked: {WHAT[value]}." in done.content.decode()
        row = Block.objects.get()
        assert (row.value, row.reason) == (value, "asked us to")

    def test_is_gone_through_with_what_its_pages_hold_and_nothing_else(self, staff):
        staff.handler.enforce_csrf_checks = True
        typed = {**named(staff.get(FORM)), "value": PHONE}
        asked = staff.post(FORM, typed)
        assert asked.status_code == 200
        assert staff.post(FORM, named(asked)).status_code == 302
        assert Block.objects.get().value == PHONE

    def test_shows_a_number_masked_and_carries_it_in_a_hidden_field_only(self, staff):
        page = staff.post(FORM, {"value": "+1 415 555 0123"}).content.decode()
        assert page.count("5550123") == 1
        assert f'<input type="hidden" name="value" value="{PHONE}">' in page
        assert "5550123" not in staff.post(FORM, {"value": PHONE, "confirmed": "yes"}, follow=True).content.decode()

    def test_writes_it_down_before_it_is_done_and_without_the_number(self, staff, monkeypatch):
        staff.post(FORM, {"value": PHONE, "confirmed": "yes"})
        entry = LogEntry.objects.get()
        assert (entry.user, entry.action_flag) == (User.objects.get(), ADDITION)
        assert entry.object_id == str(Block.objects.get().pk)
        assert entry.object_repr == "+1 ••••• ••123"
        assert "5550123" not in f"{entry} {entry.change_message}"
        assert "Blocked" in staff.get(url("block", "history", Block.objects.get().pk)).content.decode()

        def full_disk(*_, **__):
            raise OSError

        monkeypatch.setattr("django.contrib.admin.ModelAdmin.log_addition", full_disk)
        with pytest.raises(OSError):  # noqa: PT011 - and no block
            staff.post(FORM, {"value": "GB", "confirmed": "yes"})
        assert Block.objects.count() == 1

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"value": ""}, "required"),
            ({"value": "hello"}, "a prefix of 1 to 9 digits"),
            ({"value": "+1415", "confirmed": "yes"}, "a prefix of 1 to 9 digits"),
            ({"value": "+1234567890*", "confirmed": "yes"}, "a prefix of 1 to 9 digits"),
            ({"value": "x" * 33}, "at most 32 characters"),
            ({"value": "a\0b"}, "Null characters"),
            ({"value": "GB", "reason": "x" * 201, "confirmed": "yes"}, "at most 200 characters"),
            ({"value": "GB", "reason": "a\u202eb", "confirmed": "yes"}, "can be printed"),
        ],
    )
    def test_says_what_is_wrong_and_does_nothing(self, staff, form, said):
        page = staff.post(FORM, form)
        assert page.status_code == 200
        assert said in page.content.decode()
        assert "confirmed" not in page.content.decode()
        assert not Block.objects.exists()
        assert not LogEntry.objects.exists()

    def test_says_what_is_blocked_already(self, staff):
        blocks.block(PHONE, reason="first")
        for form in ({"value": PHONE}, {"value": PHONE, "confirmed": "yes", "reason": "second"}):
            page = staff.post(FORM, form, follow=True)
            assert page.redirect_chain == [(LIST, 302)]
            assert "blocked already" in page.content.decode()
        assert Block.objects.get().reason == "first"
        assert not LogEntry.objects.exists()

    def test_takes_nothing_from_an_address(self, staff):
        page = staff.get(FORM, {"value": "+14155550199", "confirmed": "yes"})
        assert "5550199" not in page.content.decode()
        assert not Block.objects.exists()

    def test_is_labelled_and_needs_no_script(self, staff):
        page = staff.get(FORM).content.decode()
        main = page[page.index('id="content"') :]
        for field in ("value", "reason"):
            assert f'<label for="id_{field}">' in main
        form = main[main.index('<form method="post">') : main.index("</form>")]
        assert "<script" not in form
        assert " style=" not in form
        assert 'autocomplete="off"' in form


class TestTheList:
    def test_shows_numbers_masked_and_the_rest_as_it_is_newest_first(self, staff):
        for what in (PHONE, "+1416*", "GB"):
            blocks.block(what, reason=f"because of {what[-1]}")
        page = staff.get(LIST).content.decode()
        assert page.index("GB<") < page.index("+1416*") < page.index(MASKED)
        assert "because of B" in page
        assert "5550123" not in page
        assert "Number, prefix or region:" in page
        row = Block.objects.get(value=PHONE)
        for name in ("change", "history"):
            assert "5550123" not in staff.get(url("block", name, row.pk)).content.decode()

    def test_nothing_can_be_added_changed_or_deleted_by_hand(self, staff):
        blocks.block("GB")
        row = Block.objects.get()
        for name in ("add", "change", "delete"):
            args = [] if name == "add" else [row.pk]
            assert staff.post(url("block", name, *args), {"value": "US", "post": "yes"}).status_code == 403
        assert staff.get(url("block", "add")).status_code == 403
        form = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        staff.post(LIST, form)
        assert Block.objects.get().value == "GB"

    @pytest.mark.parametrize("lookup", ["value", "value__startswith", "reason__contains"])
    def test_no_lookup_in_the_address_tells_a_number_digit_by_digit(self, staff, lookup):
        blocks.block(PHONE)
        assert staff.get(LIST, {lookup: "+1"}).status_code == 400

    def test_takes_as_many_queries_for_many_rows_as_for_one(self, staff, django_assert_max_num_queries):
        blocks.block("GB")
        staff.get(LIST)
        for last in range(20):
            blocks.block(f"+14155550{100 + last}")
        with django_assert_max_num_queries(8):
            assert staff.get(LIST).content.decode().count("+1\xa0•••••") == 20

    @pytest.mark.parametrize(("typed", "found"), [("+1 415 555 0123", PHONE), ("+1416*", "+1416*"), ("gb", "GB")])
    def test_a_search_finds_just_this(self, staff, typed, found):
        for what in (PHONE, "+1416*", "GB", "US"):
            blocks.block(what)
        answer = staff.post(url("block", "search"), {"q": typed})
        assert answer["Location"] == url("block", "change", Block.objects.get(value=found).pk)

    def test_a_search_for_a_number_finds_what_covers_it(self, staff):
        blocks.block("US")
        blocks.block("+1415*")
        answer = staff.post(url("block", "search"), {"q": PHONE})
        assert answer["Location"] == url("block", "change", Block.objects.get(value="+1415*").pk)

    @pytest.mark.parametrize(
        ("typed", "said"), [(PHONE, "This is not blocked."), ("hello", "1 to 9 digits"), ("", "1 to 9 digits")]
    )
    def test_a_search_that_finds_nothing_says_so_and_repeats_nothing(self, staff, typed, said):
        page = staff.post(url("block", "search"), {"q": typed}, follow=True)
        assert page.redirect_chain == [(LIST, 302)]
        assert said in page.content.decode()
        assert "5550123" not in page.content.decode()

    def test_a_search_is_posted(self, staff):
        assert staff.get(url("block", "search"), {"q": PHONE}).status_code == 405


class TestUnblocking:
    def test_a_row_leads_back_to_the_list(self, staff):
        blocks.block(PHONE)
        done = staff.post(url("block", "unblock", Block.objects.get().pk), follow=True)
        assert done.redirect_chain == [(LIST, 302)]
        assert "Its own block is gone" in done.content.decode()
        assert not Block.objects.exists()
        assert "5550123" not in f"{LogEntry.objects.get()} {LogEntry.objects.get().object_repr}"

    def test_says_what_still_holds_a_prefix(self, staff):
        blocks.block("+1*")
        blocks.block("+1415*")
        page = staff.post(url("block", "unblock", Block.objects.get(value="+1415*").pk), follow=True).content.decode()
        assert "it is still blocked with all numbers that begin with +1." in page

    @pytest.mark.parametrize("act", ["on the challenge", "on the block"])
    def test_says_the_same_of_a_number_whatever_covers_it(self, client, challenge, act):
        """Else, by prefixes that are one digit longer each time, staff could read a number that they see masked."""
        log_in_as(client, "support", ["view_challenge", "view_block", "block_number"])
        said = set()
        for wider in (None, "+14155550*", "+14155551*", "US"):
            blocks.block(PHONE)
            if wider:
                blocks.block(wider)
            row = challenge if act == "on the challenge" else Block.objects.get(value=PHONE)
            page = client.post(url(row._meta.model_name, "unblock", row.pk), follow=True)
            said.add(" ".join(str(message) for message in page.context["messages"]))
            Block.objects.all().delete()
        assert said == {"Its own block is gone; a wider one, if there is any, still holds."}

    def test_a_row_that_somebody_else_unblocked_meanwhile_is_said(self, staff, monkeypatch):
        blocks.block("GB")
        monkeypatch.setattr("django_phone_otp.admin.blocking.blocks.unblock", lambda value: False)
        page = staff.post(url("block", "unblock", Block.objects.get().pk), follow=True).content.decode()
        assert "It was not blocked any more" in page

    def test_a_row_that_is_gone_is_not_found(self, staff):
        gone = "00000000-0000-0000-0000-000000000000"
        assert staff.post(url("block", "unblock", gone)).status_code == 404


class TestTheNumberOfAChallenge:
    def test_is_blocked_and_unblocked(self, staff, challenge):
        page = staff.post(url("challenge", "block", challenge.pk), {"reason": "asked  us"}, follow=True)
        assert page.redirect_chain == [(url("challenge", "change", challenge.pk), 302)]
        assert "The number is blocked." in page.content.decode()
        block = Block.objects.get()
        assert (block.value, block.reason) == (PHONE, "asked us")
        assert Challenge.objects.get().status == "pending"  # what was sent was sent
        staff.post(url("challenge", "unblock", challenge.pk))
        assert not Block.objects.exists()
        assert {entry.object_id for entry in LogEntry.objects.all()} == {str(challenge.pk)}

    def test_that_somebody_else_blocked_meanwhile_is_said(self, staff, challenge, monkeypatch):
        monkeypatch.setattr("django_phone_otp.admin.blocking.blocks.block", lambda number, reason: False)
        page = staff.post(url("challenge", "block", challenge.pk), follow=True).content.decode()
        assert "blocked already" in page

    @pytest.mark.parametrize("reason", ["x" * 201, "\u202e"], ids=["long", "direction"])
    def test_is_not_blocked_for_a_reason_that_cannot_be_kept(self, staff, challenge, reason):
        page = staff.post(url("challenge", "block", challenge.pk), {"reason": reason})
        assert page.status_code == 200
        assert "errorlist" in page.content.decode()
        assert not Block.objects.exists()
        assert not LogEntry.objects.exists()

    def test_cannot_be_blocked_twice(self, staff, challenge):
        blocks.block(PHONE)
        page = staff.post(url("challenge", "block", challenge.pk), follow=True).content.decode()
        assert "not possible any more" in page
        assert not LogEntry.objects.exists()

    def test_that_is_no_number_any_more_cannot_be_blocked_and_that_is_said(self, staff, challenge):
        Challenge.objects.update(number="+15555550100")  # a test number that has left the settings
        page = staff.post(url("challenge", "block", challenge.pk), follow=True).content.decode()
        assert 'class="error"' in page
        assert not Block.objects.exists()


TYPED = dict.fromkeys(["value", "q", "reason"], "+14155550177")  # not near the test, whose lines a report shows


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("block", "is_region"),
        ("block", "field"),
        ("block", "save"),
        ("search", "is_region"),
        ("of a challenge", "field"),
    ],
)
def test_an_error_report_shows_no_number(staff, challenge, monkeypatch, name, fault):
    """The number is typed into the form, so it is posted, and in variables of every frame below."""
    where = url("challenge", "block", challenge.pk) if name == "of a challenge" else url("block", name)
    requests = []

    def keep(request, **_):
        requests.append(request)

    def fail(*_, **__):
        raise RuntimeError("a fault")

    target = {
        "is_region": "django_phone_otp.services.blocks.is_region",
        "field": "django.forms.CharField.run_validators",
        "save": "django.db.models.Model.save",
    }
    monkeypatch.setattr(target[fault], fail)
    got_request_exception.connect(keep)
    try:
        with pytest.raises(RuntimeError, match="a fault") as error:
            staff.post(where, {**TYPED, "confirmed": "yes"})
    finally:
        got_request_exception.disconnect(keep)
    traceback = error.tb
    while "django_phone_otp" not in traceback.tb_frame.f_code.co_filename:  # the frames of this test and its client
        traceback = traceback.tb_next
    report = ExceptionReporter(requests[0], error.type, error.value, traceback)
    for shown in (report.get_traceback_html(), report.get_traceback_text()):
        assert "a fault" in shown
        assert "5550177" not in shown


@pytest.mark.parametrize("name", ["block", "search"])
def test_nothing_is_done_for_another_site(staff, name):
    staff.handler.enforce_csrf_checks = True
    assert staff.post(url("block", name), {"value": "GB", "q": "GB", "confirmed": "yes"}).status_code == 403
    assert not Block.objects.exists()
