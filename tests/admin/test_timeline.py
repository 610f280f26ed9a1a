from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.admin import links
from django_phone_otp.admin.timeline import DELIVERIES_SHOWN, timeline_of
from django_phone_otp.backends.base import DeliveryStatus, Receipt
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import receipts
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _slowly(clock):
    """Time stands still, and only a test moves it."""
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


def told():
    """Return the timeline of the one challenge: what, and its detail."""
    return [(moment.what, moment.detail) for moment in timeline_of(Challenge.objects.get(), "admin")]


def send():
    return phone_otp.send(PHONE, purpose="signup")


def receive(status, reason=""):
    delivery = Delivery.objects.order_by("pk").first()
    receipts.apply(delivery, Receipt(id="made-up", status=DeliveryStatus(status), reason=reason))


def test_a_code_that_came_and_was_entered_is_told_from_end_to_end(clock):
    handle = send().handle
    clock.shift(2)
    receive("delivered")
    clock.shift(3)
    token = phone_otp.verify(handle, latest_code(PHONE)).token
    clock.shift(4)
    phone_otp.redeem(token, purpose="signup")
    assert told() == [
        ("Asked for", "signup"),
        ("Message queued", "sms through default"),
        ("Message sent", "sms through default"),
        ("Message delivered", "sms through default"),
        ("Receipt", "delivered"),
        ("Verified", "guess 1 of 5"),
        ("Redeemed", "the proof was used"),
    ]
    at = [moment.at for moment in timeline_of(Challenge.objects.get(), "admin")]
    assert at == sorted(at)
    assert at[-1] - at[0] == timedelta(seconds=9)


def test_a_message_that_did_not_come_says_why(clock):
    send()
    clock.shift(2)
    receive("undelivered", "absent subscriber")
    assert ("Message undelivered", "sms through default: absent subscriber") in told()
    assert ("Receipt", "undelivered: absent subscriber") in told()


def test_a_message_that_no_alias_took_says_so():
    send()
    Delivery.objects.update(status="failed", alias="", reason="no alias on the route speaks this channel", sent_at=None)
    assert ("Message failed", "sms through -: no alias on the route speaks this channel") in told()


@pytest.mark.parametrize("status", ["queued", "sending", "sent"])
def test_a_message_on_its_way_is_told_of_once(status):
    send()
    Delivery.objects.update(status=status, sent_at=None)
    assert [what for what, _ in told()] == ["Asked for", "Message queued"]


def test_a_time_that_ran_out_is_told(clock):
    send()
    clock.shift(5 * 60)
    assert told()[-1] == ("Expired", "no right code came in time")


@pytest.mark.parametrize(
    ("status", "what", "detail"),
    [
        ("locked", "Locked after too many wrong guesses", "guess 5 of 5"),
        ("canceled", "Canceled", ""),
        ("pending", "pending", ""),  # what no code of ours writes must still be shown
    ],
)
def test_each_end_has_its_words(clock, status, what, detail):
    send()
    clock.shift(1)
    Challenge.objects.update(status=status, closed_at=timezone.now(), attempts=5)
    assert told()[-1] == (what, detail)


def test_it_takes_two_queries_however_much_there_is_and_is_bounded(django_assert_num_queries):
    send()
    challenge = Challenge.objects.get()
    made = [
        Delivery(challenge=challenge, channel="sms", alias="default", price=Decimal("0.01"), status="sent")
        for _ in range(DELIVERIES_SHOWN + 5)
    ]
    Delivery.objects.bulk_create(made)
    with django_assert_num_queries(2):
        lines = timeline_of(challenge, "admin")
    assert sum(line.what == "Message queued" for line in lines) == DELIVERIES_SHOWN


def page_for(client, user):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("admin:phone_otp_challenge_change", args=[Challenge.objects.get().pk])).content.decode()


class TestPage:
    """The page of a challenge."""

    def test_it_shows_the_timeline_and_links_to_the_message(self, admin_client):
        send()
        challenge = Challenge.objects.get()
        page = admin_client.get(reverse("admin:phone_otp_challenge_change", args=[challenge.pk])).content.decode()
        assert "Message queued" in page
        assert reverse("admin:phone_otp_delivery_change", args=[challenge.deliveries.get().pk]) in page
        for model in ("challenge", "delivery"):
            assert reverse(f"admin:phone_otp_{model}_changelist") + f"?number_of={challenge.pk}" in page

    def test_it_links_to_the_user_for_who_may_see_users(self, client):
        send()
        owner = User.objects.create_user("sam")
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_challenge"))
        link = reverse("admin:auth_user_change", args=[owner.pk])
        assert "No user has it." in page_for(client, clerk)
        bind(owner, PHONE)
        shown = page_for(client, clerk)
        assert "A user has it." in shown
        assert link not in shown
        clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
        assert link in page_for(client, User.objects.get(pk=clerk.pk))

    def test_a_user_who_may_not_log_in_has_the_number_all_the_same(self, admin_client):
        send()
        bind(User.objects.create_user("gone", is_active=False), PHONE)
        challenge = Challenge.objects.get()
        page = admin_client.get(reverse("admin:phone_otp_challenge_change", args=[challenge.pk])).content.decode()
        assert "The user who has it" in page

    def test_where_the_admin_has_no_users_there_is_no_link(self, rf, admin_user, monkeypatch):
        def no_such_page(*_, **__):
            raise links.NoReverseMatch

        monkeypatch.setattr(links, "reverse", no_such_page)
        request = rf.get("/")
        request.user = admin_user
        assert links.url_of_user("admin", request, admin_user) == ""
