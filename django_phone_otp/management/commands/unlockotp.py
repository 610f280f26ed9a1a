"""Give a number its guesses and messages back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from django_phone_otp.management.refusals import refusals_in_words
from django_phone_otp.services.unlocking import unlock


class Command(BaseCommand):
    help = (
        "Lift what keeps NUMBER from getting and verifying codes: used-up guesses, 100 failures in a row, used-up "
        "messages. Only when you know by other means that the person is the right one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="whose, such as +14155550123")
        parser.add_argument("--purpose", help="for this purpose only; for all of them without it")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_in_words():
            count = unlock(options["number"], purpose=options["purpose"])
        if options["verbosity"] > 0:
            self.stdout.write(self.style.SUCCESS(f"Unlocked; {count} earlier challenges no longer count."))
