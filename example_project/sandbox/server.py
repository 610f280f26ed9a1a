"""The sandbox: a page and four vendors on loopback, from a command or inside a test.

with Sandbox(port=0) as sandbox:
    backend = KaleyraBackend(alias="default", base_url=sandbox.url("kaleyra"), ...)
    sandbox.set_outage("kaleyra", "hang")
    assert sandbox.messages[-1].number == "+919876543210"
"""

import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from example_project.sandbox import HOST, PORT, VENDORS
from example_project.sandbox.loopback import LoopbackServer
from example_project.sandbox.mailbox import Mailbox, SandboxMessage
from example_project.sandbox.outages import Outage
from example_project.sandbox.page import Page
from example_project.sandbox.receipts import Receipts
from example_project.sandbox.vendor_port import VendorPort
from example_project.sandbox.vendors import CLASSES
from example_project.sandbox.vendors.base import Kind

RECEIPT_DELAY = 1.0  # seconds: long enough to see the status change
SLOW = 2.0  # seconds: within the 7 s that a backend waits


class Sandbox:
    """Four vendors and a page, on ports from ``port`` on; 0 lets the system pick each.

    ``receipts_to`` is a URL for each vendor that has webhooks, or one URL with ``{vendor}`` in it.
    ``receipt_delay`` is how many seconds pass between two statuses of a message, and ``slow`` how late
    the outage ``slow`` is. A host that is not loopback is a ValueError, and a port that is taken an OSError.
    """

    def __init__(
        self,
        port: int = PORT,
        *,
        receipts_to: Mapping[str, str] | str | None = None,
        receipt_delay: float = RECEIPT_DELAY,
        slow: float = SLOW,
        host: str = HOST,
    ) -> None:
        self._port, self._host, self._slow = port, host, slow
        self._receipts = Receipts(receipts_to, receipt_delay)
        self._mailbox = Mailbox(self._on_message)
        self._vendors = {name: CLASSES[name](self._mailbox, receipt_delay) for name in VENDORS}
        self._ports: dict[str, VendorPort] = {}
        self._cleanup = contextlib.ExitStack()
        self.page_url = ""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:  # what did start is stopped if the rest cannot
            page = LoopbackServer(Page(self).answer, self._host, self._port)
            stack.callback(page.server_close)
            for offset, name in enumerate(VENDORS, start=1):
                port = self._port and self._port + offset
                self._ports[name] = VendorPort(self._vendors[name], self._host, port, self._slow)
                stack.callback(self._ports[name].stop)
            page.start()
            stack.callback(page.stop)
            self._receipts.start()
            stack.callback(self._receipts.stop)
            self._cleanup = stack.pop_all()
        self.page_url = f"http://{self._host}:{page.port}/"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def url(self, vendor: str) -> str:
        """Return the ``base_url`` of a vendor's backend."""
        return self._ports[vendor].url

    def receipts_to(self, vendor: str) -> str:
        """Return where the receipts of a vendor are posted, or an empty string."""
        return self._receipts.url_for(vendor) if self._vendors[vendor].has_webhooks else ""

    def about(self, vendor: str) -> tuple[str, str]:
        """Return a vendor's name for people, and a sentence on its receipts."""
        return self._vendors[vendor].title, self._vendors[vendor].receipts_by

    def outage(self, vendor: str) -> Outage:
        """Return what is wrong with a vendor now."""
        return self._ports[vendor].switch.mode

    def set_outage(self, vendor: str, mode: Outage | str) -> None:
        """Change what is wrong with a vendor; a KeyError or ValueError for one that there is not.

        An OSError says that a port closed by ``down`` was meanwhile taken by somebody else.
        """
        self._ports[vendor].set_outage(Outage(mode))

    @property
    def messages(self) -> list[SandboxMessage]:
        """The last 2000 messages that reached a phone, oldest first."""
        return self._mailbox.messages

    def requests(self, vendor: str, kind: Kind | str = Kind.SEND) -> int:
        """Return how many requests of a kind (``send``, ``poll``, ``verify``, ``other``) a vendor has read."""
        return self._vendors[vendor].counted(Kind(kind))

    def _on_message(self, message: SandboxMessage) -> None:
        self._receipts.schedule(message, self._vendors[message.vendor].receipts)
