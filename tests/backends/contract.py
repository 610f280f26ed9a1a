"""What every backend owes, whatever its vendor does: one class, which each vendor subclasses with its facts alone.

Each case goes through ``phone_otp.send()`` and the real services to a real socket, with a backup
behind the vendor: it must be tried when the message certainly did not leave, and never else.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug import Response

from django_phone_otp.backends import BackendsHandler
from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryError,
    DeliveryUncertain,
    InvalidBackend,
    MessageRejected,
    Scope,
)
from django_phone_otp.core.policies import BackendSettings
from tests.backends.servers import RawServer, be_silent, drip, refused_port, reset, say, unread_port
from tests.backends.trials import SHORT, UNHURRIED, log_everything, put, route_through, texts, try_once, walk

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HUGE = 10 * 1024 * 1024  # bytes
HTML = b"<html><h1>Bad gateway</h1></html>"
SILENT = {
    "html": HTML,
    "empty": b"",
    "null": b"null",
    "text": b'"ok"',
    "number": b"5",
    "empty-list": b"[]",
    "empty-object": b"{}",
    "cut-off": b'{"data": [{"mess',
    "not-utf-8": b'{"id": "\xff\xfe"}',
    "deep": b"[" * 60_000,
}
BY_STATUS = {
    **dict.fromkeys((304, 408, 409, 500, 599), DeliveryUncertain),
    **dict.fromkeys((401, 402, 403, 404, 405, 429), BackendUnavailable),
    **dict.fromkeys((400, 422, 451), MessageRejected),
}
LOST = {
    "reset": reset,
    "closed": say(),
    "no-http": say(b"this is not HTTP\r\n\r\n"),
    "half-a-body": say(OK + b"Content-Length: 100\r\n\r\n{"),
    "bad-gzip": say(OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"),
}
SLOW = {
    "silence": be_silent,
    "drip-of-the-body": drip(OK + b"Content-Length: 200\r\n\r\n", b"1"),
    "drip-of-a-header": drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", b"\r\nContent-Length: 2\r\n\r\n{}"),
}
# How a vendor may repeat a request, given its headers and its body, in what it says.
ECHOES = {
    "body-first": lambda headers, body: f"bad request: {body} {headers}",
    "headers-first": lambda headers, body: f"bad request: {headers} {body}",
    "as-json": lambda headers, body: json.dumps({"headers": headers, "body": body}),
    "as-json-in-json": lambda headers, body: json.dumps(json.dumps({"headers": headers, "body": body})),
    "slashes-escaped": lambda headers, body: json.dumps([headers, body]).replace("/", "\\/"),
    "a-line-each": lambda headers, body: f"{headers}\n{body}".replace(",", ",\n"),
}
# Headers that are no vendor's: without them, what is a vendor's comes before a long sentence is cut off.
EVERYBODYS = {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection", "Content-Type", "Content-Length"}
# Not reported to anybody: how a test is run, and which inherited method it is.
patient = settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=20)


@dataclass(frozen=True)
class Refusal:
    """An answer that the vendor documents, and what it means. ``words`` stand in the reason."""

    name: str
    status: int
    body: Any
    error: type[DeliveryError]
    vendor_code: str = ""
    scope: Scope = Scope.ACCOUNT
    retry_after: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    words: str = ""


class BackendContract:
    """The promises. A subclass states the facts, and may override ``error_body()``."""

    pytestmark = pytest.mark.django_db

    backend = ""  # the dotted path
    options: dict[str, Any] = {}
    secrets: tuple[str, ...] = ()  # the names of the OPTIONS that nobody may see
    channel = "sms"
    number = "+919876543210"
    path = "/"
    accepted_status = 200
    accepted: dict[str, Any] = {}  # the body
    vendor_id = ""  # in that body
    state = "accepted"
    refusals: tuple[Refusal, ...] = ()
    rate_scope = Scope.ACCOUNT  # whom a 429 concerns that says no more
    refused_scope = Scope.ACCOUNT  # whom a 400 concerns that says no more

    def error_body(self, said):
        """Return an error as the vendor words it, with ``said`` wherever it has room for text."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc):
        if "refusal" in metafunc.fixturenames:
            metafunc.parametrize("refusal", self.refusals, ids=[refusal.name for refusal in self.refusals])
        if "secret" in metafunc.fixturenames:
            metafunc.parametrize("secret", self.secrets)

    # The promises

    def test_a_message_that_was_taken_is_written_down_with_the_vendors_id(self, httpserver):
        trial = self.answered(httpserver, self.accepted, self.accepted_status)
        assert (trial.failure, trial.told, trial.rows, trial.asked) == (None, None, 1, 1)
        row = trial.delivery
        assert (row.status, row.vendor_id) == (self.state, self.vendor_id)
        assert (row.reason, row.vendor_code) == ("", "")
        assert row.latency >= 0
        assert row.sent_at is not None
        assert not trial.backup_was_tried

    def test_a_url_shows_neither_number_nor_code_nor_key(self, httpserver):
        trial = self.answered(httpserver, self.accepted, self.accepted_status)
        ((request, _),) = httpserver.log
        assert (request.method, request.path) == ("POST", self.path)
        assert not [hidden for hidden in self.hidden(trial) if hidden in request.url]
        assert trial.message.code in request.get_data(as_text=True)

    def test_a_documented_refusal_means_what_the_vendor_says(self, httpserver, refusal):
        trial = self.answered(httpserver, refusal.body, refusal.status, refusal.headers)
        self.judged(trial, refusal.error, scope=refusal.scope)
        assert trial.delivery.vendor_code == trial.failure.vendor_code == refusal.vendor_code
        assert (trial.failure.http_status, trial.failure.retry_after) == (refusal.status, refusal.retry_after)
        assert refusal.words in trial.delivery.reason

    @pytest.mark.parametrize("status", [500, 503])
    def test_a_server_error_is_never_certain_whatever_its_body_says(self, httpserver, refusal, status):
        self.judged(self.answered(httpserver, refusal.body, status), DeliveryUncertain)

    @pytest.mark.parametrize("body", [HTML, b'{"a": 1}'], ids=["html", "json"])
    @pytest.mark.parametrize(("status", "error"), BY_STATUS.items())
    def test_an_error_without_a_code_means_what_http_says(self, httpserver, status, error, body):
        trial = self.answered(httpserver, body, status)
        scope = {400: self.refused_scope, 429: self.rate_scope}.get(status, Scope.ACCOUNT)
        self.judged(trial, error, scope=scope)
        assert trial.failure.http_status == status

    @pytest.mark.parametrize(
        ("given", "wait"),
        [
            ({"Retry-After": "17"}, 17),
            ({"Retry-After": "0"}, 0),
            ({"Retry-After": "99999999999999"}, 24 * 60 * 60),
            ({"Retry-After": "date"}, 90),
            ({}, None),
            ({"Retry-After": "soon"}, None),
            ({"Retry-After": "-5"}, None),
            ({"Retry-After": "Mon, 01 Jan 2030 00:00:00 +9999999999999999"}, None),
        ],
        ids=["seconds", "none", "too-long", "date", "absent", "words", "negative", "overflow"],
    )
    def test_over_the_rate_the_vendor_is_left_alone_as_long_as_it_asks(self, httpserver, clock, given, wait):
        if given.get("Retry-After") == "date":
            given = {"Retry-After": format_datetime(timezone.now() + timedelta(seconds=90), usegmt=True)}
        trial = self.answered(httpserver, self.error_body("Too many requests"), 429, given)
        self.judged(trial, BackendUnavailable, scope=self.rate_scope)
        if wait is None:
            assert trial.failure.retry_after >= 60
        else:
            assert trial.failure.retry_after == wait

    @pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
    def test_a_success_that_cannot_be_read_may_have_sent_the_message(self, httpserver, body):
        self.judged(self.answered(httpserver, body, self.accepted_status), DeliveryUncertain)

    @given(data=st.data())
    @patient
    def test_a_success_with_any_json_is_one_message_at_most(self, httpserver, data):
        self.sane(httpserver, data.draw(self.json()))

    @given(data=st.data())
    @patient
    def test_a_success_with_anything_in_one_place_is_one_message_at_most(self, httpserver, data):
        places = dict(walk(self.accepted))
        place = data.draw(st.sampled_from([*places]))
        trial = self.sane(httpserver, put(self.accepted, place, data.draw(self.json())))
        if place[: len(self.id_place)] != self.id_place[: len(place)]:
            # The vendor's id is still there: it may have the message, whatever else it says.
            assert trial.delivery.status != "failed"
            assert not trial.backup_was_tried

    @given(data=st.data(), status=st.sampled_from([400, 401, 403, 404, 409, 422, 429, 500]))
    @patient
    def test_an_error_with_any_json_is_never_taken_for_a_success(self, httpserver, data, status):
        body = data.draw(self.json() | st.just(self.accepted))
        trial = self.answered(httpserver, body, status)
        self.failed_somehow(trial)
        if status == 500:
            assert trial.delivery.status == "unknown"

    def test_behind_an_interim_answer_nobody_looks_for_another(self):
        head = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"\r\n"
        with RawServer(say(head, json.dumps(self.accepted).encode())) as server:
            self.judged(self.tried(server.url, asked=server.requests), DeliveryUncertain)

    @pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
    def test_a_connection_that_is_lost_may_have_sent_the_message(self, answer):
        with RawServer(answer) as server:
            self.judged(self.tried(server.url, asked=server.requests), DeliveryUncertain)

    @pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
    def test_a_vendor_that_does_not_answer_in_time_may_have_sent_the_message(self, answer):
        with RawServer(answer) as server:
            trial = self.tried(server.url, SHORT, asked=server.requests)
            self.judged(trial, DeliveryUncertain)
            assert not server.dripped_to_the_end
        assert trial.delivery.reason == "no answer in time"

    def test_a_vendor_that_never_reads_the_request_may_do_so_yet(self):
        with unread_port() as port:
            self.judged(self.tried(f"http://127.0.0.1:{port}", SHORT), DeliveryUncertain, asked=0)

    def test_a_vendor_that_is_not_there_has_sent_nothing(self):
        with refused_port() as port:
            trial = self.tried(f"http://127.0.0.1:{port}")
        self.judged(trial, BackendUnavailable, asked=0)
        assert trial.delivery.reason == "no connection"

    @pytest.mark.parametrize(("status", "error"), [(200, DeliveryUncertain), (422, MessageRejected)])
    def test_of_a_huge_answer_only_the_start_is_read(self, status, error):
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, HUGE)
        start = json.dumps(self.accepted).encode()[:-1]
        with RawServer(say(head, start, b" " * (HUGE - len(start) - 1), b"}")) as server:
            trial = self.tried(server.url, asked=server.requests)
        self.judged(trial, error)
        assert max(map(len, trial.shown())) < 10_000

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, httpserver, status):
        self.serve(httpserver, b"", status, {"Location": httpserver.url_for("/elsewhere")})
        httpserver.expect_request("/elsewhere").respond_with_json(self.accepted, status=self.accepted_status)
        self.judged(self.tried(httpserver.url_for(""), asked=httpserver.log), DeliveryUncertain)
        assert [request.path for request, _ in httpserver.log] == [self.path]

    @pytest.mark.parametrize("status", [200, 401, 422, 500])
    @pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
    def test_a_vendor_that_repeats_the_request_gives_nothing_away(self, httpserver, caplog, status, echo):
        def repeat(request):
            headers = "; ".join(f"{name}={value}" for name, value in request.headers if name not in EVERYBODYS)
            said = echo(headers, request.get_data(as_text=True))
            return Response(json.dumps(self.error_body(said)), status=status, content_type="application/json")

        log_everything(caplog)
        httpserver.expect_request(self.path).respond_with_handler(repeat)
        trial = self.tried(httpserver.url_for(""), asked=httpserver.log)
        self.failed_somehow(trial)
        assert "urllib3.connectionpool" in caplog.text
        assert "Backend 'default'" in caplog.text
        self.clean(trial, caplog.text)

    def test_a_vendor_that_builds_its_id_from_the_message_gives_nothing_away(self, httpserver, caplog):
        def repeat(request):
            said = f"7-{request.get_data(as_text=True)}"
            body = put(self.accepted, self.id_place, said)
            return Response(json.dumps(body), status=self.accepted_status, content_type="application/json")

        log_everything(caplog)
        httpserver.expect_request(self.path).respond_with_handler(repeat)
        trial = self.tried(httpserver.url_for(""), asked=httpserver.log)
        assert trial.delivery.status == self.state
        shown = f"{trial.texts_kept()} {caplog.text}"
        assert not [hidden for hidden in self.hidden(trial) if hidden in shown]

    @pytest.mark.parametrize("value", ["", None, 5, "two\nlines"], ids=["empty", "none", "number", "lines"])
    def test_a_key_that_cannot_be_one_is_said_by_alias_and_option(self, secret, value):
        problem = self.misconfigured(**{secret: value})
        assert secret in problem

    def test_a_key_that_is_missing_is_said_by_alias_and_option(self, secret):
        assert secret in self.misconfigured(**{secret: ...})

    def test_an_option_that_is_misspelt_is_told_the_right_name(self, secret):
        assert f"did you mean {secret!r}?" in self.misconfigured(**{f"{secret}s": "made-up"})

    # How they are tested

    @property
    def id_place(self):
        """Where the vendor's id stands in what it accepts."""
        return next(place for place, value in walk(self.accepted) if value == self.vendor_id)

    def json(self):
        """Give any JSON value, more often than not with the names that the vendor uses."""
        bodies = [self.accepted, *(refusal.body for refusal in self.refusals)]
        names = sorted({step for body in bodies for place, _ in walk(body) for step in place if isinstance(step, str)})
        keys = st.sampled_from(names) | st.text(max_size=5)
        return st.recursive(
            SCALARS,
            lambda inside: st.lists(inside, max_size=3) | st.dictionaries(keys, inside, max_size=4),
            max_leaves=8,
        )

    def misconfigured(self, **changes):
        """Return what is said of the OPTIONS with ``changes``; ``...`` leaves one out."""
        options = {"base_url": "http://127.0.0.1:1", **self.options, **changes}
        options = {name: value for name, value in options.items() if value is not ...}
        with pytest.raises(InvalidBackend) as problem:
            BackendsHandler.build("main", BackendSettings(self.backend, options))
        said = str(problem.value)
        assert "BACKENDS['main']" in said
        assert not [self.options[name] for name in self.secrets if self.options[name] in said]
        return said

    def tried(self, url, timeout=UNHURRIED, *, asked=()):
        """Send one message to ``url``; ``asked`` is where its requests are kept."""
        with route_through(self.backend, self.options, url, timeout) as backend:
            trial = try_once(backend, self.number, self.channel)
        trial.asked = len(asked)
        return trial

    def answered(self, httpserver, body, status=200, headers=None):
        """Send one message to a server that answers with ``body``, and knows one path only."""
        self.serve(httpserver, body, status, headers)
        return self.tried(httpserver.url_for(""), asked=httpserver.log)

    def serve(self, httpserver, body, status, headers=None):
        """Have the server answer with ``body``, as JSON unless it is bytes, and forget what was before."""
        httpserver.clear()
        httpserver.expect_request(self.path, method="POST").respond_with_data(
            body if isinstance(body, bytes) else json.dumps(body),
            status=status,
            headers=headers,
            content_type="application/json",
        )

    def judged(self, trial, error, *, scope=Scope.ACCOUNT, asked=1):
        """Assert that ``error`` was raised, written down, and led to the backup only where it may."""
        assert type(trial.failure) is error
        assert issubclass(error, DeliveryError)
        row = trial.delivery
        assert row.status == ("unknown" if error.may_have_left else "failed")
        assert row.reason
        assert (row.vendor_id, row.sent_at) == ("", None)
        assert row.latency >= 0
        assert trial.failure.scope == scope
        goes_on = not error.may_have_left and scope == Scope.ACCOUNT
        assert trial.backup_was_tried is goes_on
        assert trial.rows == 1 + goes_on
        assert (trial.told is not None) == (not goes_on and not error.may_have_left)
        assert trial.asked == asked

    def failed_somehow(self, trial):
        """Assert that a typed error was raised, and that all else follows from it."""
        assert isinstance(trial.failure, DeliveryError)
        self.judged(trial, type(trial.failure), scope=trial.failure.scope)

    def sane(self, httpserver, body):
        """Send one message, answered ``body`` as if it had been taken; it is, or else all is as after an error."""
        trial = self.answered(httpserver, body, self.accepted_status)
        if trial.failure is not None:
            self.failed_somehow(trial)
        else:
            assert trial.delivery.status in {"accepted", "sent", "delivered", "undelivered"}
            assert trial.delivery.vendor_id in texts(body)
            assert not trial.backup_was_tried
            assert trial.asked == 1
        return trial

    def hidden(self, trial):
        """Return what nobody may see: the number three ways, the code, the words around it, and the keys."""
        message = trial.message
        words = [line.replace(message.code, "").strip() for line in message.text.splitlines()]
        keys = [self.options[name] for name in self.secrets]
        national = message.number.removeprefix("+91")
        return [message.code, message.number[1:], national, *filter(lambda line: len(line) > 11, words), *keys]

    def clean(self, trial, log):
        """Assert that no log line, no exception and no column gives anything away."""
        shown = "\n".join([log, *trial.shown(), *trial.texts_kept()])
        plain = unquote_plus(shown).replace("\\", "")
        assert not [hidden for hidden in self.hidden(trial) if hidden in shown or hidden in plain]
