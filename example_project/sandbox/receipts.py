"""Delivery receipts: what became of a message, posted to the project's webhooks in the background."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import requests

from example_project.sandbox.mailbox import SandboxMessage
from example_project.sandbox.vendors.base import Receipt

TRIES = 3  # the first, and two more
TRY_AGAIN_AFTER = 0.5  # seconds
_TIMEOUT = 5.0  # seconds
_PENDING_MAXIMUM = 2000  # messages with receipts to post; beyond, a message gets none
_WORKERS = 4  # so that one webhook that hangs does not hold up the others


@dataclass(frozen=True)
class _Errand:
    """The receipts of a message that are still to be posted, of which the first is due."""

    url: str
    receipts: tuple[Receipt, ...]
    tries_left: int = TRIES


class Receipts:
    """Posts the receipts of a message one after the other, ``delay`` seconds apart; failures are given up in silence.

    ``targets`` is a URL for each vendor, or one URL for all with ``{vendor}`` in it.
    """

    def __init__(self, targets: Mapping[str, str] | str | None, delay: float) -> None:
        self._targets = targets
        self._delay = delay
        self._wakened = threading.Condition()
        self._due: list[tuple[float, int, _Errand]] = []
        self._serials = itertools.count()
        self._stopped = False
        self._workers: list[threading.Thread] = []

    def url_for(self, vendor: str) -> str:
        """Return where the receipts of a vendor go, or an empty string."""
        if isinstance(self._targets, str):
            return self._targets.replace("{vendor}", vendor)
        return (self._targets or {}).get(vendor, "")

    def start(self) -> None:
        """Post from now on."""
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Drop what was not posted yet, and wait for what is being posted."""
        with self._wakened:
            self._stopped = True
            self._wakened.notify_all()
        for worker in self._workers:
            worker.join(2 * _TIMEOUT)

    def schedule(self, message: SandboxMessage, receipts_of: Callable[[SandboxMessage], list[Receipt]]) -> None:
        """Post the receipts of a message, if they go anywhere."""
        url = self.url_for(message.vendor)
        receipts = tuple(receipts_of(message)) if url else ()
        if receipts and len(self._due) < _PENDING_MAXIMUM:
            self._put(_Errand(url, receipts), self._delay)

    def _put(self, errand: _Errand, seconds: float) -> None:
        with self._wakened:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._serials), errand))
            self._wakened.notify()

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no .netrc: it goes to this machine
            while (errand := self._next()) is not None:
                if _post(session, errand) or errand.tries_left == 1:
                    rest = errand.receipts[1:]
                    if rest:
                        self._put(_Errand(errand.url, rest), self._delay)
                else:
                    self._put(replace(errand, tries_left=errand.tries_left - 1), TRY_AGAIN_AFTER)

    def _next(self) -> _Errand | None:
        """Return the next errand when it is due, or None at the end."""
        with self._wakened:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._wakened.wait(wait)
            return None


def _post(session: requests.Session, errand: _Errand) -> bool:
    """Post the first receipt; return whether the webhook took it."""
    receipt = errand.receipts[0]
    try:
        with session.post(
            errand.url,
            json=receipt.fields if receipt.as_json else None,
            data=None if receipt.as_json else receipt.fields,
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as response:
            return 200 <= response.status_code < 300
    except (requests.RequestException, ValueError):  # a URL that cannot be spoken to is a ValueError at times
        return False
