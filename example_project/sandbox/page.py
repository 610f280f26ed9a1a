"""The page of the sandbox: the phones, and a switch for each vendor. Works without JavaScript."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.template import Context, Engine

import django_phone_otp
from example_project.sandbox import VENDORS
from example_project.sandbox.exchange import Answer, Request, json_answer
from example_project.sandbox.mailbox import SandboxMessage
from example_project.sandbox.outages import Outage

if TYPE_CHECKING:
    from example_project.sandbox.server import Sandbox

SHOWN = 50  # messages on the page: more than anyone scrolls through; the rest is in messages.json

_HERE = Path(__file__).resolve().parent
_FILES = {
    "/page.css": (_HERE / "static" / "sandbox" / "page.css", "text/css"),
    "/icon.svg": (
        Path(django_phone_otp.__file__).parent / "static" / "phone_otp" / "icon.svg",
        "image/svg+xml",
    ),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """Answers GET / and /messages.json, and POST /outage with a vendor and a mode."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        # An engine of its own: the sandbox also runs in projects that do not have it in INSTALLED_APPS.
        self._template = Engine(dirs=[str(_HERE / "templates")]).get_template("sandbox/page.html")
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): self._page,
            ("GET", "/messages.json"): self._messages,
            ("POST", "/outage"): self._outage,
            **{("GET", path): self._file for path in _FILES},
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request, if it does not come from a page of somebody else."""
        if _is_foreign(request):
            return _with_headers(json_answer(403, {"error": "This page takes requests from itself only."}))
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, request.path))
        if route is not None:
            return _with_headers(route(request))
        is_there = any(request.path == path for _, path in self._routes)
        return _with_headers(json_answer(405 if is_there else 404, {"error": "There is nothing here."}))

    def _page(self, _: Request) -> Answer:
        messages = self._sandbox.messages
        context = {
            "vendors": [self._vendor(name) for name in VENDORS],
            "messages": messages[: -SHOWN - 1 : -1],
            "kept": len(messages),
            "modes": list(Outage),
        }
        html = self._template.render(Context(context))
        return Answer(200, html.encode(), "text/html; charset=utf-8")

    def _vendor(self, name: str) -> dict[str, Any]:
        title, receipts_by = self._sandbox.about(name)
        return {
            "name": name,
            "title": title,
            "receipts_by": receipts_by,
            "url": self._sandbox.url(name),
            "outage": self._sandbox.outage(name),
            "sends": self._sandbox.requests(name),
            "polls": self._sandbox.requests(name, "poll"),
        }

    def _messages(self, _: Request) -> Answer:
        return json_answer(200, [_as_json(message) for message in reversed(self._sandbox.messages)])

    def _file(self, request: Request) -> Answer:
        path, media_type = _FILES[request.path]
        return Answer(200, path.read_bytes(), media_type)

    def _outage(self, request: Request) -> Answer:
        is_form = request.media_type == "application/x-www-form-urlencoded"
        if not is_form and request.media_type != "application/json":
            return json_answer(415, {"error": "Send a form or JSON, with vendor and mode."})
        body: dict[str, Any] = dict(request.form) if is_form else (request.json or {})
        vendor, mode = body.get("vendor"), body.get("mode")
        if vendor not in VENDORS or mode not in list(Outage):
            return json_answer(400, {"error": "Unknown.", "vendors": VENDORS, "modes": list(Outage)})
        try:
            self._sandbox.set_outage(vendor, mode)
        except OSError:
            return json_answer(503, {"error": f"The port of {vendor} was taken by somebody else."})
        if is_form:
            return Answer(303, headers={"Location": f"/#{vendor}"})
        return json_answer(200, {"vendor": vendor, "mode": mode})


def _is_foreign(request: Request) -> bool:
    """Tell whether another site made the browser ask: there is no session, so no CSRF token that it could lack."""
    host = request.header("Host")
    if urlsplit(f"//{host}").hostname not in {"localhost", "127.0.0.1"}:  # a name that was pointed at this machine
        return True
    if request.method != "POST":
        return False
    origin, site = request.header("Origin"), request.header("Sec-Fetch-Site")
    return origin not in {"", f"http://{host}"} or site not in {"", "same-origin", "none"}


def _as_json(message: SandboxMessage) -> dict[str, str | None]:
    return {
        "vendor": message.vendor,
        "channel": message.channel,
        "number": message.number,
        "text": message.text,
        "code": message.code,
        "vendor_id": message.vendor_id,
        "status": message.status,
        "received_at": message.received_at.isoformat(timespec="milliseconds"),
    }


def _with_headers(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, answer.media_type, {**_HEADERS, **answer.headers})
