"""Serve the four vendors' APIs on this machine."""

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from example_project.sandbox import PORT, VENDORS
from example_project.sandbox.outages import Outage
from example_project.sandbox.server import RECEIPT_DELAY, Sandbox

WEBHOOKS = "http://127.0.0.1:8000/phone/webhooks/{alias}/{secret}/"
EIGHT_HOURS = 8 * 60 * 60.0  # seconds: a working day, so that none is left running for good


class Command(BaseCommand):
    help = (
        f"Serve the APIs of {', '.join(VENDORS)} on 127.0.0.1, with outages that you choose on a page, and post "
        "delivery receipts back. Numbers that end in 198 are not delivered, and numbers that end in 199 fail late. "
        'Any key is right but for the word "wrong".'
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=PORT, help=f"of the page; the vendors take the next four ({PORT})"
        )
        parser.add_argument(
            "--receipts-to",
            default=WEBHOOKS,
            metavar="URL",
            help="where receipts are posted; {alias} and {secret} come from BACKENDS, {vendor} can stand alone "
            f"({WEBHOOKS})",
        )
        parser.add_argument(
            "--delay",
            type=float,
            default=RECEIPT_DELAY,
            metavar="SECONDS",
            help=f"between two statuses of a message ({RECEIPT_DELAY})",
        )
        parser.add_argument(
            "--for",
            type=float,
            default=EIGHT_HOURS,
            dest="seconds",
            metavar="SECONDS",
            help="after which it stops by itself (8 hours)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        targets = _targets(options["receipts_to"])
        sandbox = Sandbox(options["port"], receipts_to=targets, receipt_delay=options["delay"])
        with _stopped_by_signals(), contextlib.ExitStack() as stack:
            try:
                stack.enter_context(sandbox)
            except (OSError, OverflowError) as problem:
                raise CommandError(
                    f"Ports from {options['port']} on cannot be listened on ({problem}). "
                    "Does another sandbox run? Choose others with --port."
                ) from None
            self._say_what_is_where(sandbox)
            time.sleep(options["seconds"])

    def _say_what_is_where(self, sandbox: Sandbox) -> None:
        lines = [f"{'page':<16}{sandbox.page_url}"]
        for vendor in VENDORS:
            told = " (posts receipts)" if sandbox.receipts_to(vendor) else ""
            lines.append(f"{vendor:<16}{sandbox.url(vendor)}{told}")
        lines.append(f"Outages: {', '.join(Outage)}. Stop with Ctrl-C.")
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """End the block on Ctrl-C, and on SIGTERM in the same way; a shell's background jobs only hear the second."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _targets(template: str) -> dict[str, str] | str:
    """Return the webhook of each vendor that is set up with one, or the template if it names no alias."""
    if "{alias}" not in template and "{secret}" not in template:
        return template
    targets = {}
    for alias, conf in settings.PHONE_OTP.get("BACKENDS", {}).items():
        vendor = conf["BACKEND"].split(".")[-2]  # the module is named after the vendor
        secrets = conf.get("OPTIONS", {}).get("webhook_secrets")
        if vendor in VENDORS and secrets:
            targets[vendor] = template.replace("{alias}", alias).replace("{secret}", secrets[0])
    return targets
