"""`labinterp interpret FILE... -o DIR`: tables of any size, written by the engine, and the summary of its manifest."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from labinterp.cli.inputs import hint_of, name_of
from labinterp.cli.printing import STYLES, clean, listed, status
from labinterp.cli.summary import ranges_used, told_more
from labinterp.errors import InputError, LabInterpError, LayoutError
from labinterp.words import problems
from labinterp.words.faces import line
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from labinterp.cli.printing import Printer
    from labinterp.engines.manifest import Manifest, Progress

_TYPED: Final = {
    "on_bad_row='problem'": "--on-bad-row problem",
    "`ordered`": "--ordered",
    "`workers` or `block_bytes`": "--workers",
    "`workers`": "--workers",
    "`memory_limit`": "--memory-limit",
    "`out`": "-o",
}
"""Options as hints name them → as they are typed."""
SEVERITIES: Final = ("low", "moderate", "high")


def write(
    files: Sequence[str],
    output: Path,
    options: Mapping[str, Any],
    tuning: Mapping[str, Any],
    *,
    form: str,
    force: bool,
    quiet: bool,
) -> Manifest:
    """Interpret files into a folder that appears whole or not at all.

    Args:
        files: as the user named them.
        output: the folder.
        options: the other arguments of `interpret_files`.
        tuning: how the engine works; what is None is left to it.
        form: `csv` or `parquet`.
        force: replace an output that is there.
        quiet: show no progress.

    Raises:
        InputError: if a file cannot be read; names it, and the line where there is one.
        LayoutError: if the columns of one fit no layout.
        MissingExtraError: without PyArrow, or without DuckDB where rows lie scattered.
    """
    from labinterp.engines import duckdb_engine
    from labinterp.engines.files import interpret_files

    chosen = {name: value for name, value in tuning.items() if value is not None}
    try:
        duckdb_engine.check_memory(chosen.get("memory_limit", "1GB"))
    except InputError:
        raise click.UsageError("--memory-limit takes a size such as 1GB or 500MB") from None
    with status(quiet=quiet) as show, named():
        return interpret_files(
            [sys.stdin.buffer if file == "-" else file for file in files],
            output,
            **options,
            **chosen,
            format=form,
            force=force,
            progress=None if show is None else lambda done: show(progress_text(done)),
        )


@contextlib.contextmanager
def named() -> Iterator[None]:
    """Put the name of the file into the message of what cannot be read."""
    try:
        yield
    except (InputError, LayoutError) as error:
        raise _named(error) from None


def _named(error: LabInterpError) -> LabInterpError:
    """Return the error with the file's name in its message."""
    file = str(error.data.get("file") or "")
    message = error.message if file in error.message else f"{file}: {error.message}"
    hint = hint_of(error)
    for option, typed in _TYPED.items():
        hint = hint.replace(option, typed)
    return type(error)(clean(message, 1000).replace("ordered=True", "--ordered"), hint=hint, **error.data)


def progress_text(done: Progress) -> str:
    """Return how far a run is, in words.

    Example:
        >>> from labinterp.engines.manifest import Progress
        >>> progress_text(Progress("reading", 3_000_000, 0.25, 2.0))
        'Reading: 3,000,000 rows, 1,500,000 rows a second, about 6 s left'
    """
    text = f"{done.stage.capitalize()}: {done.rows:,} rows, {done.rate:,.0f} rows a second"
    left = done.left
    if left is None:
        return text
    minutes, seconds = divmod(round(left), 60)
    return f"{text}, about {f'{minutes:,} min {seconds} s' if minutes else f'{seconds} s'} left"


def show_manifest(printer: Printer, manifest: Manifest, output: Path, files: Sequence[str]) -> None:
    """Print what a run came to, as far as its manifest says."""
    from rich.text import Text

    printer.paragraph(
        f"{counted(manifest.rows_in, 'row')} in, {counted(manifest.rows_out, 'result')} out, from "
        f"{listed([name_of(file) for file in files], 3)}.",
        style="heading",
    )
    settings = manifest.settings
    printer.paragraph(ranges_used(settings), style="quiet")
    if manifest.bad_rows:
        printer.paragraph(line("screen", "bad_rows", rows=counted(manifest.bad_rows, "row")))
    printer.heading(line("page", "findings"))
    found = [(name, manifest.severities[name]) for name in reversed(SEVERITIES) if manifest.severities.get(name)]
    if found:
        rows = [(Text(name, STYLES[name]), f"{count:,}") for name, count in found]
        printer.table(("severity", "findings"), rows, right=(1,))
    else:
        printer.paragraph("None.")
    if manifest.problems:
        printer.heading(line("page_of_many", "problems"))
        for code, count in sorted(manifest.problems.items(), key=lambda item: -item[1]):
            suggestion = problems.suggestion(code, typed=True)
            more = told_more(code, suggestion, manifest.signs, manifest.not_covered)
            text = f"{problems.message(code)}. {more}."
            printer.paragraph(text, label=f"{count:>6,}  {code}:", hang=8)
    show_outputs(printer, manifest, output)


def show_outputs(printer: Printer, manifest: Manifest, output: Path) -> None:
    """Print what was written, and where."""
    printer.heading(line("screen_heading", "written", output=clean(output)))
    tables: dict[str, list[int]] = {}
    for file in manifest.outputs:
        parts = tables.setdefault(file.file.partition("/")[0], [0, 0])
        parts[0] += file.rows
        parts[1] += 1
    rows = [(name, f"{parts[0]:,}", f"{parts[1]:,}") for name, parts in tables.items()]
    printer.table(("", "rows", "files"), [*rows, ("manifest.json", "", "1")], right=(1, 2))
