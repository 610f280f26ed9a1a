"""StartMessaging: codes by SMS, in the vendor's own registered words.

Known of the API: startmessaging.com, "SMS & OTP API Reference". The codes of errors and the second
shape of a message's status are those of the vendor's public server source.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryStatus,
    Message,
    MessageRejected,
    Receipt,
    Scope,
    SendResult,
)
from django_phone_otp.backends.refusals import (
    BALANCE,
    CREDENTIALS,
    DUPLICATE,
    NUMBER,
    OVER_RATE,
    REJECTED,
    UNCLEAR,
    Verdict,
)
from django_phone_otp.backends.templated import TemplatedBackend
from django_phone_otp.backends.webhooked import fold, read_time

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"[0-9]{4,6}", re.ASCII)  # what "otp" may be
REASON_MAXIMUM = 200  # characters
_VARIABLES = {"otp": "code", "appName": "app_name", "expiry": "minutes"}  # the vendor drops any others

# Three to one number in five minutes: told as 400 or 429, and never to be walked around.
_NUMBER_LIMIT = Verdict(
    BackendUnavailable, "the vendor's limit for this number is reached", Scope.RECIPIENT, retry_after=300
)
_ABOUT_THE_NUMBER = Verdict(MessageRejected, REJECTED.reason, Scope.RECIPIENT)
_VERDICTS = {
    **dict.fromkeys(("INVALID_CREDENTIALS", "INVALID_API_KEY", "UNAUTHORIZED", "TOKEN_EXPIRED"), CREDENTIALS),
    **dict.fromkeys(
        ("FORBIDDEN", "ONBOARDING_INCOMPLETE"), Verdict(BackendUnavailable, "the vendor refuses the account")
    ),
    **dict.fromkeys(("INSUFFICIENT_BALANCE", "WALLET_NOT_FOUND"), BALANCE),
    **dict.fromkeys(("VALIDATION_ERROR", "INVALID_INPUT", "NOT_FOUND"), REJECTED),
    "INVALID_PHONE_NUMBER": NUMBER,
    # The operator behind the vendor failed, perhaps by saying nothing in time.
    **dict.fromkeys(("OTP_SEND_FAILED", "SMS_PROVIDER_ERROR"), UNCLEAR),
    **dict.fromkeys(("CONFLICT", "DUPLICATE_ENTRY", "IDEMPOTENCY_CONFLICT"), DUPLICATE),
    **dict.fromkeys(("RATE_LIMIT_EXCEEDED", "RATE_LIMITED"), _NUMBER_LIMIT),
}
_STATUSES = {
    "initiated": DeliveryStatus.ACCEPTED,
    "queued": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "failed": DeliveryStatus.UNDELIVERED,
    "expired": DeliveryStatus.UNDELIVERED,
}


class StartMessagingBackend(TemplatedBackend):
    """One account with StartMessaging. With ``verify_remotely`` the vendor too must find a guess right."""

    sends_text = False
    polls = True
    account_rate = "20/1s"  # "Global Throughput": 20 requests a second for each account
    default_base_url = "https://api.startmessaging.com"
    template_id_form = _UUID
    template_id_words = "the UUID of a template in the vendor's account"
    needs_template_text = False

    def __init__(
        self,
        *,
        alias: str,
        api_key: str,
        template_id: str = "",
        verify_remotely: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(alias=alias, **options)
        self.require(api_key=api_key)
        if template_id and not _UUID.fullmatch(template_id):
            raise self.invalid(f"template_id must be {self.template_id_words}")
        if not isinstance(verify_remotely, bool):
            raise self.invalid("verify_remotely must be True or False")
        self.secrets = (api_key,)
        self.template_id = template_id
        self.checks_codes = verify_remotely

    def worded(self, message: Message) -> Message:
        """Return the message as it is. Raises ``MessageRejected`` for a code that this vendor does not take."""
        if not _CODE.fullmatch(message.code):
            raise MessageRejected("StartMessaging takes codes of 4 to 6 digits only")
        return super().worded(message)

    def send(self, message: Message) -> SendResult:
        """Hand over the code; the vendor words the message."""
        template = self.template_for(message)
        values = {theirs: message.variables.get(ours, "") for theirs, ours in _VARIABLES.items()}
        body: dict[str, Any] = {
            "phoneNumber": message.number,
            "variables": {name: value for name, value in values.items() if value} | {"otp": message.code},
            "idempotencyKey": message.key,  # some pages ask for it here, some in the header; the server heeds neither
        }
        template_id = template.id if template else self.template_id
        if template_id:
            body["templateId"] = template_id
        headers = self._headers() | {"Idempotency-Key": message.key}
        answer = self.request("POST", "/otp/send", headers=headers, json=body)
        message_id = answer.text("data", "messageId")
        if answer.ok and answer.find("success") is True and message_id:
            status = _STATUSES.get(fold(answer.text("data", "status")), DeliveryStatus.ACCEPTED)
            return SendResult(id=message_id, status=status, check_id=answer.text("data", "otpRequestId"))
        code = answer.text("error", "code").upper()
        raise self.refusal(
            answer,
            message,
            has_id=bool(answer.find("data")),
            vendor_code=code,
            said=answer.find("error", "message"),
            verdicts=_verdicts(answer.status, code),
        )

    def fetch_status(self, delivery_id: str) -> Receipt:
        """Ask about one message, in either of the two shapes that its status is known to have."""
        answer = self.request("GET", f"/messages/{quote(delivery_id, safe='')}", headers=self._headers())
        word = answer.text("data", "status")
        if not answer.ok or not word:
            raise self.refusal(answer, vendor_code=answer.text("error", "code"), verdicts=_VERDICTS)
        reason = answer.text("data", "failureReason") or answer.text("data", "error")
        # The vendor's "content" holds the code: nothing is kept but what is named here.
        return Receipt(
            id=delivery_id,
            status=_STATUSES.get(fold(word), DeliveryStatus.UNKNOWN),
            at=read_time(answer.text("data", "deliveredAt") or answer.text("data", "sentAt")),
            reason=reason[:REASON_MAXIMUM],
            raw={"id": delivery_id, "status": word[:REASON_MAXIMUM]},
        )

    def check_code(self, check_id: str, code: str) -> bool:
        """Ask whether ``code`` is right. A wrong one's answer is not documented: 400 and 422 are taken for it."""
        answer = self.request(
            "POST", "/otp/verify", headers=self._headers(), json={"requestId": check_id, "otpCode": code}
        )
        if answer.ok and isinstance(answer.find("data", "verified"), bool):
            return answer.find("data", "verified") is True
        refusal = self.refusal(answer, vendor_code=answer.text("error", "code").upper(), verdicts=_VERDICTS)
        if answer.status in {400, 422} and isinstance(refusal, MessageRejected):
            return False
        raise refusal

    def _headers(self) -> dict[str, str]:
        return {"X-API-Key": self.secrets[0]}


def _verdicts(status: int, code: str) -> Mapping[str, Verdict]:
    """Return what codes mean beside ``status``: whatever is not known to be the account's may be about the number."""
    if status == 429:
        return {code: _NUMBER_LIMIT, "INTERNAL_ERROR": OVER_RATE}
    if status == 400 and code not in _VERDICTS:
        return {code: _ABOUT_THE_NUMBER}
    return _VERDICTS
