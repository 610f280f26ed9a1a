"""AOC Portal: codes by SMS and by WhatsApp template, also under the names of its resellers.

Known of the API: developers.aoc-portal.com, "SMS". The host, the path of templates, the WhatsApp call
and the shape of errors are not on that page: they are how public client code calls it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django_phone_otp.backends.answers import HTTPAnswer
from django_phone_otp.backends.base import DeliveryError, DeliveryStatus, Message, SendResult, not_taken
from django_phone_otp.backends.refusals import REJECTED
from django_phone_otp.backends.templated import TemplatedBackend
from django_phone_otp.backends.webhooked import WebhookBackend
from django_phone_otp.core.registered import RegisteredTemplate
from django_phone_otp.core.segments import Encoding, count_segments

TYPES = ("OTP", "TRANS", "PROMO")
BULK_MAXIMUM = 100  # recipients in one call; the page names no bound, and a body stays under 2 kB with this one
_WHATSAPP_IDS = (("data", 0, "messageId"), ("messages", 0, "id"), ("messageId",), ("id",))


class AOCBackend(TemplatedBackend, WebhookBackend):
    """One account with AOC Portal or a reseller. The page tells of no receipts: ``webhook_fields`` has no default."""

    default_base_url = "https://api.aoc-portal.com"
    needs_template_text = False  # without text the vendor fills its own copy in
    statuses = {
        **dict.fromkeys(("queued", "accepted", "submitted"), DeliveryStatus.ACCEPTED),
        "sent": DeliveryStatus.SENT,
        **dict.fromkeys(("delivered", "delivrd", "read"), DeliveryStatus.DELIVERED),
        **dict.fromkeys(("undelivered", "undeliv", "failed", "expired", "rejected"), DeliveryStatus.UNDELIVERED),
        "notsent": DeliveryStatus.FAILED,
    }

    def __init__(  # noqa: PLR0913 - what the vendor can do
        self,
        *,
        alias: str,
        api_key: str,
        sender: str,
        type: str = "OTP",  # noqa: A002 - the vendor's name
        flash: bool = False,
        whatsapp: Any = None,
        path: str = "/v1/sms",
        template_path: str = "/v1/sms/template",
        whatsapp_path: str = "/v1/whatsapp",
        **options: Any,
    ) -> None:
        super().__init__(alias=alias, **options)
        paths = {"path": path, "template_path": template_path, "whatsapp_path": whatsapp_path}
        self.require(api_key=api_key, sender=sender, **paths)
        for option, value in paths.items():
            if not value.startswith("/"):  # else it would be another host's
                raise self.invalid(f"{option} must start with /")
        if type not in TYPES:
            raise self.invalid(f"type must be one of {', '.join(TYPES)}")
        if not isinstance(flash, bool):
            raise self.invalid("flash must be True or False")
        self.secrets = (api_key,)
        self.sender, self.type, self.flash = sender, type, flash
        self.path, self.template_path, self.whatsapp_path = path, template_path, whatsapp_path
        self.whatsapp = self._whatsapp_options(whatsapp)
        if self.whatsapp:
            self.channels = frozenset({"sms", "whatsapp"})

    def send(self, message: Message) -> SendResult:
        """Hand over one message."""
        if message.channel == "whatsapp":
            return self._send_whatsapp(message)
        answer = self._post(self.template_for(message), message, _national(message.number))
        message_id = answer.text("data", 0, "messageId")
        if answer.ok and not answer.find("error") and message_id:
            return SendResult(id=message_id)
        raise self._refusal(answer, message)

    def send_many(self, messages: Sequence[Message]) -> list[SendResult]:
        """Hand over all messages of one text in one call, and match the answer by recipient."""
        results: dict[int, SendResult] = {}
        for batch in _batches(messages):
            first = messages[batch[0]]
            if len(batch) == 1:
                results[batch[0]] = self._attempt(first)
            else:
                results.update(zip(batch, self._send_batch([messages[at] for at in batch]), strict=True))
        return [results[at] for at in range(len(messages))]

    def _send_batch(self, messages: Sequence[Message]) -> list[SendResult]:
        """Hand over messages of the same text to several numbers."""
        try:
            worded = self.worded(messages[0])
            to = ",".join(_national(message.number) for message in messages)
            answer = self._post(self.template_for(worded), worded, to)
            if not answer.ok or answer.find("error") or not isinstance(answer.find("data"), list):
                raise self._refusal(answer, worded)
        except DeliveryError as failure:
            return [not_taken(failure)] * len(messages)
        entries = range(len(answer.find("data")))
        ids = {answer.text("data", at, "recipient").lstrip("+"): answer.text("data", at, "messageId") for at in entries}
        missing = SendResult(status=DeliveryStatus.UNKNOWN, reason="the answer does not name this recipient")
        found = [ids.get(_national(message.number)) for message in messages]
        return [SendResult(id=message_id) if message_id else missing for message_id in found]

    def _post(self, template: RegisteredTemplate | None, message: Message, to: str) -> HTTPAnswer:
        body: dict[str, Any] = {"sender": self.sender, "to": to, "type": self.type}
        path = self.path
        if template is not None and not template.text:
            body |= {"templateId": template.id, "custom": template.values(message.variables)}
            path = self.template_path
        else:
            body["text"] = message.text
            if template is not None:
                body["templateId"] = template.id
            if count_segments(message.text).encoding == Encoding.UCS2:
                body["unicode"] = 1
        if self.flash:
            body["flash"] = 1
        return self.request("POST", path, headers={"apikey": self.secrets[0]}, json=body)

    def _send_whatsapp(self, message: Message) -> SendResult:
        code = {"params": [message.code]}
        body = {
            "from": self.whatsapp["from"],
            "campaignName": self.whatsapp["campaign"],
            "to": message.number,  # with its +, unlike in an SMS
            "templateName": self.whatsapp["template"],
            "type": "template",
            "components": {"body": code, "buttons": code},
        }
        answer = self.request("POST", self.whatsapp_path, headers={"apikey": self.secrets[0]}, json=body)
        message_id = next(filter(None, (answer.text(*path) for path in _WHATSAPP_IDS)), "")
        if answer.ok and not answer.find("error") and message_id:
            return SendResult(id=message_id)
        raise self._refusal(answer, message)

    def _refusal(self, answer: HTTPAnswer, message: Message) -> DeliveryError:
        """Return what an answer means that took no message; its error may be true, a text or an object.

        There is no list of codes: any error that comes with 2xx, and without an id, is a refusal.
        """
        error, code = answer.find("error"), answer.text("error", "code")
        said = error if isinstance(error, str) else answer.find("error", "message") or answer.find("message")
        return self.refusal(
            answer,
            message,
            has_id=bool(answer.find("data")) or any(answer.text(*path) for path in _WHATSAPP_IDS),
            vendor_code=code,
            said=said,
            verdicts={code: REJECTED} if error and answer.ok else {},
        )

    def _whatsapp_options(self, options: Any) -> dict[str, str]:
        if options is None:
            return {}
        keys = {"from", "template", "campaign"}
        if not isinstance(options, dict) or set(options) != keys:
            raise self.invalid(f"whatsapp must be a dict of {', '.join(sorted(keys))}")
        self.require(**{f"whatsapp[{key!r}]": value for key, value in options.items()})
        return dict(options)


def _national(number: str) -> str:
    """Return a number as the page writes it: 91XXXXXXXXXX, without its +."""
    return number.removeprefix("+")


def _batches(messages: Sequence[Message]) -> Iterable[list[int]]:
    """Return the positions of the messages that may share a call: the same words, and each number once."""
    batches: dict[Any, list[list[int]]] = {}
    for at, message in enumerate(messages):
        alone = at if message.channel != "sms" else -1
        key = (alone, message.text, message.purpose, message.language, tuple(sorted(message.variables.items())))
        for batch in batches.setdefault(key, []):
            if len(batch) < BULK_MAXIMUM and all(messages[other].number != message.number for other in batch):
                batch.append(at)
                break
        else:
            batches[key].append([at])
    return [batch for group in batches.values() for batch in group]
