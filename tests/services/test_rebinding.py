"""A number in place of another: the only one afterwards, and nothing of the old one is worth anything."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import sleep

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import transaction
from django.utils import translation

import django_phone_otp as phone_otp
from django_phone_otp.exceptions import ChallengeClosed, InvalidToken, NumberTaken
from django_phone_otp.models import Challenge, VerifiedPhone
from django_phone_otp.services.phones import bind, is_taken, numbers_of, rebind, unbind
from django_phone_otp.services.proofs import void
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE, every_database
from tests.races import hang_up, kinds, together
from tests.services.sending import prove
from tests.services.test_phones import MODES
from tests.unlimited import UNLIMITED

NEW, OTHER = "+14155550124", "+14155550125"
in_memory = pytest.mark.django_db


@pytest.fixture(params=MODES.values(), ids=MODES)
def _mode(request):
    with override_phone_otp(USER_FIELD=request.param, LIMITS=UNLIMITED):
        yield


@pytest.fixture
def sam():
    return User.objects.create_user("sam", "sam@example.com", "made-up-Words-9")


@pytest.fixture
def kim():
    return User.objects.create_user("kim")


def told():
    return [message.number for message in outbox if not message.code]


class TestNumbers:
    pytestmark = in_memory

    @pytest.mark.usefixtures("_mode")
    def test_of_whoever_has_none_there_are_none(self, kim, sam):
        bind(kim, PHONE)
        User.objects.filter(pk=sam.pk).update(last_name="", username="")
        assert numbers_of(sam) == []
        assert numbers_of(User()) == []

    @pytest.mark.usefixtures("_mode")
    def test_they_are_read_anew_whatever_the_object_says(self, kim):
        bind(User.objects.get(pk=kim.pk), PHONE)
        assert numbers_of(kim) == [PHONE]

    def test_the_one_that_was_verified_last_comes_first(self, kim, clock):
        for number in (PHONE, NEW, OTHER):
            bind(kim, number)
            clock.shift(1)
        assert numbers_of(kim) == [OTHER, NEW, PHONE]
        bind(kim, PHONE)
        assert numbers_of(kim) == [PHONE, OTHER, NEW]

    @pytest.mark.usefixtures("_mode")
    def test_one_is_taken_by_whoever_has_it_even_if_they_may_not_log_in(self, kim):
        assert not is_taken(PHONE)
        bind(kim, PHONE)
        User.objects.filter(pk=kim.pk).update(is_active=False)
        assert is_taken(PHONE)
        assert not is_taken(NEW)


class TestChange:
    pytestmark = in_memory

    @pytest.mark.usefixtures("_mode")
    def test_the_new_number_is_the_only_one(self, sam, django_capture_on_commit_callbacks):
        bind(sam, PHONE)
        with django_capture_on_commit_callbacks(execute=True):
            assert rebind(sam, NEW) == [PHONE]
        assert numbers_of(sam) == [NEW]
        assert not is_taken(PHONE)
        assert told() == [PHONE]

    def test_all_of_several_are_gone_and_told(self, sam, clock, django_capture_on_commit_callbacks):
        for number in (PHONE, OTHER):
            bind(sam, number)
            clock.shift(1)
        with django_capture_on_commit_callbacks(execute=True):
            assert rebind(sam, NEW) == [OTHER, PHONE]
        assert told() == [OTHER, PHONE]

    def test_the_others_go_also_when_one_of_them_is_to_be_the_only_one(self, sam, django_capture_on_commit_callbacks):
        bind(sam, PHONE)
        bind(sam, OTHER)
        with django_capture_on_commit_callbacks(execute=True):
            assert rebind(sam, PHONE) == [OTHER]
        assert numbers_of(sam) == [PHONE]
        assert told() == [OTHER]

    @pytest.mark.usefixtures("_mode")
    def test_the_number_that_it_is_already_tells_nobody_and_voids_nothing(
        self, sam, django_capture_on_commit_callbacks
    ):
        bind(sam, PHONE)
        token = prove(PHONE, "signup")
        with django_capture_on_commit_callbacks(execute=True):
            assert rebind(sam, PHONE) == []
        assert (told(), mail.outbox) == ([], [])
        assert phone_otp.redeem(token, purpose="signup") == PHONE

    @pytest.mark.usefixtures("_mode")
    def test_a_number_of_another_account_changes_nothing(self, sam, kim, django_capture_on_commit_callbacks):
        bind(sam, PHONE)
        bind(kim, NEW)
        token = prove(PHONE, "signup")
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(NumberTaken):
            rebind(sam, NEW)
        sam.refresh_from_db()
        assert (numbers_of(sam), numbers_of(kim)) == ([PHONE], [NEW])
        assert (told(), mail.outbox) == ([], [])
        assert phone_otp.redeem(token, purpose="signup") == PHONE

    @pytest.mark.usefixtures("_mode")
    def test_a_rollback_of_the_caller_undoes_it_all_and_tells_nobody(self, sam, django_capture_on_commit_callbacks):
        bind(sam, PHONE)
        token = prove(PHONE, "signup")
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            rebind(sam, NEW)
            transaction.set_rollback(True)
        assert numbers_of(sam) == [PHONE]
        assert (told(), mail.outbox) == ([], [])
        assert phone_otp.redeem(token, purpose="signup") == PHONE

    def test_the_notices_are_in_the_language_that_is_given_or_active(self, sam, django_capture_on_commit_callbacks):
        bind(sam, PHONE)
        for number, given, active in ((NEW, "de", "fr"), (OTHER, None, "es"), (PHONE, None, None)):
            with translation.override(active), django_capture_on_commit_callbacks(execute=True):
                rebind(sam, number, language=given)
        assert [message.language for message in outbox] == ["de", "es", ""]

    @pytest.mark.usefixtures("_mode")
    def test_only_an_account_without_a_password_is_logged_out_everywhere(self, sam, kim):
        for user in (sam, kim):
            bind(user, PHONE)
            before = user.get_session_auth_hash()
            rebind(user, NEW)
            after = User.objects.get(pk=user.pk)
            assert (after.get_session_auth_hash() == before) == (user is sam)
            assert after.has_usable_password() == (user is sam)
            rebind(user, OTHER)
            user.delete()

    def test_a_first_number_logs_nobody_out(self, kim):
        before = kim.get_session_auth_hash()
        assert rebind(kim, NEW) == []
        assert User.objects.get().get_session_auth_hash() == before

    def test_a_user_model_that_knows_of_no_passwords_keeps_none(self, sam, monkeypatch):
        bind(sam, PHONE)
        monkeypatch.delattr("django.contrib.auth.base_user.AbstractBaseUser.has_usable_password")
        assert rebind(sam, NEW) == [PHONE]


class TestVoid:
    pytestmark = in_memory

    @pytest.fixture(autouse=True)
    def _unlimited(self):
        with override_phone_otp(LIMITS=UNLIMITED):
            yield

    def test_no_proof_of_the_number_is_worth_anything(self):
        tokens = {purpose: prove(PHONE, purpose) for purpose in ("signup", "verify")}
        void([PHONE])
        for purpose, token in tokens.items():
            with pytest.raises(InvalidToken):
                phone_otp.redeem(token, purpose=purpose)

    def test_no_code_on_its_way_there_is(self):
        challenge = phone_otp.send(PHONE, purpose="verify")
        void([PHONE])
        with pytest.raises(ChallengeClosed):
            phone_otp.verify(challenge.handle, latest_code(PHONE))

    def test_other_numbers_and_later_codes_keep_theirs(self):
        token, challenge = prove(NEW), phone_otp.send(OTHER, purpose="verify")
        void([PHONE])
        void([])
        assert phone_otp.redeem(token, purpose="verify") == NEW
        assert phone_otp.verify(challenge.handle, latest_code(OTHER)).phone == OTHER
        assert phone_otp.redeem(prove(PHONE), purpose="verify") == PHONE

    def test_what_ended_before_stays_as_it_was(self, clock):
        spent = prove(PHONE)
        phone_otp.redeem(spent, purpose="verify")
        phone_otp.send(PHONE, purpose="signup")  # and runs out
        clock.shift(400)
        before = list(Challenge.objects.order_by("pk").values())
        void([PHONE])
        assert list(Challenge.objects.order_by("pk").values()) == before

    def test_what_was_verified_for_the_old_number_moves_no_account_back(self, sam):
        """Whoever holds a proof of the old number cannot use it after the change."""
        bind(sam, PHONE)
        token = prove(PHONE)
        rebind(sam, NEW)
        with pytest.raises(InvalidToken):
            rebind(sam, phone_otp.redeem(token, purpose="verify"))
        assert numbers_of(sam) == [NEW]


@in_memory
def test_a_password_that_was_set_meanwhile_stays(kim):
    kim.set_unusable_password()
    kim.save()
    bind(kim, PHONE)
    read_before = User.objects.get(pk=kim.pk)
    kim.set_password("made-up-Words-9")
    kim.save()
    rebind(read_before, NEW)
    assert User.objects.get(pk=kim.pk).check_password("made-up-Words-9")


@in_memory
def test_a_password_that_was_taken_away_meanwhile_ends_the_sessions(sam):
    bind(sam, PHONE)
    read_before = User.objects.get(pk=sam.pk)
    sam.set_unusable_password()
    sam.save()
    before = User.objects.get(pk=sam.pk).get_session_auth_hash()
    rebind(read_before, NEW)
    assert User.objects.get(pk=sam.pk).get_session_auth_hash() != before


@pytest.fixture
def users(everything, unlimited):
    """The users, beside the app's tables."""
    return User.objects


