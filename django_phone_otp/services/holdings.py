"""What is held about a number, in every spelling of it: the rows that are told to a person and erased for them."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.core.numbers import UnreadableNumber, compact_number, twins
from django_phone_otp.exceptions import InvalidPhone
from django_phone_otp.models import Block, Challenge, Delivery, DeliveryReceipt, VerifiedPhone
from django_phone_otp.services import numbers, phones
from django_phone_otp.services.transactions import database

_KINDS = {
    "challenges": Challenge,
    "deliveries": Delivery,
    "receipts": DeliveryReceipt,
    "verified_phones": VerifiedPhone,
    "blocks": Block,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows there are, or were, of each kind."""

    challenges: int = 0
    deliveries: int = 0
    receipts: int = 0
    verified_phones: int = 0
    blocks: int = 0

    @classmethod
    def of(cls, deleted: Mapping[str, int]) -> "Tally":
        """Return what Django's ``delete()`` counted by model; what else a project hangs on these is left out."""
        return cls(**{kind: deleted.get(model._meta.label, 0) for kind, model in _KINDS.items()})

    @property
    def total(self) -> int:
        """How many rows of all kinds."""
        return sum(astuple(self))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return ", ".join(f"{each.name.replace('_', ' ')}: {getattr(self, each.name):,}" for each in fields(self))


@dataclass(frozen=True, slots=True)
class Held:
    """What is held about one number. ``numbers`` has it in E.164, in each spelling that leads to the same phone."""

    numbers: tuple[str, ...] = field(repr=False)

    @property
    def challenges(self) -> QuerySet[Challenge]:
        """The challenges, in the order of the index that finds them."""
        rows = Challenge.objects.using(database()).filter(number__in=self.numbers)
        return rows.order_by("number", "purpose", "lane", "serial")

    @property
    def verified_phones(self) -> QuerySet[VerifiedPhone]:
        """Whose the number is."""
        return VerifiedPhone.objects.using(database()).filter(number__in=self.numbers).order_by("pk")

    @property
    def blocks(self) -> QuerySet[Block]:
        """Its blocks. Those of a prefix or a region are about many numbers, and not among them."""
        return Block.objects.using(database()).filter(value__in=self.numbers).order_by("pk")

    @sensitive_variables()
    def tally(self) -> Tally:
        """Count all of it."""
        of_deliveries = {"challenge__number__in": self.numbers}
        of_receipts = {"delivery__challenge__number__in": self.numbers}
        return Tally(
            challenges=self.challenges.count(),
            deliveries=Delivery.objects.using(database()).filter(**of_deliveries).count(),
            receipts=DeliveryReceipt.objects.using(database()).filter(**of_receipts).count(),
            verified_phones=self.verified_phones.count(),
            blocks=self.blocks.count(),
        )

    @sensitive_variables()
    def users(self) -> list[Any]:
        """Return the primary keys of users who have the number in the field that ``USER_FIELD`` names."""
        return phones.holders_of(self.numbers)


@sensitive_variables()
def find(phone: object) -> Held:
    """Return what is held about the number that ``phone`` means; it may be nothing.

    ``phone`` is what a person typed, or an object with ``as_e164``. A number that gets no messages is found
    as well. One that is no number now, as a test number is that has left the settings, is found as long as
    something is held about it.

    Raises ``InvalidPhone`` for anything else.
    """
    try:
        return Held(twins(numbers.look_up(phone)[0].e164))
    except InvalidPhone:
        held = _as_stored(getattr(phone, "as_e164", phone))
        # Not without rows: "nothing is held" would be a wrong answer to a number that was mistyped.
        if held is None or not (held.tally().total or held.users()):
            raise
        return held


def _as_stored(typed: object) -> Held | None:
    try:
        return Held(twins(compact_number(typed))) if isinstance(typed, str) else None
    except UnreadableNumber:
        return None
