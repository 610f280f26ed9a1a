"""Fixtures that the whole suite shares."""

import json
import uuid

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections
from django.dispatch import Signal
from django.utils import translation

from django_phone_otp import signals
from django_phone_otp.test import outbox, override_phone_otp
from tests import routers
from tests import settings as suite
from tests.reachable import REQUIRED, answers, find_chromium
from tests.unlimited import UNLIMITED

PHONE = "+14155550123"


@pytest.fixture(autouse=True)
def _clean_slate():
    """Every test starts with empty limits, an empty outbox, and not in the language of the last request."""
    cache.clear()
    outbox.clear()
    translation.deactivate()


def need(what, is_there):
    """Skip the test, or fail it where every service is required."""
    if not is_there:
        left_out = " (PHONE_OTP_ONLY_SQLITE=1 leaves it out)" if suite.ONLY_SQLITE else ""
        reason = f"{what} does not answer on this machine{left_out}"
        if REQUIRED:
            pytest.fail(f"{reason}, and PHONE_OTP_REQUIRE_SERVICES=1 asks for it")
        pytest.skip(reason)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request, monkeypatch):
    """Put the app's tables in each real database in turn; mark the test with ``every_database``."""
    alias = "default" if request.param == "sqlite" else request.param
    if alias != "default":
        need(request.param, alias in connections)
    monkeypatch.setattr(routers, "chosen", alias)
    return connections[alias]


@pytest.fixture
def everything(database, monkeypatch):
    """Put accounts and sessions where the app's tables are: each real database is one whole project."""
    monkeypatch.setattr(routers, "everything", database.alias)
    return database


every_database = pytest.mark.django_db(transaction=True, databases="__all__")


def pytest_collection_modifyitems(items):
    """Let a test of one database empty no other one: a mark of its own comes before that of its module."""
    for item in items:
        chosen = getattr(item, "callspec", None) and item.callspec.params.get("database")
        marks = list(item.iter_markers("django_db"))
        needed = {"default", "default" if chosen == "sqlite" else chosen}
        # One that does not answer is left to the fixture, which says so.
        if needed <= {*suite.DATABASES} and marks and marks[0].kwargs == every_database.kwargs:
            item.add_marker(
                pytest.mark.django_db(**{**every_database.kwargs, "databases": sorted(needed)}), append=False
            )


@pytest.fixture
def clock():
    """Stop time at a whole second; ``clock.shift(seconds)`` moves it on."""
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def unlimited():
    """Lift all limits but the guess budget."""
    with override_phone_otp(LIMITS=UNLIMITED):
        yield


@pytest.fixture
def faulty_receivers():
    """Connect a receiver that raises to every signal."""

    def receiver(**_):
        raise RuntimeError("a fault in the project")

    every = [getattr(signals, name) for name in vars(signals) if isinstance(getattr(signals, name), Signal)]
    assert len(every) == 4
    for signal in every:
        signal.connect(receiver)
    yield
    for signal in every:
        signal.disconnect(receiver)


@pytest.fixture
def redis_cache(settings):
    """Count limits in a real Redis."""
    need("redis", answers("redis"))
    settings.CACHES = {"default": suite.SHARED_CACHES["redis"]}
    _forget_keys()
    yield cache
    _forget_keys()
    for pool in cache._cache._pools.values():
        pool.disconnect()


@pytest.fixture
def memcached_cache(settings):
    """Count limits in a real memcached, under keys that no test had before."""
    need("memcached", answers("memcached"))
    settings.CACHES = {"default": {**suite.SHARED_CACHES["memcached"], "KEY_PREFIX": uuid.uuid4().hex}}
    yield cache
    cache._cache.close()


@pytest.fixture(params=["redis", "memcached", "locmem"])
def each_cache(request):
    """Count limits in each kind of cache in turn."""
    return cache if request.param == "locmem" else request.getfixturevalue(f"{request.param}_cache")


def _forget_keys():
    """Delete this run's keys, and no other's."""
    client = cache._cache.get_client(write=True)
    for key in client.scan_iter(f"phone_otp_test{suite.RUN}:*"):
        client.delete(key)


@pytest.fixture(scope="session")
def chromium():
    """Return the path of Chromium."""
    path = find_chromium()
    need("Chromium", path)
    return path


class Api:
    """Speaks JSON to the API, as a front end does."""

    def __init__(self, client):
        self.client = client

    def post(self, call, body, **headers):
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.client.post(f"/api/phone/{call}/", data, content_type="application/json", headers=headers)

    def send(self, phone=PHONE, purpose="signup", headers=None, **body):
        return self.post("send", {"phone": phone, "purpose": purpose, **body}, **(headers or {}))

    def verify(self, challenge, code, **body):
        return self.post("verify", {"challenge": challenge, "code": code, **body})


@pytest.fixture
def api(client):
    """An anonymous client of the API."""
    return Api(client)


@pytest.fixture
def code_of():
    """Return a function that reads the newest code to a number out of the outbox."""
    from django_phone_otp.test import latest_code

    return latest_code
