"""Send no more messages to a number, a prefix or a region."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from django_phone_otp.management.refusals import refusals_in_words
from django_phone_otp.services import blocks


class Command(BaseCommand):
    help = "Send no more messages to VALUE, from now on and on every server. Codes that were sent go on working."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "value", help="a number such as +14155550123, a prefix such as '+1415*', or a region such as GB"
        )
        parser.add_argument("--reason", default="", help="why, for whoever looks at it later; at most 200 characters")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_in_words():
            row = blocks.read(options["value"], reason=options["reason"])
        done = "Blocked" if blocks.put(row) else "Blocked already"
        if options["verbosity"] > 0:
            self.stdout.write(self.style.SUCCESS(f"{done}: {row}"))
