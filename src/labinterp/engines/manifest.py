"""What a run over files read and wrote, as data."""

from __future__ import annotations

import csv
import json
import time
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.batch.signs import Signs
from labinterp.errors import InputError
from labinterp.formulas import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from labinterp.engines.sink import Output
    from labinterp.tables.splitter import BadRow


@attrs.frozen
class Input:
    """A file that was read.

    Args:
        file: its path as it was given.
        bytes: its size.
        sha256: its hash.
        layout: the layout in which it was read.
        rows: rows in it, those that could not be used included.
        bad_rows: rows that could not be used; `problems.csv` says why.
        results: rows of results that came of it: `rows - bad_rows`, times the columns of results of a wide table.
        unused_columns: the columns that made no difference.
        lines_above: lines above the column names, such as a title; they were passed over.
    """

    file: str
    bytes: int
    sha256: str
    layout: str
    rows: int
    bad_rows: int
    results: int
    unused_columns: tuple[str, ...] = ()
    lines_above: int = 0


@attrs.frozen
class Manifest:
    r"""The account of a run; `manifest.json` holds the same.

    Args:
        labinterp: version of the library.
        knowledge: version of the knowledge.
        knowledge_sha256: its hash.
        editions: id and hash of every edition of ranges.
        settings: the choices of the run.
        engine: `stream` where the rows of each panel lay together, else `duckdb`; `memory` where the command line
            held all rows at once.
        rows_in: rows of all inputs.
        bad_rows: rows that could not be used.
        rows_out: rows of results.
        findings: rows of findings.
        pathways: rows of pathways.
        severities: how many findings have each severity.
        problems: how many results have each problem.
        inputs: one by one.
        outputs: one by one.
        decimals: `rows` that `decimal=` would settle, and how many rows beside them show a decimal point (`points`) or
            comma (`commas`) alone; `suggests` is the only sign that they show. Counted by pieces that hold such rows.
        not_covered: how many of the problems are results of tests that are known and not covered; `--strict` passes
            them over.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import labinterp as li
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = Path(folder, "labs.csv")
        ...     _ = table.write_text("test,value,unit,age\nMg,1.1,mg/dL,54\n")
        ...     manifest = li.interpret_files(table, Path(folder, "out"))
        >>> manifest.rows_in, manifest.rows_out, manifest.severities
        (1, 1, {'moderate': 1})
    """

    labinterp: str
    knowledge: str
    knowledge_sha256: str
    editions: tuple[dict[str, str], ...]
    settings: dict[str, Any]
    engine: str
    rows_in: int
    bad_rows: int
    rows_out: int
    findings: int
    pathways: int
    severities: dict[str, int]
    problems: dict[str, int]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    decimals: dict[str, Any] = attrs.field(factory=dict)
    not_covered: int = 0

    @property
    def signs(self) -> Signs:
        """`decimals` as an object."""
        return Signs(**{field.name: self.decimals.get(field.name, 0) for field in attrs.fields(Signs)})

    @property
    def real_problems(self) -> int:
        """How many rows could not be interpreted or read, those of tests that are not covered left out."""
        return self.bad_rows + sum(self.problems.values()) - self.not_covered

    def to_json(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps(attrs.asdict(self), indent=2, ensure_ascii=False) + "\n"


@attrs.frozen
class Progress:
    """How far a run is.

    Args:
        stage: `reading`, `grouping` or `writing`.
        rows: rows done in this stage.
        done: share of this stage that is done, from 0 to 1.
        seconds: since the stage began.
    """

    stage: str
    rows: int
    done: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that this stage still takes, if it goes on as it did."""
        return self.seconds * (1 - self.done) / self.done if self.done > 0 else None


class Meter:
    """Tells a listener of progress.

    Args:
        listen: called with a `Progress` after every piece; None for nobody.
    """

    def __init__(self, listen: Callable[[Progress], None] | None) -> None:
        self._listen = listen
        self.stage("reading")

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._name, self._start, self._rows = name, time.monotonic(), 0

    def add(self, rows: int, done: float) -> None:
        """Say that some more rows are done."""
        self._rows += rows
        if self._listen is not None:
            self._listen(Progress(self._name, self._rows, min(done, 1.0), time.monotonic() - self._start))


class Problems:
    """Writes `problems.csv`: file, line, what; or stops at the first.

    Args:
        path: of the file.
        stop: whether to raise instead.
    """

    def __init__(self, path: Path, *, stop: bool) -> None:
        self.path = path
        self.rows = 0
        self._stop = stop
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self.restart()

    def restart(self) -> None:
        """Forget what was noted."""
        self._file.seek(0)
        self._file.truncate()
        self._writer.writerow(["file", "line", "what"])
        self.rows = 0

    def add(self, file: str, bad: Iterable[BadRow]) -> int:
        """Note the bad rows of a piece; return how many rows they are.

        Raises:
            InputError: at the first, if so chosen.
        """
        lost = 0
        for row in bad:
            if self._stop:
                place = file if row.line is None else f"{file}, line {row.line}"
                raise InputError(
                    f"{place}: {row.what}",
                    hint="Mend the file, or let problems be counted with on_bad_row='problem'",
                    file=file,
                    line=row.line,
                )
            self._writer.writerow([guard(file), row.line, row.what])
            self.rows += 1
            lost += row.rows
        return lost

    def close(self) -> None:
        """Close the file."""
        self._file.close()
