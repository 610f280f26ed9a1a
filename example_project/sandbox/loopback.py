"""HTTP/1.1 on loopback: a thread per connection, one write per answer, and a stop that leaves nothing open."""

import contextlib
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from example_project.sandbox.exchange import Answer, Request

BODY_MAXIMUM = 64 * 1024  # bytes; no vendor documents a request of more than 1 kB
_READ_AND_DROPPED = 1024 * 1024  # bytes of a body that is too long: a client that still writes cannot hear the 413
_IDLE = 60.0  # seconds that a connection is kept without a request
_QUEUE = 128  # connections; with five, the default, a burst waits a second for its second try


class LoopbackServer(ThreadingHTTPServer):
    """Gives every request to ``answer`` and writes what it returns; for None, the connection is cut."""

    daemon_threads = True
    request_queue_size = _QUEUE

    def __init__(self, answer: Callable[[Request], Answer | None], host: str, port: int) -> None:
        if not ipaddress.IPv4Address(host).is_loopback:
            raise ValueError(f"The sandbox listens on loopback only, not on {host}")
        self.answer = answer
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__((host, port), _Handler)
        self._stopping = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """The port, also when the system picked it."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Take connections from now on."""
        self._accepting.start()

    def stop(self) -> None:
        """Refuse new connections, cut the open ones, and wait until their threads are done."""
        self._stopping = True
        with contextlib.suppress(OSError):  # a connection of our own wakes the thread that waits for one
            socket.create_connection((self.server_name, self.port), timeout=1).close()
        self._accepting.join(10)
        self.server_close()
        with self._lock:
            threads = list(self._open)
            for connection in self._open.values():
                _cut(connection)
        for thread in threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._stopping:  # not serve_forever: it looks at a flag again and again, also while nothing comes
            self.handle_request()

    def server_bind(self) -> None:
        """Bind without asking the name service who 127.0.0.1 is, as HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread that ``stop`` knows."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until either side closes it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that end: clients hang up, and an outage cuts them off. The rest is a fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client was faster
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, so that head and body leave in one write
    timeout = _IDLE
    server: LoopbackServer

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the page shows what came."""

    def _serve(self) -> None:
        body = self._read_body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._write(body)
            return
        path, _, query = self.path.partition("?")
        answer = self.server.answer(Request(self.command, path, query, self.headers, body, self._client_gone))
        if answer is None:
            self.close_connection = True
        else:
            self._write(answer)

    def _read_body(self) -> bytes | Answer:
        if "Transfer-Encoding" in self.headers:
            return Answer(411)
        announced = self.headers.get("Content-Length", "0")
        if not (announced.isascii() and announced.isdecimal()) or len(announced) > 12:
            return Answer(400)
        length = int(announced)
        if length > BODY_MAXIMUM:
            left = min(length, _READ_AND_DROPPED)
            while left > 0 and (piece := self.rfile.read1(min(left, BODY_MAXIMUM))):
                left -= len(piece)
            return Answer(413)
        return self.rfile.read(length)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _client_gone(self) -> bool:
        """Tell whether the client hung up. For a request that is about to be dropped or is late: it peeks."""
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(_IDLE)
