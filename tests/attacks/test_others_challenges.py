"""A10, A11, A12, A53: what belongs to somebody else - a challenge, a session, an account - stays theirs."""

import pytest
from django.contrib.auth.models import User

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeNotFound
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.attacks.attackers import ATTACKER, HOME, PHONE, browser, wrong
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

ANOTHER = "+13125550123"


def post(api, url, **body):
    return api.client.post(url, body, content_type="application/json")


def prove(api, number=PHONE, purpose="signup"):
    return api.verify(api.send(number, purpose).json()["challenge"], latest_code(number)).json()["token"]


def logged_in(api):
    return api.client.session.get("_auth_user_id")


class TestA10:
    """The attacker asked, or learned the handle, and has the person type the code into a page of theirs."""

    @pytest.fixture(autouse=True)
    def _bound(self):
        purposes = {"signup": {"SAME_BROWSER": True}}
        with override_phone_otp(PURPOSES=purposes, LIMITS=UNLIMITED, RESEND_AFTER=[0]):
            yield

    def strangers(self):
        """Return browsers without a session, with one, with a challenge of their own, and with a forged mark."""
        asked, has_session, forged = browser(), browser(), browser()
        asked.send(ANOTHER)
        has_session.client.session.save()
        forged.client.cookies["phone_otp_browser"] = "made up"
        return [browser(), browser(HOME), asked, has_session, forged]

    def test_a10_a_handle_is_worth_nothing_in_another_browser(self):
        victim = browser(HOME)
        handle = victim.send().json()["challenge"]
        code, sent = latest_code(PHONE), len(outbox)
        nowhere = browser().post("status", {"challenge": "A" * 43})
        for thief in self.strangers():
            for call in ("status", "resend", "cancel"):
                answer = thief.post(call, {"challenge": handle})
                assert (answer.status_code, answer.content) == (404, nowhere.content)
            for guess in (code, wrong(code), code):
                answer = thief.verify(handle, guess)
                assert (answer.status_code, answer.content) == (404, nowhere.content)
        assert {message.number for message in outbox[sent:]} == {ANOTHER}
        stored = Challenge.objects.get(number=PHONE)
        assert (stored.status, stored.attempts, stored.messages) == ("pending", 0, 1)
        assert victim.verify(handle, code).status_code == 200

    def test_a10_in_python_too_nobody_gets_on_without_the_session(self):
        handle = browser(HOME).send().json()["challenge"]
        for verb in (phone_otp.status, phone_otp.resend, phone_otp.cancel):
            with pytest.raises(ChallengeNotFound):
                verb(handle)
        with pytest.raises(ChallengeNotFound):
            phone_otp.verify(handle, latest_code(PHONE))

    def test_a10_a_victim_who_types_the_code_into_their_own_page_helps_nobody(self):
        """The attacker's message comes second: its code is not that of the victim's challenge."""
        victim, attacker = browser(HOME), browser()
        mine = victim.send().json()["challenge"]
        theirs = attacker.send().json()["challenge"]
        assert victim.verify(mine, latest_code(PHONE)).json()["code"] == "incorrect_code"
        assert attacker.post("status", {"challenge": theirs}).json()["status"] == "pending"


class TestA11:
    @pytest.fixture
    def fixed(self):
        """A session that the attacker made, and that the victim's browser was given."""
        attacker, victim = browser(), browser(HOME)
        attacker.client.session.save()
        victim.client.cookies["sessionid"] = attacker.client.cookies["sessionid"].value
        return attacker, victim

    def test_a11_a_log_in_leaves_the_attackers_session_behind(self, fixed):
        attacker, victim = fixed
        phone_otp.bind(User.objects.create_user("victim"), PHONE)
        before = victim.client.session.session_key
        assert post(victim, "/accounts/login/", phone_token=prove(victim, purpose="login")).status_code == 200
        assert victim.client.session.session_key != before
        assert logged_in(victim)
        assert not logged_in(attacker)
        assert "Logged in" not in attacker.client.get("/", headers={"Host": "localhost"}).content.decode()

    def test_a11_so_does_a_sign_up(self, fixed):
        attacker, victim = fixed
        before = victim.client.session.session_key
        assert post(victim, "/accounts/signup/", username="victim", phone_token=prove(victim)).status_code == 201
        assert victim.client.session.session_key != before
        assert not logged_in(attacker)

    def test_a11_a_challenge_of_the_session_before_goes_along_with_the_victim(self, fixed):
        attacker, victim = fixed
        purposes = {"signup": {}, "verify": {"SAME_BROWSER": True}}
        with override_phone_otp(PURPOSES=purposes):
            attacker.send("+12125550123", "verify")  # so that the session is marked by the attacker
            handle = victim.send(ANOTHER, "verify").json()["challenge"]
            code = latest_code(ANOTHER)
            assert post(victim, "/accounts/signup/", username="victim", phone_token=prove(victim)).status_code == 201
            assert attacker.verify(handle, code).status_code == 404
            assert victim.verify(handle, code).status_code == 200


