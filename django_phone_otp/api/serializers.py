"""The bodies that come in and the answers that go out."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from django_phone_otp.api.fields import ContextField, TextField
from django_phone_otp.core.statuses import ChallengeStatus
from django_phone_otp.models import Challenge
from django_phone_otp.services.proofs import Proof

HANDLE_MAXIMUM = 64  # characters; a handle has 43
CODE_MAXIMUM = 32
PHONE_MAXIMUM = 64


class SendRequest(serializers.Serializer[Any]):
    """``send/``."""

    phone = TextField(max_length=PHONE_MAXIMUM)
    purpose = TextField(max_length=32)
    channel = TextField(max_length=16, required=False)
    context = ContextField(required=False)  # type: ignore[assignment]  # a field may be called context


class ResendRequest(serializers.Serializer[Any]):
    """``resend/``."""

    challenge = TextField(max_length=HANDLE_MAXIMUM)
    channel = TextField(max_length=16, required=False)


class ChallengeRequest(serializers.Serializer[Any]):
    """``status/`` and ``cancel/``."""

    challenge = TextField(max_length=HANDLE_MAXIMUM)


class VerifyRequest(serializers.Serializer[Any]):
    """``verify/``."""

    challenge = TextField(max_length=HANDLE_MAXIMUM)
    code = TextField(max_length=CODE_MAXIMUM)
    context = ContextField(required=False)  # type: ignore[assignment]  # a field may be called context


def show_challenge(challenge: Challenge, now: datetime) -> dict[str, Any]:
    """Return what a client may know of a challenge at ``now``."""
    state = challenge.status_at(now)
    return {
        "challenge": challenge.handle,
        "status": state,
        "purpose": challenge.purpose,
        "channel": challenge.channel,
        "phone": challenge.masked_number,
        "code_length": challenge.code_length,
        "attempts_left": challenge.attempts_left if state == ChallengeStatus.PENDING else 0,
        "expires_at": _show_time(challenge.expires_at),
        "resend_at": _show_time(challenge.resend_at),
        "delivery": challenge.delivery_status,
    }


def show_proof(proof: Proof) -> dict[str, Any]:
    """Return what a client gets for the right code."""
    return {
        "challenge": proof.challenge,
        "status": proof.status,
        "purpose": proof.purpose,
        "phone": proof.phone,
        "verified_at": _show_time(proof.verified_at),
        "token": proof.token,
    }


def _show_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, to the millisecond: a whole second would be up to one too early to resend."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
