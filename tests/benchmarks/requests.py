"""What a send and a verify cost, as a ratio to a bare DRF view that does one INSERT or one UPDATE.

    .venv/bin/python -m tests.benchmarks.requests [--database postgresql] [--rounds 400]

Both sides run in turn in one process, so that the ratio holds on any machine. Function calls hardly
vary from run to run; time does.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.test.utils import get_runner, setup_databases, setup_test_environment, teardown_databases
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from django_phone_otp.api import views
from django_phone_otp.test import outbox, override_phone_otp
from tests import routers

BUDGET = {"send": 3.0, "verify": 1.8}
FIVE_LIMITS = {
    "send.number": ["90000/5m", "90000/1d"],
    "send.ip": ["90000/1m", "90000/1h", "90000/1d"],
    "verify.ip": ["90000/1h"],
}


class Body(serializers.Serializer):
    first = serializers.CharField(max_length=64)
    second = serializers.CharField(max_length=64)


class Insert(APIView):
    """One INSERT."""

    def post(self, request):
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        group = Group.objects.create(name=body.validated_data["first"])
        return Response({"id": group.pk, "name": group.name}, status=201)


class Update(APIView):
    """One UPDATE."""

    def post(self, request):
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        changed = Group.objects.filter(name=body.validated_data["first"]).update(name=body.validated_data["second"])
        return Response({"changed": changed})


def calls_of(act):
    """Count the Python functions that ``act`` calls."""
    count = 0

    def profile(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def seconds_of(act):
    """Return how long ``act`` takes, on this thread."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


class Bench:
    """Four views, each called with fresh bodies."""

    def __init__(self):
        self.factory = RequestFactory()
        self.serial = itertools.count()
        self.insert, self.update = Insert.as_view(), Update.as_view()
        self.send, self.verify = views.SendView.as_view(), views.VerifyView.as_view()

    def call(self, view, body, expected):
        request = self.factory.post("/", json.dumps(body), content_type="application/json")

        def act():
            response = view(request)
            response.render()
            assert response.status_code == expected, response.content

        return act

    def acts(self):
        """Return one call of each kind, ready to run; what they need is prepared outside the measurement."""
        n = next(self.serial)
        phone = f"+1{201 + n % 700:03}555{100 + n % 100:04}"
        phone = f"+1415555{100 + n % 100:04}"
        self.call(self.send, {"phone": phone, "purpose": "signup"}, 201)()
        handle = views.show_challenge(_newest(), _newest().created_at)["challenge"]
        code = outbox[-1].code
        Group.objects.create(name=f"update {n}")
        return {
            "insert": self.call(self.insert, {"first": f"insert {n}", "second": "x"}, 201),
            "send": self.call(self.send, {"phone": f"+1212555{100 + n % 100:04}", "purpose": "signup"}, 201),
            "update": self.call(self.update, {"first": f"update {n}", "second": f"updated {n}"}, 200),
            "verify": self.call(self.verify, {"challenge": handle, "code": code}, 200),
        }


def _newest():
    from django_phone_otp.models import Challenge

    return Challenge.objects.order_by("-pk").first()


def measure(rounds):
    """Return the median calls and seconds of each kind."""
    bench = Bench()
    for _ in range(5):  # imports, caches, prepared templates
        for act in bench.acts().values():
            act()
    calls = {kind: [] for kind in ("insert", "send", "update", "verify")}
    seconds = {kind: [] for kind in calls}
    for position in range(rounds):
        for kind, act in bench.acts().items():
            if position % 4 == 0:
                calls[kind].append(calls_of(act))
            else:
                seconds[kind].append(seconds_of(act))
    return ({kind: statistics.median(values) for kind, values in table.items()} for table in (calls, seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=["default", "postgresql", "mariadb"], default="default")
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    setup_test_environment()
    assert get_runner(settings)
    databases = setup_databases(verbosity=0, interactive=False)
    routers.chosen = options.database
    Group.objects = Group._base_manager.db_manager(options.database)
    try:
        with override_phone_otp(LIMITS={**FIVE_LIMITS, "verify.number": ["90000/1d"]}):
            calls, seconds = measure(options.rounds)
    finally:
        teardown_databases(databases, verbosity=0)
    over = []
    for kind, bare in (("send", "insert"), ("verify", "update")):
        ratio = calls[kind] / calls[bare]
        over += [kind] if ratio > BUDGET[kind] else []
        print(
            f"{kind:<7} {calls[kind]:6.0f} calls, {ratio:.2f}x a bare {bare} ({calls[bare]:.0f})"
            f"   {seconds[kind] * 1000:6.2f} ms, {seconds[kind] / seconds[bare]:.2f}x ({seconds[bare] * 1000:.2f} ms)"
            f"   must be under {BUDGET[kind]}x calls"
        )
    sys.exit(f"over budget: {', '.join(over)}" if over else 0)


if __name__ == "__main__":
    main()
