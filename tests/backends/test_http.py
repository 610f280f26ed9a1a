import itertools
import json
import shutil
import ssl
import subprocess
import threading
import time
import traceback
import zlib

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_phone_otp.backends.base import (
    BackendUnavailable,
    DeliveryUncertain,
    InvalidBackend,
    route_ends_at,
)
from django_phone_otp.backends.http import BODY_MAXIMUM, HTTPAnswer, HTTPBackend
from django_phone_otp.core.redaction import REDACTED
from tests.backends.secretive import CODE, KEY, MESSAGE, NUMBER, OK, SECRETS, TEXT, UNREADABLE, backend_at, refuse
from tests.backends.servers import RawServer, be_silent, drip, full_port, refused_port, reset, say
from tests.conftest import need


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_an_answer_has_its_status_headers_and_json(httpserver, status):
    httpserver.expect_request("/v1/messages", method="POST").respond_with_json(
        {"id": "m-1"}, status=status, headers={"X-Request-Id": "r-1"}
    )
    answer = backend_at(httpserver.url_for("")).request("POST", "/v1/messages", json={})
    assert (answer.status, answer.ok, answer.json()) == (status, True, {"id": "m-1"})
    assert answer.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 429, 500, 502, 503, 504])
def test_an_error_status_is_an_answer_and_is_asked_for_once(httpserver, status):
    httpserver.expect_request("/v1/messages").respond_with_json(
        {"error": "no"}, status=status, headers={"Retry-After": "0"}
    )
    answer = backend_at(httpserver.url_for("")).request("POST", "/v1/messages", json={})
    assert (answer.status, answer.ok, answer.json()) == (status, False, {"error": "no"})
    assert len(httpserver.log) == 1


def test_what_is_sent_arrives_as_it_was_given(httpserver):
    httpserver.expect_request("/v1/messages").respond_with_json({"id": "m-1"})
    backend = backend_at(httpserver.url_for("/"))  # a slash too many does no harm
    assert backend.send(MESSAGE).id == "m-1"
    backend.request("POST", "/v1/messages", data={"to": NUMBER})
    as_json, as_form = [request for request, _ in httpserver.log]
    assert as_json.path == "/v1/messages"
    assert as_json.args.to_dict() == {"key": KEY, "to": NUMBER}
    assert as_json.headers["X-API-Key"] == KEY
    assert as_json.json == {"to": NUMBER, "text": TEXT, "otp": CODE}
    assert as_form.form.to_dict() == {"to": NUMBER}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_seen_once(httpserver, status):
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request("/v1/messages").respond_with_data(status=status, headers={"Location": elsewhere})
    httpserver.expect_request("/elsewhere").respond_with_json({"id": "m-1"})
    answer = backend_at(httpserver.url_for("")).request("POST", "/v1/messages", json={})
    assert (answer.status, answer.ok) == (status, False)
    assert [request.path for request, _ in httpserver.log] == ["/v1/messages"]


@pytest.mark.parametrize("body", UNREADABLE, ids=itertools.count())
def test_a_body_that_is_not_json_reads_as_none(httpserver, body):
    httpserver.expect_request("/v1/messages").respond_with_data(body, content_type="application/json")
    answer = backend_at(httpserver.url_for("")).request("POST", "/v1/messages")
    assert answer.json() is None
    assert answer.body == body


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_a_huge_body_is_cut_off(length):
    body = b"x" * (10 * 1024 * 1024)
    head = OK + (b"Content-Length: %d\r\n\r\n" % len(body) if length else b"Transfer-Encoding: chunked\r\n\r\n")
    piece = body if length else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with RawServer(say(head, piece)) as server:
        answer = backend_at(server.url).request("POST", "/v1/messages")
        assert answer.body == b"x" * BODY_MAXIMUM
        assert answer.json() is None
        assert len(server.requests) == 1


def test_a_small_body_that_unpacks_to_a_huge_one_is_cut_off():
    packed = zlib.compress(b"x" * (10 * 1024 * 1024))
    head = OK + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with RawServer(say(head, packed)) as server:
        assert backend_at(server.url).request("POST", "/v1/messages").body == b"x" * BODY_MAXIMUM


@pytest.mark.parametrize(
    "answer",
    [
        drip(OK + b"Content-Length: 200\r\n\r\n", b"1"),
        drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n1\r\n", b"0\r\n\r\n"),
        drip(OK + b"Connection: close\r\n\r\n", b"1"),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", b"\r\nContent-Length: 2\r\n\r\n{}"),
        drip(b"", b"H"),
    ],
    ids=["body", "chunks", "until-closed", "header", "status-line"],
)
def test_a_server_that_drips_is_ended_by_the_deadline(answer):
    with RawServer(answer) as server:
        failure = refuse(server.url, DeliveryUncertain, timeout=(0.1, 0.1))
        assert not server.dripped_to_the_end
        assert failure.reason == "no answer in time"
        assert len(server.requests) == 1


