"""What the page that asks for a code says of its challenge at this moment."""

from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_lazy

from django_phone_otp.conf import PhoneOTPSettings
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge

AFTER_RESENDS = 1  # of them, another channel is offered: the first may not have come through
HELP_AFTER_RESENDS = 2

_BY = {
    "sms": gettext_lazy("Send it by text message"),
    "whatsapp": gettext_lazy("Send it by WhatsApp"),
    "voice": gettext_lazy("Call me with the code"),
}
_SAID = {"resent": gettext_lazy("The code was sent again."), "renewed": gettext_lazy("A new code was sent.")}


class Moment(NamedTuple):
    """A challenge, as the person must see it now."""

    number: str
    """Where the code went: in full where the person gave the number to be kept, else masked."""
    certain: bool
    """False where only registered numbers get messages, so that nobody is told which are."""
    ended: str
    """``""`` while a code may be entered, else why not: ``expired``, ``locked`` or ``closed``."""
    minutes: int
    resend_in: int
    """Seconds until another message may be asked for, by the server's clock."""
    other_channels: list[tuple[str, str]]
    needs_help: bool
    said: str

    @classmethod
    def of(cls, challenge: Challenge, settings: PhoneOTPSettings, *, masked: bool = False, said: str = "") -> "Moment":
        """Return what to say of ``challenge``. ``said`` is what was just done for the person, if anything."""
        now = timezone.now()
        purpose = settings.purposes[challenge.purpose]
        state = challenge.status_at(now)
        resends = challenge.messages - 1
        ended = {ChallengeStatus.PENDING: "", ChallengeStatus.EXPIRED: "expired", ChallengeStatus.LOCKED: "locked"}
        offered = settings.channels if resends >= AFTER_RESENDS else ()
        return cls(
            number=challenge.masked_number if masked or purpose.registered_only else challenge.number,
            certain=not purpose.registered_only,
            ended=ended.get(state, "closed"),
            minutes=_up((challenge.expires_at - now).total_seconds() / 60),
            resend_in=_up((challenge.resend_at - now).total_seconds()) if state == ChallengeStatus.PENDING else 0,
            other_channels=[(name, str(_BY[name])) for name in offered if name != challenge.channel],
            needs_help=resends >= HELP_AFTER_RESENDS,
            said=str(_SAID.get(said, "")),
        )


def _up(value: float) -> int:
    return max(0, -int(-value // 1))
