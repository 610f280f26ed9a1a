"""Ask vendors what became of messages. Run it every minute, or run the task of the same name."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from django_phone_otp.management.progress import ProgressBar
from django_phone_otp.services import polling


class Command(BaseCommand):
    help = "Ask vendors about deliveries that have not ended yet, within each account's rate."

    def handle(self, *args: Any, **options: Any) -> None:
        bar = ProgressBar(self.stdout, polling.count_due() if self.stdout.isatty() else 0)
        answers: Counter[polling.Answer] = Counter()
        for answer in polling.sync():
            answers[answer] += 1
            bar.advance(1)
        bar.finish()
        if options["verbosity"] > 0:
            moved, failed = answers[polling.Answer.MOVED], answers[polling.Answer.FAILED]
            self.stdout.write(f"Asked about {answers.total()}: {moved} moved on, {failed} got no answer.")
