"""Files and standard input → frames in the `labinterp` layout; what is wrong is said with the file's name."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from labinterp.cli.checking import read_bytes
from labinterp.cli.printing import clean
from labinterp.errors import InputError, LabInterpError, LayoutError
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from labinterp.reading.analytes import TestMap

_SHOWN: Final = 20
STANDARD_INPUT = "standard input"


@attrs.frozen(eq=False)
class InputSource:
    """One input.

    Args:
        name: as the user named it.
        sha256: of its bytes.
        size: in bytes.
        table: its results, in the `labinterp` layout.
        unused: its columns that make no difference.
        layout: in which it was read.
        lines_above: lines above its column names.
        lines_below: lines below its last row.
    """

    name: str
    sha256: str
    size: int
    table: pd.DataFrame = attrs.field(repr=False)
    unused: tuple[str, ...] = ()
    layout: str = "labinterp"
    lines_above: int = 0
    lines_below: int = 0

    @property
    def results_per_row(self) -> int:
        """How many results a row of the input gave."""
        rows = self.table["input_row"].nunique() if "input_row" in self.table else len(self.table)
        return max(1, len(self.table) // max(1, rows))


def read_all(
    files: Sequence[str],
    step: Callable[[str], Any],
    reading: dict[str, Any],
    *,
    has_units: bool = False,
    tests: TestMap | None = None,
) -> list[InputSource]:
    """Read every input before anything is done with one of them.

    Args:
        files: as the user named them.
        step: shows what is being done.
        reading: arguments of `read`.
        has_units: whether units are given by an option.
        tests: the user's own names of tests.

    Raises:
        InputError: if one cannot be read; names it, and the line where there is one.
        LayoutError: if the columns of one fit no layout.
    """
    sources = []
    for i, file in enumerate(files, 1):
        with step(f"Reading {name_of(file)} ({i} of {len(files)})"):
            sources.append(_read(file, reading, has_units=has_units, tests=tests))
    return sources


def tell_passed_over(inputs: Iterable[tuple[str, Sequence[str], int, int]]) -> None:
    """Say on standard error what of each input makes no difference: columns, and lines above and below it."""
    for name, columns, above, below in inputs:
        for lines, where in ((above, "above the column names"), (below, "below the last row")):
            if lines:
                click.echo(f"labinterp: {clean(name)}: {counted(lines, 'line')} {where} passed over", err=True)
        if columns:
            shown = ", ".join(clean(column) for column in columns[:_SHOWN])
            more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
            click.echo(f"labinterp: {clean(name)}: columns that are not used: {shown}{more}", err=True)


def name_of(file: str) -> str:
    """Return what messages call an input."""
    return STANDARD_INPUT if file == "-" else clean(file)


def _read(file: str, reading: dict[str, Any], *, has_units: bool, tests: TestMap | None) -> InputSource:
    from labinterp import documents
    from labinterp.tables.layouts import READ_AS, UNUSED
    from labinterp.tables.text import ABOVE, BELOW

    name, path = name_of(file), Path(file)
    try:
        data = read_bytes(file)
        table = documents.read_as_sent(data if file == "-" else path, **reading, has_units=has_units, tests=tests)
    except (InputError, LayoutError) as error:
        raise _named(error, name, path) from None
    return InputSource(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        table=table,
        unused=tuple(table.attrs.get(UNUSED, ())),
        layout=str(table.attrs.get(READ_AS, "labinterp")),
        lines_above=int(table.attrs.get(ABOVE, 0)),
        lines_below=int(table.attrs.get(BELOW, 0)),
    )


def _named(error: LabInterpError, name: str, path: Path) -> LabInterpError:
    """Return the error with the input's name at the start of its message."""
    said = next((said for said in (path.name, "the document", "the text") if error.message.startswith(said)), None)
    message = f"{name}: {error.message}" if said is None else name + error.message.removeprefix(said)
    return type(error)(message, hint=hint_of(error), **error.data)


def hint_of(error: LabInterpError) -> str:
    """Return the hint of an error as an option of the command line."""
    example = error.data.get("example")
    if not example:
        return error.hint
    pasted = " ".join(shlex.join(["--column", f"{ours}={theirs}"]) for ours, theirs in example.items())
    units = ", or say the units with --default-unit ANALYTE=UNIT" if set(example) == {"unit"} else ""
    return f"Map your columns with {pasted}{units}"
