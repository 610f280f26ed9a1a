from datetime import date

import pytest

from django_phone_otp.core.policies import BackendSettings, Route, TestNumber
from django_phone_otp.core.statuses import DeliveryStatus


@pytest.mark.parametrize(
    ("allowed", "matches"),
    [
        ({}, True),
        ({"regions": {"IN", "US"}}, True),
        ({"regions": {"US"}}, False),
        ({"channels": {"sms"}}, True),
        ({"channels": {"voice"}}, False),
        ({"purposes": {"login"}}, True),
        ({"purposes": {"signup"}}, False),
        ({"regions": {"IN"}, "channels": {"sms"}, "purposes": {"login"}}, True),
        ({"regions": {"IN"}, "channels": {"sms"}, "purposes": {"signup"}}, False),
    ],
)
def test_a_route_takes_what_each_of_its_sets_allows_and_an_empty_set_allows_all(allowed, matches):
    sets = {key: frozenset(allowed.get(key, ())) for key in ("regions", "channels", "purposes")}
    route = Route(backends=("default",), **sets)
    assert route.matches(region="IN", channel="sms", purpose="login") is matches


def test_no_policy_shows_a_secret_or_a_code():
    assert "hunter2" not in repr(BackendSettings("a.B", {"api_key": "hunter2"}))
    assert "424242" not in repr(TestNumber("424242", DeliveryStatus.DELIVERED, date(2027, 1, 31), False))
