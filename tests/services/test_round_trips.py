"""What limits cost: round trips to the cache, counted on the socket, with every limit on."""

import uuid

import pytest

from django_phone_otp.services import limits
from django_phone_otp.test import latest_code, override_phone_otp
from tests import settings as suite
from tests.conftest import PHONE, need
from tests.races import hang_up
from tests.reachable import SERVERS, answers
from tests.services.test_races import wrong
from tests.turns import Turns
from tests.unlimited import UNLIMITED

pytestmark = pytest.mark.django_db

# Two windows for each limit, and none of them near.
EVERY_LIMIT = {name: ["9000/1m", "90000/1d"] for name in UNLIMITED}
SEND_MAXIMUM, VERIFY_MAXIMUM = 8, 4


@pytest.fixture(params=["redis", "memcached"])
def turns(request, settings):
    """A cache behind a proxy that counts, every limit on, and connections made."""
    need(request.param, answers(request.param))
    own, port = suite.SHARED_CACHES[request.param], str(SERVERS[request.param])
    with Turns(SERVERS[request.param]) as counting:
        location = own["LOCATION"].replace(port, str(counting.port))
        settings.CACHES = {"default": {**own, "LOCATION": location, "KEY_PREFIX": uuid.uuid4().hex}}
        with override_phone_otp(LIMITS=EVERY_LIMIT, RESEND_AFTER=[0]):
            limits.hit({"send.ip": "a first call opens the connection, and brings the script"})
            yield counting
        hang_up()


@pytest.fixture
def member(client, django_user_model):
    """Somebody who is logged in, so that there is a client to count by."""
    client.force_login(django_user_model.objects.create_user("member"))


def test_a_send_with_every_limit_on_takes_few_round_trips(turns, member, api):
    assert turns.of(lambda: api.send("+14155550199")) <= SEND_MAXIMUM
    key = {"Idempotency-Key": "made-up-key"}
    assert turns.of(lambda: api.send(PHONE, headers=key)) <= SEND_MAXIMUM


def test_a_resend_takes_no_more(turns, member, api):
    handle = api.send().json()["challenge"]
    assert turns.of(lambda: api.post("resend", {"challenge": handle})) <= SEND_MAXIMUM


def test_a_verify_takes_fewer_right_or_wrong_known_or_not(turns, member, api):
    for _ in range(2):  # the second time, the browser is known
        handle = api.send().json()["challenge"]
        code = latest_code(PHONE)
        assert 0 < turns.of(lambda handle=handle, code=code: api.verify(handle, wrong(code))) <= VERIFY_MAXIMUM
        assert 0 < turns.of(lambda handle=handle, code=code: api.verify(handle, code)) <= VERIFY_MAXIMUM


def test_a_guess_that_waits_takes_no_more_but_on_memcached_what_is_given_back(turns, member, api, settings):
    with override_phone_otp(LIMITS={"verify.failed": ["1/10m", "2/1h"]}):
        handle = api.send().json()["challenge"]
        code = latest_code(PHONE)
        statuses = []
        trips = [turns.of(lambda: statuses.append(api.verify(handle, wrong(code)).status_code)) for _ in range(4)]
    assert statuses == [400, 429, 429, 429]
    given_back = 2 if "memcached" in settings.CACHES["default"]["BACKEND"] else 0
    assert max(trips) <= VERIFY_MAXIMUM + given_back
