"""`labinterp serve`."""

from __future__ import annotations

import importlib

import click

from labinterp.errors import MissingExtraError


@click.command(short_help="Serve interpretation over HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--token", envvar="LABINTERP_TOKEN", help="Bearer token that callers must send; or LABINTERP_TOKEN.")
@click.option("--cors", multiple=True, metavar="ORIGIN", help="Origin that a browser may call from; repeatable.")
@click.option("--workers", type=click.IntRange(1, 256), help="Threads that make answers.  [default: one a processor]")
def serve(host: str, port: int, token: str | None, cors: tuple[str, ...], workers: int | None) -> None:
    """Serve interpretation over HTTP, and as CDS Hooks; needs the extra 'service'."""
    try:
        service = importlib.import_module("labinterp.service")
    except ImportError as error:
        raise MissingExtraError.from_extra(error.name or "starlette", "service") from None
    service.serve(host, port, token=token, cors=cors, workers=workers)
