import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

import django_phone_otp as phone_otp
from django_phone_otp.admin import lists
from django_phone_otp.backends.base import DeliveryStatus, Receipt
from django_phone_otp.models import Challenge, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import receipts
from django_phone_otp.test import latest_code, override_phone_otp
from tests.admin import url

pytestmark = pytest.mark.django_db

PHONE = "+14155550123"
MASKED = "+1\xa0•••••\xa0••123"
MODELS = ("challenge", "delivery")


@pytest.fixture(autouse=True)
def _no_limits():
    with override_phone_otp(LIMITS={"send.number": [], "send.ip": []}):
        yield


@pytest.fixture
def challenge():
    """A verified challenge with a context, whose message was taken."""
    made = phone_otp.send(PHONE, purpose="payment", context={"amount": "12.50", "payee": "Ana Example"})
    phone_otp.verify(made.handle, latest_code(PHONE), context=made.context)
    return Challenge.objects.get()


@pytest.mark.parametrize("lookup", ["number__startswith", "number", "challenge__number", "seed", "client__gt"])
@pytest.mark.parametrize("model", MODELS)
def test_no_lookup_in_the_address_tells_a_number_digit_by_digit(staff, challenge, model, lookup):
    assert staff.get(url(model, "changelist"), {lookup: "+1"}).status_code == 400


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ({"channel": "sms"}, 1),
        ({"channel": "whatsapp"}, 0),
        ({"region": "US"}, 1),
        ({"region": "IN"}, 0),
        ({"purpose": "login"}, 0),
        ({"time": "hour"}, 1),
    ],
)
def test_the_filters_narrow_the_list(staff, challenge, model, chosen, shown):
    page = staff.get(url(model, "changelist"), chosen).content.decode()
    assert page.count(MASKED) == shown


def row_of(model, challenge):
    return challenge if model == "challenge" else challenge.deliveries.get()


def pages(staff, challenge):
    """Every page that shows something, by name."""
    found = {"index": staff.get(reverse("admin:index"))}
    for model in MODELS:
        pk = row_of(model, challenge).pk
        found[f"{model} list"] = staff.get(url(model, "changelist"))
        found[f"{model} filtered"] = staff.get(url(model, "changelist"), {"channel": "sms"})
        found[f"{model} detail"] = staff.get(url(model, "change", pk))
        found[f"{model} history"] = staff.get(url(model, "history", pk))
    assert {page.status_code for page in found.values()} == {200}
    return {name: page.content.decode() for name, page in found.items()}


def test_no_page_shows_a_full_number_a_code_a_handle_a_token_or_what_they_are_made_of(staff, challenge):
    code = latest_code(PHONE)
    seed = bytes(challenge.seed)
    secrets = [PHONE, PHONE[1:], PHONE[2:], code, challenge.handle, challenge.key_id, seed.hex(), repr(seed)]
    secrets += ["Ana Example", "12.50"]  # a context may be anything
    for name, page in pages(staff, challenge).items():
        assert not [secret for secret in secrets if secret in page], name
        assert not re.search(r"555\W{0,3}0123", page), name  # however it may be written


@pytest.mark.parametrize("page", ["challenge list", "challenge detail", "delivery list", "delivery detail"])
def test_the_masked_number_tells_support_whose_it_is(staff, challenge, page):
    assert MASKED in pages(staff, challenge)[page]


def test_a_page_says_how_it_went(staff, challenge):
    shown = pages(staff, challenge)
    for page in ("challenge list", "challenge detail"):
        assert "verified" in shown[page]
        assert "1/5" in shown[page]
        assert "payment" in shown[page]
    for page in ("delivery list", "delivery detail"):
        assert "accepted" in shown[page]
        assert "default" in shown[page]
        assert "payment" in shown[page]
    assert url("challenge", "change", challenge.pk) in shown["delivery detail"]


def test_a_challenge_past_its_time_is_shown_as_expired(staff):
    phone_otp.send(PHONE, purpose="signup")
    Challenge.objects.update(expires_at=timezone.now())
    assert "expired" in staff.get(url("challenge", "changelist")).content.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_can_be_added(staff, challenge, model, method):
    assert getattr(staff, method)(url(model, "add"), {"number": PHONE}).status_code == 403
    assert url(model, "add") not in staff.get(url(model, "changelist")).content.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_can_be_deleted(staff, challenge, model, method):
    row = row_of(model, challenge)
    response = getattr(staff, method)(url(model, "delete", row.pk), {"post": "yes"})
    assert response.status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_changed(staff, challenge, model):
    row = row_of(model, challenge)
    before = type(row).objects.values().get()
    wish = {"status": "pending", "attempts": "0", "max_attempts": "100", "decoy": "", "alias": "x", "_save": "Save"}
    assert staff.post(url(model, "change", row.pk), wish).status_code == 403
    assert type(row).objects.values().get() == before
    page = staff.get(url(model, "change", row.pk)).content.decode()
    main = page[page.index('id="content-main"') :]
    assert 'name="_save"' not in main
    assert 'type="text"' not in main
    assert "<select" not in main
    assert "deletelink" not in main


