"""Reading one value of a setting: the typed value, or a ``SettingError`` that says what it must be."""

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django_phone_otp.conf.defaults import LONGEST


class SettingError(ValueError):
    """A setting's value is not usable. The text says what would be."""


def unknown(key: object, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return the sentence that says ``key`` is unknown and, when one is close, which name was meant."""
    close = difflib.get_close_matches(str(key).upper(), [name.upper() for name in known], n=1, cutoff=0.6)
    meant = next((name for name in known if close and name.upper() == close[0]), None)
    if meant:
        return f"unknown; did you mean {meant!r}?"
    return f"unknown; known are {', '.join(sorted(known))}" if known else "unknown; there are none"


def need(condition: object, message: str) -> None:
    """Raise ``SettingError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise SettingError(message)


def is_whole(value: object, low: int, high: int) -> bool:
    """Tell whether ``value`` is a whole number in these bounds; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def whole(low: int, high: int) -> Callable[[Any, dict[str, Any]], int]:
    """Return a reader of whole numbers in these bounds."""

    def reader(value: Any, _: dict[str, Any]) -> int:
        need(is_whole(value, low, high), f"must be a whole number from {low} to {high}")
        return int(value)

    return reader


def duration(value: Any, _: dict[str, Any]) -> timedelta:
    """Read a ``timedelta``."""
    well_formed = isinstance(value, timedelta) and timedelta(seconds=1) <= value <= LONGEST
    need(well_formed, "must be a timedelta from a second to a hundred years")
    assert isinstance(value, timedelta)  # noqa: S101 - for the type checker
    return value


def strings(value: Any, what: str, where: str = "") -> tuple[str, ...]:
    """Read a list of texts that are not empty; ``what`` says of what, ``where`` comes before."""
    well_formed = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
    need(well_formed, f"{where}must be a list of {what}")
    return tuple(value)


def section(value: Any, known: Mapping[str, Any] | tuple[str, ...], where: str = "") -> Mapping[str, Any]:
    """Return ``value`` as a dict whose keys are all ``known``."""
    need(isinstance(value, Mapping), f"{where}must be a dict")
    for key in value:
        need(key in known, f"{where}{key!r} is {unknown(key, known)}")
    return dict(value)


def names(value: Any) -> dict[str, Any]:
    """Read a dict whose keys are names."""
    need(isinstance(value, Mapping) and value, "must be a dict with at least one entry")
    for name in value:
        well_formed = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name, re.ASCII)
        need(well_formed, f"{name!r} is not a name: up to 32 letters, digits, - and _")
    return dict(value)
