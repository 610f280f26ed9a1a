"""What limits cost: a send and a verify with every limit on, as a ratio to the same requests without limits.

    .venv/bin/python -m tests.benchmarks.limits [--cache memcached] [--rounds 300]

Whole requests through Django's handler, in turn in one process, against a real Redis or memcached on this
machine. The round trips to it are counted on the socket.
"""

import argparse
import os
import statistics
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.settings")

import django

django.setup()

from django.test.utils import override_settings, setup_databases, teardown_databases

from django_phone_otp.test import override_phone_otp
from tests import routers
from tests import settings as suite
from tests.benchmarks.requests import Bench, calls_of, seconds_of
from tests.races import hang_up
from tests.reachable import SERVERS
from tests.turns import Turns
from tests.unlimited import UNLIMITED

WINDOWS = ["90000/1m", "90000/1h"]
KINDS = ("send", "verify")
TRIPS_AT_MOST = {"send": 8, "verify": 4}
RATIO_AT_MOST = 2.0  # in time: what guards may cost as much as all the rest, and no more


def with_limits(on):
    """Put every limit in force, with two windows each, or none."""
    rates = WINDOWS if on else []
    budget = {"verify.number": ["90000/1d"]}
    return override_phone_otp(LIMITS={**dict.fromkeys(UNLIMITED, rates), **budget})


def measure(turns, rounds):
    """Return the median seconds and calls of each request without and with limits, and its round trips."""
    bench = Bench()
    seconds = {(kind, on): [] for kind in KINDS for on in (False, True)}
    calls = {key: [] for key in seconds}
    trips = dict.fromkeys(KINDS, 0)
    for position in range(rounds):
        for on in (False, True):
            with with_limits(on):
                acts = bench.acts()
                for kind in KINDS:
                    before = turns.count
                    if position % 4 == 3:
                        calls[kind, on].append(calls_of(acts[kind]))
                    else:
                        seconds[kind, on].append(seconds_of(acts[kind]))
                    if on:
                        trips[kind] = max(trips[kind], turns.count - before) if position else 0
    return tuple({key: statistics.median(values) for key, values in table.items()} for table in (seconds, calls)), trips


def main():
    """Measure, print one line for each call, and fail when one is over what it must keep to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", choices=["redis", "memcached"], default="redis")
    parser.add_argument("--database", choices=["default", "postgresql", "mariadb"], default="default")
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    databases = setup_databases(verbosity=0, interactive=False)
    routers.everything = routers.chosen = options.database
    own, port = suite.SHARED_CACHES[options.cache], SERVERS[options.cache]
    try:
        with Turns(port) as turns:
            location = own["LOCATION"].replace(str(port), str(turns.port))
            with override_settings(CACHES={"default": {**own, "LOCATION": location, "KEY_PREFIX": str(os.getpid())}}):
                (seconds, calls), trips = measure(turns, options.rounds)
            hang_up()
    finally:
        teardown_databases(databases, verbosity=0)
    over = []
    for kind in KINDS:
        bare, ours = seconds[kind, False], seconds[kind, True]
        print(
            f"{kind:<7}{ours * 1000:.2f} ms = {ours / bare:.2f} x {bare * 1000:.2f} ms without limits"
            f" (must be at most {RATIO_AT_MOST} x);  {calls[kind, True] / calls[kind, False]:.2f} x in Python calls;"
            f"  {trips[kind]} round trips to {options.cache} (at most {TRIPS_AT_MOST[kind]})"
        )
        over += [kind] if ours / bare > RATIO_AT_MOST or trips[kind] > TRIPS_AT_MOST[kind] else []
    sys.exit(f"over what it must keep to: {', '.join(over)}" if over else 0)


if __name__ == "__main__":
    main()
