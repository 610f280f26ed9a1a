"""An object of lists as JSON, written while it is made: however long a list is, it is never in memory."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def write_lists(write: Callable[[str], object], lists: Mapping[str, Iterable[Any]]) -> None:
    """Write ``lists`` through ``write``, as ``json.dumps()`` with an indent of two and no ASCII escapes would."""
    write("{")
    for position, (name, items) in enumerate(lists.items()):
        write(f"{',' if position else ''}\n  {_dump(name)}: [")
        empty = True
        for item in items:
            # Only the lines of JSON itself end so: what ends lines in a text is escaped, or no line break here.
            write(f"{'' if empty else ','}\n    " + _dump(item).replace("\n", "\n    "))
            empty = False
        write("]" if empty else "\n  ]")
    write("\n}\n")


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
