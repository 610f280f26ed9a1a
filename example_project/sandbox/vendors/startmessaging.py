"""StartMessaging, as https://startmessaging.com/docs/sms/send-sms/ has it, with the errors of its public source."""

import re
import uuid
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any

from example_project.sandbox.exchange import Answer, Request, json_answer
from example_project.sandbox.mailbox import SandboxMessage
from example_project.sandbox.vendors.base import Kind, Route, Vendor, accepted, text_of

SENDS = 3  # "3 attempts every 5 minutes" to one number
WINDOW = timedelta(minutes=5)
_NUMBERS = 10_000  # whose sends are remembered
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class StartMessaging(Vendor):
    """Takes a number and a code, words the message itself, checks codes, and is polled for receipts.

    The 20 requests a second of its page are not counted here: choose the outage ``limited``.
    """

    name = "startmessaging"
    title = "StartMessaging"
    receipts_by = "Receipts are polled only: run manage.py syncdeliveries, which asks for them."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sends: OrderedDict[str, list[datetime]] = OrderedDict()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The paths of the page."""
        return (
            Route(Kind.SEND, "POST", "/otp/send", self._send),
            Route(Kind.VERIFY, "POST", "/otp/verify", self._verify),
            Route(Kind.POLL, "GET", "/messages/([^/]+)", self._status),
        )

    def _send(self, request: Request, _: str) -> Answer:
        if not accepted(request.header("X-API-Key")):
            return self.unauthorized()
        body = _body(request)
        variables = body.get("variables")
        fault = _fault(body, variables)
        if fault or not isinstance(variables, dict):
            return _refusal(400, "VALIDATION_ERROR", "Validation failed", fault)
        number, code = body["phoneNumber"], variables["otp"]
        if not self._may_send_to(number):
            # 400 and not 429 in the source, and the same number counts for every customer of the vendor
            return _refusal(400, "RATE_LIMIT_EXCEEDED", "Too many OTP requests for this number. Try again later.")
        message = self.take(
            number=number,
            text=_text(variables),
            code=code,
            vendor_id=str(uuid.uuid4()),
            request_id=str(uuid.uuid4()),
        )
        data = {"otpRequestId": message.request_id, "messageId": message.vendor_id, "status": "queued"}
        return _success(201, data)

    def _verify(self, request: Request, _: str) -> Answer:
        """The page shows the answer to a right code only: ``verified: false`` for a wrong one is an assumption."""
        if not accepted(request.header("X-API-Key")):
            return self.unauthorized()
        body = _body(request)
        message = self.mailbox.find(self.name, text_of(body, "requestId"))
        if message is None:
            return _refusal(404, "NOT_FOUND", "OTP request not found")
        return _success(200, {"verified": text_of(body, "otpCode") == message.code})

    def _status(self, request: Request, identifier: str) -> Answer:
        if not accepted(request.header("X-API-Key")):
            return self.unauthorized()
        message = self.mailbox.find(self.name, identifier)
        if message is None:
            return _refusal(404, "NOT_FOUND", "Message not found")
        return json_answer(200, {"success": True, "statusCode": 200, "data": _about(message)})

    def _may_send_to(self, number: str) -> bool:
        """Count a send to ``number``, unless it had as many as are allowed."""
        now = datetime.now(UTC)
        with self._lock:
            recent = [at for at in self._sends.pop(number, []) if now - at < WINDOW]
            allowed = len(recent) < SENDS
            self._sends[number] = [*recent, now] if allowed else recent
            if len(self._sends) > _NUMBERS:
                self._sends.popitem(last=False)
            return allowed

    def unauthorized(self) -> Answer:
        """As in the source."""
        return _refusal(401, "UNAUTHORIZED", "Invalid API key")

    def limited(self) -> Answer:
        """As the source's throttler answers: its code falls to INTERNAL_ERROR."""
        return _refusal(429, "INTERNAL_ERROR", "ThrottlerException: Too Many Requests", Retry_After="10")

    def broken(self) -> Answer:
        """As in the source."""
        return _refusal(500, "INTERNAL_ERROR", "Internal server error")

    def not_found(self) -> Answer:
        """As in the source."""
        return _refusal(404, "NOT_FOUND", "Not found")


def _body(request: Request) -> dict[str, Any]:
    return (request.json or {}) if request.media_type == "application/json" else {}


def _fault(body: dict[str, Any], variables: Any) -> str:
    """Return what is wrong with a send. Fields that the source does not know are dropped, idempotencyKey too."""
    template_id = body.get("templateId")
    faults = (
        # The newest tests of the source take Indian mobile numbers only.
        (not re.fullmatch(r"\+91[6-9][0-9]{9}", text_of(body, "phoneNumber")), "phoneNumber must be a valid number"),
        (not isinstance(variables, dict), "variables must be an object"),
        (
            isinstance(variables, dict) and not re.fullmatch("[0-9]{4,6}", text_of(variables, "otp")),
            "variables.otp must be a 4-6 digit code",
        ),
        # StartMessaging's own id of the template, not the DLT one; an empty string is refused too.
        (
            template_id is not None and not (isinstance(template_id, str) and _UUID.fullmatch(template_id)),
            "templateId must be a UUID",
        ),
    )
    return next((said for wrong, said in faults if wrong), "")


def _text(variables: dict[str, Any]) -> str:
    """Word the message, with the three variables that the source keeps; the rest of the wording is made up."""
    name, minutes = text_of(variables, "appName") or "StartMessaging", text_of(variables, "expiry") or "10"
    return f"{variables['otp']} is your {name} verification code. It expires in {minutes} minutes. Do not share it."


def _about(message: SandboxMessage) -> dict[str, Any]:
    """As the page shows it, and ``content``, the text with the code in it, which only the source shows."""
    words = {"accepted": "queued", "undelivered": "failed"}
    status = words.get(message.status, message.status)
    at = message.received_at + timedelta(seconds=message.step * len(message.fate.steps))
    return {
        "messageId": message.vendor_id,
        "status": status,
        "deliveredAt": _time(at) if status == "delivered" else None,
        "error": message.fate.reason if status == "failed" else None,
        "content": message.text,
    }


def _success(status: int, data: dict[str, Any]) -> Answer:
    return json_answer(status, {"success": True, "statusCode": status, **_trace(), "data": data})


def _refusal(status: int, code: str, message: str, detail: str = "", **headers: str) -> Answer:
    details = {"details": [{"message": detail}]} if detail else {}
    error = {"code": code, "message": message, **details}
    return json_answer(status, {"success": False, "statusCode": status, **_trace(), "error": error}, **headers)


def _trace() -> dict[str, str]:
    """Return the id of the HTTP request: the ``requestId`` of a verification is another thing."""
    return {"requestId": f"req_{uuid.uuid4().hex[:12]}", "timestamp": _time(datetime.now(UTC))}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
