"""What is stored: challenges, their deliveries and receipts, which number is whose, what is blocked, daily figures.

Only ``services`` writes here. No table ever holds a code, a handle or a token; full numbers live in
``Challenge.number``, ``VerifiedPhone.number`` and ``Block.value`` alone.
"""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_phone_otp import conf
from django_phone_otp.core import handles, lanes
from django_phone_otp.core.codes import reference_of
from django_phone_otp.core.identifiers import uuid7
from django_phone_otp.core.numbers import mask_number
from django_phone_otp.core.statuses import ChallengeStatus, DeliveryStatus

NUMBER_LENGTH = 16  # + and at most 15 digits (ITU-T E.164)
PREFIX_MARK = "*"  # ends a block's value that stands for all numbers which begin so
LANE_LENGTH = 32  # its name, and before it what set it aside
VENDOR_ID_MAXIMUM = 128
_STORED = [status for status in ChallengeStatus if status != ChallengeStatus.EXPIRED]


class Challenge(models.Model):
    """One try to prove control of a number for a purpose.

    The code is derived from this row and a key that is not in the database. The row carries its
    number's guess budget along: ``serial`` counts the challenges of this number, purpose and lane, and
    being unique makes two sends at once take turns; ``streak`` is how many consecutive guesses had
    failed before; ``max_attempts`` is what was granted of the rest.

    ``lane`` is empty for strangers, and ``known`` for browsers that are known for the number. What staff
    set aside goes to a lane that nobody uses.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(_("number"), max_length=NUMBER_LENGTH)
    region = models.CharField(_("region"), max_length=2, blank=True)
    purpose = models.CharField(_("purpose"), max_length=32)
    context = models.JSONField(_("context"), default=dict, blank=True)
    channel = models.CharField(_("channel"), max_length=16)
    language = models.CharField(_("language"), max_length=16, blank=True)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=[(status.value, status.value) for status in _STORED],
        default=ChallengeStatus.PENDING.value,
    )
    lane = models.CharField(_("lane"), max_length=LANE_LENGTH, blank=True, default=lanes.STRANGERS)
    serial = models.PositiveIntegerField(_("serial"))
    streak = models.PositiveIntegerField(_("failures before"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveSmallIntegerField(_("attempts granted"))
    messages = models.PositiveSmallIntegerField(_("messages"), default=1)
    code_length = models.PositiveSmallIntegerField(_("code length"))
    seed = models.BinaryField(_("seed"), max_length=16)
    key_id = models.CharField(_("key"), max_length=16)
    client = models.CharField(_("client"), max_length=64, blank=True)
    decoy = models.BooleanField(_("decoy"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    resend_at = models.DateTimeField(_("resend from"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed"), null=True, blank=True)

    # Set by the services on what they return: the public word on the newest message.
    delivery_status: str = DeliveryStatus.QUEUED
    # Likewise: the mark of the browser that its handle is bound to.
    browser: str = ""

    class Meta:
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")
        permissions = [
            ("reveal_number", _("Can see full numbers")),
            ("cancel_challenge", _("Can cancel challenges")),
            ("unlock_number", _("Can unlock numbers")),
            ("export_challenge", _("Can export challenges")),
        ]
        constraints = [
            # Also the index that finds a number's newest challenges.
            models.UniqueConstraint(
                fields=["number", "purpose", "lane", "serial"], name="phone_otp_challenge_lane_turn"
            ),
            models.CheckConstraint(
                condition=Q(attempts__lte=F("max_attempts")), name="phone_otp_challenge_attempts_granted"
            ),
            models.CheckConstraint(condition=Q(status__in=_STORED), name="phone_otp_challenge_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.masked_number}"

    @property
    def handle(self) -> str:
        """The opaque string that names this challenge to a client."""
        return handles.seal(conf.current().keys, handles.HANDLE, self.pk, self.browser)

    @property
    def masked_number(self) -> str:
        """The number with all but its calling code and last three digits hidden."""
        return mask_number(self.number)

    @property
    def reference(self) -> str:
        """Two letters, in the message and beside the field: which message is meant."""
        return reference_of(self.pk.bytes)

    @property
    def attempts_left(self) -> int:
        """How many guesses this challenge still takes."""
        return self.max_attempts - self.attempts

    @property
    def state(self) -> ChallengeStatus:
        """The state now: ``expired`` too, which ``status`` never says."""
        return self.status_at(timezone.now())

    def status_at(self, now: datetime) -> ChallengeStatus:
        """Return the state at ``now``: a pending challenge is expired from the moment of ``expires_at`` on."""
        if self.status == ChallengeStatus.PENDING and self.expires_at <= now:
            return ChallengeStatus.EXPIRED
        return ChallengeStatus(self.status)


class Delivery(models.Model):
    """One hand-over of one message to one vendor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="deliveries", verbose_name=_("challenge"))
    channel = models.CharField(_("channel"), max_length=16)
    alias = models.CharField(_("alias"), max_length=32, blank=True)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=[(status.value, status.value) for status in DeliveryStatus],
        default=DeliveryStatus.QUEUED.value,
    )
    vendor_id = models.CharField(_("vendor's id"), max_length=VENDOR_ID_MAXIMUM, blank=True)
    # Null, so that code of before, which does not know the column, can insert rows during a rollout.
    check_id = models.CharField(  # noqa: DJ001
        _("vendor's id of the code"), max_length=VENDOR_ID_MAXIMUM, null=True, blank=True
    )
    vendor_code = models.CharField(_("vendor's code"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), default=1)
    price = models.DecimalField(_("price, estimated"), max_digits=10, decimal_places=6, null=True, blank=True)
    latency = models.PositiveIntegerField(_("latency in ms"), null=True, blank=True)
    queued_at = models.DateTimeField(_("queued"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    poll_at = models.DateTimeField(_("to be asked about"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        permissions = [
            ("poll_delivery", _("Can ask vendors about deliveries")),
            ("export_delivery", _("Can export deliveries")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(DeliveryStatus)), name="phone_otp_delivery_status_known")
        ]
        indexes = [
            models.Index(fields=["alias", "vendor_id"], name="phone_otp_delivery_vendor_id"),
            models.Index(fields=["poll_at"], name="phone_otp_delivery_poll_at"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.status}"


class DeliveryReceipt(models.Model):
    """A vendor's later word on a delivery, as it came: pushed or polled, whether it changed anything or not."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(
        Delivery, models.CASCADE, db_index=False, related_name="receipts", verbose_name=_("delivery")
    )
    status = models.CharField(_("status"), max_length=16)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    raw = models.CharField(_("as it came, redacted"), max_length=500, blank=True)
    digest = models.CharField(_("digest"), max_length=32, editable=False)
    at = models.DateTimeField(_("vendor's time"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            # A replay is no second receipt. Also the index that finds a delivery's receipts.
            models.UniqueConstraint(fields=["delivery", "digest"], name="phone_otp_receipt_once")
        ]

    def __str__(self) -> str:
        return self.status


class VerifiedPhone(models.Model):
    """A number bound to a user account. Not used where ``USER_FIELD`` names the user model's own field."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="verified_phones", verbose_name=_("user")
    )
    number = models.CharField(_("number"), max_length=NUMBER_LENGTH, unique=True)
    verified_at = models.DateTimeField(_("verified"), default=timezone.now)

    class Meta:
        verbose_name = _("verified phone")
        verbose_name_plural = _("verified phones")

    def __str__(self) -> str:
        return mask_number(self.number)


class Block(models.Model):
    """What gets no message, because staff said so: a number, all numbers with a prefix, or a region.

    ``value`` says which by how it is written, ``+14155550123``, ``+1415555*`` or ``GB``, so that one look
    into one index answers for a number.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    value = models.CharField(_("what is blocked"), max_length=NUMBER_LENGTH, unique=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        default_permissions = ("view",)
        permissions = [("block_number", _("Can block and unblock numbers, prefixes and regions"))]

    def __str__(self) -> str:
        return mask_number(self.value) if self.is_number else self.value

    @property
    def is_number(self) -> bool:
        """Whether it is one number that is blocked: masked, as everywhere."""
        return self.value.startswith("+") and not self.value.endswith(PREFIX_MARK)


class DailyFigures(models.Model):
    """What happened on one day (UTC), counted: no number and nobody is in it, so it outlives its challenges."""

    day = models.DateField(_("day"), primary_key=True)
    figures = models.JSONField(_("figures"), default=dict)
    made_at = models.DateTimeField(_("counted"), default=timezone.now)

    class Meta:
        verbose_name = _("statistics")
        verbose_name_plural = _("statistics")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.day.isoformat()
