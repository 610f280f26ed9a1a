"""Rate strings: ``"3/5m"`` is three in five minutes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_RATE = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})([smhd])")
LONGEST_WINDOW = 366 * 86400  # seconds; no cache keeps a count for longer
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` events in a window of ``seconds``."""

    count: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """Read a rate such as ``"3/5m"``: a count, a slash, a number of s, m, h or d.

    The form is strict because a lenient one is dangerous: parsers are known that read ``"100/week"`` as one
    hundred per second, without a word.

    Raises ``ValueError`` for anything else.
    """
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError("a rate looks like '3/5m': a count, a slash, a number, then s, m, h or d")
    count, size, unit = match.groups()
    rate = Rate(int(count), int(size) * _SECONDS[unit])
    if rate.seconds > LONGEST_WINDOW:
        raise ValueError("a rate's window may have up to 366 days")
    return rate


def tightest(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    """Return ``rates`` with one for each length of window, that of the smallest count: it implies the others."""
    found: dict[int, Rate] = {}
    for rate in rates:
        known = found.get(rate.seconds)
        if known is None or rate.count < known.count:
            found[rate.seconds] = rate
    return tuple(found.values())
