"""What a send and a verify cost, as a ratio to a bare DRF view that does one INSERT or one UPDATE.

    .venv/bin/python -m tests.benchmarks.requests [--database postgresql] [--cache redis] [--rounds 400]

Whole requests, through Django's handler and the suite's middleware. Both sides run in turn in one
process, so that the ratio holds on any machine. Function calls hardly vary from run to run; time does.
Without a shared cache, limits are counted in the process's memory, which takes more calls than a round trip.
"""

import argparse
import io
import itertools
import json
import os
import statistics
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.settings")

import django

django.setup()

from django.contrib.auth.models import Group
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings, setup_databases, teardown_databases
from django.urls import include, path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from django_phone_otp.models import Challenge
from django_phone_otp.test import outbox
from tests import routers
from tests import settings as suite

MUST = {"send": 3.0, "verify": 1.8}
KINDS = ("insert", "send", "update", "verify")


class Body(serializers.Serializer):
    """Two fields, as send/ and verify/ have."""

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


urlpatterns = [
    path("bare/insert/", Insert.as_view()),
    path("bare/update/", Update.as_view()),
    path("api/phone/", include("django_phone_otp.api.urls")),
]


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
    """Return how long ``act`` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


class Bench:
    """Makes requests with fresh bodies, ready to be run and measured."""

    def __init__(self):
        self.handler = WSGIHandler()
        self.serial = itertools.count()

    def request(self, url, body, expected):
        """Return a call that makes one request, and fails when it is not answered as expected."""
        raw = json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": url,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "198.51.100.7",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }

        def act():
            statuses = []
            answer = self.handler(environ, lambda status, _headers: statuses.append(status))
            text = b"".join(answer)
            answer.close()
            assert statuses[0].startswith(str(expected)), text

        return act

    def acts(self):
        """Return one request of each kind; what they need is prepared here, outside the measurement."""
        n = next(self.serial)
        # Every number has a short history, as numbers have that log in now and then.
        self.request("/api/phone/send/", {"phone": f"+1415555{100 + n % 100:04}", "purpose": "signup"}, 201)()
        handle, code = Challenge.objects.order_by("-pk")[0].handle, outbox[-1].code
        Group.objects.create(name=f"update {n}")
        to_send = {"phone": f"+1212555{100 + n % 100:04}", "purpose": "signup"}
        return {
            "insert": self.request("/bare/insert/", {"first": f"insert {n}", "second": "x"}, 201),
            "send": self.request("/api/phone/send/", to_send, 201),
            "update": self.request("/bare/update/", {"first": f"update {n}", "second": f"updated {n}"}, 200),
            "verify": self.request("/api/phone/verify/", {"challenge": handle, "code": code}, 200),
        }


def measure(rounds):
    """Return the median calls and seconds of each kind."""
    bench = Bench()
    for _ in range(5):  # imports, caches, compiled templates
        for act in bench.acts().values():
            act()
    calls = {kind: [] for kind in KINDS}
    seconds = {kind: [] for kind in KINDS}
    for position in range(rounds):
        for kind, act in bench.acts().items():
            if position % 4 == 0:
                calls[kind].append(calls_of(act))
            else:
                seconds[kind].append(seconds_of(act))
    return ({kind: statistics.median(values) for kind, values in table.items()} for table in (calls, seconds))


def main():
    """Measure, print one line for each call, and fail when one is over what it must keep to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=["default", "postgresql", "mariadb"], default="default")
    parser.add_argument("--cache", choices=["redis", "memcached"], help="count limits in this one")
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    if options.cache:
        override_settings(CACHES={"default": suite.SHARED_CACHES[options.cache]}).enable()
    databases = setup_databases(verbosity=0, interactive=False)
    routers.everything = routers.chosen = options.database
    try:
        calls, seconds = measure(options.rounds)
    finally:
        teardown_databases(databases, verbosity=0)
    over = []
    for kind, bare in (("send", "insert"), ("verify", "update")):
        ratio = calls[kind] / calls[bare]
        over += [kind] if ratio > MUST[kind] else []
        print(
            f"{kind:<7}{calls[kind]:6.0f} calls = {ratio:.2f} x {calls[bare]:.0f} of a bare {bare}"
            f";  {seconds[kind] * 1000:.2f} ms = {seconds[kind] / seconds[bare]:.2f} x {seconds[bare] * 1000:.2f} ms"
            f";  must be at most {MUST[kind]} x"
        )
    sys.exit(f"over what it must keep to: {', '.join(over)}" if over else 0)


if __name__ == "__main__":
    main()
