"""A server that misbehaves as it is told: what pytest-httpserver, which speaks HTTP properly, cannot do."""

import contextlib
import socket
import struct
import threading
import time

BOUND = 200  # steps of a drip: so long that only the other side's deadline ends it


class RawServer:
    """Gives each connection to ``answer`` after its request was read; ``requests`` are the bytes that came."""

    def __init__(self, answer, tls=None):
        self.answer = answer
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.dripped_to_the_end = False
        self._done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._done.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._socket.close()

    def wait(self, seconds):
        """Pause, unless the test is over; return whether it goes on."""
        return not self._done.wait(seconds)

    def _accept(self):
        with contextlib.suppress(OSError):
            while not self._done.is_set():
                connection, _ = self._socket.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                request = _read_request(connection)
                if request:
                    self.requests.append(request)
                    self.answer(self, connection)


def _read_request(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        request += (chunk := connection.recv(65536))
        if not chunk:
            return b""
    head, _, body = request.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while sizes and len(body) < int(sizes[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def say(*parts):
    """Send ``parts``, then close."""

    def answer(server, connection):
        for part in parts:
            connection.sendall(part)

    return answer


def drip(head, piece, end=b""):
    """Send ``head``, then ``piece`` again and again, each well within any read time-out, at last ``end``."""

    def answer(server, connection):
        connection.sendall(head)
        for _ in range(BOUND):
            if not server.wait(0.01):
                return
            connection.sendall(piece)
        server.dripped_to_the_end = True
        connection.sendall(end)

    return answer


def be_silent(server, connection):
    """Say nothing until the other side gives up."""
    while server.wait(0.01):
        connection.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                return


def reset(server, connection):
    """Cut the connection off with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def refused_port():
    """Give a port of this machine that nobody listens on, and keep it from being given away."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def full_port():
    """Give a port whose queue is full, so that a connection to it is never made."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            knocker = stack.enter_context(socket.socket())
            knocker.setblocking(False)
            knocker.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


@contextlib.contextmanager
def unread_port():
    """Give a port where a connection is made and a request written, which nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
