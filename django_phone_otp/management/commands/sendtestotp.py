"""Send a test message, as ``sendtestemail`` does."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_phone_otp.backends.base import DeliveryError
from django_phone_otp.core.redaction import redact
from django_phone_otp.management.refusals import refusals_in_words
from django_phone_otp.services import trial


class Command(BaseCommand):
    help = "Send a message with a made-up code to NUMBER, to see that a backend works. Nothing can be verified with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="who gets it, such as +14155550123")
        parser.add_argument("--backend", default="default", metavar="ALIAS", help="the alias in BACKENDS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with refusals_in_words():
                number, result = trial.send_trial(options["number"], options["backend"])
        except DeliveryError as failure:
            certainty = "may have been sent" if failure.may_have_left else "was not sent"
            raise CommandError(f"The message {certainty}: {redact(failure.reason)}") from None
        except ImproperlyConfigured as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(self.style.SUCCESS(f"{options['backend']}: {result.status} for {number} (id {result.id})"))
