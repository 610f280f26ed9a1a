"""What an export needs with a million challenges: no more memory than with ten thousand.

    .venv/bin/python -m tests.benchmarks.exports [--challenges 1000000] [--model challenge]

On PostgreSQL. Each file is fetched twice: once for the time, and once while every allocation is traced, which
takes several times as long.
"""

import argparse
import os
import sys
import time
import tracemalloc

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django.urls import reverse

from django_phone_otp.models import Challenge, Delivery
from tests import routers
from tests.benchmarks.lists import DATABASE, DAYS, FEW, fill

MODELS = {"challenge": Challenge, "delivery": Delivery}
MOST = 1.5  # times the memory that few rows need


def export(client, model):
    """Fetch a file and keep nothing of it; return how many rows and bytes it had."""
    answer = client.post(reverse(f"admin:phone_otp_{model}_export"), {"full": "on"})
    assert answer.status_code == 200, answer.status_code
    lines = size = 0
    for chunk in answer:
        lines += chunk.count(b"\r\n")
        size += len(chunk)
    answer.close()
    assert lines == MODELS[model].objects.count() + 1, lines
    return lines - 1, size


def measure(client, model, challenges):
    """Print what an export of so many takes; return the most memory that it held at once."""
    fill(challenges, DAYS * 24 * 60 * 60 / challenges)
    start = time.perf_counter()
    rows, size = export(client, model)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    try:
        export(client, model)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    pace = f"{rows:10,} rows  {size / 1e6:8.1f} MB  {seconds:7.1f} s  {rows / seconds:8,.0f} rows a second"
    print(f"{pace}  peak {peak / 1e6:6.2f} MB", flush=True)
    return peak


def run(challenges, model):
    """Print both measurements; return whether memory is bounded."""
    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
    fill(1, 1)
    export(client, model)  # what is imported and cached once is no part of either
    ratio = 1 / measure(client, model, FEW) * measure(client, model, challenges)
    print(f"{ratio:.2f} x the memory, of at most {MOST} x")
    return ratio <= MOST


def main():
    """Measure, and end with 1 when memory grows with the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--challenges", type=int, default=1_000_000)
    parser.add_argument("--model", choices=MODELS, default="challenge")
    options = parser.parse_args()
    made = setup_databases(verbosity=0, interactive=False)
    routers.chosen = routers.everything = DATABASE
    try:
        kept = run(options.challenges, options.model)
    finally:
        teardown_databases(made, verbosity=0)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
