"""Tell what is held about a number, because the person asked for it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_phone_otp.management.jsonlists import write_lists
from django_phone_otp.management.progress import ProgressBar
from django_phone_otp.management.subjects import NOTHING, held_about, words_on_users
from django_phone_otp.services import disclosure
from django_phone_otp.services.disclosure import Record


class Command(BaseCommand):
    help = "Write everything that is held about NUMBER as JSON: its challenges, deliveries, receipts, user and block."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="such as +14155550123, or as dialled in DEFAULT_REGION")
        parser.add_argument("--output", metavar="FILE", help="a new file, for you alone to read; without it, stdout")

    def handle(self, *args: Any, number: str, output: str | None, **options: Any) -> None:
        self.stderr.style_func = None  # what is said beside the JSON is no error
        held = held_about(number)
        if words := words_on_users(held):
            self.stderr.write(words)
        tally = held.tally()
        if not tally.total:
            self.stderr.write(NOTHING)
            return
        bar = ProgressBar(self.stderr, tally.challenges)
        lists = disclosure.disclose(number)
        lists["challenges"] = _watched(lists["challenges"], bar)
        with self._target(output) as write:
            write_lists(write, lists)
        bar.finish()

    @contextmanager
    def _target(self, output: str | None) -> Iterator[Callable[[str], object]]:
        """Give what writes. Raises ``CommandError`` when the file cannot be made, or is there already."""
        if output is None:
            if hasattr(self.stdout, "reconfigure"):  # in UTF-8, whatever the locale says
                self.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
            self.stdout.ending = ""
            yield self.stdout.write
            return
        try:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise CommandError(f"The file cannot be written: {problem.strerror}") from None
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file.write


def _watched(records: Iterator[Record], bar: ProgressBar) -> Iterator[Record]:
    for record in records:
        yield record
        bar.advance(1)
