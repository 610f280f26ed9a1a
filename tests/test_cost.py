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


def test_a_send_is_one_select_two_inserts_and_one_update(api):
    assert statements_of(api.send) == ["SELECT", "INSERT", "INSERT", "UPDATE"]


def test_a_verify_is_one_select_and_one_update(api):
    handle = api.send().json()["challenge"]
    code = latest_code(PHONE)
    assert statements_of(lambda: api.verify(handle, "000000" if code != "000000" else "111111")) == ["SELECT", "UPDATE"]
    assert statements_of(lambda: api.verify(handle, code)) == ["SELECT", "UPDATE"]


def test_a_status_is_one_select(api):
    handle = api.send().json()["challenge"]
    assert statements_of(lambda: api.post("status", {"challenge": handle})) == ["SELECT"]


def test_a_resend_is_one_select_two_updates_and_one_insert(api):
    with override_phone_otp(RESEND_AFTER=[0]):
        handle = api.send().json()["challenge"]
        words = statements_of(lambda: api.post("resend", {"challenge": handle}))
    assert words == ["SELECT", "UPDATE", "INSERT", "UPDATE"]


def test_a_redeem_is_one_select_and_one_update(api):
    token = api.verify(api.send().json()["challenge"], latest_code(PHONE)).json()["token"]
    assert statements_of(lambda: phone_otp.redeem(token, purpose="signup")) == ["SELECT", "UPDATE"]


def test_a_decoy_costs_what_a_challenge_costs(api, django_user_model):
    from django_phone_otp.services.phones import bind

    bind(django_user_model.objects.create_user("member"), PHONE)
    real = statements_of(lambda: api.send(purpose="login"))
    decoy = statements_of(lambda: api.send("+14155550199", purpose="login"))
    assert real == decoy == ["SELECT", "SELECT", "INSERT", "INSERT", "UPDATE"]


def test_past_challenges_do_not_add_to_a_send(api):
    with override_phone_otp(LIMITS=UNLIMITED):
        for _ in range(20):
            api.verify(api.send().json()["challenge"], latest_code(PHONE))
        assert statements_of(api.send) == ["SELECT", "INSERT", "INSERT", "UPDATE"]


def test_forged_handles_and_tokens_cost_no_query(api):
    forged = "A" * 43
    for call, body in (("status", {}), ("cancel", {}), ("resend", {}), ("verify", {"code": "123456"})):
        assert statements_of(lambda call=call, body=body: api.post(call, {"challenge": forged, **body})) == []
