"""The service by itself, on uvicorn."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from labinterp.service import logs
from labinterp.service import processes as together
from labinterp.service.app import TIMEOUT, create_app
from labinterp.service.metrics import counted_together
from labinterp.service.middleware import log
from labinterp.service.settings import checked_number

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence
    from socket import socket as Socket  # noqa: N812 - a class, however it is spelled

TOKEN_VARIABLE: Final = "LABINTERP_TOKEN"  # noqa: S105 - a name, no token
_MOST_PROCESSES: Final = 64
_PATIENCE: Final = 5.0
_HEAD_SECONDS: Final = 10.0
"""Within which the head of a request must have come."""


class Impatient(H11Protocol):
    """HTTP/1.1 that closes connections on which no request comes, so that silent ones cannot fill the service."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed as uvicorn does
        """Begin to wait for the head of a request."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(_HEAD_SECONDS, self._close_if_silent)

    def data_received(self, data: bytes) -> None:
        """Take bytes; where they begin another request on the connection, wait for its head anew."""
        super().data_received(data)
        if self._waiting is None and self._is_silent():
            self._waiting = self.loop.call_later(_HEAD_SECONDS, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)

    def _is_silent(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_silent(self) -> None:
        self._waiting = None
        if self._is_silent() and not self.transport.is_closing():
            self.transport.close()


def serve(
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    token: str | None = None,
    cors: Sequence[str] | str = (),
    log_format: logs.LogFormat = "text",
    tls: Mapping[str, str] | None = None,
    processes: int = 1,
    **options: Any,
) -> None:
    """Serve until a signal says to stop; requests that were begun are answered first.

    With several processes each has an application with limits of its own, and `/metrics` adds up what all have counted.
    They are started as `multiprocessing` spawns them: options can be pickled, and a script calls this where it is the
    main module alone.

    TLS is the task of a proxy in front, or of `tls`. There is no access log; the service's own log names routes, never
    paths.

    Args:
        host: address to listen on; loopback unless said otherwise.
        port: port to listen on.
        token: bearer token that callers must send; `LABINTERP_TOKEN` if not given, none if that is not set.
        cors: origins that browsers may call from.
        log_format: `"text"`, or `"json"` with a line of JSON per record.
        tls: arguments of uvicorn: `ssl_certfile`, `ssl_keyfile`, `ssl_keyfile_password`, `ssl_ca_certs`.
        processes: how many serve the port.
        options: further arguments of `create_app`.

    Raises:
        InputError: as `create_app`, or for a number of processes that cannot be.
        SystemExit: where the port cannot be listened on.

    Example:
        >>> serve(port=8080, ranges="uk")  # doctest: +SKIP
    """
    checked_number("processes", processes, 1, _MOST_PROCESSES)
    count = int(processes)
    choices = {"token": token, "cors": cors, "log_format": log_format, "tls": tls, **options}
    server = configured(host, port, **choices)
    if count == 1:
        _run(server)
        return
    socket = server.config.bind_socket()
    with contextlib.closing(socket), counted_together():
        patience = float(server.config.timeout_graceful_shutdown or 0) + _PATIENCE
        code = together.run(count, _serve_on, (socket, host, port, choices), patience)
    if code:
        raise SystemExit(code)


def _serve_on(socket: Socket, host: str, port: int, choices: dict[str, Any]) -> None:
    _run(configured(host, port, **choices), socket)


def _run(server: uvicorn.Server, *sockets: Socket) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has shut down
        server.run(list(sockets) or None)


def configured(
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    token: str | None = None,
    cors: Sequence[str] | str = (),
    log_format: logs.LogFormat = "text",
    tls: Mapping[str, str] | None = None,
    **options: Any,
) -> uvicorn.Server:
    """Return the server that `serve` runs; arguments as there."""
    token = os.environ.get(TOKEN_VARIABLE) if token is None else token
    app = create_app(token=token, cors=cors, **options)
    secured: dict[str, Any] = dict(tls or {})
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=logs.config(log_format),
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http=Impatient,
        h11_max_incomplete_event_size=1 << 16,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(options.get("timeout", TIMEOUT)) + 5,
        **secured,
    )
    if token is None and not _is_loopback(host):
        log.warning("listening beyond this machine without a token; give one, or put a proxy that does in front")
    return uvicorn.Server(config)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
