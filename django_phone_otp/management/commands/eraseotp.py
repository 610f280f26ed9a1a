"""Erase what is held about a number, because the person asked for it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import ProtectedError, RestrictedError

from django_phone_otp.management.progress import ProgressBar
from django_phone_otp.management.refusals import why
from django_phone_otp.management.subjects import NOTHING, held_about, words_on_users
from django_phone_otp.services import erasure
from django_phone_otp.services.holdings import Tally


class Command(BaseCommand):
    help = (
        "Delete everything that is held about NUMBER: challenges with their deliveries and receipts, whose it is, and "
        "its block. Only when you know by other means that it is the number of whoever asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="such as +14155550123, or as dialled in DEFAULT_REGION")
        parser.add_argument("--no-input", action="store_true", help="do not ask whether it is meant")

    def handle(self, *args: Any, number: str, no_input: bool, **options: Any) -> None:
        watched = self.stdout.isatty()
        if not no_input and not (watched and sys.stdin.isatty()):
            raise CommandError("Without a terminal nobody can be asked whether it is meant: give --no-input.")
        held = held_about(number)
        tally, words = held.tally(), [*filter(None, [words_on_users(held)])]
        if not tally.total:
            self.stdout.write("\n".join([NOTHING, *words]))
        elif no_input or self._is_meant(tally):
            gone = self._erase(number, tally.total)
            self.stdout.write("\n".join([self.style.SUCCESS(f"Erased {gone}."), *words]))
        else:
            self.stdout.write("Nothing was erased.")

    def _is_meant(self, tally: Tally) -> bool:
        self.stdout.write(f"This will erase {tally}. It cannot be undone.")
        self.stdout.write("Type yes to go on: ", ending="")
        self.stdout.flush()
        return sys.stdin.readline().strip() == "yes"

    def _erase(self, number: str, total: int) -> Tally:
        bar = ProgressBar(self.stdout, total)
        gone = Tally()
        try:
            for batch in erasure.erase(number):
                gone += batch
                bar.advance(batch.total)
        except (ProtectedError, RestrictedError) as held_back:
            raise CommandError(f"{why(held_back)} Erased so far: {gone}.") from None
        finally:
            bar.finish()
        return gone
