"""What the pages of the admin cost with a million challenges, as a ratio to what they cost with ten thousand.

The statistics are counted once, as ``clearotp`` does, and their page is held to two seconds.

    .venv/bin/python -m tests.benchmarks.lists [--challenges 1000000] [--rounds 15] [--pages region]

On PostgreSQL, with two deliveries for each challenge. Every page is measured with few rows and with many
in one run; no page may read a large table from end to end, nor count all of it.
"""

import argparse
import json
import os
import re
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases
from django.urls import reverse

from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus
from django_phone_otp.models import Challenge, Delivery, VerifiedPhone
from django_phone_otp.services import figures
from tests import routers

DATABASE = "postgresql"
FEW = 10_000  # challenges
DAYS = 30  # over which the many are spread
MOST = 2.0  # times what a page costs with few
STATISTICS_MOST = 2.0  # seconds for a month of it
TABLES = {"phone_otp_challenge", "phone_otp_delivery"}

CHALLENGES = """
INSERT INTO phone_otp_challenge (id, number, region, purpose, context, channel, language, status, lane, serial, streak,
  attempts, max_attempts, messages, code_length, seed, key_id, client, decoy, created_at, expires_at, resend_at,
  closed_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0')
    || '8' || substr(md5(n::text), 1, 15))::uuid,
  '+1415' || lpad((n %% 400000)::text, 7, '0'), CASE WHEN n %% 1000 = 0 THEN 'GB' ELSE 'US' END,
  CASE WHEN n %% 5000 = 0 THEN 'payment' WHEN n %% 3 = 0 THEN 'login' ELSE 'signup' END, '{}',
  CASE WHEN n %% 200 = 0 THEN 'whatsapp' ELSE 'sms' END, 'en',
  CASE WHEN n %% 2000 = 0 THEN 'locked' WHEN n %% 97 = 0 THEN 'canceled' WHEN n %% 4 = 0 THEN 'pending'
    ELSE 'verified' END,
  '', n, 0, 1, 5, 1, 6, decode(md5(n::text), 'hex'), 'k', '', false, at, at + interval '5 minutes', at, at
FROM (SELECT n, now() - interval '1 second' * (%(ago)s + %(apart)s * (%(last)s - n)) AS at
  FROM generate_series(%(first)s, %(last)s) n) made
"""
DELIVERIES = """
INSERT INTO phone_otp_delivery (id, challenge_id, channel, alias, status, vendor_id, vendor_code, reason, segments,
  price, latency, queued_at, sent_at, delivered_at, updated_at)
SELECT (lpad(to_hex((extract(epoch FROM c.created_at) * 1000)::bigint + part), 12, '0') || substr(c.id::text, 15, 4)
    || '9' || substr(md5(c.id::text || part), 1, 15))::uuid,
  c.id, c.channel, 'default',
  CASE WHEN c.serial %% 700 = 0 THEN 'undelivered' WHEN part = 0 THEN 'failed' ELSE 'delivered' END,
  'v-' || c.serial || '-' || part, '', '', 1, 0.01, 120, c.created_at, c.created_at, c.created_at, c.created_at
FROM phone_otp_challenge c CROSS JOIN generate_series(0, 1) part WHERE c.serial BETWEEN %(first)s AND %(last)s
"""


def fill(count, apart, ago=0):
    """Replace what there is by ``count`` challenges, so many seconds apart, the last one so many ``ago``.

    Each has two deliveries.
    """
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("TRUNCATE phone_otp_challenge CASCADE")
        for statement in (CHALLENGES, DELIVERIES):
            cursor.execute(statement, {"first": 1, "last": count, "apart": apart, "ago": ago})
        for table in sorted(TABLES):
            cursor.execute(f"VACUUM ANALYZE {table}")


def pages():
    """Return every page by name: how it is asked for."""
    challenge = Challenge.objects.order_by("-pk")[5]
    delivery = Delivery.objects.order_by("-pk")[5]
    filters = {
        "challenge": {"state": [*ChallengeStatus], "region": ["US", "GB", "IN"]},
        "delivery": {"status__exact": [*DeliveryStatus], "alias": ["default"], "region": ["US", "GB", "IN"]},
    }
    for row in (challenge, delivery):
        name = row._meta.model_name
        url = reverse(f"admin:phone_otp_{name}_changelist")
        each = {**filters[name], "purpose": ["signup", "payment", "verify"], "channel": ["sms", "whatsapp"]}
        each |= {"time": ["hour", "day", "week", "month"], "number_of": [challenge.pk], "user": [User.objects.get().pk]}
        each["before"] = [type(row).objects.order_by("-pk").values_list("pk", flat=True)[8_000]]
        listed = str(row._meta.verbose_name_plural)
        yield listed, "get", url, {}
        yield f"{listed}, page 2", "get", url, {"p": 2}
        for field, values in each.items():
            for value in values:
                yield f"{listed}, {field}={value}"[:48], "get", url, {field: str(value)}
        yield f"one {name}", "get", reverse(f"admin:phone_otp_{name}_change", args=[row.pk]), {}
        for what, term in (
            ("number", challenge.number),
            ("number of nobody", "+14159999999"),
            ("handle", challenge.handle),
            ("vendor's id", delivery.vendor_id),
            ("user", "root"),
        ):
            yield f"{listed}, search by {what}", "post", reverse(f"admin:phone_otp_{name}_search"), {"q": term}


