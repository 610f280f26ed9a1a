"""How many queries each call costs; nothing else in the suite may make it more."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import django_phone_otp as phone_otp
from django_phone_otp.test import latest_code, override_phone_otp
from tests.conftest import PHONE
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db(transaction=True)


class Statements(CaptureQueriesContext):
    """The statements of a block by their first word, those that only begin and end transactions left out."""

    def words(self):
        found = [query["sql"].split()[0] for query in self.captured_queries]
        return [word for word in found if word not in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}]


def statements_of(act):
    with Statements(connection) as statements:
        act()
    return statements.words()


# The first SELECT of each is for what staff blocked: no cache could answer it, since a block holds at once.
SEND = ["SELECT", "SELECT", "INSERT", "INSERT", "UPDATE"]


def test_a_send_is_one_select_for_blocks_one_for_the_budget_two_inserts_and_one_update(api):
    assert statements_of(api.send) == SEND


def test_a_send_to_a_blocked_number_is_one_select(api):
    from django_phone_otp.services.blocks import block

    block(PHONE)
    assert statements_of(api.send) == ["SELECT"]


def test_a_send_that_the_settings_refuse_is_no_query(api):
    with override_phone_otp(DENIED_PREFIXES=["+1415"]):
        assert statements_of(api.send) == []


def test_a_verify_is_one_select_and_one_update(api):
    handle = api.send().json()["challenge"]
    code = latest_code(PHONE)
    assert statements_of(lambda: api.verify(handle, "000000" if code != "000000" else "111111")) == ["SELECT", "UPDATE"]
    assert statements_of(lambda: api.verify(handle, code)) == ["SELECT", "UPDATE"]


def test_a_status_is_one_select(api):
    handle = api.send().json()["challenge"]
    assert statements_of(lambda: api.post("status", {"challenge": handle})) == ["SELECT"]


def test_a_resend_is_one_select_two_updates_one_insert_and_two_selects_for_blocks(api):
    with override_phone_otp(RESEND_AFTER=[0]):
        handle = api.send().json()["challenge"]
        words = statements_of(lambda: api.post("resend", {"challenge": handle}))
    # For who asks, and for who sends: between the two may be a queue.
    assert words == ["SELECT", "SELECT", "UPDATE", "INSERT", "SELECT", "UPDATE"]


def test_a_redeem_is_one_select_and_one_update(api):
    token = api.verify(api.send().json()["challenge"], latest_code(PHONE)).json()["token"]
    assert statements_of(lambda: phone_otp.redeem(token, purpose="signup")) == ["SELECT", "UPDATE"]


def test_a_decoy_costs_what_a_challenge_costs(api, django_user_model):
    from django_phone_otp.services.phones import bind

    bind(django_user_model.objects.create_user("member"), PHONE)
    real = statements_of(lambda: api.send(purpose="login"))
    decoy = statements_of(lambda: api.send("+14155550199", purpose="login"))
    assert real == decoy == ["SELECT", *SEND]  # one SELECT more for who is registered


@pytest.mark.parametrize("why", ["unknown", "blocked", "denied", "blocked and denied"])
def test_whatever_makes_a_decoy_it_costs_what_a_challenge_costs(api, django_user_model, why):
    from django_phone_otp.services.blocks import block
    from django_phone_otp.services.phones import bind

    bind(django_user_model.objects.create_user("member"), "+14165550123")
    if "blocked" in why:
        block("+1415*")

    def both(number):
        handle = api.send(number, purpose="login").json()["challenge"]
        api.post("resend", {"challenge": handle})

    denied = ["+1415"] if "denied" in why else []
    with override_phone_otp(RESEND_AFTER=[0], DENIED_PREFIXES=denied, LIMITS=UNLIMITED):
        real, decoy = (statements_of(lambda number=number: both(number)) for number in ("+14165550123", PHONE))
    assert real == decoy == ["SELECT", *SEND, "SELECT", "UPDATE", "INSERT", "SELECT", "UPDATE"]


def test_past_challenges_do_not_add_to_a_send(api):
    with override_phone_otp(LIMITS=UNLIMITED):
        for _ in range(20):
            api.verify(api.send().json()["challenge"], latest_code(PHONE))
        assert statements_of(api.send) == SEND


def test_a_send_after_a_code_that_was_not_entered_makes_sure_that_it_still_counts(api):
    api.send()
    assert statements_of(api.send) == [*SEND[:2], "UPDATE", *SEND[2:]]


def test_past_blocks_do_not_add_to_a_send(api):
    from django_phone_otp.models import Block

    Block.objects.bulk_create(Block(value=f"+1416555{last:04}") for last in range(50))
    assert statements_of(api.send) == SEND


def test_forged_handles_and_tokens_cost_no_query(api):
    forged = "A" * 43
    for call, body in (("status", {}), ("cancel", {}), ("resend", {}), ("verify", {"code": "123456"})):
        assert statements_of(lambda call=call, body=body: api.post(call, {"challenge": forged, **body})) == []
