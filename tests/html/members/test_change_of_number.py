"""A number in place of another: what holds afterwards, and who hears of it."""

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from django_phone_otp.exceptions import InvalidToken
from django_phone_otp.models import Delivery, VerifiedPhone
from django_phone_otp.services import challenges
from django_phone_otp.services.phones import bind, numbers_of
from django_phone_otp.services.proofs import redeem
from django_phone_otp.test import latest_code, note_code, outbox, override_phone_otp
from tests.conftest import PHONE
from tests.html.members.changing import THIRD, ask, enter, give_password, member, proved
from tests.html.pages import NEW, NUMBER, leads_to
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(django_capture_on_commit_callbacks):
    """Return a function that gives a new number and its code; whatever a commit starts is done."""

    def change(client, number=NEW, url=NUMBER):
        page = ask(client, number, url)
        with django_capture_on_commit_callbacks(execute=True):
            return enter(client, page, number, url)

    return change


class TestChanged:
    def test_the_new_number_is_the_only_one(self, sam, change):
        bind(sam, THIRD)
        client = proved(sam)
        assert leads_to(change(client), f"{NUMBER}?step=done")
        assert list(VerifiedPhone.objects.values_list("user", "number")) == [(sam.pk, NEW)]
        page = client.get(f"{NUMBER}?step=done").content.decode()
        assert "Your number is changed" in page
        assert NEW in page
        assert "A notice goes to the old number." in page

    def test_the_old_number_and_the_mail_address_are_told(self, sam, change):
        change(proved(sam))
        notice = outbox[-1]
        assert (notice.number, notice.code, notice.channel) == (PHONE, "", "sms")
        assert notice.text == (
            "The phone number of your Example account was changed. If this was not you, contact Example at once."
        )
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["sam@example.com"], "Your Example phone number was changed")
        assert "was changed. Codes go to the new number" in letter.body
        for words in (notice.text, letter.subject, letter.body):
            assert PHONE[2:] not in words
            assert NEW[2:] not in words

    def test_they_are_told_in_the_language_of_whoever_did_it(self, sam, change):
        client = Client(headers={"accept-language": "de"})
        give_password(member(sam, client))
        change(client)
        assert "Telefonnummer" in outbox[-1].text
        assert outbox[-1].language == "de"
        assert "Telefonnummer" in mail.outbox[0].subject + mail.outbox[0].body

    def test_of_a_first_number_the_mail_address_is_told_and_nobody_else(self, bare, change):
        client = member(bare)
        assert leads_to(change(client), f"{NUMBER}?step=done")
        assert [(message.number, bool(message.code)) for message in outbox] == [(NEW, True)]
        (letter,) = mail.outbox
        assert letter.subject == "A phone number was added to your Example account"
        page = client.get(f"{NUMBER}?step=done").content.decode()
        assert "Your number is verified" in page
        assert "notice" not in page

    def test_the_same_number_again_tells_nobody(self, sam, change):
        client = proved(sam)
        assert leads_to(change(client, PHONE), f"{NUMBER}?step=done")
        assert [bool(message.code) for message in outbox] == [True]
        assert not mail.outbox
        assert "A notice" not in client.get(f"{NUMBER}?step=done").content.decode()

    def test_what_was_verified_for_the_old_number_is_void(self, sam, change):
        client = proved(sam)
        with override_phone_otp(LIMITS=UNLIMITED):
            spare = challenges.send(PHONE, purpose="signup")
            token = challenges.verify(spare.handle, latest_code(PHONE)).token
            pending = challenges.send(PHONE, purpose="login")
            change(client)
        with pytest.raises(InvalidToken):
            redeem(token, purpose="signup")
        assert challenges.status(pending.handle).status == "canceled"

    def test_the_number_is_proved_and_the_session_key_is_another(self, sam, change):
        client = proved(sam)
        before = client.session.session_key
        change(client)
        assert client.session.session_key != before
        assert client.get("/vault/").status_code == 200

    def test_a_second_click_on_the_right_code_is_done(self, sam, django_capture_on_commit_callbacks):
        client = proved(sam)
        page = ask(client)
        with django_capture_on_commit_callbacks(execute=True):
            enter(client, page, NEW)
            assert leads_to(enter(client, page, NEW), f"{NUMBER}?step=done")
        assert len(mail.outbox) == 1

    def test_a_second_click_at_the_same_moment_is_done(self, sam):
        """The second request read the session before the first one wrote it."""
        client = proved(sam)
        page = ask(client)
        before = dict(client.session.items())
        enter(client, page, NEW)
        session = client.session
        session["phone_otp_pages"] = before["phone_otp_pages"]
        session.save()
        assert leads_to(enter(client, page, NEW), f"{NUMBER}?step=done")
        assert numbers_of(sam) == [NEW]

    def test_a_code_without_a_challenge_begins_again(self, sam):
        client = proved(sam)
        assert leads_to(client.post(f"{NUMBER}?step=code", {"code": "123456"}), f"{NUMBER}?step=number")

    def test_it_is_said_only_after_a_change_and_until_the_next(self, sam, change):
        client = proved(sam)
        assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)
        change(client)
        assert client.get(f"{NUMBER}?step=done").status_code == 200
        assert client.get(f"{NUMBER}?step=done").status_code == 200
        client.get(f"{NUMBER}?step=number")
        assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)

    def test_it_goes_on_to_where_the_person_was(self, sam, change):
        client = proved(sam)
        change(client)
        assert 'href="/vault/"' in client.get(f"{NUMBER}?step=done&next=/vault/").content.decode()
        assert leads_to(client.post(f"{NUMBER}?step=done&next=/vault/"), "/vault/")
        assert leads_to(client.post(f"{NUMBER}?step=done&next=https://example.org/"), "/account/")


