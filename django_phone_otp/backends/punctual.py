"""An HTTP answer that ends in time: the read time-out holds for all of it, not for each byte.

A socket's time-out starts anew with every byte that arrives, so a server that drips its status line,
headers or body would hold a worker for as long as it likes.
"""

import http.client
import io
import socket
import ssl
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

LONGEST_ANSWER = 60.0  # seconds, for a socket without a time-out; ours always have one


class PunctualStream(io.RawIOBase):
    """Reads a socket until a deadline, then raises ``TimeoutError``."""

    def __init__(self, stream: io.BufferedReader, sock: socket.socket, seconds: float | None) -> None:
        self._stream = stream
        self._socket = sock
        self._deadline = time.monotonic() + (LONGEST_ANSWER if seconds is None else seconds)

    def readable(self) -> bool:
        """Whether it can be read, as ``io`` asks."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, waiting no longer than until the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(left)
        return self._stream.raw.readinto(buffer)

    def close(self) -> None:
        """Close the stream below, which lets the socket go."""
        self._stream.close()
        super().close()


class PunctualResponse(http.client.HTTPResponse):
    """An answer that is read through a ``PunctualStream``, from its first byte on."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(PunctualStream(self.fp, sock, sock.gettimeout()))

    def begin(self) -> None:
        """Read the head. After an interim answer (1xx) the real one is still to come: nobody may read it as theirs."""
        super().begin()
        if self.status < http.client.OK:
            self.will_close = True
        # urllib3 logs what cannot be read of the headers, and a vendor may have put anything there.
        self.msg.defects.clear()
        self.msg.set_payload("")


def _connect(connection: HTTPConnection) -> socket.socket:
    """Connect to one of the addresses of a host, all of them within one time-out."""
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else LONGEST_ANSWER
    deadline = time.monotonic() + timeout
    try:
        found = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise NewConnectionError(connection, f"no address: {type(problem).__name__}") from None
    late = False
    for position, (family, kind, protocol, _, address) in enumerate(found):
        share = max(deadline - time.monotonic(), 0.001) / (len(found) - position)
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(share)
            sock.connect(address)
        except OSError as problem:
            late = late or isinstance(problem, TimeoutError)
            if sock is not None:  # a machine may not speak a family that a name has addresses of
                sock.close()
        else:
            sock.settimeout(timeout)
            return sock
    if late:
        raise ConnectTimeoutError(connection, "no address answered in time")
    raise NewConnectionError(connection, "no address took the connection")


class _Connection(HTTPConnection):
    response_class = PunctualResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _SecureConnection(HTTPSConnection):
    response_class = PunctualResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def connect(self) -> None:
        """Connect and shake hands; whatever fails in either comes before a byte of the request is written."""
        try:
            super().connect()
        except TimeoutError:
            raise ConnectTimeoutError(self, "the handshake took too long") from None
        except (ssl.SSLCertVerificationError, HTTPError):
            raise
        except OSError as problem:
            raise NewConnectionError(self, f"the handshake failed: {type(problem).__name__}") from None


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class PunctualAdapter(HTTPAdapter):
    """A requests adapter whose connections answer in time."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections of ours."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
