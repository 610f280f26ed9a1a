"""One vendor's port: open or closed, and answering as its outage has it."""

import threading

from example_project.sandbox.exchange import Answer, Request
from example_project.sandbox.loopback import LoopbackServer
from example_project.sandbox.outages import HANG_MAXIMUM, Outage, Switch
from example_project.sandbox.vendors.base import Vendor

_GARBAGE = Answer(200, b"<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>\n", "text/html")


class VendorPort:
    """A vendor behind a port that stays the same while connections to it are refused."""

    def __init__(self, vendor: Vendor, host: str, port: int, slow: float) -> None:
        self.vendor = vendor
        self.switch = Switch()
        self._host = host
        self._slow = slow
        self._lock = threading.Lock()
        self._server: LoopbackServer | None = LoopbackServer(self.answer, host, port)
        self.port = self._server.port
        self._server.start()

    @property
    def url(self) -> str:
        """The ``base_url`` of the vendor's backend."""
        return f"http://{self._host}:{self.port}"

    def set_outage(self, mode: Outage) -> None:
        """Change the mode. An OSError says that the port, closed until now, was taken by somebody else."""
        with self._lock:
            if mode is not Outage.DOWN and self._server is None:
                self._server = LoopbackServer(self.answer, self._host, self.port)
                self._server.start()
            self.switch.set(mode)
            if mode is Outage.DOWN:
                self._close()

    def stop(self) -> None:
        """Close the port, and cut every connection."""
        with self._lock:
            self._close()

    def answer(self, request: Request) -> Answer | None:
        """Answer as the vendor does in this mode; None is no answer at all."""
        route, part = self.vendor.find_route(request)
        match self.switch.mode:
            case Outage.ERRORS:
                return self.vendor.broken()
            case Outage.LIMITED:
                return self.vendor.limited()
            case Outage.UNAUTHORIZED:
                return self.vendor.unauthorized()
            case mode:
                answer = route.answer(request, part) if route else self.vendor.not_found()
                return self._spoil(mode, request, answer)

    def _spoil(self, mode: Outage, request: Request, answer: Answer) -> Answer | None:
        """Hold back or replace the answer to a message that is already on its way to the phone."""
        if mode is Outage.HANG:
            self.switch.wait(HANG_MAXIMUM, request.client_gone)
            return None
        if mode is Outage.SLOW:
            self.switch.wait(self._slow, request.client_gone)
        return _GARBAGE if mode is Outage.GARBAGE else answer

    def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
