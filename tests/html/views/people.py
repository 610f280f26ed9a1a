"""Somebody in front of the pages: reads what is on them, and sends their forms with all that is hidden there."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client

from django_phone_otp.test import latest_code

_INPUT = re.compile(r"<input\s[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Person:
    """A browser of Django's test client. ``page`` is the answer on its screen, where redirects led."""

    def __init__(self, **options):
        self.client = Client(**options)
        self.page = None

    def open(self, url, **headers):
        """Open a page."""
        return self._show(self.client.get(url, headers=headers))

    def send(self, url, phone, *, headers=None, **fields):
        """Send a number from the page, with the hidden key that is on it."""
        fields = {"phone": phone, "key": self.hidden("key"), **fields}
        return self._show(self.client.post(url, fields, headers=headers))

    def enter(self, url, code, *, headers=None, **fields):
        """Enter a code on the page, beside the reference that is on it."""
        fields = {"code": code, "reference": self.hidden("reference"), **fields}
        return self._show(self.client.post(at_step(url, "code"), fields, headers=headers))

    def again(self, url, **fields):
        """Click on the button that sends the code again, or a new one."""
        hidden = {name: self.hidden(name) for name in ("reference", "messages")}
        return self._show(self.client.post(at_step(url, "code"), {"action": "resend", **hidden, **fields}))

    def log_in(self, phone, url="/login/"):
        """Send a number, and enter the code that came; return the answer to the code, which is no page yet."""
        self.open(url)
        self.send(url, phone)
        answer = {"code": latest_code(phone), "reference": self.hidden("reference")}
        return self.client.post(at_step(url, "code"), answer)

    def hidden(self, name):
        """Return what the page has in a field, or ``""``."""
        return field(self.page, name).get("value", "")

    @property
    def text(self):
        """The words of the page, without its tags."""
        return text_of(self.page)

    @property
    def url(self):
        """The path and query of the page."""
        request = self.page.wsgi_request
        return request.get_full_path()

    def _show(self, response):
        while response.status_code == 302:
            response = self.client.get(response.headers["Location"])
        self.page = response
        return response


def at_step(url, step):
    """Return the URL of a step of a flow at ``url``."""
    parts = urlsplit(url)
    return parts._replace(query=urlencode([("step", step), *parse_qsl(parts.query)])).geturl()


def field(page, name):
    """Return the attributes of the first field of this name on a page; none when there is no such field."""
    for tag in _INPUT.findall(page.content.decode() if page is not None else ""):
        attributes = dict(_ATTRIBUTE.findall(tag))
        if attributes.get("name") == name:
            return {key: unescape(value) for key, value in attributes.items()}
    return {}


def text_of(page):
    """Return the words of a page."""
    body = page.content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def wrong(code, by=1):
    """Return a code of the same length that is not ``code``."""
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"
