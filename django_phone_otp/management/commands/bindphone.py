"""``manage.py bindphone USERNAME NUMBER``: tie a number to an account, as for staff whose log-in asks for a code."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_phone_otp.exceptions import PhoneOTPError
from django_phone_otp.services.numbers import admit_number
from django_phone_otp.services.phones import bind


class Command(BaseCommand):
    help = "Ties a phone number to an account, without a code: make sure that it is theirs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("number", help="with its country code, or as dialled in DEFAULT_REGION")

    def handle(self, *args: Any, username: str, number: str, **options: Any) -> None:
        users = get_user_model()._default_manager
        try:
            user = users.get_by_natural_key(username)
        except get_user_model().DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None
        try:
            bind(user, admit_number(number).e164)
        except PhoneOTPError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write("The number is bound.")
