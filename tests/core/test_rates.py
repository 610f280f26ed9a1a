import pytest

from django_phone_otp.core.rates import Rate, parse_rate, tightest
from tests.core.scripts import arabic, fullwidth


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("3/5m", Rate(3, 300)),
        ("1/1s", Rate(1, 1)),
        ("20/1h", Rate(20, 3600)),
        ("10/2d", Rate(10, 172_800)),
        ("999999999/30d", Rate(999_999_999, 2_592_000)),
    ],
)
def test_a_rate_is_a_count_in_a_window(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        "", "3", "3/", "/5m", "3/5", "3/m", "3/0m", "0/5m", "03/5m", "-3/5m", "3/5M", "3/5w", "100/week", "100/day",
        "3 / 5m", " 3/5m", "3/5m\n", "3/5min", "3.5/5m", "3/5m,4/1d", "1" * 10 + "/1s", "1/1111111d",
        fullwidth("3") + "/5m", "3/" + arabic("5") + "m",
    ],
)  # fmt: skip
def test_anything_else_is_no_rate(text):
    with pytest.raises(ValueError, match="3/5m"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["1/367d", "1/999999d", "1/999999h"])
def test_a_window_of_over_a_year_is_refused(text):
    with pytest.raises(ValueError, match="366 days"):
        parse_rate(text)


def test_a_window_of_a_year_is_allowed():
    assert parse_rate("1/366d").seconds == 366 * 86400


def test_of_rates_with_one_window_the_smallest_implies_the_others():
    rates = [Rate(9, 60), Rate(3, 3600), Rate(4, 60), Rate(5, 60)]
    assert tightest(rates) == (Rate(4, 60), Rate(3, 3600))
    assert tightest([]) == ()
