"""IMB Payments: codes by SMS and WhatsApp to Indian numbers, in the vendor's own words.

Known of the API: docs.imbpayment.in, "Send SMS OTP", "Send Whatsapp OTP", "Authentication", "HTTPS
Status Codes" and "Rate Limits". The host is not on those pages; the default is the one of its sister APIs.
"""

from typing import Any

from django_phone_otp.backends.base import DeliveryStatus, Message, MessageRejected, SendResult
from django_phone_otp.backends.http import HTTPBackend
from django_phone_otp.backends.refusals import CREDENTIALS, Verdict
from django_phone_otp.backends.webhooked import fold

# "comunication" is how the vendor spells it.
_PATHS = {"sms": "/api/v1/comunication/send-sms", "whatsapp": "/api/v1/comunication/whatsapp/send-message"}
_INDIA = "+91"
_FAILED = {"failed", "undelivered", "rejected"}  # what data.status might say beside "delivered": not documented
_NATIONAL_LENGTH = 10  # digits of mobile_number in the vendor's example, which has no other form

_VERDICTS = {
    "INVALID_CREDENTIALS": CREDENTIALS,
    "INVALID_IP": Verdict(CREDENTIALS.error, "this server's address is not on the vendor's allow list"),
}


class IMBBackend(HTTPBackend):
    """One account with IMB Payments."""

    channels = frozenset(_PATHS)
    sends_text = False
    account_rate = "60/1m"  # "Rate Limits": 60 requests a minute for each client
    default_base_url = "https://secure.imbpayment.in"

    def __init__(self, *, alias: str, client_id: str, client_secret: str, **options: Any) -> None:
        super().__init__(alias=alias, **options)
        self.require(client_id=client_id, client_secret=client_secret)
        self.secrets = (client_id, client_secret)

    def send(self, message: Message) -> SendResult:
        """Hand over the code; the vendor words the message."""
        national = message.number.removeprefix(_INDIA)
        if not message.number.startswith(_INDIA) or len(national) != _NATIONAL_LENGTH:
            raise MessageRejected("IMB takes Indian mobile numbers only")
        client_id, client_secret = self.secrets
        answer = self.request(
            "POST",
            _PATHS[message.channel],
            headers={"x-client-id": client_id, "x-client-secret": client_secret},
            json={"mobile_number": national, "otp_code": message.code},
        )
        message_id, status = answer.text("data", "message_id"), answer.find("data", "status")
        if answer.ok and answer.find("status") == "success" and not answer.find("error") and message_id:
            if isinstance(status, str) and fold(status) in _FAILED:
                return SendResult(id=message_id, status=DeliveryStatus.UNDELIVERED)
            # Its "delivered" comes with the answer, before any handset can have said so.
            return SendResult(id=message_id, status=DeliveryStatus.SENT)
        raise self.refusal(
            answer,
            message,
            has_id=bool(answer.find("data")),
            vendor_code=answer.text("error_code"),
            said=answer.find("message"),
            verdicts=_VERDICTS,
        )
