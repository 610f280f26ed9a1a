"""IMB Payments, as https://docs.imbpayment.in documents its "Comunications API" (with one m)."""

import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from example_project.sandbox.exchange import Answer, Request, json_answer
from example_project.sandbox.vendors.base import Kind, Route, Vendor, accepted, text_of

_INDIA = timezone(timedelta(hours=5, minutes=30))


class IMB(Vendor):
    """Takes a number and a code, and words the message itself. It says ``delivered`` at once, and nothing later.

    The 60 requests a minute of its rate-limits page are not counted here: choose the outage ``limited``.
    """

    name = "imb"
    title = "IMB Payments"
    receipts_by = "IMB documents no receipts: it says delivered when it takes the message."

    @property
    def routes(self) -> tuple[Route, ...]:
        """SMS and WhatsApp take the same body."""
        return (
            Route(Kind.SEND, "POST", "/api/v1/comunication/send-sms", self._send_sms),
            Route(Kind.SEND, "POST", "/api/v1/comunication/whatsapp/send-message", self._send_whatsapp),
        )

    def _send_sms(self, request: Request, _: str) -> Answer:
        return self._send(request, "sms")

    def _send_whatsapp(self, request: Request, _: str) -> Answer:
        return self._send(request, "whatsapp")

    def _send(self, request: Request, channel: str) -> Answer:
        if not accepted(request.header("x-client-id"), request.header("x-client-secret")):
            return self.unauthorized()
        body = request.json if request.media_type == "application/json" else None
        number, code = text_of(body or {}, "mobile_number"), text_of(body or {}, "otp_code")
        # The sample is a national number of ten digits; no other form is shown, so none is taken here.
        if not re.fullmatch(r"[6-9][0-9]{9}", number):
            return _refusal(422, "VALIDATION_ERROR", "The mobile number must be 10 digits.")
        if not re.fullmatch(r"[0-9]{4,8}", code):
            return _refusal(422, "VALIDATION_ERROR", "The otp code must be 4 to 8 digits.")
        message = self.take(
            channel=channel,
            number=f"+91{number}",
            text=f"{code} is your one-time password. Do not share it with anyone.",  # the real wording is not public
            code=code,
            vendor_id=f"IMBSMS{datetime.now(_INDIA):%H%M%S%Y%m%d}_{secrets.token_hex(4)}",  # also for WhatsApp
        )
        data = {"message_id": message.vendor_id, "status": "delivered"}
        return json_answer(
            200, {"response_code": 200, "status": "success", "message": "Success", "data": data, "meta": _meta()}
        )

    def unauthorized(self) -> Answer:
        """As on the Authentication page."""
        return _refusal(401, "INVALID_CREDENTIALS", "Missing API credentials client id & client secret.")

    def limited(self) -> Answer:
        """As on the Rate Limits page: another envelope, and no Retry-After."""
        return json_answer(429, {"error": True, "message": "Rate limit exceeded. Please try again after some time."})

    def broken(self) -> Answer:
        """The page names the status only; the envelope of the 401 is assumed."""
        return _refusal(500, "INTERNAL_SERVER_ERROR", "Something went wrong.")

    def not_found(self) -> Answer:
        """The page names the status only; the envelope of the 401 is assumed."""
        return _refusal(404, "NOT_FOUND", "Not found.")


def _refusal(status: int, code: str, message: str) -> Answer:
    return json_answer(
        status,
        {
            "response_code": status,
            "error_code": code,
            "message": message,
            "error": [],
            "data": None,
            "meta": _meta(),
        },
    )


def _meta() -> dict[str, Any]:
    time = datetime.now(UTC).astimezone(_INDIA).isoformat(timespec="seconds")
    return {"request_id": str(uuid.uuid4()), "time": time}
