"""Something on every page of the admin, and the way to each page, found from the URLs that the admin has."""

from django.contrib import admin
from django.urls import reverse

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import BaseBackend, DeliveryStatus, Receipt, SendResult
from django_phone_otp.models import Block, Challenge, Delivery
from django_phone_otp.services import limits, receipts
from django_phone_otp.test import latest_code

PHONE, OTHER = "+14155550166", "+14155550177"  # no page has them as an example
SECRETS = {"api_key": "made-up-key-of-the-vendor-0001", "webhook": "made-up-secret-of-the-webhook-0002"}
CONTEXT = {"amount": "12.50", "payee": "Canary Example"}


class SecretiveBackend(BaseBackend):
    """Has secrets, and takes every message."""

    polls = True
    reaches_people = False

    def __init__(self, *, alias, api_key, webhook_secrets):
        super().__init__(alias=alias)
        self.secrets = (api_key, *webhook_secrets)

    def send(self, message):
        from django_phone_otp.test import outbox

        outbox.append(message)
        return SendResult(id=f"v-{message.key}", status=DeliveryStatus.ACCEPTED)

    def fetch_status(self, delivery_id):
        return Receipt(id=delivery_id, status=DeliveryStatus.DELIVERED)


SETTINGS = {
    "BACKENDS": {
        "default": {
            "BACKEND": f"{__name__}.SecretiveBackend",
            "OPTIONS": {"api_key": SECRETS["api_key"], "webhook_secrets": [SECRETS["webhook"]]},
        }
    },
    "PURPOSES": {"signup": {}, "payment": {"CONTEXT": ["amount", "payee"]}},
    "REGIONS": ["US", "GB"],
    "KEYS": ["made-up-key-of-the-project-0003-long-enough"],
}


def make_everything(user):
    """Make a row of every kind; return all texts that no page may show, by what they are."""
    paid = phone_otp.send(PHONE, purpose="payment", context=CONTEXT)
    code = latest_code(PHONE)
    proof = phone_otp.verify(paid.handle, code, context=CONTEXT)
    pending = phone_otp.send(OTHER, purpose="signup")
    for delivery in Delivery.objects.all():
        receipts.receive("default", [Receipt(id=delivery.vendor_id, status=DeliveryStatus.SENT, raw={"to": PHONE})])
    Block.objects.create(value="+14155550188", reason="made up")
    Block.objects.create(value="+1415557*")
    user.verified_phones.create(number=PHONE)
    limits.note_refusal("send.ip")
    rows = Challenge.objects.all()
    return {
        **{f"number {number}": number for number in (PHONE, OTHER, "+14155550188")},
        **{f"digits {number}": number[2:] for number in (PHONE, OTHER, "+14155550188")},
        "code": code,
        "other code": latest_code(OTHER),
        "handle": paid.handle,
        "other handle": pending.handle,
        "token": proof.token,
        "payee": CONTEXT["payee"],
        "project's key": SETTINGS["KEYS"][0],
        **SECRETS,
        **{f"seed {row.pk}": bytes(row.seed).hex() for row in rows},
        **{f"key id {row.pk}": row.key_id for row in rows},
    }


def every_page(site=admin.site):
    """Yield each page of the app's models, and of users, with what it is called: one for each row that there is."""
    yield "index", reverse("admin:index")
    yield "app", reverse("admin:app_list", args=["phone_otp"])
    for model, listing in site._registry.items():
        if model._meta.label != "auth.User" and model._meta.app_label != "phone_otp":
            continue
        for pattern in listing.get_urls():
            if pattern.name is None:  # Django's own way to where a row was before 1.9
                continue
            takes_row = "<" in str(pattern.pattern)
            for args in [[row.pk] for row in model._default_manager.all()] if takes_row else [[]]:
                yield f"{pattern.name} {args}", reverse(f"admin:{pattern.name}", args=args)
