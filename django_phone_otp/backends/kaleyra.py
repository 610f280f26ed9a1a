"""Kaleyra: codes by SMS, with receipts pushed by a callback profile or asked for.

Known of the API: kaleyra.io, "Send OTP SMS", "SMS API Status", "SMS Callback", "SMS Status and Status
Trace Codes". The error codes are those that public client code lists for it.
"""

from typing import Any
from urllib.parse import quote

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name

from django_phone_otp.backends.base import DeliveryStatus, Message, Receipt, SendResult
from django_phone_otp.backends.refusals import BALANCE, CREDENTIALS, NUMBER, UNCLEAR, Verdict
from django_phone_otp.backends.templated import TemplatedBackend
from django_phone_otp.backends.webhooked import WebhookBackend

# "API Domain and Value": note the .ai of the last one.
PODS = {
    "in": "https://api.in.kaleyra.io",
    "sg": "https://api.kaleyra.io",
    "eu": "https://api.eu.kaleyra.io",
    "na": "https://api.na.kaleyra.ai",
}
ENCODINGS = ("json", "form")

_SENDER = Verdict(CREDENTIALS.error, "the vendor refuses the sender")
_ROUTE = Verdict(CREDENTIALS.error, "the account has no such route")
_TEXT = Verdict(NUMBER.error, "the vendor refuses the text")
_VERDICTS = {
    **dict.fromkeys(("RBC001", "WA401"), CREDENTIALS),
    "E110": BALANCE,
    "WAV2101": Verdict(CREDENTIALS.error, "the account's daily limit is reached"),
    "E402": Verdict(NUMBER.error, "outside the hours in which the vendor sends"),
    **dict.fromkeys(("E404", "E406", "E410", "E411", "E600"), NUMBER),
    **dict.fromkeys(("E401", "E412", "E413", "E601", "E618"), _TEXT),
    **dict.fromkeys(("E602", "E616", "E619", "E621", "E622"), _SENDER),
    **dict.fromkeys(("E102", "E623", "E624", "E625"), _ROUTE),
    **dict.fromkeys(("E103", "E403", "WA500"), UNCLEAR),
}
_TAKEN_CODES = {"", "E100", "E101"}  # "submitted", "campaign accepted"

# What "NOT-SENT" and "UNDELIVERED" receipts give as their trace, as far as the word itself does not say.
_TRACES = {
    "NOT-ALLOWED": "the account may not send there",
    "NO-CREDITS": "the account has no credit",
    "SERIES-BLOCK": "the number's series is blocked",
    "BLACKLIST": "the number is on a block list",
    "CON-DND": "the person takes no such messages",
    "DND-NUMB": "the person takes no such messages",
    "OPT-OUT": "the person opted out",
    "NOT-OPTIN": "the person did not opt in",
    "INV-MOB-PATTRN": "the number is not valid",
    "KLR-INV-NUMBER": "the number is not valid",
    "INV-NUMBER": "the number is not valid",
    "INVALID-SUB": "nobody has this number",
    "TEMPLATE-NOT-FOUND": "no such registered template",
    "INV-TEMPLATE-MATCH": "the text is not that of its registered template",
    "SENDER-ID-NOT-FOUND": "no such registered sender",
    "SNDRID-NOT-ALLOTED": "no such registered sender",
    "REJECTED-MULTIPART": "the text is too long",
    "ABSENT-SUB": "the phone could not be reached",
    "MOB-OFF": "the phone is off",
    "HANDSET-BUSY": "the phone is busy",
    "MEM-EXEC": "the phone has no room",
    "EXPIRED": "the phone could not be reached in time",
}


