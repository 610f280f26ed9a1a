"""Counting round trips where they happen: a proxy before a server, on a socket."""

import contextlib
import socket
import threading


class Turns:
    """Passes everything on to ``port``, and counts how often a client spoke after a server had, or first."""

    def __init__(self, port):
        self.count = 0
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open = []

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        # Closing alone would not wake who waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):  # the other side was quicker
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        for each in self._open:
            each.close()

    def of(self, act):
        """Return how many round trips ``act`` takes."""
        before = self.count
        act()
        return self.count - before

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._upstream))
            for each in (client, server):  # or small pieces would wait for the other side's acknowledgement
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [client, server]
            whose_turn = ["server"]
            for source, target, name in ((client, server, "client"), (server, client, "server")):
                thread = threading.Thread(target=self._pass_on, args=(source, target, name, whose_turn), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source, target, name, last):
        while True:
            try:
                data = source.recv(65536)
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                if name == "client" and last[0] == "server":
                    self.count += 1
                last[0] = name
                target.sendall(data)
            except OSError:
                return
