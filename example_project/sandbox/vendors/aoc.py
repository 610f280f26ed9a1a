"""AOC Portal, as its "SMS" page documents it; the page shows no error, so every refusal here is an assumption."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from example_project.sandbox.exchange import Answer, Request, json_answer
from example_project.sandbox.mailbox import SandboxMessage
from example_project.sandbox.vendors.base import Kind, Receipt, Route, Vendor, accepted, text_of


class AOC(Vendor):
    """SMS with a text or a template, to one number or several, and WhatsApp templates."""

    name = "aoc"
    title = "AOC Portal"
    receipts_by = "Receipts are posted to the webhook as form fields: AOC documents none, so this is an assumption."
    has_webhooks = True

    @property
    def routes(self) -> tuple[Route, ...]:
        """Public clients send templates to a path of their own; the page does not mention it. Both do."""
        return (
            Route(Kind.SEND, "POST", "/v1/sms(?:/template)?", self._send_sms),
            Route(Kind.SEND, "POST", "/v1/whatsapp", self._send_whatsapp),
        )

    def _send_sms(self, request: Request, _: str) -> Answer:
        body, refusal = self._open(request)
        if refusal is not None:
            return refusal
        recipients = [number.strip() for number in text_of(body, "to").split(",")]
        fault = _sms_fault(body, recipients)
        if fault:
            return _refusal(400, "Bad Request", fault)
        text = text_of(body, "text")
        code = None
        if not text:
            # What is registered under a template id, a sandbox cannot know. A code is a variable that is all digits.
            text = f"[template {body['templateId']}] " + ", ".join(body["custom"])
            code = next((value for value in body["custom"] if re.fullmatch("[0-9]{4,10}", value)), None)
        batch = str(uuid.uuid4())
        messages = [
            self.take(number=f"+{number}", text=text, code=code, vendor_id=f"{batch}:{position}", request_id=batch)
            for position, number in enumerate(recipients, start=1)
        ]
        echoed = {name: body[name] for name in ("unicode", "flash") if name in body}
        return _success(batch, messages, **echoed)

    def _send_whatsapp(self, request: Request, _: str) -> Answer:
        """As public clients call it. The text is Meta's for authentication templates."""
        body, refusal = self._open(request)
        if refusal is not None:
            return refusal
        required = ("from", "campaignName", "to", "templateName", "type")
        missing = next((name for name in required if not text_of(body, name)), None)
        if missing:
            return _refusal(400, "Bad Request", f'"{missing}" is required')
        number, code = text_of(body, "to"), _whatsapp_code(body)
        if not re.fullmatch(r"\+[1-9][0-9]{7,14}", number):
            return _refusal(400, "Bad Request", '"to" must be a valid phone number')
        if code is None or body["type"] != "template":
            return _refusal(400, "Bad Request", '"components" must hold the code in the body and in the button')
        batch = str(uuid.uuid4())
        text = f"{code} is your verification code. For your security, do not share this code."
        message = self.take(
            channel="whatsapp", number=number, text=text, code=code, vendor_id=f"{batch}:1", request_id=batch
        )
        return _success(batch, [message])

    def _open(self, request: Request) -> tuple[dict[str, Any], Answer | None]:
        """Return the body, or the refusal of a wrong key or of what is not JSON."""
        if not accepted(request.header("apikey")):  # "apiKey" on the page: a header's name ignores case
            return {}, self.unauthorized()
        if request.media_type != "application/json" or request.json is None:
            return {}, _refusal(400, "Bad Request", "Invalid request payload JSON format")
        return request.json, None

    def receipts(self, message: SandboxMessage) -> list[Receipt]:
        """Every name and word is an assumption."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        return [
            Receipt(
                {
                    "messageId": message.vendor_id,
                    "status": status,
                    "recipient": message.number.lstrip("+"),
                    "time": time,
                },
                as_json=False,
            )
            for status in message.fate.steps
        ]

    def unauthorized(self) -> Answer:
        """The status is usual; the shape is an assumption."""
        return _refusal(401, "Unauthorized", "Invalid API key")

    def limited(self) -> Answer:
        """The status is usual; the shape is an assumption."""
        return _refusal(429, "Too Many Requests", "Rate limit exceeded")

    def broken(self) -> Answer:
        """The status is usual; the shape is an assumption."""
        return _refusal(500, "Internal Server Error", "An internal server error occurred")

    def not_found(self) -> Answer:
        """The status is usual; the shape is an assumption."""
        return _refusal(404, "Not Found", "Not Found")


def _sms_fault(body: dict[str, Any], recipients: list[str]) -> str:
    """Return what is wrong with an SMS, in the words of Joi, which public clients have seen."""
    custom = body.get("custom")
    words = isinstance(custom, list) and all(isinstance(value, str) for value in custom)
    flags = [name for name in ("unicode", "flash") if name in body and body[name] not in (0, 1)]
    faults = (
        (not text_of(body, "sender"), '"sender" is required'),
        (not text_of(body, "to"), '"to" is required'),
        # The page's samples have no plus sign.
        (not all(re.fullmatch("[1-9][0-9]{7,14}", number) for number in recipients), '"to" must be an MSISDN'),
        (text_of(body, "type") not in {"OTP", "TRANS", "PROMO"}, '"type" must be one of [TRANS, PROMO, OTP]'),
        (bool(flags), f'"{"".join(flags[:1])}" must be one of [0, 1]'),
        (not text_of(body, "text") and not text_of(body, "templateId"), '"text" is required'),
        # "Otherwise, pass the custom parameter with a blank array."
        (not text_of(body, "text") and not words, '"custom" must be an array'),
    )
    return next((said for wrong, said in faults if wrong), "")


def _whatsapp_code(body: dict[str, Any]) -> str | None:
    """Return the code if the body and the button have the same one, as WhatsApp demands."""
    components = body.get("components")
    params = []
    for part in ("body", "buttons"):
        component = components.get(part) if isinstance(components, dict) else None
        values = component.get("params") if isinstance(component, dict) else None
        params.append(values[0] if isinstance(values, list) and values else None)
    code, button = params
    return code if isinstance(code, str) and code == button and 0 < len(code) <= 15 else None


def _success(batch: str, messages: list[SandboxMessage], **echoed: int) -> Answer:
    data = [{"recipient": message.number.lstrip("+"), "messageId": message.vendor_id} for message in messages]
    return json_answer(
        200,
        {
            "id": batch,
            "data": data,
            "totalCount": len(data),
            **echoed,
            "message": "Message Sent Successfully!",
            "error": None,
        },
    )


def _refusal(status: int, error: str, message: str) -> Answer:
    return json_answer(status, {"statusCode": status, "error": error, "message": message})
