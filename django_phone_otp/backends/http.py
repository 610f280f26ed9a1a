"""What every vendor spoken to over HTTP shares: one POST at most, on time, and nothing said in a log."""

import json
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util import Retry

from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryUncertain,
    InvalidBackend,
    seconds_left,
)
from django_phone_otp.backends.punctual import PunctualAdapter
from django_phone_otp.core.redaction import redact

CONNECT_TRIES = 3
BODY_MAXIMUM = 64 * 1024  # bytes; the longest documented answer of a vendor has under 2 kB

# Only a connection that was never made is tried again: everything else may have sent the message.
# read=False keeps a read time-out apart from a refused connection; 0 would turn one into the other.
_RETRY = Retry(
    total=None,
    connect=CONNECT_TRIES - 1,
    read=False,
    other=False,
    redirect=0,
    status=0,
    respect_retry_after_header=False,
)


# A request that cannot even be written: a malformed host, or a key with a line break in a header.
_UNSENDABLE = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    LocationParseError,
)


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """A vendor's answer: HTTP status, headers, and at most 64 kB of body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx. It says nothing yet: vendors answer errors with 200."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body as JSON, or None when it is not JSON: HTML, empty, cut off, or not UTF-8."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            return None

    def redacted(self, secrets: Iterable[str] = ()) -> str:
        """Return the start of the body, fit to be kept."""
        return redact(self.body.decode("utf-8", "replace"), secrets)


class _Session(requests.Session):
    """Knows of no redirects: to prepare for one, requests reads the whole body, whatever its size."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target."""


class HTTPBackend(BaseBackend):
    """A vendor with an HTTP API.

    ``timeout`` is (connect, read) in seconds: the first for all tries to connect to one address
    together, the second for the whole answer, however slowly it drips.
    """

    default_base_url = ""

    def __init__(
        self,
        *,
        alias: str,
        base_url: str = "",
        timeout: Any = (3.0, 7.0),
        **options: Any,
    ) -> None:
        super().__init__(alias=alias, **options)
        self.base_url = str(base_url or self.default_base_url).rstrip("/")
        if not self.base_url.startswith(("https://", "http://")):
            raise InvalidBackend(f"BACKENDS[{alias!r}]: base_url must start with https:// (or http://)")
        well_formed = isinstance(timeout, list | tuple) and len(timeout) == 2
        if not well_formed or not all(isinstance(part, int | float) and part > 0 for part in timeout):
            raise InvalidBackend(f"BACKENDS[{alias!r}]: timeout must be (connect, read) in seconds")
        self.connect_timeout, self.read_timeout = timeout
        self._local = threading.local()

    @property
    def session(self) -> requests.Session:
        """This thread's session: requests does not promise that threads may share one."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = _Session()
            session.trust_env = False  # no proxy and no .netrc of the environment: credentials go to the vendor only
            session.mount("https://", PunctualAdapter(max_retries=_RETRY))
            session.mount("http://", PunctualAdapter(max_retries=_RETRY))
            self._local.session = session
        return session

    def _timeouts(self) -> tuple[float, float]:
        """Return the time-outs of one try to connect and of the answer, within what the route has left."""
        left = seconds_left()
        if left <= 0:
            raise BackendUnavailable("no time was left on the route")
        share = min(1.0, left / (self.connect_timeout + self.read_timeout))
        return self.connect_timeout * share / CONNECT_TRIES, self.read_timeout * share

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
    ) -> HTTPAnswer:
        """Make one HTTP request, and never follow a redirect.

        Numbers, codes and keys belong in the body and the headers: urllib3 logs ``path`` and
        ``params`` at DEBUG.

        Raises ``BackendUnavailable`` when no connection was made, so nothing was sent, and
        ``DeliveryUncertain`` for every failure after that: time-out, reset, unreadable answer.
        """
        try:
            response = self.session.request(
                method,
                self.base_url + path,
                headers=headers,
                params=params,
                json=json,
                data=data,
                timeout=self._timeouts(),
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = response.raw.read(BODY_MAXIMUM, decode_content=True)
                return HTTPAnswer(response.status_code, response.headers, body[:BODY_MAXIMUM])
        except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
            # "from None": the causes hold the URL, and some vendors want their key there.
            if _never_connected(problem):
                raise BackendUnavailable("no connection") from None
            raise DeliveryUncertain(_word(problem)) from None


def _never_connected(problem: Exception) -> bool:
    if isinstance(problem, _UNSENDABLE):
        return True
    cause = problem.args[0] if problem.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return True
    # A certificate is judged during the handshake, before a byte of the request is written.
    first = reason.args[0] if isinstance(reason, Exception) and reason.args else None
    return isinstance(first, ssl.SSLCertVerificationError)


def _word(problem: Exception) -> str:
    if isinstance(problem, requests.Timeout | ReadTimeoutError):
        return "no answer in time"
    return "connection lost"
