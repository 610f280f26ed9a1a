"""One message through the real services to one vendor, with a backup behind it, and all that is left of it."""

import itertools
import logging
import traceback
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import CharField

import django_phone_otp as phone_otp
from django_phone_otp.backends import backends
from django_phone_otp.backends.base import Message
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Challenge, Delivery
from django_phone_otp.test import outbox, override_phone_otp
from tests.unlimited import UNLIMITED

LOCMEM = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
UNHURRIED, SHORT = (2.0, 5.0), (0.3, 0.3)  # (connect, read) in seconds


@dataclass
class Trial:
    """What became of one message: what the backend raised and to whom that came, the row, and the backup's outbox."""

    message: Message | None = None
    failure: Exception | None = None
    told: DeliveryFailed | None = None
    delivery: Delivery | None = None
    rows: int = 0
    asked: int = 0

    @property
    def backup_was_tried(self):
        return len(outbox) == 1

    def texts_kept(self):
        """Return every text that the deliveries' rows keep."""
        columns = [field.attname for field in Delivery._meta.fields if isinstance(field, CharField)]
        return [text for row in Delivery.objects.values_list(*columns) for text in row if text]

    def shown(self):
        """Return all that the exceptions say of themselves, with their tracebacks and the vendor's answer in them."""
        errors = [error for error in (self.failure, self.told) if error is not None]
        said = [text for error in errors for text in (str(error), repr(error), *traceback.format_exception(error))]
        return [*said, *(str(getattr(error, "raw", "")) for error in errors)]


@contextmanager
def route_through(path, options, url, timeout=UNHURRIED):
    """Configure the backend at ``path`` as ``default`` at ``url``, and behind it a backup that takes everything."""
    vendor = {"BACKEND": path, "OPTIONS": {**options, "base_url": url, "timeout": timeout}}
    configured = {"default": vendor, "backup": LOCMEM}
    with override_phone_otp(BACKENDS=configured, ROUTES=[{"backends": [*configured]}], LIMITS=UNLIMITED):
        yield backends["default"]


def try_once(backend, number, channel):
    """Send one message through the services as if it were the first ever; ``backend`` must be configured."""
    cache.clear()  # circuits and limits
    outbox.clear()
    Challenge.objects.all().delete()
    trial = Trial()
    send = type(backend).send

    def listen_in(message):
        trial.message = message
        try:
            return send(backend, message)
        except Exception as failure:
            trial.failure = failure
            raise

    backend.send = listen_in
    try:
        phone_otp.send(number, purpose="signup", channel=channel)
    except DeliveryFailed as told:
        trial.told = told
    trial.delivery, trial.rows = Delivery.objects.get(alias="default"), Delivery.objects.count()
    return trial


def log_everything(caplog):
    """Have every logger that there is say all that it can."""
    for name in (None, *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)


def walk(value, path=()):
    """Yield the path of every value within ``value``, and the value."""
    if path:
        yield path, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from walk(part, (*path, key))


def put(value, path, part):
    """Return a copy of ``value`` with ``part`` at ``path``."""
    step, *rest = path
    copy = value.copy()
    copy[step] = put(value[step], rest, part) if rest else part
    return copy


def texts(value):
    """Return every text and number within ``value``, as a row would keep it as an id."""
    leaves = itertools.chain([value], (part for _, part in walk(value)))
    return {"".join(filter(str.isprintable, str(leaf)))[:128] for leaf in leaves if not isinstance(leaf, dict | list)}
