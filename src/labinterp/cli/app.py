"""The group of commands, and what every exception comes to."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labinterp._version import __version__
from labinterp.cli import USAGE
from labinterp.cli.checking import verify
from labinterp.cli.converting import convert
from labinterp.cli.explaining import explain
from labinterp.cli.interpreting import interpret
from labinterp.cli.ranges import ranges
from labinterp.cli.serving import serve
from labinterp.errors import InputError, LabInterpError, LayoutError, ReferenceSetError, ReportError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNREADABLE = 3
INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="labinterp", message="labinterp %(version)s")
def app() -> None:
    """Interpret laboratory results and trace what is low or high to muscle twitching.

    A finding is no diagnosis: it says what the results are compatible with, and why.
    """


for _command in (interpret, convert, explain, ranges, verify, serve):
    app.add_command(_command)


def run(args: Sequence[str] | None) -> int:
    """Run a command and return its exit code; only messages without values or ids go to standard error."""
    try:
        code = _run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):  # a captured standard output has no file number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(args: Sequence[str] | None) -> int:
    try:
        code = app.main(None if args is None else list(args), prog_name="labinterp", standalone_mode=False)
    except (BrokenPipeError, SystemExit):
        raise
    except click.ClickException as error:
        error.show()
        return USAGE
    except (Exception, click.Abort, KeyboardInterrupt) as error:
        if os.environ.get("LABINTERP_TRACEBACK"):
            raise
        code, text = _told(error)
        click.echo(f"labinterp: {text}", err=True)
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> tuple[int, str]:
    """Return exit code and message; no traceback, whose text could hold a value or an id."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED, "interrupted; nothing was left half-written"
    if isinstance(error, LabInterpError):
        unreadable = isinstance(error, InputError | LayoutError | ReferenceSetError | ReportError)
        return UNREADABLE if unreadable else USAGE, str(error)
    if isinstance(error, MemoryError):
        return UNREADABLE, "the data do not fit into memory. Write to a folder: -o DIR, without --delta or --report"
    if isinstance(error, OSError):
        name = "" if error.filename is None else f"{error.filename}: "
        return USAGE, f"{name}{error.strerror or type(error).__name__}"
    return INTERNAL, f"internal error, {type(error).__name__} at {_place(error)}. Please report it"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
