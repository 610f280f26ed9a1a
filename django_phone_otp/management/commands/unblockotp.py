"""Let messages go to a number, a prefix or a region again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from django_phone_otp.management.refusals import refusals_in_words
from django_phone_otp.services import blocks


class Command(BaseCommand):
    help = "Take the block of VALUE back. A number stays blocked by a prefix or a region that covers it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("value", help="as it was blocked: +14155550123, '+1415*' or GB")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_in_words():
            done = "Unblocked" if blocks.unblock(options["value"]) else "It was not blocked"
            wider = blocks.find(options["value"])
        if options["verbosity"] > 0:
            self.stdout.write(self.style.SUCCESS(f"{done}; it is still blocked with {wider}." if wider else f"{done}."))
