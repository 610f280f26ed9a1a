"""One HTTP request and its answer, without the sockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """One request: the path as sent, the query string apart."""

    method: str
    path: str
    query_string: str
    headers: Headers
    body: bytes
    client_gone: Callable[[], bool]

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return str(self.headers.get(name, "")).strip()

    @property
    def media_type(self) -> str:
        """The Content-Type, without its parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @cached_property
    def query(self) -> dict[str, str]:
        """The query string as a dict; of a name that comes twice, the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as form fields; of a name that comes twice, the last."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None when it is anything else."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return body if isinstance(body, dict) else None


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Any, **headers: str) -> Answer:
    """Return ``body`` as JSON; ``Retry_After="10"`` becomes the header ``Retry-After: 10``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), headers=named)
