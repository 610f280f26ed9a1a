"""Every page that the admin has, asked for by each kind of account: what it shows, and what it never shows."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from django_phone_otp.admin.phones import VerifiedPhoneInline
from django_phone_otp.models import Block, Challenge, DailyFigures, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.test import override_phone_otp
from tests.admin.accounts import log_in_as
from tests.admin.everything import OTHER, PHONE, SETTINGS, every_page, make_everything
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
VIEWS = ["view_challenge", "view_delivery", "view_block", "view_dailyfigures", "view_verifiedphone", "view_user"]
ACTS = ["cancel_challenge", "unlock_number", "poll_delivery", "block_number", "export_challenge", "export_delivery"]
ACCOUNTS = {
    "nobody": [],
    "view-only": VIEWS,
    "acting": [*VIEWS, *ACTS],
    "revealing": [*VIEWS, *ACTS, "reveal_number"],
    "superuser": [],  # it has them all without being given any
}
TABLES = (Challenge, Delivery, DeliveryReceipt, VerifiedPhone, Block, DailyFigures, User)


@pytest.fixture(autouse=True)
def shown_numbers(monkeypatch):
    """The page of a user has the numbers too, as a project would have it."""
    monkeypatch.setattr(UserAdmin, "inlines", (VerifiedPhoneInline,))


@pytest.fixture
def canaries():
    with override_phone_otp(LIMITS=UNLIMITED, **SETTINGS):
        yield make_everything(User.objects.create_user("sam"))


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


def state():
    return [list(table.objects.order_by("pk").values()) for table in TABLES if table is not DailyFigures]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_page_that_is_asked_for_shows_a_number_a_code_a_handle_or_a_secret_or_does_anything(
    client, canaries, account
):
    log_in(client, account)
    before, seen = state(), 0
    for name, url in every_page():
        answer = client.get(url, follow=True)
        assert answer.status_code in {200, 403, 404, 405}, name
        page = b"".join(answer.streaming_content) if answer.streaming else answer.content
        found = [what for what, text in canaries.items() if text in page.decode()]
        assert found == [], name
        seen += answer.status_code == 200
    assert state()[:-1] == before[:-1]
    assert not LogEntry.objects.exists()
    assert seen >= (1 if account == "nobody" else 15)


@pytest.mark.parametrize("account", ["view-only", "acting"])
def test_nothing_that_can_be_posted_shows_a_number_to_whoever_may_not_see_it(client, canaries, account):
    log_in(client, account)
    for name, url in every_page():
        if "phone_otp" not in url:
            continue
        answer = client.post(url, {"q": PHONE, "confirmed": "1", "full": "on", "numbers": "full", "post": "yes"})
        page = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code < 500, name
        shown = page.decode() + answer.get("Location", "")
        # What was typed comes back in no answer either.
        assert [what for what, text in canaries.items() if text in shown] == [], name
    assert not [entry for entry in LogEntry.objects.all() if "55501" in f"{entry.object_repr} {entry.change_message}"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_nothing_can_be_added_edited_or_deleted_by_hand(client, canaries, account):
    log_in(client, account)
    before = state()
    for model in (Challenge, Delivery, Block, DailyFigures):
        base = f"/admin/phone_otp/{model._meta.model_name}/"
        assert client.get(f"{base}add/").status_code in {403, 404}
        assert client.post(f"{base}add/", {"value": "GB", "number": OTHER}).status_code in {403, 404}
        client.post(
            base, {"action": "delete_selected", "_selected_action": [str(row.pk) for row in model.objects.all()]}
        )
        for row in model.objects.all():
            assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code in {403, 404}
            assert client.post(f"{base}{row.pk}/change/", {"status": "verified", "value": "GB"}).status_code in {
                403,
                404,
            }
    assert state()[:-1] == before[:-1]
