"""What every vendor spoken to over HTTP shares: one POST at most, on time, and nothing said in a log."""

import math
import ssl
import threading
from collections.abc import Mapping
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

from django_phone_otp.backends.addresses import is_loopback, wrong_with
from django_phone_otp.backends.answers import HTTPAnswer
from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryError,
    DeliveryUncertain,
    Message,
    seconds_left,
)
from django_phone_otp.backends.punctual import PunctualAdapter
from django_phone_otp.backends.refusals import NO_VERDICTS, OVER_RATE, Verdict, judge, quote
from django_phone_otp.core.numbers import spellings
from django_phone_otp.core.rates import parse_rate

CONNECT_TRIES = 3
CODE_MAXIMUM, RAW_MAXIMUM = 64, 200  # characters of a vendor's code, and of its answer
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


# A request that cannot even be written: a malformed host, or a key with a line break or beyond Latin-1.
_UNSENDABLE = (
    UnicodeEncodeError,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    LocationParseError,
)


class _Session(requests.Session):
    """Knows of no redirects: to prepare for one, requests reads the whole body, whatever its size."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target."""


class HTTPBackend(BaseBackend):
    """A vendor with an HTTP API.

    ``timeout`` is (connect, read) in seconds: the first for all tries to connect to one address
    together, the second for the whole answer, however slowly it drips. ``account_rate`` replaces the
    rate that the vendor documents, for an account that was given another.
    """

    default_base_url = ""
    secrets: tuple[str, ...] = ()  # the account's keys, which no text that is kept may hold

    def __init__(
        self,
        *,
        alias: str,
        base_url: str = "",
        timeout: Any = (3.0, 7.0),
        account_rate: Any = "",
        **options: Any,
    ) -> None:
        super().__init__(alias=alias, **options)
        if account_rate:
            try:
                parse_rate(account_rate)
            except (TypeError, ValueError) as problem:
                raise self.invalid(f"account_rate: {problem}") from None
            self.account_rate = account_rate
        self.base_url = str(base_url or self.default_base_url).rstrip("/")
        wrong = wrong_with(self.base_url)
        if wrong:
            raise self.invalid(f"base_url {wrong}")
        well_formed = isinstance(timeout, list | tuple) and len(timeout) == 2
        if not well_formed or not all(isinstance(part, int | float) and 0 < part < math.inf for part in timeout):
            raise self.invalid("timeout must be (connect, read) in seconds")
        self.connect_timeout, self.read_timeout = timeout
        self._local = threading.local()

    def require(self, **options: object) -> None:
        """Raise ``InvalidBackend`` for an option that is no text or an empty one: a variable that was not set."""
        for option, value in options.items():
            if not (isinstance(value, str) and value and value.isprintable()):
                raise self.invalid(f"{option} must be text on one line, and not empty")

    @property
    def reaches_people(self) -> bool:
        """Whether its messages go to phones: not those for an API on this machine, which is a sandbox."""
        return super().reaches_people and not is_loopback(self.base_url)

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

    def refusal(
        self,
        answer: HTTPAnswer,
        message: Message | None = None,
        *,
        has_id: bool = False,
        vendor_code: str = "",
        said: object = "",
        verdicts: Mapping[str, Verdict] = NO_VERDICTS,
    ) -> DeliveryError:
        """Return what ``answer``, which took no message, means: the error to raise.

        ``has_id`` says that it names a message all the same. ``vendor_code`` is looked up in
        ``verdicts`` first, then the HTTP status decides: see ``judge()``. ``said`` is the vendor's own
        sentence, quoted as far as it tells no secret.
        """
        verdict = judge(answer, vendor_code, verdicts, has_id=has_id)
        hidden = (*self.secrets, *((message.code, *spellings(message.number)) if message else ()))
        text = message.text if message else ""
        words = quote(said, hidden, text)
        waits = (answer.retry_after, verdict.retry_after, OVER_RATE.retry_after if answer.status == 429 else None)
        return verdict.error(
            f"{verdict.reason}: {words}" if words else verdict.reason,
            vendor_code=quote(vendor_code, hidden, text, limit=CODE_MAXIMUM),
            http_status=answer.status,
            retry_after=next((wait for wait in waits if wait is not None), None),
            scope=verdict.scope,
            raw=quote(answer.body.decode("utf-8", "replace"), hidden, text, limit=RAW_MAXIMUM),
        )


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
