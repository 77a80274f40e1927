"""`audit`: a data set in, what it would come to out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from labinterp.arguments import has
from labinterp.auditing.collect import Collector
from labinterp.auditing.report import AuditReport, report_of
from labinterp.batch import core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.encode import Encoded
from labinterp.errors import LayoutError
from labinterp.exhausted import told
from labinterp.frames import native
from labinterp.options import DateOrder, DecimalSign, Options, documented
from labinterp.tables import encodings, layouts
from labinterp.tables.kept import KEPT, with_kept
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from labinterp.batch.columns import Columns
    from labinterp.engines.manifest import Progress
    from labinterp.options import Tests

__all__ = ["AuditReport", "audit"]

_LONGEST_NAME: Final = 200
_BLOCK_BYTES: Final = 6 << 20


@documented
def audit(  # noqa: D417 - the options are documented once, in `options`
    frame: Any,
    *,
    by: str | Sequence[str] | None = None,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    ranges: Any = "us",
    grading: str | None = None,
    panel: str = "collection",
    reported_ranges: bool = True,
    assume_adult: bool = False,
    decimal: DecimalSign | None = None,
    default_units: Mapping[str, str] | None = None,
    reference_albumin: float | None = None,
    tests: Tests | None = None,
    date_order: DateOrder | None = None,
    one_patient: bool = False,
    beside: Mapping[str, Any] | None = None,
    encoding: str = "auto",
    workers: int = 2,
    progress: Callable[[Progress], None] | None = None,
) -> AuditReport:
    """Say what a data set would come to, before it is interpreted; nothing is changed by it.

    Files are read in one pass and in bounded memory, with the reading and the comparison that `interpret_files` has.

    Args:
        frame: a frame, as `interpret_frame` takes it, or the paths of files, as `interpret_files` takes them.
        by: the column or columns that tell places apart, such as the hospital; `"file"` for the name of the file.
        layout: as in `interpret_frame`.
        columns: as in `interpret_frame`.
        {table options}
        beside: tables beside, as in `read`.
        encoding: of files, as in `read`.
        workers: threads, for files.
        progress: called with a `Progress` after every piece of a file.

    Returns:
        Frames of tests, units, numbers, ranges, specimens and suspects, drafts and a page.

    Raises:
        LayoutError: if the columns fit no layout, or one of `by` is not there.
        InputError: if a file cannot be read.
        MissingExtraError: if a group has more values than are kept as they are, without `datasketches`.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"test": ["Mg", "Mgg"], "value": ["2.0", "1"], "unit": "mg/dL", "age": 50})
        >>> found = audit(frame)
        >>> found.tests[["test", "rows", "analyte", "problem", "did_you_mean"]].values.tolist()
        [['Mg', 1, 'magnesium', None, None], ['Mgg', 1, None, 'unknown_test', 'magnesium']]
    """
    options = Options.checked(
        ranges=ranges,
        grading=grading,
        reported_ranges=reported_ranges,
        assume_adult=assume_adult,
        decimal=decimal,
        default_units=default_units,
        reference_albumin=reference_albumin,
        tests=tests,
        date_order=date_order,
        panel=panel,
        one_patient=one_patient,
    )
    places = _places(by)
    if _is_paths(frame):
        reading = {
            "layout": layout,
            "columns": columns,
            "beside": layouts.checked_beside(beside),
            "encoding": encodings.check(encoding),
            "has_units": bool(default_units),
            "tests": options.tests,
        }
        with told("Lower `workers`", "Free some: a stream is copied to the folder for temporary files (`TMPDIR`)"):
            return _of_files(frame, places, options, reading, workers, progress)
    frame, _ = native.enter(frame)
    table = layouts.to_labinterp(
        frame.reset_index(drop=True), layout, columns, beside=beside, has_units=bool(default_units), tests=options.tests
    )
    unused = tuple(name for name in table.attrs[layouts.UNUSED] if name not in places)
    table = with_kept(table, frame.reset_index(drop=True), places).reset_index(drop=True)
    given = FrameColumns(with_patient(table) if options.one_patient else table)
    collector = Collector(options)
    if given.rows:
        collector.add(given, core.run(given, options), [given.encode(KEPT + name) for name in places])
    return report_of(collector, places, unused=unused, together=True)


def _places(by: Any) -> tuple[str, ...]:
    """Return the names of the columns that tell places apart."""
    names = (by,) if isinstance(by, str) else by
    if names is None:
        return ()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError("by is neither the name of a column nor a list of such names")
    if any(len(name) > _LONGEST_NAME for name in names):
        raise LayoutError("by has a text that is too long to name a column", hint="Name a column of the table")
    return tuple(map(str.__str__, names))


def _is_paths(frame: Any) -> bool:
    return _is_path(frame) or (isinstance(frame, list | tuple) and bool(frame) and all(map(_is_path, frame)))


def _is_path(item: Any) -> bool:
    return isinstance(item, str | Path) or has(item, "read")


def _of_files(
    paths: Any,
    places: tuple[str, ...],
    options: Options,
    reading: dict[str, Any],
    workers: int,
    progress: Callable[[Progress], None] | None,
) -> AuditReport:
    from labinterp.engines import pipeline
    from labinterp.engines.interpreter import Interpreter
    from labinterp.engines.manifest import Meter, Problems
    from labinterp.engines.sources import How, Source, keep, open_sources
    from labinterp.engines.together import PatientPanels, Together

    collector, together, lie_together = Collector(options), Together(), True
    interpreter = Interpreter(options)

    def work(table: Columns, numbers: Any) -> tuple[Columns, core.Answer, PatientPanels]:
        answer = interpreter.run(table, numbers)
        return table, answer, PatientPanels.of(answer, by_time=False)

    with tempfile.TemporaryDirectory(prefix="labinterp-") as folder:
        how = How(**reading, kept=places)
        opened = open_sources(paths, how)
        sources = [
            source if isinstance(source, Source) else keep(source, Path(folder) / f"input-{i}", how)
            for i, source in enumerate(opened)
        ]
        for source in sources:
            source.adopt(options)
        problems = Problems(Path(folder) / "problems.csv", stop=False)
        meter = Meter(progress)
        try:
            for source, count, answered in pipeline.run(
                sources,
                lambda source: source.pieces(_BLOCK_BYTES, panel=False),
                work,
                workers=workers,
                meter=meter,
                problems=problems,
                apart=False,
            ):
                collector.bad_rows += count.bad_rows
                if answered is not None:
                    table, answer, panels = answered
                    lie_together = lie_together and together.add(panels) and together.shown
                    collector.add(table, answer, [_place(table, name, source.name) for name in places])
        finally:
            problems.close()
        unused = {name for source in sources for name in source.reading.unused}
    return report_of(collector, places, unused=tuple(sorted(unused)), together=lie_together)


def _place(table: Columns, name: str, file: str) -> Encoded:
    """Return the column that tells places apart; the name of the file where there is none."""
    if KEPT + name in table:
        return table.encode(KEPT + name)
    return Encoded(np.ones(table.rows, np.int8), [None, file])
