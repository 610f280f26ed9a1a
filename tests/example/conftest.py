"""A vendor sandbox on ports that the system picks, and a client for it."""

import time

import pytest
import requests

from example_project.sandbox.server import Sandbox

NUMBER = "+919876543210"

# A send that each vendor's documentation allows: path, headers and JSON body, for a number in E.164.
SENDS = {
    "imb": lambda number: (
        "/api/v1/comunication/send-sms",
        {"x-client-id": "id", "x-client-secret": "secret"},
        {"mobile_number": number[3:], "otp_code": "424242"},
    ),
    "kaleyra": lambda number: (
        "/v1/HXAP1/sms",
        {"api-key": "key"},
        {"to": number, "type": "OTP", "sender": "KLRHXA", "body": "424242 is your code."},
    ),
    "aoc": lambda number: (
        "/v1/sms",
        {"apikey": "key"},
        {"to": number[1:], "type": "OTP", "sender": "AOCAPI", "text": "424242 is your code."},
    ),
    "startmessaging": lambda number: (
        "/otp/send",
        {"X-API-Key": "key"},
        {"phoneNumber": number, "variables": {"otp": "424242", "appName": "Example"}},
    ),
}
SUCCESS = {"imb": 200, "kaleyra": 202, "aoc": 200, "startmessaging": 201}


class Client:
    """Speaks to a sandbox as backends do; a change of ``body`` or ``headers`` is laid over what is right."""

    def __init__(self, sandbox, session):
        self.sandbox = sandbox
        self.session = session

    def send(self, vendor, number=NUMBER, *, path=None, headers=None, timeout=10, **body):
        documented, its_headers, its_body = SENDS[vendor](number)
        return self.session.post(
            self.sandbox.url(vendor) + (path or documented),
            headers={**its_headers, **(headers or {})},
            json={name: value for name, value in {**its_body, **body}.items() if value is not None},
            timeout=timeout,
        )

    def request(self, method, vendor, path, **options):
        return self.session.request(method, self.sandbox.url(vendor) + path, timeout=10, **options)

    def page(self, method="GET", path="", **options):
        return self.session.request(method, self.sandbox.page_url + path, timeout=10, allow_redirects=False, **options)


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def sandbox():
    """All receipts and statuses at once; an answer that is late enough for any client to give up."""
    with Sandbox(port=0, receipt_delay=0, slow=25) as sandbox:
        yield sandbox


@pytest.fixture
def client_of(session):
    """Return a function that makes a client of a sandbox."""
    return lambda sandbox: Client(sandbox, session)


@pytest.fixture
def vendors(client_of, sandbox):
    """A client of the sandbox."""
    return client_of(sandbox)


def eventually(condition):
    """Wait until ``condition`` holds; return whether it did in ten seconds."""
    for _ in range(1000):
        if condition():
            return True
        time.sleep(0.01)
    return False
