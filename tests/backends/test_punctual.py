import contextlib
import socket

import pytest

from django_phone_otp.backends.base import BackendUnavailable
from django_phone_otp.backends.http import CONNECT_TRIES
from django_phone_otp.backends.punctual import PunctualStream
from tests.backends.secretive import CODE, MESSAGE, NUMBER, OK, SECRETS, backend_at, refuse
from tests.backends.servers import RawServer, full_port, refused_port, reset, say
from tests.backends.trials import log_everything


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def stream_of(sock, seconds):
    return PunctualStream(sock.makefile("rb"), sock, seconds)


def test_past_its_deadline_nothing_is_read_even_when_it_is_there(pair):
    ours, theirs = pair
    theirs.sendall(b"late")
    with stream_of(ours, 0) as stream, pytest.raises(TimeoutError):
        stream.readinto(bytearray(4))


@pytest.mark.parametrize("seconds", [30, None])
def test_before_it_what_is_there_is_read(pair, seconds):
    ours, theirs = pair
    theirs.sendall(b"soon")
    buffer = bytearray(4)
    with stream_of(ours, seconds) as stream:
        assert stream.readable()
        assert stream.readinto(buffer) == 4
    assert buffer == b"soon"
    assert 0 < ours.gettimeout() <= (seconds or 60)


def test_waiting_for_what_does_not_come_ends_at_the_deadline(pair):
    with stream_of(pair[0], 0.01) as stream, pytest.raises(TimeoutError):
        stream.readinto(bytearray(1))


def test_what_comes_after_an_interim_answer_is_not_the_next_messages():
    late = b'{"id":"the-first"}'
    real = OK + b"Content-Length: %d\r\n\r\n%s" % (len(late), late)

    def answer(server, connection):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + real)
        while server.wait(0.01):  # left open, as a server would that goes on
            connection.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    return

    with RawServer(answer) as server:
        backend = backend_at(server.url)
        for serial in (1, 2):
            found = backend.request("POST", "/v1/messages", json={})
            assert (found.status, found.ok, found.json()) == (103, False, None)
            assert len(server.requests) == server.connections == serial


def test_a_continue_is_passed_over_as_http_has_it():
    with RawServer(say(b"HTTP/1.1 100 Continue\r\n\r\n", OK + b'Content-Length: 12\r\n\r\n{"id":"m-1"}')) as server:
        assert backend_at(server.url).send(MESSAGE).id == "m-1"
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "junk",
    [f"X-Fine: yes\r\n{CODE} {NUMBER}", f"{CODE} {NUMBER}\r\nX-Fine: yes", f"Content-Type: multipart/{CODE}"],
    ids=["after-a-header", "before-a-header", "multipart"],
)
def test_a_header_that_cannot_be_read_is_not_logged(caplog, junk):
    log_everything(caplog)
    head = f"HTTP/1.1 200 OK\r\n{junk}\r\n\r\n".encode()
    with RawServer(say(head, b'{"id":"m-1"}')) as server:
        backend_at(server.url).request("POST", "/quiet", json={})
        assert len(server.requests) == 1
    assert "/quiet" in caplog.text  # urllib3 does log
    assert not [secret for secret in SECRETS if secret in caplog.text]


@pytest.fixture
def addresses(monkeypatch):
    """Return a function that gives every host these addresses; each is a port of this machine."""

    def give(*ports):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return give


@pytest.fixture
def waits(monkeypatch):
    """Return a list of every time-out that a socket is given before it connects."""
    given = []

    class WatchedSocket(socket.socket):
        def connect(self, address):
            given.append(self.gettimeout())
            super().connect(address)

    monkeypatch.setattr(socket, "socket", WatchedSocket)
    return given


def test_the_addresses_of_a_host_share_one_time_out(addresses, waits):
    with full_port() as port:
        addresses(port, port, port)
        waits.clear()
        failure = refuse("http://vendor.example", BackendUnavailable, timeout=(0.3, 5.0))
    assert failure.reason == "no connection"
    assert len(waits) == CONNECT_TRIES * 3
    assert min(waits) > 0
    assert sum(waits) <= 0.3 * 1.1  # what is waited longer for than asked is not given again


def test_a_dead_address_does_not_take_the_time_of_the_next(addresses, waits, httpserver):
    httpserver.expect_request("/v1/messages").respond_with_json({"id": "m-1"})
    with refused_port() as refused, full_port() as full:
        addresses(refused, full, httpserver.port)
        waits.clear()
        assert backend_at("http://vendor.example", timeout=(0.9, 5.0)).send(MESSAGE).id == "m-1"
    assert len(httpserver.log) == 1
    assert len(waits) == 3
    assert waits[0] <= 0.3 / 3  # of one try, which has a third of the time-out
    assert waits[1] <= 0.3 / 2
    assert 0 < waits[2] <= 0.3


def test_an_address_of_a_kind_that_this_machine_does_not_speak_is_passed_over(monkeypatch, httpserver):
    class OldSocket(socket.socket):
        def __init__(self, family=-1, *args, **kwargs):
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family, *args, **kwargs)

    httpserver.expect_request("/v1/messages").respond_with_json({"id": "m-1"})
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", httpserver.port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", httpserver.port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "socket", OldSocket)
    assert backend_at("http://vendor.example").send(MESSAGE).id == "m-1"


class NoTLSServer(RawServer):
    """Answers the first bytes that come, which are no request but a handshake."""

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            self.requests.append(connection.recv(65536))
            self.answer(self, connection)


@pytest.mark.parametrize(
    "answer", [say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), say(), reset], ids=["no-tls", "closed", "reset"]
)
def test_a_handshake_that_fails_is_certainly_not_sent(answer):
    with NoTLSServer(answer) as server:
        failure = refuse(server.url.replace("http://", "https://"), BackendUnavailable)
        assert server.connections == CONNECT_TRIES
    assert failure.reason == "no connection"
    assert not [secret for secret in SECRETS for request in server.requests if secret.encode() in request]
