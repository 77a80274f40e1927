"""The group of commands, and what every exception comes to."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from labinterp._version import __version__
from labinterp.cli.auditing import audit
from labinterp.cli.checking import verify
from labinterp.cli.converting import convert
from labinterp.cli.exits import USAGE
from labinterp.cli.explaining import explain
from labinterp.cli.interpreting import interpret
from labinterp.cli.paneling import panel
from labinterp.cli.ranges import ranges
from labinterp.cli.serving import listen, serve
from labinterp.errors import InputError, LabInterpError, LayoutError, ReferenceSetError, ReportError
from labinterp.exhausted import DISK
from labinterp.markup import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNREADABLE = 3
INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141
UNWRITABLE = 74
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="labinterp", message="labinterp %(version)s")
def app() -> None:
    """Interpret laboratory results and trace what is low or high to muscle twitching.

    A finding is no diagnosis: it says what the results are compatible with, and why.
    """


for _command in (interpret, panel, audit, convert, explain, ranges, verify, serve, listen):
    app.add_command(_command)


def run(args: Sequence[str] | None) -> int:
    """Run a command and return its exit code; only messages without values or ids go to standard error."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays until the end
    with _terminating():
        try:
            code = _run(args)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go(sys.stdout)
            return BROKEN_PIPE
        except OSError as error:
            _let_go(sys.stdout)
            click.echo(f"labinterp: standard output: {error.strerror or type(error).__name__}", err=True)
            return UNWRITABLE
    return code


@contextlib.contextmanager
def _terminating() -> Iterator[None]:
    """Let what asks the command to end do so as an interruption does, so that nothing is left half-written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]  # as `nohup` ignores them
    for number in heard:
        signal.signal(number, _terminate)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _terminate(number: int, _: object) -> NoReturn:
    for each in _ENDING:  # a second one must not end the tidying up
        signal.signal(each, signal.SIG_IGN)
    raise _TerminatedError(number)


class _TerminatedError(KeyboardInterrupt):
    """The process is asked to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def _let_go(stream: Any) -> None:
    """Let what is still buffered for a stream that cannot be written go nowhere."""
    with contextlib.suppress(OSError, ValueError):  # a captured standard output has no file number
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(args: Sequence[str] | None) -> int:
    try:
        code = _invoke(args)
    except BrokenPipeError:
        raise
    except click.ClickException as error:
        error.show()
        return USAGE
    except (Exception, click.Abort, KeyboardInterrupt) as error:
        if os.environ.get("LABINTERP_TRACEBACK"):
            raise
        code, text = _told(error)
        click.echo(f"labinterp: {clean(text)}", err=True)
    return code if isinstance(code, int) else 0


def _invoke(args: Sequence[str] | None) -> Any:
    """Run the command; click's own `main` would answer a broken pipe with an exit code of its own, 1."""
    if "_LABINTERP_COMPLETE" in os.environ:
        return app.main(None if args is None else list(args), prog_name="labinterp")
    try:
        with app.make_context("labinterp", sys.argv[1:] if args is None else list(args)) as context:
            return app.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def _told(error: BaseException) -> tuple[int, str]:
    """Return exit code and message; no traceback, whose text could hold a value or an id."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        ended = next((each for each in (error, error.__context__) if isinstance(each, _TerminatedError)), None)
        code, word = (INTERRUPTED, "interrupted") if ended is None else (ended.code, "terminated")
        return code, f"{word}; nothing was left half-written"
    if isinstance(error, LabInterpError):
        if isinstance(error, InputError) and error.exhausted == DISK:
            return UNWRITABLE, str(error)
        unreadable = isinstance(error, InputError | LayoutError | ReferenceSetError | ReportError)
        return UNREADABLE if unreadable else USAGE, str(error)
    if isinstance(error, MemoryError):
        return UNREADABLE, "the data do not fit into memory. Write to a folder: -o DIR, without --delta or --report"
    if isinstance(error, OSError):
        code = UNWRITABLE if error.errno in _DISK else USAGE
        name = "" if error.filename is None else f"{error.filename}: "
        return code, f"{name}{error.strerror or type(error).__name__}"
    return INTERNAL, f"internal error, {type(error).__name__} at {_place(error)}. Please report it"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