class KaleyraBackend(TemplatedBackend, WebhookBackend):
    """One account with Kaleyra. ``pod`` or ``base_url`` says where it is; ``encoding`` is json or form."""

    polls = True
    default_fields = {
        "id": ("message_id", "id"),
        "status": ("status",),
        "reason": ("status_trace", "description"),
        "at": ("timestamp",),
    }
    statuses = {
        "submitted": DeliveryStatus.ACCEPTED,
        "enroute": DeliveryStatus.SENT,
        "sent": DeliveryStatus.SENT,
        "delivered": DeliveryStatus.DELIVERED,
        "delivrd": DeliveryStatus.DELIVERED,
        **dict.fromkeys(("undelivered", "undeliv", "failed", "expired"), DeliveryStatus.UNDELIVERED),
        "notsent": DeliveryStatus.FAILED,
    }

    def __init__(  # noqa: PLR0913 - what the vendor can do
        self,
        *,
        alias: str,
        sid: str,
        api_key: str,
        sender: str,
        pod: Any = "",
        callback_profile_id: str = "",
        encoding: str = "json",
        **options: Any,
    ) -> None:
        self.alias = alias  # what is wrong is said before there is an address
        if encoding not in ENCODINGS:
            raise self.invalid(f"encoding must be one of {', '.join(ENCODINGS)}")
        if not options.get("base_url"):
            if not isinstance(pod, str) or pod not in PODS:
                raise self.invalid(f"pod must be one of {', '.join(PODS)}, unless base_url is given")
            options["base_url"] = PODS[pod]
        super().__init__(alias=alias, **options)
        self.require(sid=sid, api_key=api_key, sender=sender)
        self.path = f"/v1/{quote(sid, safe='')}/sms"
        self.secrets = (api_key,)
        self.sender = sender
        self.callback_profile_id = callback_profile_id
        self.encoding = encoding

    def send(self, message: Message) -> SendResult:
        """Hand over the text, with the id of its registered template if it has one."""
        template = self.template_for(message)
        body = {
            "to": message.number,
            "type": "OTP",
            "sender": self.sender,
            "body": message.text,
            "callback_profile_id": self.callback_profile_id,
            "template_id": template.id if template else "",
        }
        body = {key: value for key, value in body.items() if value}
        as_form = self.encoding == "form"
        answer = self.request(
            "POST",
            self.path,
            headers=self._headers(),
            json=None if as_form else body,
            data=body if as_form else None,
        )
        code = answer.text("code")
        message_id = answer.text("data", 0, "message_id")
        if answer.ok and code in _TAKEN_CODES and not answer.find("error") and message_id:
            return SendResult(id=message_id)  # only accepted: a missing template or credit is told by a receipt
        raise self.refusal(
            answer,
            message,
            has_id=bool(answer.find("data")),
            vendor_code=code,
            said=answer.find("message"),
            verdicts=_VERDICTS,
        )

    def fetch_status(self, delivery_id: str) -> Receipt:
        """Ask about one message. What the answer looks like is an assumption: the vendor's page does not show it."""
        answer = self.request(
            "GET", f"{self.path}/status", headers=self._headers(), params={"message_ids": delivery_id}
        )
        record = _find_record(answer.json(), delivery_id) if answer.ok else None
        if record is None:
            code = answer.text("code")
            raise self.refusal(answer, vendor_code=code, verdicts=_VERDICTS)
        return self.receipt_of({**record, "message_id": delivery_id}, self.default_fields)

    def reason_of(self, code: str) -> str:
        """Return a status trace in words, with the trace itself."""
        words = _TRACES.get(code.upper())
        return f"{words} ({code})" if words else code

    def check(self) -> list[CheckMessage]:
        """Warn of receipts that cannot come."""
        found = super().check()
        if not self.callback_profile_id:
            message = "callback_profile_id is empty, which the vendor's page calls mandatory: no receipts are pushed."
            hint = "Make a callback profile in the vendor's account, and set callback_profile_id to its id."
            found.append(self._warning("W001", message, hint))
        elif not self.webhook_secrets:
            message = "callback_profile_id is set and webhook_secrets is empty: receipts that are pushed get 404."
            hint = "Set webhook_secrets, and give the profile the URL of the webhook with the first of them."
            found.append(self._warning("W002", message, hint))
        return found

    def _warning(self, check_id: str, message: str, hint: str) -> CheckMessage:
        return Warning(f"BACKENDS[{self.alias!r}]: {message}", hint=hint, id=f"phone_otp.kaleyra.{check_id}")

    def _headers(self) -> dict[str, str]:
        return {"api-key": self.secrets[0]}


def _find_record(body: object, message_id: str) -> dict[str, str] | None:
    """Return the object with a status that is about ``message_id``, wherever a known shape has it."""
    records = body.get("data", body) if isinstance(body, dict) else body
    for record in records if isinstance(records, list) else [records]:
        if isinstance(record, dict) and isinstance(record.get("status"), str) and "code" not in record:
            about = record.get("message_id", record.get("id", message_id))
            if about == message_id:
                return {key: value for key, value in record.items() if isinstance(value, str)}
    return None
