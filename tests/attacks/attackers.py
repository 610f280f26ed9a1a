"""Whoever attacks: browsers at addresses of their own, and the numbers that they aim at."""

from collections import Counter

from django.test import Client

from django_phone_otp.services.askers import COOKIE
from django_phone_otp.test import latest_code
from tests.conftest import PHONE, Api
from tests.services.test_races import wrong

ATTACKER, ELSEWHERE, HOME = "203.0.113.9", "203.0.113.77", "198.51.100.7"
# Area codes of the United States, each with the 100 numbers 555-0100 to 555-0199 that nobody has.
_AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 220, 223, 224)
IN_A_BLOCK = 50  # as many as `send.prefix` lets through in an hour

__all__ = [
    "ATTACKER",
    "ELSEWHERE",
    "HOME",
    "PHONE",
    "browser",
    "burn_guesses",
    "entries",
    "guess_wrong",
    "known",
    "numbers",
    "wrong",
]


def browser(address=ATTACKER, cookie=""):
    """Return the API as a new browser at ``address`` sees it, with what it stole or made up for a cookie."""
    # A fault is a 500 to whoever attacks; raised, it would come up in every other thread's client as well.
    client = Client(raise_request_exception=False, REMOTE_ADDR=address)
    if cookie:
        client.cookies[COOKIE] = cookie
    return Api(client)


def known(number=PHONE, address=HOME, purpose="signup"):
    """Return a browser that verified ``number`` once."""
    owner = browser(address)
    assert owner.verify(owner.send(number, purpose).json()["challenge"], latest_code(number)).status_code == 200
    return owner


def entries(api):
    """Return the cookie that a browser is known by."""
    return api.client.cookies[COOKIE].value


def numbers(count):
    """Return so many numbers, no more in one block than its limit lets through."""
    assert count <= len(_AREAS) * IN_A_BLOCK
    return [f"+1{_AREAS[n // IN_A_BLOCK]}55501{n % IN_A_BLOCK:02}" for n in range(count)]


def guess_wrong(count, handle, code):
    """Make so many wrong guesses, each in a new browser; count the answers by what they say."""
    return Counter(browser().verify(handle, wrong(code, n)).json()["code"] for n in range(count))


def burn_guesses(number=PHONE, purpose="signup", address=ATTACKER, cookie=""):
    """Open challenges for ``number`` as long as there are any, and guess wrong; return how many guesses were judged."""
    judged = 0
    for _ in range(60):  # or for ever, where nothing stops this
        attacker = browser(address, cookie)
        answer = attacker.send(number, purpose)
        if answer.status_code != 201:
            break
        handle = answer.json()["challenge"]
        while attacker.verify(handle, wrong(latest_code(number))).json()["code"] == "incorrect_code":
            judged += 1
    return judged
