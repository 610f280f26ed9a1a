"""The files that staff export, and how a test reads them."""

import csv
import io

from django_phone_otp.models import Challenge, Delivery
from tests.admin import url

MODELS = {"challenge": Challenge, "delivery": Delivery}


def export_url(model, **query):
    return url(model, "export") + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def file_of(client, model, full=False, **query):
    """Return the whole file."""
    answer = client.post(export_url(model, **query), {"full": "on"} if full else {})
    assert answer.status_code == 200
    assert answer.streaming
    return answer.getvalue().decode()


def parsed(text):
    """Return the rows of a file as dictionaries."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def rows_of(client, model, full=False, **query):
    return parsed(file_of(client, model, full, **query))