@every_database
def test_users_who_are_kept_in_another_database_change_their_number_too(database, kim):
    kim.set_unusable_password()
    kim.save()
    before = kim.get_session_auth_hash()
    with override_phone_otp(USER_FIELD="last_name", LIMITS=UNLIMITED):
        bind(kim, PHONE)
        assert rebind(kim, NEW) == [PHONE]
        assert numbers_of(kim) == [NEW]
        assert User.objects.get(pk=kim.pk).get_session_auth_hash() != before
        assert unbind(kim, NEW)
        assert numbers_of(kim) == []


@every_database
def test_changes_at_once_leave_one_number(users):
    user = users.create_user("sam")
    bind(user, PHONE)
    wanted = [f"+1415555013{n}" for n in range(8)]
    outcomes = together(8, lambda n: rebind(users.get(), wanted[n]))
    assert kinds(outcomes) == {"list": 8}
    (left,) = VerifiedPhone.objects.values_list("number", flat=True)
    assert left in wanted
    # One after the other: each found what the one before had left, and all the others were told.
    former = [number for outcome in outcomes for number in outcome]
    assert sorted(former) == sorted({PHONE, *wanted} - {left})
    assert sorted(told()) == sorted(former)


@every_database
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # it says who waits
def test_who_waits_for_a_turn_holds_no_row_that_the_one_before_deletes(users, database):
    """Else each would wait for the other, and the database would end one of them."""
    user = users.create_user("sam")
    bind(user, PHONE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(using=database.alias):
            list(users.using(database.alias).select_for_update().filter(pk=user.pk))
            waiting = pool.submit(in_thread, lambda: rebind(users.get(), NEW))
            wait_until_somebody_waits(database)
            rows = VerifiedPhone.objects.using(database.alias).select_for_update(nowait=True)
            assert [row.number for row in rows] == [PHONE]
        assert waiting.result(timeout=30) == [PHONE]


@every_database
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # where a row may be made without a turn
def test_a_number_that_the_project_gave_the_same_user_meanwhile_is_bound(users, database, monkeypatch):
    user = users.create_user("sam")
    create = VerifiedPhone.objects.create

    def just_before(**fields):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(in_thread, lambda: create(**fields)).result(timeout=30)
        return create(**fields)

    monkeypatch.setattr(VerifiedPhone.objects, "create", just_before)
    bind(user, PHONE)
    assert numbers_of(user) == [PHONE]


def in_thread(act):
    try:
        return act()
    finally:
        hang_up()


def wait_until_somebody_waits(database):
    for _ in range(300):
        with database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        sleep(0.05)
    pytest.fail("nobody waits")


@every_database
def test_of_two_accounts_that_want_one_number_at_once_one_gets_it(users):
    people = [users.create_user(name) for name in ("sam", "kim", "lou", "pat")]
    for n, user in enumerate(people):
        bind(user, f"+1415555013{n}")
    outcomes = together(4, lambda n: rebind(users.get(pk=people[n].pk), NEW))
    assert kinds(outcomes) == {"NumberTaken": 3, "list": 1}
    assert VerifiedPhone.objects.filter(number=NEW).count() == 1
    assert VerifiedPhone.objects.count() == 4  # the others keep what they had


@every_database
def test_a_code_that_is_right_while_the_number_changes_is_worth_nothing(users):
    user = users.create_user("sam")
    for before, after in pairwise([PHONE, NEW, OTHER]):
        bind(user, before)
        challenge = phone_otp.send(before, purpose="verify")
        code = latest_code(before)

        def act(n, handle=challenge.handle, code=code, after=after):
            return phone_otp.verify(handle, code).token if n else rebind(users.get(), after)

        changed, proof = together(2, act)
        assert changed == [before]
        if isinstance(proof, str):
            with pytest.raises(InvalidToken):
                phone_otp.redeem(proof, purpose="verify")
        else:
            assert isinstance(proof, ChallengeClosed)