def test_a_number_of_another_account_stays_there(sam, change):
    bind(User.objects.create_user("other"), NEW)
    client = proved(sam)
    response = change(client)
    assert response.status_code == 200
    assert "This number belongs to another account." in response.content.decode()
    assert numbers_of(sam) == [PHONE]
    assert not mail.outbox
    assert outbox[-1].code
    assert leads_to(client.get(f"{NUMBER}?step=done"), NUMBER)


def test_whoever_has_no_password_is_logged_out_elsewhere_and_stays_in_here(codes_only, change):
    here, elsewhere = member(codes_only), member(codes_only)
    note_code(here, codes_only)
    change(here)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_whoever_has_one_stays_logged_in_everywhere(sam, change):
    here, elsewhere = proved(sam), member(sam)
    change(here)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 200


def test_a_notice_that_cannot_be_sent_changes_nothing_of_the_answer(sam, change, monkeypatch, caplog):
    def send_mail(*_):
        raise ConnectionRefusedError(f"no mail for {PHONE}")

    monkeypatch.setattr("django_phone_otp.services.notices.send_mail", send_mail)
    assert leads_to(change(proved(sam)), f"{NUMBER}?step=done")
    assert "The notice could not be mailed: ConnectionRefusedError" in caplog.text
    assert PHONE not in caplog.text
    assert (outbox[-1].number, outbox[-1].code) == (PHONE, "")


def test_an_old_number_that_gets_no_messages_any_more_fails_only_its_notice(sam, change):
    client = proved(sam)
    with override_phone_otp(DENIED_PREFIXES=[PHONE]):
        assert leads_to(change(client), f"{NUMBER}?step=done")
        page = client.get(f"{NUMBER}?step=done").content.decode()
    notice = Delivery.objects.get(challenge__purpose="notice")
    assert (notice.status, notice.reason) == ("failed", "the number is refused (prefix)")
    assert "A notice goes to the old number." in page  # that it arrived, the page does not say
    assert [letter.to for letter in mail.outbox] == [["sam@example.com"]]
