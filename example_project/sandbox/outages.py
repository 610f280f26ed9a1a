"""How a vendor can be out of order, and the switch that says how it is now."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum

HANG_MAXIMUM = 30.0  # seconds; nobody waits longer for a vendor
_LOOK = 0.05  # seconds between two looks at whether the client is still there


class Outage(StrEnum):
    """What is wrong with a vendor; ``ok`` is nothing."""

    OK = "ok"
    DOWN = "down"
    HANG = "hang"
    SLOW = "slow"
    ERRORS = "errors"
    GARBAGE = "garbage"
    LIMITED = "limited"
    UNAUTHORIZED = "unauthorized"

    @property
    def about(self) -> str:
        """What it does to a request."""
        return _ABOUT[self]


_ABOUT = {
    Outage.OK: "answers as documented",
    Outage.DOWN: "refuses connections: nothing is sent",
    Outage.HANG: "sends the message and never answers",
    Outage.SLOW: "sends the message and answers late",
    Outage.ERRORS: "answers 500: nothing is sent",
    Outage.GARBAGE: "sends the message and answers 200 with HTML",
    Outage.LIMITED: "answers 429, for the whole account: nothing is sent",
    Outage.UNAUTHORIZED: "answers 401: nothing is sent",
}


class Switch:
    """Holds the mode a vendor is in; threads wait on it."""

    def __init__(self) -> None:
        self.mode = Outage.OK
        self._changed = threading.Condition()
        self._changes = 0

    def set(self, mode: Outage) -> None:
        """Change the mode, and wake whoever waits."""
        with self._changed:
            self.mode = mode
            self._changes += 1
            self._changed.notify_all()

    def wait(self, seconds: float, give_up: Callable[[], bool]) -> None:
        """Wait until ``seconds`` are over, the mode is set again, or ``give_up`` says so."""
        end = time.monotonic() + seconds
        with self._changed:
            before = self._changes
            while self._changes == before and (left := end - time.monotonic()) > 0 and not give_up():
                self._changed.wait(min(left, _LOOK))
