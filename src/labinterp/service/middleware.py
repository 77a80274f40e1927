"""Around every request: the token, the headers, the log, and what to do with a failure.

The log and the answers name the route, the status, the time and the kind of an error; never a path, a query, a
message of a foreign exception or anything of the body.
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Final

from labinterp.service.problems import RefusedError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from labinterp.service.settings import Token

log: Final = logging.getLogger("labinterp.service")
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RAW_HEADERS: Final = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_OPEN: Final = ("/health", "/ready", "/metadata")
_KNOWLEDGE: Final = "/explain/"
"""Pages that hold nothing of any patient."""
_PEOPLE: Final = ("/",)
"""Where a browser asks its user for the token, as a password."""


class Guard:
    """The outermost layer: adds the security headers, logs, and turns any failure into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                added = [pair for pair in _RAW_HEADERS if pair[0] not in given]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001 - nothing of a request may reach a log through a foreign message
            log.error("%s failed: %s", _route(scope), _where(error))  # noqa: TRY400 - a traceback holds messages
            if status == 0:
                await _failed()(scope, receive, send_guarded)
        finally:
            seconds = time.perf_counter() - started
            told = {"method": _method(scope), "route": _route(scope), "status": status}
            told["milliseconds"] = round(1000 * seconds, 1)
            log.info("%s %s %d %.0f ms", _method(scope), _route(scope), status, 1000 * seconds, extra=told)
            app = scope.get("app")
            if app is not None and (metrics := getattr(app.state, "metrics", None)) is not None:
                metrics.answered(_route(scope), _method(scope), status, seconds)


class Gate:
    """Lets requests with the token in, and anyone to `/health`, `/ready` and `/metadata`."""

    def __init__(self, app: ASGIApp, token: Token) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http" or _inside(scope) in _OPEN or _inside(scope).startswith(_KNOWLEDGE):
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization")
        if self.token.opens(given.decode("latin-1") if given is not None else None):
            await self.app(scope, receive, send)
            return
        challenge = 'Bearer realm="labinterp"' + (', error="invalid_token"' if given is not None else "")
        if _inside(scope) in _PEOPLE:
            challenge = 'Basic realm="labinterp", charset="UTF-8"'
        refused = RefusedError(
            401,
            "the bearer token is missing or wrong",
            place="header Authorization",
            headers={"WWW-Authenticate": challenge},
        )
        await refused.response()(scope, receive, send)


def _inside(scope: Scope) -> str:
    """Return the path inside the application, wherever it is mounted."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def _failed() -> Response:
    return RefusedError(500, "an unexpected error; the log names the place in the code").response()


def _method(scope: Scope) -> str:
    method = scope["method"]
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE") else "other method"


def _route(scope: Scope) -> str:
    return getattr(scope.get("endpoint"), "__name__", "no route")


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
    return f"{type(error).__name__} at {place}"
