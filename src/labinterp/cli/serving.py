"""`labinterp serve` and `labinterp listen`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from labinterp.errors import MissingExtraError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _service(name: str = "labinterp.service") -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError.from_extra(error.name or "starlette", "service") from None


@click.command(short_help="Serve interpretation over HTTP.")
@click.option("--host", envvar="LABINTERP_HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    envvar="LABINTERP_PORT",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on.",
)
@click.option("--token", envvar="LABINTERP_TOKEN", help="Bearer token that callers must send; or LABINTERP_TOKEN.")
@click.option(
    "--cors",
    envvar="LABINTERP_CORS",
    multiple=True,
    metavar="ORIGIN",
    help="Origin that a browser may call from; repeatable.",
)
@click.option("--ranges", envvar="LABINTERP_RANGES", multiple=True, metavar="P", help="Profile or edition; repeatable.")
@click.option(
    "--assume-adult", envvar="LABINTERP_ASSUME_ADULT", is_flag=True, help="Adult ranges where no age is known."
)
@click.option(
    "--workers",
    envvar="LABINTERP_WORKERS",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that serve the port.",
)
@click.option(
    "--threads",
    envvar="LABINTERP_THREADS",
    type=click.IntRange(1, 256),
    help="Threads of each that make answers.  [default: one a processor, four at most]",
)
@click.option(
    "--max-bytes", envvar="LABINTERP_MAX_BYTES", type=int, help="Longest body, unpacked.  [default: 10000000]"
)
@click.option("--timeout", envvar="LABINTERP_TIMEOUT", type=float, help="Seconds for an answer.  [default: 30]")
@click.option(
    "--log-format",
    envvar="LABINTERP_LOG_FORMAT",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or JSON.",
)
@click.option("--ssl-certfile", envvar="LABINTERP_SSL_CERTFILE", type=_FILE, help="Certificate, to serve over TLS.")
@click.option("--ssl-keyfile", envvar="LABINTERP_SSL_KEYFILE", type=_FILE, help="Its key, where it stands apart.")
def serve(
    *,
    host: str,
    port: int,
    token: str | None,
    cors: tuple[str, ...],
    ranges: tuple[str, ...],
    log_format: str,
    workers: int,
    threads: int | None,
    ssl_certfile: Path | None,
    ssl_keyfile: Path | None,
    **options: Any,
) -> None:
    """Serve interpretation over HTTP: a page at /, /interpret, FHIR, and CDS Hooks; needs the extra 'service'.

    Each option can be set in the environment, as LABINTERP_PORT for --port.
    """
    given = {name: value for name, value in {**options, "workers": threads}.items() if value is not None}
    if ranges:
        given["ranges"] = ranges[0] if len(ranges) == 1 else list(ranges)
    files = {"ssl_certfile": ssl_certfile, "ssl_keyfile": ssl_keyfile}
    tls = {name: str(path) for name, path in files.items() if path is not None}
    if "ssl_keyfile" in tls and "ssl_certfile" not in tls:
        raise click.UsageError("--ssl-keyfile goes with --ssl-certfile")
    _service().serve(host, port, token=token, cors=cors, log_format=log_format, tls=tls, processes=workers, **given)


@click.command(short_help="Take HL7 v2 messages over MLLP.")
@click.option("--host", envvar="LABINTERP_HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=2575, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder for the answers.")
@click.option("--forward", metavar="URL", help="Post the answers there instead.")
@click.option("--format", "form", type=click.Choice(["hl7", "fhir", "json"]), default="hl7", show_default=True)
@click.option("--ranges", envvar="LABINTERP_RANGES", multiple=True, metavar="P", help="Profile or edition; repeatable.")
@click.option("--assume-adult", is_flag=True, help="Adult ranges where no age is known.")
@click.option("--connections", type=click.IntRange(1, 10_000), default=64, show_default=True, help="At one time.")
@click.option("--max-bytes", type=click.IntRange(1), default=10_000_000, show_default=True, help="Longest message.")
def listen(
    *,
    host: str,
    port: int,
    folder: Path | None,
    forward: str | None,
    form: str,
    ranges: tuple[str, ...],
    assume_adult: bool,
    connections: int,
    max_bytes: int,
) -> None:
    """Take HL7 v2 messages over MLLP, and acknowledge each once its answer is written; needs 'service' and 'hl7v2'.

    AA: the answer lies in the folder, or was taken by the URL. AR: the message cannot be read, with the reason. AE: the
    answer could not be kept; send the message again. The name of an answer follows from its message.
    """
    from labinterp.options import Options

    if (folder is None) == (forward is None):
        raise click.UsageError("give --to DIR or --forward URL")
    mllp = _service("labinterp.service.mllp")
    limits = mllp.PeerLimits(max_bytes=max_bytes, connections=connections)
    target = mllp.to_url(forward, mllp.FORMATS[form], limits.timeout) if folder is None else mllp.to_folder(folder)
    options = Options.checked(ranges=list(ranges) or "us", assume_adult=assume_adult)
    listener = mllp.Listener(target, options, form, limits)
    mllp.listen(listener, host, port, lambda text: click.echo(f"labinterp: {text}", err=True))
