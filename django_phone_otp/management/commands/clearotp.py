"""Settle what crashes left, count what happened, clear what is past its retention. Run daily, as ``clearsessions``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import ProtectedError, RestrictedError

from django_phone_otp.management.progress import ProgressBar
from django_phone_otp.management.refusals import why
from django_phone_otp.services import delivery, figures, retention


class Command(BaseCommand):
    help = (
        "Settle deliveries left by crashes, count each day's figures for the statistics, and delete challenges and "
        "deliveries older than PHONE_OTP['RETENTION']."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        settled, taken_up = delivery.sweep()  # first: somebody waits for these messages, and the rest takes long
        for _day in figures.count_days():  # before anything is deleted: what is gone can be counted no more
            pass
        figures.forget_old()
        cleared = self._clear()
        if options["verbosity"] > 0:
            self.stdout.write(f"Cleared {cleared} challenges; settled {settled} deliveries, took up {taken_up}.")

    def _clear(self) -> int:
        # Counting what will go reads it all once more: worth it only for somebody who watches.
        bar = ProgressBar(self.stdout, retention.count_expired() if self.stdout.isatty() else 0)
        cleared = 0
        try:
            for count in retention.clear_expired():
                cleared += count
                bar.advance(count)
        except (ProtectedError, RestrictedError) as held_back:
            raise CommandError(f"{why(held_back)} Cleared so far: {cleared} challenges.") from None
        finally:
            bar.finish()
        return cleared
