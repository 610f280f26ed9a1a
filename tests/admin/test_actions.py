import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BackendUnavailable, BaseBackend, DeliveryStatus, Receipt, SendResult
from django_phone_otp.exceptions import PhoneOTPError, Unavailable
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import override_phone_otp
from tests.admin.accounts import log_in_as
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

VIEWS = ("view_challenge", "view_delivery")
ACCOUNTS = {
    "view-only": VIEWS,
    "revealing": (*VIEWS, "reveal_number"),
    "support": (*VIEWS, "cancel_challenge", "unlock_number", "poll_delivery"),
    "without-the-list": ("reveal_number", "cancel_challenge", "unlock_number", "poll_delivery"),
}
MAY = {
    "view-only": set(),
    "revealing": {"reveal"},
    "support": {"cancel", "unlock", "ask"},
    "without-the-list": set(),
    "superuser": {"reveal", "cancel", "unlock", "ask"},
}
PAGES = {"reveal": "challenge", "cancel": "challenge", "unlock": "challenge", "ask": "delivery"}


class PolledBackend(BaseBackend):
    """Has a word about each message, which a test chooses."""

    polls = True
    reaches_people = False
    word = DeliveryStatus.DELIVERED

    def send(self, message):
        return SendResult(id="made-up-id", status=DeliveryStatus.ACCEPTED)

    def fetch_status(self, delivery_id):
        if self.word is None:
            raise BackendUnavailable("out of order")
        return Receipt(id=delivery_id, status=self.word)


@pytest.fixture(autouse=True)
def challenge():
    """A pending challenge whose message a vendor took that can be asked."""
    backends = {"default": {"BACKEND": f"{__name__}.PolledBackend"}}
    with override_phone_otp(BACKENDS=backends, LIMITS=UNLIMITED):
        phone_otp.send(PHONE, purpose="signup")
        yield Challenge.objects.get()


def log_in(client, account):
    return log_in_as(client, account, ACCOUNTS.get(account, ()))


@pytest.fixture
def root(client):
    return log_in(client, "superuser")


def row_of(name):
    return Challenge.objects.get() if PAGES[name] == "challenge" else Delivery.objects.get()


def url(name, page=None):
    return reverse(f"admin:phone_otp_{PAGES[name]}_{page or name}", args=[row_of(name).pk])


@pytest.mark.parametrize("account", MAY)
@pytest.mark.parametrize("name", PAGES)
def test_each_account_can_do_what_it_has_a_permission_for_and_nothing_else(client, account, name):
    log_in(client, account)
    allowed = name in MAY[account]
    page = client.get(url(name, "change"))
    assert (url(name) in page.content.decode()) == allowed
    before = Challenge.objects.values().get(), Delivery.objects.values().get()
    asked = client.get(url(name))
    assert asked.status_code == (200 if allowed else 403)
    assert (Challenge.objects.values().get(), Delivery.objects.values().get()) == before  # a question does nothing
    done = client.post(url(name))
    assert done.status_code == ((200 if name == "reveal" else 302) if allowed else 403)
    assert LogEntry.objects.count() == allowed
    if not allowed:
        assert (Challenge.objects.values().get(), Delivery.objects.values().get()) == before


@pytest.mark.parametrize("name", PAGES)
def test_the_log_says_who_did_what_and_no_number(root, name):
    root.post(url(name))
    entry = LogEntry.objects.get()
    assert entry.user == User.objects.get()
    assert entry.object_id == str(row_of(name).pk)
    assert entry.change_message
    assert "5550123" not in f"{entry} {entry.object_repr} {entry.change_message}"


def test_the_number_is_shown_once_after_it_was_written_down_and_is_kept_nowhere(root, monkeypatch):
    assert "5550123" not in root.get(url("reveal")).content.decode()
    page = root.post(url("reveal"))
    assert PHONE in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    for other in (url("reveal"), url("reveal", "change"), url("reveal", "history")):
        assert "5550123" not in root.get(other).content.decode()

    def full_disk(*_, **__):
        raise OSError

    monkeypatch.setattr("django.contrib.admin.ModelAdmin.log_change", full_disk)
    with pytest.raises(OSError):  # noqa: PT011 - and no number
        root.post(url("reveal"))


def test_a_canceled_code_works_no_more_and_cannot_be_canceled_again(root, challenge):
    root.post(url("cancel"))
    assert Challenge.objects.get().status == "canceled"
    with pytest.raises(PhoneOTPError):
        phone_otp.verify(challenge.handle, "123456")
    assert url("cancel") not in root.get(url("cancel", "change")).content.decode()
    page = root.post(url("cancel"), follow=True).content.decode()
    assert "not possible any more" in page
    assert LogEntry.objects.count() == 1


def test_a_challenge_that_ends_while_staff_click_is_left_alone(root, monkeypatch):
    monkeypatch.setattr("django_phone_otp.admin.actions.opening.cancel_pending", lambda pk: False)
    assert "had ended meanwhile" in root.post(url("cancel"), follow=True).content.decode()


def test_an_unlocked_number_has_its_guesses_back(root, challenge):
    for guess in range(5):
        with pytest.raises(PhoneOTPError):
            phone_otp.verify(challenge.handle, f"00000{guess}")
    assert "1 challenge counts no more" in root.post(url("unlock"), follow=True).content.decode()
    phone_otp.send(PHONE, purpose="signup")
    newest = Challenge.objects.order_by("-pk").first()
    assert (newest.streak, newest.max_attempts) == (0, 5)


def test_what_cannot_be_done_now_is_said(root, monkeypatch):
    def no_cache(*_, **__):
        raise Unavailable(60)

    monkeypatch.setattr("django_phone_otp.services.limits.forget", no_cache)
    page = root.post(url("unlock"), follow=True)
    assert page.status_code == 200
    assert 'class="error"' in page.content.decode()


@pytest.mark.parametrize(
    ("word", "said", "status"),
    [
        (DeliveryStatus.DELIVERED, "something new", "delivered"),
        (DeliveryStatus.ACCEPTED, "nothing new", "accepted"),
        (None, "no answer that can be used", "accepted"),
    ],
)
def test_the_vendor_is_asked_and_its_answer_kept(root, monkeypatch, word, said, status):
    monkeypatch.setattr(PolledBackend, "word", word)
    assert said in root.post(url("ask"), follow=True).content.decode()
    assert Delivery.objects.get().status == status


@pytest.mark.parametrize(
    "why_not", [{"vendor_id": ""}, {"status": "delivered"}, {"alias": "gone"}], ids=["no-id", "ended", "no-alias"]
)
def test_a_vendor_that_has_nothing_to_say_is_not_asked(root, why_not):
    Delivery.objects.update(**why_not)
    assert url("ask") not in root.get(url("ask", "change")).content.decode()
    assert "not possible any more" in root.post(url("ask"), follow=True).content.decode()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("pk", ["nobody", "00000000-0000-0000-0000-000000000000"])
def test_what_is_not_there_is_not_found(root, name, pk):
    assert root.post(reverse(f"admin:phone_otp_{PAGES[name]}_{name}", args=[pk])).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_done_for_another_site(root, name):
    root.handler.enforce_csrf_checks = True
    assert root.post(url(name)).status_code == 403
    assert not LogEntry.objects.exists()
