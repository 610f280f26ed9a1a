"""JSON from outside, read without trusting its shape (RFC 8259)."""

import json
import re
from typing import Any

DEEPEST = 64  # levels; an honest body has fewer than ten
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def read_json(body: bytes, **hooks: Any) -> Any:
    """Return what ``body`` says.

    Arguments: ``hooks``, for ``json.loads``.
    Raises ``ValueError`` where it is not JSON in UTF-8, or nested deeper than ``DEEPEST``. The parser
    would go on until the stack is used up, and whatever Python happens to clean up then fails.
    """
    text = body.decode("utf-8-sig")
    if _depth(text) > DEEPEST:
        raise ValueError("nested too deep")
    return json.loads(text, **hooks)


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0  # too few to be too deep: what nearly every body is
    depth = deepest = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