def test_a_read_time_out_may_have_been_sent_and_is_not_tried_again():
    with RawServer(be_silent) as server:
        failure = refuse(server.url, DeliveryUncertain, timeout=(1.0, 0.05))
        assert failure.reason == "no answer in time"
        assert failure.may_have_left
        assert len(server.requests) == server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        say(),
        say(b"HTTP/"),
        say(b"this is not HTTP\r\n\r\n"),
        say(OK + b"Content-Length: 100\r\n\r\n{"),
        say(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        say(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"),
        say(OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"),
        say(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200, b"\r\n"),
        say(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 70_000, b"\r\n\r\n"),
    ],
    ids=[
        "reset", "closed", "half-a-status", "no-http", "short-body", "bad-chunk", "short-chunk", "bad-gzip",
        "many-headers", "long-header",
    ],
)  # fmt: skip
def test_a_connection_lost_after_the_request_may_have_sent_it_and_is_not_tried_again(answer):
    with RawServer(answer) as server:
        failure = refuse(server.url, DeliveryUncertain)
        assert failure.reason == "connection lost"
        assert failure.may_have_left
        assert len(server.requests) == server.connections == 1


def test_a_refused_port_is_certainly_not_sent():
    with refused_port() as port:
        failure = refuse(f"http://127.0.0.1:{port}", BackendUnavailable)
    assert failure.reason == "no connection"
    assert not failure.may_have_left


def test_a_connection_that_is_never_made_is_certainly_not_sent():
    with full_port() as port:
        failure = refuse(f"http://127.0.0.1:{port}", BackendUnavailable, timeout=(0.3, 1.0))
    assert failure.reason == "no connection"


@pytest.mark.parametrize(
    "url", ["http://*", "http://vendor..example", f"http://{'a' * 64}.example", "http://nowhere.invalid"]
)
def test_a_host_that_cannot_be_reached_is_certainly_not_sent(url):
    assert refuse(url, BackendUnavailable).reason == "no connection"


@pytest.mark.parametrize("beyond", ["\n", "\N{EURO SIGN}", "\N{DEVANAGARI LETTER KA}", "\N{KEY}"])
def test_a_header_that_cannot_be_sent_is_certainly_not_sent(httpserver, beyond):
    httpserver.expect_request("/").respond_with_json({})
    backend = backend_at(httpserver.url_for(""))
    with pytest.raises(BackendUnavailable) as failure:
        backend.request("POST", "/", headers={"X-API-Key": f"{KEY}{beyond}"})
    assert failure.value.reason == "no connection"
    assert KEY not in "".join(traceback.format_exception(failure.value))
    assert httpserver.log == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    openssl = shutil.which("openssl")
    need("openssl", openssl)
    folder = tmp_path_factory.mktemp("tls")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([openssl, "req", *kind, *name, *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


def test_a_certificate_that_is_not_trusted_ends_it_before_anything_is_sent(tls, certificate, monkeypatch):
    # An environment that trusts it changes nothing.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate / "cert.pem"))
    with RawServer(say(OK + b"Content-Length: 2\r\n\r\n{}"), tls=tls) as server:
        assert refuse(server.url, BackendUnavailable).reason == "no connection"
        assert server.requests == []


def test_over_tls_all_is_as_without(tls, certificate):
    with RawServer(say(OK + b'Content-Length: 12\r\n\r\n{"id":"m-1"}'), tls=tls) as server:
        backend = backend_at(server.url)
        backend.session.verify = str(certificate / "cert.pem")
        assert backend.send(MESSAGE).id == "m-1"
        assert NUMBER.encode() in server.requests[0]


def test_each_thread_has_one_session_of_its_own():
    backend = backend_at("http://127.0.0.1:1")
    mine = backend.session
    theirs = []
    threads = [threading.Thread(target=lambda: theirs.append((backend.session, backend.session))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.session is mine
    assert all(first is second for first, second in theirs)
    assert len({id(mine), *(id(first) for first, _ in theirs)}) == 4


def test_neither_a_proxy_nor_netrc_of_the_environment_is_used(httpserver, monkeypatch, tmp_path):
    httpserver.expect_request("/v1/messages").respond_with_json({"id": "m-1"})
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with refused_port() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert backend_at(httpserver.url_for("")).send(MESSAGE).id == "m-1"
    assert "Authorization" not in httpserver.log[0][0].headers


def test_an_answer_shows_neither_its_headers_nor_its_body():
    answer = HTTPAnswer(200, {"X-Key": KEY}, NUMBER.encode())
    assert not [secret for secret in SECRETS if secret in repr(answer)]
    assert "200" in repr(answer)


def test_what_is_kept_of_a_body_has_no_number_and_no_secret():
    body = json.dumps({"to": NUMBER, "otp": CODE, "key": KEY, "error": "low balance"}).encode() + b"\xff"
    kept = HTTPAnswer(402, {}, body).redacted([CODE, KEY])
    assert "low balance" in kept
    assert kept.count(REDACTED) == 3
    assert not [secret for secret in SECRETS if secret in kept]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "base_url"),
        ({"base_url": "vendor.example"}, "base_url"),
        ({"base_url": "ftp://vendor.example"}, "base_url"),
        ({"base_url": None}, "base_url"),
        ({"base_url": 5}, "base_url"),
        ({"base_url": "https://key:secret@vendor.example"}, "base_url must be a host and perhaps a path"),
        ({"base_url": "http://["}, "base_url has a host or a port that cannot be one"),
        ({"base_url": "http://169.254.169.254/latest"}, "base_url is a link-local address"),
        ({"base_url": "https://vendor.example", "timeout": 5}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": None}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": (1,)}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": (1, 2, 3)}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": (0, 1)}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": (1, -1)}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": ("1", "2")}, "timeout"),
        ({"base_url": "https://vendor.example", "timeout": (1, None)}, "timeout"),
        ({"base_url": "https://vendor.example", "timeouts": (1, 2)}, "'timeouts' is unknown; did you mean 'timeout'"),
        (
            {"base_url": "https://vendor.example", "api_key": KEY},
            "'api_key' is unknown; known are account_rate, base_url, timeout",
        ),
    ],
    ids=itertools.count(),
)
def test_bad_options_are_an_error_that_names_the_alias_and_the_option(options, said):
    with pytest.raises(InvalidBackend) as problem:
        HTTPBackend(alias="vendor", **options)
    assert isinstance(problem.value, ImproperlyConfigured)
    assert str(problem.value).startswith("BACKENDS['vendor']: ")
    assert said in str(problem.value)
    assert KEY not in str(problem.value)


