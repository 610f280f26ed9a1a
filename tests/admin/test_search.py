import pytest
from django.contrib.auth.models import Permission, User

import django_phone_otp as phone_otp
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services.phones import bind
from django_phone_otp.test import override_phone_otp
from tests.admin import url
from tests.admin.accounts import log_in_as
from tests.conftest import PHONE
from tests.core.scripts import fullwidth
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db
OTHER = "+14155550124"
PASSWORDS = "django.contrib.auth.backends.ModelBackend"
MODELS = ("challenge", "delivery")


@pytest.fixture(autouse=True)
def _messages():
    """Two challenges of one number, and one of another."""
    with override_phone_otp(LIMITS=UNLIMITED, DEFAULT_REGION="US"):
        for phone, purpose in ((PHONE, "signup"), (PHONE, "verify"), (OTHER, "signup")):
            phone_otp.send(phone, purpose=purpose)
        for count, delivery in enumerate(Delivery.objects.order_by("pk")):
            Delivery.objects.filter(pk=delivery.pk).update(vendor_id=f"made-up-{count}")
        yield


def look_for(client, term, model="challenge"):
    """Search; return where that led, and the page."""
    answer = client.post(url(model, "search"), {"q": term})
    assert answer.status_code == 302
    return answer["Location"], client.get(answer["Location"])


def shown(page):
    return {row.pk for row in page.context["cl"].result_list}


@pytest.mark.parametrize("typed", [PHONE, "(415) 555-0123", "1 415 555 0123", " +1-415-555-0123 ", fullwidth(PHONE)])
@pytest.mark.parametrize("model", MODELS)
def test_a_number_in_any_notation_finds_its_challenges_and_messages(staff, typed, model):
    where, page = look_for(staff, typed, model)
    rows = Challenge if model == "challenge" else Delivery
    path = "number" if model == "challenge" else "challenge__number"
    assert shown(page) == set(rows.objects.filter(**{path: PHONE}).values_list("pk", flat=True))
    assert len(shown(page)) == 2
    assert "5550123" not in where
    assert "5550123" not in page.content.decode()


def test_a_handle_finds_its_challenge_whichever_browser_it_is_bound_to(staff):
    challenge = Challenge.objects.first()
    challenge.browser = "a-made-up-mark"
    where, _ = look_for(staff, challenge.handle)
    assert where == url("challenge", "change", challenge.pk)


@pytest.mark.parametrize("model", MODELS)
def test_an_id_of_ours_finds_its_page(staff, model):
    row = (Challenge if model == "challenge" else Delivery).objects.first()
    assert look_for(staff, f" {row.pk} ")[0] == url(model, "change", row.pk)


def test_a_vendors_id_finds_the_message(staff):
    delivery = Delivery.objects.get(vendor_id="made-up-1")
    assert look_for(staff, "made-up-1")[0] == url("delivery", "change", delivery.pk)


@pytest.mark.parametrize("left", ["a-former", "zebra"])
def test_a_vendors_id_finds_the_message_of_an_alias_that_has_left_the_settings(staff, left):
    delivery = Delivery.objects.get(vendor_id="made-up-1")
    Delivery.objects.filter(pk=delivery.pk).update(alias=left)
    assert look_for(staff, "made-up-1")[0] == url("delivery", "change", delivery.pk)


def test_an_id_that_two_vendors_use_finds_both_messages(staff):
    Delivery.objects.filter(vendor_id="made-up-2").update(vendor_id="made-up-1")
    where, page = look_for(staff, "made-up-1")
    assert where.startswith(url("delivery", "changelist"))
    assert {row.vendor_id for row in page.context["cl"].result_list} == {"made-up-1"}
    assert len(shown(page)) == 2


@pytest.mark.parametrize("term", ["sam", "sam@example.com"])
@pytest.mark.parametrize("model", MODELS)
def test_a_user_finds_what_went_to_their_numbers(staff, term, model):
    bind(User.objects.create_user("sam", "sam@example.com"), PHONE)
    _, page = look_for(staff, term, model)
    assert len(shown(page)) == 2