class TestA12:
    def test_a12_who_did_not_verify_owns_nothing(self):
        attacker = browser()
        handle = attacker.send().json()["challenge"]
        for token in (handle, "", "A" * 43):
            assert post(attacker, "/accounts/signup/", username="pirate", phone_token=token).status_code == 400
        assert not User.objects.exists()
        assert not VerifiedPhone.objects.exists()
        assert phone_otp.find_user(PHONE) is None

    def test_a12_the_victims_sign_up_wins_and_the_attackers_challenge_dies_unproved(self):
        attacker, victim = browser(), browser(HOME)
        pending = attacker.send().json()["challenge"]
        assert post(victim, "/accounts/signup/", username="victim", phone_token=prove(victim)).status_code == 201
        assert attacker.verify(pending, latest_code(PHONE)).json()["code"] == "incorrect_code"
        assert phone_otp.find_user(PHONE).username == "victim"

    def test_a12_a_proof_of_ones_own_number_gives_ones_own_account_only(self):
        attacker, victim = browser(), browser(HOME)
        unspent = prove(attacker, ANOTHER)
        assert post(victim, "/accounts/signup/", username="victim", phone_token=prove(victim)).status_code == 201
        body = {"username": "pirate", "phone_token": unspent, "phone": PHONE, "number": PHONE}
        assert post(attacker, "/accounts/signup/", **body).status_code == 201
        assert phone_otp.find_user(ANOTHER).username == "pirate"
        assert phone_otp.find_user(PHONE).username == "victim"
        assert post(attacker, "/accounts/login/", phone_token=unspent).status_code == 400

    def test_a12_an_account_that_waits_for_a_number_gets_nothing_when_its_owner_comes(self):
        """An attacker's account without the number stays without it; whoever verifies takes it to their own."""
        pirate = User.objects.create_user("pirate")
        attacker, victim = browser(), browser(HOME)
        attacker.client.force_login(pirate)
        attacker.send()
        assert post(victim, "/accounts/signup/", username="victim", phone_token=prove(victim)).status_code == 201
        assert not VerifiedPhone.objects.filter(user=pirate).exists()
        token = prove(victim, purpose="login")
        assert post(victim, "/accounts/login/", phone_token=token).json() == {"username": "victim"}


class TestA53:
    def test_a53_two_people_with_one_number_are_both_live_and_share_one_budget(self):
        victim, attacker = browser(HOME), browser()
        with override_phone_otp(LIMITS=UNLIMITED):
            mine = victim.send().json()["challenge"]
            code = latest_code(PHONE)
            theirs = [attacker.send().json().get("challenge") for _ in range(3)]
            assert [bool(handle) for handle in theirs] == [True, True, False], (
                "15 guesses in all, 5 of them the victim's"
            )
            for handle in theirs[:2]:
                for n in range(5):
                    attacker.verify(handle, wrong(code, n))
            for handle in theirs[:2]:
                attacker.post("cancel", {"challenge": handle})
            answer = victim.post("status", {"challenge": mine}).json()
            assert (answer["status"], answer["attempts_left"]) == ("pending", 5)
            assert victim.verify(mine, code).status_code == 200

    def test_a53_without_the_handle_nobody_cancels(self):
        victim, attacker = browser(HOME), browser(ATTACKER)
        mine = victim.send().json()["challenge"]
        theirs = attacker.send().json()["challenge"]
        pk = Challenge.objects.order_by("serial").first().pk
        mixed = [mine[:cut] + theirs[cut:] for cut in range(1, 43)]
        for handle in (
            str(pk),
            pk.hex,
            "",
            "A" * 43,
            mine[:-1],
            *(handle for handle in mixed if handle not in {mine, theirs}),
        ):
            assert attacker.post("cancel", {"challenge": handle}).status_code in {400, 404}
        assert victim.post("status", {"challenge": mine}).json()["status"] == "pending"

    def test_a53_canceling_again_and_again_keeps_no_victim_out(self):
        victim, attacker = browser(HOME), browser()
        with override_phone_otp(LIMITS=UNLIMITED):
            mine = victim.send().json()["challenge"]
            code = latest_code(PHONE)
            for _ in range(20):
                attacker.post("cancel", {"challenge": attacker.send().json()["challenge"]})
            assert victim.verify(mine, code).status_code == 200
