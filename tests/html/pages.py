"""The pages without a browser: reading what is hidden in them, and answering them as their forms would."""

import re
from html import unescape

from django.test import Client

from django_phone_otp.models import Challenge
from django_phone_otp.test import latest_code
from tests import settings as suite
from tests.conftest import PHONE

SIGNUP, LOGIN, NUMBER, CONFIRM = "/signup/", "/login/", "/phone/number/", "/phone/confirm/"
NEW, PASSWORD = "+14155550124", "an old horse on a green hill"
# Without the messages that the example site shows below its pages: it keeps them in the cache.
_PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
PLAIN_TEMPLATES = [{**suite.TEMPLATES[0], "OPTIONS": {"context_processors": _PROCESSORS}}]


def step(url, name):
    """Return the URL of a step of the flow at ``url``."""
    return f"{url}?step={name}"


CODE, DETAILS = step(SIGNUP, "code"), step(SIGNUP, "details")


def only():
    """Return the one challenge that there is."""
    return Challenge.objects.get()


def hidden(page, name):
    """Return the value of a hidden field; of fields of the same name, the first."""
    return unescape(re.search(rf'type="hidden" name="{name}" value="([^"]*)"', page.content.decode())[1])


def words(page):
    """Return what a person reads on a page."""
    main = re.search(r"<main.*?</main>", page.content.decode(), re.DOTALL)[0]
    return " ".join(unescape(re.sub("<[^>]+>", " ", main)).split())


def ask(client, url=SIGNUP, phone=PHONE, **fields):
    """Give a number; return the page that asks for its code."""
    client.post(url, {"phone": phone, **fields})
    return client.get(step(url, "code"))


def enter(client, url=SIGNUP, code=None, phone=PHONE, reference=None):
    """Enter a code, by default the right one, on the page as it is now."""
    if reference is None:
        reference = hidden(client.get(step(url, "code")), "reference")
    return client.post(step(url, "code"), {"reference": reference, "code": code or latest_code(phone)})


def again(client, url=SIGNUP, page=None, **fields):
    """Ask for the code once more, on ``page`` or the page as it is now."""
    page = page or client.get(step(url, "code"))
    sent = {name: hidden(page, name) for name in ("action", "reference", "messages")}
    return client.post(step(url, "code"), {**sent, **fields})


def log_in(client, phone=PHONE, url=LOGIN):
    """Log in by phone; return the answer to the code."""
    ask(client, url, phone)
    return enter(client, url, phone=phone)


def reach_details(client, phone=PHONE):
    """Sign up as far as the details; return the reference that their page carries."""
    ask(client, SIGNUP, phone)
    enter(client, SIGNUP, phone=phone)
    return hidden(client.get(step(SIGNUP, "details")), "reference")


def sign_up(client, username="sam", phone=PHONE):
    """Sign up; return the answer to the last step."""
    reference = reach_details(client, phone)
    return client.post(step(SIGNUP, "details"), {"reference": reference, "username": username})


def with_cookies_of(client, **options):
    """Return another client that holds the same cookies: whoever copied them, or a second tab's request on its way."""
    twin = Client(**options)
    for name, morsel in client.cookies.items():
        twin.cookies[name] = morsel.value
    return twin


def key_of(client):
    """Return the session's key, or ``""`` before there is one."""
    return client.cookies["sessionid"].value if "sessionid" in client.cookies else ""


def leads_to(response, url):
    """Tell whether a response redirects to ``url``."""
    return (response.status_code, response.headers.get("Location")) == (302, url)
