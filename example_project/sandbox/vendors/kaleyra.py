"""Kaleyra, as its "Send OTP SMS" page documents it, with its public lists of error and status codes."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from example_project.sandbox.exchange import Answer, Request, json_answer
from example_project.sandbox.mailbox import SandboxMessage
from example_project.sandbox.vendors.base import Kind, Receipt, Route, Vendor, accepted, text_of

# Of https://developers.kaleyra.io/docs/sms-status-and-status-trace-codes; "Submitted" is not in the poll's own list.
_STATUSES = {
    "accepted": "Submitted",
    "sent": "Sent",
    "delivered": "Delivered",
    "undelivered": "UNDELIVERED",
    "failed": "NOT-SENT",
}


class Kaleyra(Vendor):
    """Takes JSON and form fields, by the Content-Type. A 2xx means accepted: failures come later, as a status."""

    name = "kaleyra"
    title = "Kaleyra"
    receipts_by = "Receipts are posted to the webhook as JSON, and can be polled."
    has_webhooks = True

    @property
    def routes(self) -> tuple[Route, ...]:
        """The SID is part of the path."""
        return (
            Route(Kind.SEND, "POST", "/v1/([^/]+)/sms", self._send),
            Route(Kind.POLL, "GET", "/v1/([^/]+)/sms/status", self._status),
        )

    def _send(self, request: Request, sid: str) -> Answer:
        if not accepted(sid, request.header("api-key")):
            return self.unauthorized()
        body = _body(request)
        if body is None:
            return _refusal("E413", "Invalid inputs.", "body")
        fault = _fault(body)
        if fault is not None:
            return _refusal(*fault)
        template_id = text_of(body, "template_id")
        batch = str(uuid.uuid4())
        message = self.take(
            number="+" + text_of(body, "to").lstrip("+"),
            # "Body will have priority"; what is registered under a template id, a sandbox cannot know.
            text=text_of(body, "body") or f"[template {template_id}]",
            vendor_id=f"{batch}:1",
            request_id=batch,
        )
        return _success(message, body)

    def _status(self, request: Request, sid: str) -> Answer:
        """The path is documented (docs/sms-api-status) and the answer is not: its shape is an assumption."""
        if not accepted(sid, request.header("api-key")):
            return self.unauthorized()
        message = self.mailbox.find(self.name, request.query.get("message_ids", ""))
        if message is None:
            return _refusal("E104", "No records found.", "message_ids")
        data = {"message_id": message.vendor_id, **_word(message, message.status)}
        return json_answer(200, {"data": [data], "error": {}, "message": "Success"})

    def receipts(self, message: SandboxMessage) -> list[Receipt]:
        """A callback profile names its own keys; these are the variables' own names."""
        about = {"recipient": message.number.lstrip("+"), "timestamp": _now()}
        return [
            Receipt({"message_id": message.vendor_id, **_word(message, status), **about}, as_json=True)
            for status in message.fate.steps
        ]

    def unauthorized(self) -> Answer:
        """RBC001 is documented for WhatsApp ("wrong SID or API key"), and assumed for SMS."""
        return _refusal("RBC001", "Invalid SID or API key.", "api-key", status=401)

    def limited(self) -> Answer:
        """WAV2101 is documented for WhatsApp (the daily limit), and assumed for SMS."""
        return _refusal("WAV2101", "The limit is reached.", "account", status=429)

    def broken(self) -> Answer:
        """E103 is "internal error"."""
        return _refusal("E103", "Internal error.", "account", status=500)

    def not_found(self) -> Answer:
        """No page says what an unknown path answers."""
        return _refusal("E413", "Invalid inputs.", "path", status=404)


def _body(request: Request) -> dict[str, Any] | None:
    """Return the fields. The page's own samples, form fields under a JSON header, are no JSON and are refused."""
    if request.media_type == "application/x-www-form-urlencoded":
        return dict(request.form)
    return request.json if request.media_type == "application/json" else None


def _fault(body: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the code, the sentence and the field of what is wrong with a message, in the order of the code list."""
    to, sender, template_id = text_of(body, "to"), text_of(body, "sender"), text_of(body, "template_id")
    only_one = "If Type is OTP then only one mobile number is allowed."
    faults = (
        ("to" not in body, "E411", "To is required.", "to"),
        (body.get("to") == "", "E600", "To cannot be empty.", "to"),
        (not text_of(body, "type"), "E611", "Type is required.", "type"),
        (text_of(body, "type") != "OTP", "E615", "To send an OTP, the only allowed type is OTP.", "type"),
        ("," in to, "E404", only_one, "time"),  # the page does show the field as "time"
        (not re.fullmatch(r"\+?[1-9][0-9]{7,14}", to), "E406", "No valid mobile numbers.", "to"),
        (not sender, "E602", "Sender is required.", "sender"),
        (not re.fullmatch(r"[A-Za-z0-9]{3,15}", sender), "E619", "Invalid sender.", "sender"),
        (not text_of(body, "body") and not template_id, "E412", "Body is required.", "body"),
        # "template_id must be 12 to 30 digits"
        ("template_id" in body and not re.fullmatch("[0-9]{12,30}", template_id), "E413", "Invalid.", "template_id"),
    )
    return next(((code, said, name) for wrong, code, said, name in faults if wrong), None)


def _success(message: SandboxMessage, body: dict[str, Any]) -> Answer:
    echoed = {name: body[name] for name in ("sender", "type", "template_id", "body") if name in body}
    data = {"message_id": message.vendor_id, "recipient": message.number.lstrip("+")}
    return json_answer(
        202,  # no page says which 2xx it is: public clients take 200, 201 and 202
        {
            "id": message.request_id,
            **echoed,
            "createdDateTime": _now(),
            "totalCount": 1,
            "data": [data],
            "dlrurl": None,
            "error": {},
        },
    )


def _refusal(code: str, message: str, name: str, status: int = 400) -> Answer:
    """The page shows the body of a failure and not its HTTP status: 400 is an assumption."""
    return json_answer(status, {"code": code, "message": message, "error": {name: message}})


def _word(message: SandboxMessage, status: str) -> dict[str, str]:
    failed = status in {"failed", "undelivered"}
    return {"status": _STATUSES[status], "status_trace": message.fate.reason if failed else ""}


def _now() -> str:
    return datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
