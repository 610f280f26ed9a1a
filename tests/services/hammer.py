"""One of several processes that ask for places at once: ``python -m tests.services.hammer CACHE PREFIX CALLS RATE``.

Says "ready", waits for a line, asks ``CALLS`` times for a place of every limit, and prints how many it got of each.
"""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.test.utils import override_settings

from django_phone_otp.exceptions import RateLimited
from django_phone_otp.services import limits, spraying
from django_phone_otp.services.askers import Asker
from django_phone_otp.test import override_phone_otp
from tests import settings as suite
from tests.unlimited import UNLIMITED


def get_place(name):
    """Ask for one place of the limit ``name``; tell whether there was one."""
    if name == "send.account":
        return not limits.hit_account("default")
    if name == "verify.failed":
        return not spraying.watch(Asker(None), "signup").wait
    try:
        limits.hit({name: "a made-up value"})
    except RateLimited:
        return False
    return True


def main(kind, prefix, calls, rate):
    caches = {"default": {**suite.SHARED_CACHES[kind], "KEY_PREFIX": prefix}}
    with override_settings(CACHES=caches), override_phone_otp(LIMITS={name: [rate] for name in UNLIMITED}):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        json.dump({name: sum(get_place(name) for _ in range(int(calls))) for name in UNLIMITED}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
