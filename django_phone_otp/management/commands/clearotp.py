"""Count what happened, and clear what is past its retention. Run it daily, as ``clearsessions``."""

from typing import Any

from django.core.management.base import BaseCommand

from django_phone_otp.management.progress import ProgressBar
from django_phone_otp.services import delivery, figures, retention


class Command(BaseCommand):
    help = (
        "Count each day's figures for the statistics, delete challenges and deliveries older than "
        "PHONE_OTP['RETENTION'], and settle deliveries left by crashes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""  # or every step of the bar would be a line of its own
        for _day in figures.count_days():  # first: what is gone can be counted no more
            pass
        figures.forget_old()
        # Counting what will go reads it all once more: worth it only for somebody who watches.
        bar = ProgressBar(self.stdout, retention.count_expired() if self.stdout.isatty() else 0)
        cleared = 0
        for count in retention.clear_expired():
            cleared += count
            bar.advance(count)
        bar.finish()
        settled, taken_up = delivery.sweep()
        if options["verbosity"] > 0:
            self.stdout.write(f"Cleared {cleared} challenges; settled {settled} deliveries, took up {taken_up}.\n")
