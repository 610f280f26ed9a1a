"""What routing, the circuit and the log add to calling a vendor with a bare requests.Session, as a ratio.

    .venv/bin/python -m tests.benchmarks.handover [--database postgresql] [--rounds 400]

The vendor is the example project's sandbox, in a process of its own, which answers at once. Both sides
word the message and send the same body, in turn, in one process and over one kept connection each, so
that the ratio holds on any machine; ours then does all else that ``hand_over()`` does. The log is kept
in memory: what a disk takes to make a commit durable is the database's, and the same for any app. With
``--database`` it is kept there, and the ratio is shown and not judged.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.settings")

import django

django.setup()

import requests
from django.db import connections
from django.test.utils import setup_databases, teardown_databases

from django_phone_otp.backends import backends
from django_phone_otp.core.statuses import DeliveryStatus
from django_phone_otp.models import Delivery
from django_phone_otp.services import intake, opening
from django_phone_otp.services.codes import code_of
from django_phone_otp.services.delivery import hand_over
from django_phone_otp.services.messages import compose
from django_phone_otp.test import override_phone_otp
from example_project.sandbox.server import Sandbox
from tests import routers

MUST = 1.25
WARM_UP = 30  # rounds that are not counted
BOUND = 600  # seconds that the vendor's process lives at most
OPTIONS = {"sid": "SANDBOX00IN", "api_key": "made-up", "sender": "EXMPLE", "callback_profile_id": "IN_made-up"}


def serve(pipe):
    """Be the vendor, until told to stop."""
    with Sandbox(port=0) as sandbox:
        pipe.send(sandbox.url("kaleyra"))
        pipe.poll(BOUND)


def new_delivery(last):
    """Return a claimed delivery of a challenge of its own, as ``send()`` leaves it after its commit."""
    asked = intake.take_request(f"+1415555{100 + last % 100:04d}", "signup", None, None)
    _, delivery = opening.open_challenge(asked, "", {})
    return delivery


def call_bare(session, url, delivery):
    """Word the message, and call the vendor as its page says."""
    message = compose(delivery, code_of(delivery.challenge), backends["default"])
    answer = session.post(
        f"{url}/v1/{OPTIONS['sid']}/sms",
        json={
            "to": message.number,
            "type": "OTP",
            "sender": OPTIONS["sender"],
            "body": message.text,
            "callback_profile_id": OPTIONS["callback_profile_id"],
        },
        headers={"api-key": OPTIONS["api_key"]},
        timeout=(3, 7),
    )
    assert answer.json()["data"][0]["message_id"]


def call_ours(delivery):
    """Hand the delivery over, as ``send()`` does after its commit."""
    assert hand_over(delivery) == DeliveryStatus.ACCEPTED


def measure(url, rounds):
    """Return the median seconds of both sides."""
    session = requests.Session()
    bare, ours = [], []
    for turn in range(rounds + WARM_UP):
        delivery = new_delivery(turn)
        sides = [(bare, lambda: call_bare(session, url, delivery)), (ours, lambda: call_ours(delivery))]  # noqa: B023
        for times, act in sides if turn % 2 else reversed(sides):
            started = time.perf_counter()
            act()
            times.append(time.perf_counter() - started)
    assert Delivery.objects.filter(status=DeliveryStatus.ACCEPTED).exclude(vendor_id="").count() == rounds + WARM_UP
    return statistics.median(bare[WARM_UP:]), statistics.median(ours[WARM_UP:])


def main():
    """Run, print, and return whether what must hold holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="default", help="an alias of the suite's DATABASES")
    parser.add_argument("--rounds", type=int, default=400)
    given = parser.parse_args()
    routers.chosen = given.database
    in_memory = given.database == "default"
    if in_memory:
        connections["default"].settings_dict["TEST"]["NAME"] = None
    here, there = multiprocessing.Pipe()
    vendor = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    vendor.start()
    url = here.recv()
    databases = setup_databases(verbosity=0, interactive=False, aliases={"default", given.database})
    backend = {"BACKEND": "django_phone_otp.backends.kaleyra.KaleyraBackend", "OPTIONS": {**OPTIONS, "base_url": url}}
    try:
        with override_phone_otp(BACKENDS={"default": backend}, ROUTES=[{"regions": ["US"], "backends": ["default"]}]):
            bare, ours = measure(url, given.rounds)
    finally:
        teardown_databases(databases, verbosity=0)
        here.send("stop")
        vendor.join(10)
    ratio = ours / bare
    judged = f"must be {MUST} at most" if in_memory else "with the disk, not judged"
    print(f"bare {bare * 1000:.2f} ms, ours {ours * 1000:.2f} ms, ratio {ratio:.2f} ({judged})")
    return ratio <= MUST or not in_memory


if __name__ == "__main__":
    sys.exit(not main())
