"""A fifth vendor is one class and one contract, and touches no other file."""

from django_phone_otp.backends.base import BackendUnavailable, DeliveryUncertain, MessageRejected, SendResult
from django_phone_otp.backends.http import HTTPBackend
from django_phone_otp.backends.refusals import BALANCE, NUMBER
from tests.backends.contract import BackendContract, Refusal


class FifthBackend(HTTPBackend):
    """A made-up vendor that takes texts everywhere in the world."""

    default_base_url = "https://api.fifth.example"

    def __init__(self, *, alias, token, **options):
        super().__init__(alias=alias, **options)
        self.require(token=token)
        self.secrets = (token,)

    def send(self, message):
        answer = self.request(
            "POST",
            "/messages",
            headers={"Authorization": f"Bearer {self.secrets[0]}"},
            json={"to": message.number, "text": message.text},
        )
        message_id = answer.text("id")
        if answer.ok and message_id and not answer.find("problem"):
            return SendResult(id=message_id)
        raise self.refusal(
            answer,
            message,
            has_id=bool(message_id),
            vendor_code=answer.text("problem", "code"),
            said=answer.find("problem", "words"),
            verdicts={"poor": BALANCE, "nobody": NUMBER},
        )


class TestFifth(BackendContract):
    backend = f"{__name__}.FifthBackend"
    options = {"token": "fifth/+token=="}
    secrets = ("token",)
    number = "+14155550123"
    path = "/messages"
    accepted = {"id": "m-1", "parts": [1, {"of": 2}]}
    vendor_id = "m-1"
    refusals = (
        Refusal("poor", 200, {"problem": {"code": "poor", "words": "Pay!"}}, BackendUnavailable, "poor", words="Pay!"),
        Refusal("nobody", 400, {"problem": {"code": "nobody"}}, MessageRejected, "nobody"),
        Refusal("nobody-as-200", 200, {"problem": {"code": "nobody"}}, MessageRejected, "nobody"),
        Refusal("a-code-of-tomorrow", 400, {"problem": {"code": "else"}}, MessageRejected, "else"),
        Refusal("a-code-of-tomorrow-as-200", 200, {"problem": {"code": "else"}}, DeliveryUncertain, "else"),
        Refusal("poor-and-an-id", 200, {"id": "m-1", "problem": {"code": "poor"}}, DeliveryUncertain, "poor"),
        Refusal("poor-and-an-id-as-400", 400, {"id": "m-1", "problem": {"code": "poor"}}, DeliveryUncertain, "poor"),
        Refusal("nothing", 200, {}, DeliveryUncertain),
    )

    def error_body(self, said):
        return {"problem": {"code": said, "words": said}}