def measure(client, rounds, only):
    """Return the least seconds that each page took, and its statements: what others take of the machine is not its.

    The pages take turns, so that a second in which the machine is busy is nobody's fifteen.
    """
    chosen = {name: (getattr(client, method), url, data) for name, method, url, data in pages() if only in name}
    times, statements = {name: [] for name in chosen}, {}
    for name, (act, url, data) in chosen.items():
        with CaptureQueriesContext(connections[DATABASE]) as captured:
            answer = act(url, data)
        assert answer.status_code in {200, 302}, (name, answer.status_code)
        statements[name] = [query["sql"] for query in captured.captured_queries]
    for _ in range(rounds):
        for name, (act, url, data) in chosen.items():
            start = time.perf_counter()
            act(url, data)
            times[name].append(time.perf_counter() - start)
    return {name: (min(taken), statements[name]) for name, taken in times.items()}


def faults_of(statements):
    """Return what reads or counts a large table from end to end."""
    faults = []
    with connections[DATABASE].cursor() as cursor:
        for sql in statements:
            if not sql.startswith("SELECT") or not any(f'"{table}"' in sql for table in TABLES):
                continue
            if "COUNT(" in sql and "LIMIT" not in sql:
                faults.append(f"counts without an end: {sql[:120]}")
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            plan = cursor.fetchone()[0]
            faults += [
                f"reads all of {node['Relation Name']}: {sql[:300]}"
                for node in nodes_of((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
                if node["Node Type"].endswith("Seq Scan") and node["Relation Name"] in TABLES
            ]
    return faults


def nodes_of(plan):
    """Yield each step of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


def keeps_statistics(client):
    """Print what a month of statistics takes, before and after it was counted; return whether that is little enough."""
    kept = True
    url = reverse("admin:phone_otp_dailyfigures_changelist")
    for when in ("before it was counted", "counted"):
        if when == "counted":
            start = time.perf_counter()
            days = sum(1 for _ in figures.count_days())
            each = (time.perf_counter() - start) / days
            print(f"{days} days counted, {each:.2f} s a day")
        times = []
        for _ in range(3):
            start = time.perf_counter()
            with CaptureQueriesContext(connections[DATABASE]) as captured:
                answer = client.get(url, {"days": 30, "by": "region"})
            assert answer.status_code == 200
            times.append(time.perf_counter() - start)
        faults = faults_of([query["sql"] for query in captured.captured_queries])
        left = re.search(r"(\d+) days? (?:is|are) not counted", answer.content.decode())
        days = left.group(1) if left else 0
        print(f"statistics of 30 days, {when}: {max(times):.2f} s at most, {days} days not up to date")
        for fault in faults:
            print(f"    {fault}")
        kept &= max(times) <= STATISTICS_MOST and not faults
    return kept


def run(challenges, rounds, only):
    """Print the ratio of every page; return whether all are kept."""
    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
    apart = DAYS * 24 * 60 * 60 / challenges  # as many an hour with few as with many: pages show as many rows
    fill(FEW, apart)
    VerifiedPhone.objects.create(user=User.objects.get(), number=Challenge.objects.order_by("-pk")[7].number)
    few = measure(client, rounds, only)
    start = time.perf_counter()
    fill(challenges, apart)
    print(f"{challenges:,} challenges and {2 * challenges:,} deliveries made in {time.perf_counter() - start:.0f} s")
    many = measure(client, rounds, only)
    kept = keeps_statistics(client)
    for (name, (base, _)), (seconds, statements) in zip(few.items(), many.values(), strict=True):
        ratio, faults = seconds / base, faults_of(statements)
        kept &= ratio <= MOST and not faults
        print(f"{name:50} {base * 1000:7.1f} ms  {seconds * 1000:7.1f} ms  {ratio:5.2f} x  {len(statements):2} queries")
        for fault in faults:
            print(f"    {fault}")
    return kept


def main():
    """Measure, and end with 1 when a page costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--challenges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pages", default="", help="only those whose name has this")
    options = parser.parse_args()
    made = setup_databases(verbosity=0, interactive=False)
    routers.chosen = routers.everything = DATABASE
    try:
        kept = run(options.challenges, options.rounds, options.pages)
    finally:
        teardown_databases(made, verbosity=0)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