def test_a_user_without_a_number_is_found_with_nothing(staff):
    User.objects.create_user("sam")
    assert shown(look_for(staff, "sam")[1]) == set()


@pytest.mark.parametrize(
    "term", ["", " ", "nobody", "+14155550199", "\0", "x" * 500, "é" * 43, "A" * 43, "made-up-\n1"]
)
def test_what_is_not_there_is_told_without_repeating_it(staff, term):
    where, page = look_for(staff, term)
    assert where == url("challenge", "changelist")
    assert "Nothing that you may see" in page.content.decode()
    assert not term.strip("\0 ") or term not in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_a_number_whose_challenges_are_gone_leads_to_its_user(staff, model):
    user = User.objects.create_user("sam")
    bind(user, PHONE)
    Challenge.objects.all().delete()
    where, page = look_for(staff, "(415) 555-0123", model)
    assert where == f"/admin/auth/user/{user.pk}/change/"
    assert "A user has it." in page.content.decode()


def test_a_user_that_this_member_of_staff_may_not_see_is_not_shown(client):
    user = User.objects.create_user("sam")
    bind(user, PHONE)
    Challenge.objects.all().delete()
    log_in_as(client, "support", ["view_challenge"])
    where, page = look_for(client, PHONE)
    assert where == url("challenge", "changelist") + f"?user={user.pk}"
    assert "A user has it." in page.content.decode()


@pytest.mark.parametrize("name", ["view_challenge", "view_delivery"])
def test_nothing_leads_to_what_this_member_of_staff_may_not_see(client, name):
    log_in_as(client, "support", [name])
    model = name.removeprefix("view_")
    challenge, delivery = Challenge.objects.first(), Delivery.objects.get(vendor_id="made-up-1")
    for term in (str(challenge.pk), str(delivery.pk), "made-up-1", PHONE):
        where, page = look_for(client, term, model)
        assert page.status_code == 200
        assert f"/{model}/" in where
    row = challenge if model == "challenge" else delivery
    page = client.get(url(model, "change", row.pk)).content.decode()
    assert str(row if model == "challenge" else row.challenge) in page
    assert f"/phone_otp/{'delivery' if model == 'challenge' else 'challenge'}/" not in page


@pytest.mark.parametrize("parameter", ["number_of", "user", "vendor_id", "before", "time", "state"])
def test_an_address_with_nonsense_breaks_nothing(staff, parameter):
    for model in MODELS:
        if (parameter == "state" and model == "delivery") or (parameter == "vendor_id" and model == "challenge"):
            continue
        for junk in ("nobody", "", "\0", "0", "00000000-0000-0000-0000-000000000000"):
            assert staff.get(url(model, "changelist"), {parameter: junk}).status_code in {200, 302, 400}


@pytest.mark.parametrize("model", MODELS)
def test_only_who_may_see_the_list_may_search_it(client, model):
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk, backend=PASSWORDS)
    assert client.post(url(model, "search"), {"q": PHONE}).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename=f"view_{model}"))
    assert client.post(url(model, "search"), {"q": PHONE}).status_code == 302


def test_a_search_is_posted_and_asks_for_its_own_token(staff, client):
    assert staff.get(url("challenge", "search"), {"q": PHONE}).status_code == 405
    staff.handler.enforce_csrf_checks = True
    assert staff.post(url("challenge", "search"), {"q": PHONE}).status_code == 403


def test_the_list_of_a_number_can_be_left_again(staff):
    page = look_for(staff, PHONE)[1].content.decode()
    assert "this number" in page
    assert "this number" not in staff.get(url("challenge", "changelist")).content.decode()


def test_users_without_an_address_are_found_by_name(staff, monkeypatch):
    monkeypatch.setattr(User, "EMAIL_FIELD", "no_such_field")
    bind(User.objects.create_user("sam"), PHONE)
    assert len(shown(look_for(staff, "sam")[1])) == 2
    assert look_for(staff, "sam@example.com")[0] == url("challenge", "changelist")
