"""Whether anybody waits while ``clearotp`` deletes a million challenges and their messages.

    .venv/bin/python -m tests.benchmarks.clearing [--challenges 1000000] [--clients 4]

On PostgreSQL. Clients send and verify at a steady pace while ``clearotp`` works and pauses by turns, until all is
deleted: what a machine does of itself within half an hour falls on the requests beside it and on those alone. What 99
of 100 take beside it is held against twice the 95th percentile of what they take alone: a few of a thousand take longer
than that without it, too.
"""

import argparse
import collections
import itertools
import multiprocessing
import os
import sys
import threading
import time
from unittest import mock

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases

from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.services import figures, retention
from django_phone_otp.test import latest_code, override_phone_otp
from tests import routers
from tests.benchmarks.lists import DATABASE, fill
from tests.unlimited import UNLIMITED

ALONE, BESIDE = 15, 45  # seconds of each turn
SETTLES = 2  # seconds between two turns, whose requests are nobody's
PACE = 0.25  # seconds from one send and verify of a client to its next
DAYS = 30  # over which the old ones are spread
OLDER = 31 * 24 * 60 * 60  # seconds: all are past their retention
MOST = 2.0  # times the usual 95th percentile
NUMBERS = itertools.count()


class Load:
    """Clients that send and verify until they are told to stop; ``turn`` says whose their requests are."""

    def __init__(self, clients):
        self.taken = collections.defaultdict(list)  # by call and turn: seconds
        self.turn = ""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(place / clients,)) for place in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, part):
        client = Client(headers={"Host": "localhost"})
        due = time.perf_counter() + PACE * part
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            due = max(due + PACE, time.perf_counter())
            number = f"+1212555{next(NUMBERS) % 10000:04}"
            sent = self._timed(client, "send", {"phone": number, "purpose": "signup"}, 201)
            body = {"challenge": sent.json()["challenge"], "code": latest_code(number)}
            self._timed(client, "verify", body, 200)
        connections.close_all()

    def _timed(self, client, call, body, status):
        start, turn = time.perf_counter(), self.turn
        answer = client.post(f"/api/phone/{call}/", body, content_type="application/json")
        self.taken[call, turn].append(time.perf_counter() - start)
        assert answer.status_code == status, answer.content
        return answer


class Clearing:
    """``clearotp`` in a process of its own, as cron runs it, that can be paused between two of its steps."""

    def __init__(self):
        context = multiprocessing.get_context("fork")
        self._going, self._pauses = context.Event(), context.Event()
        self._process = context.Process(target=self._run)
        connections.close_all()
        self._process.start()

    def pause(self):
        """Return once it pauses: it holds no lock and no part of the machine then."""
        self._going.clear()
        while self.is_alive() and not self._pauses.wait(SETTLES):
            pass

    def go_on(self, seconds):
        """Let it work and return after so many seconds, or as soon as it is done."""
        self._going.set()
        self._process.join(seconds)

    def is_alive(self):
        return self._process.is_alive()

    def is_done(self):
        return self._process.exitcode == 0

    def _run(self):
        connections.close_all()
        os.nice(10)  # as the documentation has it
        counted, cleared = self._by_turns(figures.count_days), self._by_turns(retention.clear_expired)
        with mock.patch.object(figures, "count_days", counted), mock.patch.object(retention, "clear_expired", cleared):
            call_command("clearotp")

    def _by_turns(self, steps):
        def paused():
            self._wait()
            for step in steps():
                yield step
                self._wait()

        return paused

    def _wait(self):
        if not self._going.is_set():
            self._pauses.set()
            self._going.wait()
            self._pauses.clear()


def take_turns(load, clearing):
    """Let ``clearotp`` pause and go on until it is done; return for how many seconds it went on."""
    went = 0.0
    while clearing.is_alive():
        load.turn = ""
        clearing.pause()
        time.sleep(SETTLES)
        load.turn = "alone"
        time.sleep(ALONE)
        load.turn = ""
        start = time.perf_counter()
        clearing.go_on(SETTLES)
        load.turn = "beside"
        clearing.go_on(BESIDE)
        went += time.perf_counter() - start
    return went


def percentile(times, share):
    """Return the time within which ``share`` of all were done."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def run(challenges, clients):
    """Print what requests take alone and beside ``clearotp``; return whether nobody waits."""
    fill(challenges, DAYS * 24 * 60 * 60 / challenges, OLDER)
    clearing = Clearing()
    with Load(clients) as load:
        went = take_turns(load, clearing)
    assert clearing.is_done()
    left = Challenge.objects.exclude(number__startswith="+1212555").count()
    print(f"{challenges - left:,} of {challenges:,} challenges went; {Delivery.objects.count():,} deliveries are left")
    print(f"clearotp took {went:.0f} s, with batches of {max(retention.clear_expired.__defaults__)}")
    kept = [is_kept(call, load.taken[call, "alone"], load.taken[call, "beside"]) for call in ("send", "verify")]
    return all(kept)  # after all was printed


def is_kept(call, alone, beside):
    """Print what one call takes alone and beside; return whether 99 of 100 take no longer than twice the usual 95 %."""
    usual = percentile(alone, 0.95)
    for when, times in (("alone", alone), ("beside", beside)):
        p95, p99, longest = percentile(times, 0.95), percentile(times, 0.99), max(times)
        over = sum(each > MOST * usual for each in times)
        print(
            f"{call:7} {when:7} 95 % within {p95 * 1000:6.1f} ms = {p95 / usual:.2f} x;"
            f" 99 % {p99 * 1000:6.1f} ms = {p99 / usual:.2f} x;"
            f" longest {longest * 1000:7.1f} ms = {longest / usual:5.2f} x;"
            f" {over} of {len(times)} over {MOST} x"
        )
    return percentile(beside, 0.99) <= MOST * usual


def main():
    """Measure, and end with 1 when somebody waits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--challenges", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    made = setup_databases(verbosity=0, interactive=False)
    routers.chosen = routers.everything = DATABASE
    try:
        with override_phone_otp(LIMITS=UNLIMITED):
            kept = run(options.challenges, options.clients)
    finally:
        teardown_databases(made, verbosity=0)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