def test_a_class_may_have_a_base_url_of_its_own_which_an_option_overrides():
    class OwnBackend(HTTPBackend):
        default_base_url = "https://vendor.example/v2/"

    assert OwnBackend(alias="vendor").base_url == "https://vendor.example/v2"
    assert OwnBackend(alias="vendor", base_url="https://eu.vendor.example").base_url == "https://eu.vendor.example"
    backend = OwnBackend(alias="vendor", timeout=[1, 2.5])
    assert (backend.connect_timeout, backend.read_timeout) == (1, 2.5)


def test_the_body_of_a_redirect_is_capped_like_any_other():
    """requests reads it whole to prepare for the next request, unless it knows of no redirect."""
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 10000000\r\n\r\n"
    with RawServer(say(head + b"x" * 10_000_000)) as server:
        answer = backend_at(server.url).request("POST", "/")
    assert (answer.status, len(answer.body)) == (302, BODY_MAXIMUM)


def test_a_handshake_that_does_not_end_is_certainly_not_sent():
    with RawServer(be_silent) as server:
        failure = refuse(server.url.replace("http://", "https://"), BackendUnavailable, timeout=(0.3, 5.0))
    assert failure.reason == "no connection"


@pytest.mark.parametrize("rate", ["20/1x", "0/1s", 20, ["20/1s"]], ids=repr)
def test_a_rate_that_is_none_is_said_by_alias_and_option(rate):
    with pytest.raises(InvalidBackend, match=r"BACKENDS\['vendor'\]: account_rate"):
        HTTPBackend(alias="vendor", base_url="https://vendor.example", account_rate=rate)


def test_a_rate_of_the_options_replaces_the_vendors():
    class RatedBackend(HTTPBackend):
        account_rate = "20/1s"
        default_base_url = "https://vendor.example"

    assert RatedBackend(alias="vendor").account_rate == "20/1s"
    assert RatedBackend(alias="vendor", account_rate="5/1m").account_rate == "5/1m"


def test_a_route_without_time_asks_nobody(httpserver):
    with route_ends_at(time.monotonic() - 1), pytest.raises(BackendUnavailable, match="no time"):
        backend_at(httpserver.url_for("")).send(MESSAGE)
    assert httpserver.log == []
