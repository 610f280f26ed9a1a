"""Changing one's number, step by step, without a browser."""

import re

from django.test import Client

from django_phone_otp.test import latest_code
from tests.html.pages import NEW, NUMBER, PASSWORD

THIRD = "+14155550125"


def ask(client, number=NEW, url=NUMBER):
    return client.post(f"{url}?step=number", {"phone": number}, follow=True)


def enter(client, page, number, url=NUMBER):
    reference = re.search(r'name="reference" value="(\w+)"', page.content.decode())[1]
    return client.post(f"{url}?step=code", {"reference": reference, "code": latest_code(number)})


def give_password(client, password=PASSWORD, url=NUMBER):
    return client.post(url, {"password": password})


def member(user, client=None):
    client = client or Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def proved(user):
    """Return a client of somebody who gave their password."""
    client = member(user)
    give_password(client)
    return client
