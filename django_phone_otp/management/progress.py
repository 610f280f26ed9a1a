"""A progress bar: on a terminal, and nowhere else."""

from functools import partial
from typing import Protocol

from django.core.management.base import OutputWrapper

WIDTH = 40  # columns


class Stream(Protocol):
    """What a bar is drawn on: a file, or a command's ``stdout``."""

    def isatty(self) -> bool:
        """Whether somebody watches."""

    def write(self, msg: str, /) -> object:
        """Write ``msg``."""

    def flush(self) -> None:
        """Show what was written."""


class ProgressBar:
    """Draws how much of ``total`` is done on ``stream`` when that is a terminal."""

    def __init__(self, stream: Stream, total: int) -> None:
        self._stream = stream
        # A command's stream ends each text with a line of its own, and every step would be one.
        self._write = partial(stream.write, ending="") if isinstance(stream, OutputWrapper) else stream.write
        self._total = max(1, total)
        self._done = 0
        self._shown = stream.isatty()
        self._drawn = False

    def advance(self, by: int) -> None:
        """Move on by so many."""
        self._done += by
        if self._shown:
            share = min(1.0, self._done / self._total)
            bar = "#" * int(share * WIDTH)
            self._write(f"\r[{bar:<{WIDTH}}] {share:4.0%} {self._done:,}")
            self._stream.flush()
            self._drawn = True

    def finish(self) -> None:
        """End the line, if there is one."""
        if self._drawn:
            self._write("\n")