@pytest.mark.parametrize("model", MODELS)
def test_rows_cannot_be_deleted_on_the_list(staff, challenge, model):
    row = row_of(model, challenge)
    form = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes", "select_across": "1"}
    assert staff.post(url(model, "changelist"), form).status_code == 302
    assert type(row).objects.filter(pk=row.pk).exists()
    assert "delete_selected" not in staff.get(url(model, "changelist")).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_whoever_is_not_staff_sees_nothing(client, challenge, model):
    client.force_login(User.objects.create_user("sam"), backend="django.contrib.auth.backends.ModelBackend")
    for page in (url(model, "changelist"), url(model, "change", row_of(model, challenge).pk)):
        response = client.get(page)
        assert response.status_code == 302
        assert "/login/" in response["Location"]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(
    staff, challenge, model, django_assert_num_queries, django_assert_max_num_queries
):
    page = url(model, "changelist")
    staff.get(page)
    with django_assert_max_num_queries(12) as first:
        staff.get(page)
    for last in range(10, 22):
        phone_otp.send(f"+141555501{last}", purpose="payment", context=challenge.context)
    assert Delivery.objects.count() == 13
    with django_assert_num_queries(len(first)):
        shown = staff.get(page).content.decode()
    assert shown.count("+1\xa0•••••\xa0••1") == 13


@pytest.mark.parametrize("model", MODELS)
def test_a_list_counts_no_further_than_anyone_would_page(staff, challenge, model, monkeypatch):
    monkeypatch.setattr(lists, "MOST_LISTED", 3)
    for last in range(10, 15):
        phone_otp.send(f"+141555501{last}", purpose="payment", context=challenge.context)
    changelist = staff.get(url(model, "changelist")).context["cl"]
    assert changelist.paginator.count == 3
    assert changelist.full_result_count is None


@pytest.mark.parametrize("model", MODELS)
def test_the_newest_come_first(staff, challenge, model):
    newest = phone_otp.send("+14155550199", purpose="payment", context=challenge.context)
    page = staff.get(url(model, "changelist")).content.decode()
    assert page.index(newest.masked_number.replace(" ", "\xa0")) < page.index(MASKED)


def test_no_name_of_a_row_holds_a_number(challenge):
    bound = VerifiedPhone(user=User.objects.create_user("sam"), number=PHONE)
    for row in (challenge, challenge.deliveries.get(), bound):
        assert "4155550123" not in f"{row} {row!r}"


def test_a_delivery_shows_its_receipts_and_nobody_adds_one(staff, challenge):
    row = challenge.deliveries.get()
    Delivery.objects.filter(pk=row.pk).update(vendor_id="v-7", latency=1234, price="0.0025")
    receipts.receive("default", [Receipt(id="v-7", status=DeliveryStatus.UNDELIVERED, reason=f"no such {PHONE}")])
    page = staff.get(url("delivery", "change", row.pk)).content.decode()
    for shown in ("v-7", "1.234 s", "0.002500", "undelivered", "[…]"):
        assert shown in page
    assert PHONE not in page
    assert 'name="_save"' not in page
    assert 'name="receipts-0-status"' not in page
    before = list(DeliveryReceipt.objects.values())
    staff.post(url("delivery", "change", row.pk), {"receipts-TOTAL_FORMS": 1, "receipts-0-status": "delivered"})
    assert list(DeliveryReceipt.objects.values()) == before


def test_a_delivery_that_nobody_was_asked_for_has_no_latency(staff, challenge):
    row = challenge.deliveries.get()
    Delivery.objects.update(latency=None)
    assert "answered after" in staff.get(url("delivery", "change", row.pk)).content.decode().lower()


@pytest.mark.parametrize(
    ("lane", "said"),
    [
        ("", "a stranger<"),
        ("known", "a browser that is known for this number<"),
        ("aside 1 ", "a stranger; set aside when the number was unlocked"),
        ("aside 1 known", "a browser that is known for this number; set aside when the number was unlocked"),
    ],
)
def test_a_challenge_says_whether_a_stranger_asked(staff, challenge, lane, said):
    Challenge.objects.update(lane=lane)
    page = staff.get(url("challenge", "change", challenge.pk)).content.decode()
    assert said in page
