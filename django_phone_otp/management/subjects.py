"""Whose number a command is about: read, and said without naming it."""

from django_phone_otp import conf
from django_phone_otp.management.refusals import refusals_in_words
from django_phone_otp.services import holdings
from django_phone_otp.services.holdings import Held

NOTHING = "Nothing is held about this number."


def held_about(number: str) -> Held:
    """Return what is held about ``number``, as it was typed. Raises ``CommandError``, which says why not."""
    with refusals_in_words():
        return holdings.find(number)


def words_on_users(held: Held) -> str:
    """Return a sentence on each user who has the number in a field of the project's own; ``""`` when none has."""
    field = conf.current().user_field
    return "\n".join(
        f"The field {field!r} of the user with the primary key {pk} has this number: that is your project's to "
        "disclose and to erase."
        for pk in held.users()
    )
