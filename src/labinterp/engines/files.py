"""`interpret_files`: tables larger than memory in, partitioned tables out."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pyarrow as pa

from labinterp.batch import arrow
from labinterp.batch.signs import Signs
from labinterp.engines import duckdb_engine, pipeline
from labinterp.engines.folder import MANIFEST, workplace
from labinterp.engines.interpreter import Interpreter, Scattered, Streamed
from labinterp.engines.manifest import Input, Manifest, Meter, Problems, Progress
from labinterp.engines.sink import Output, PartWriter
from labinterp.engines.sources import How, Source, keep, open_sources
from labinterp.engines.together import CERTAIN_LIMIT, LIMIT, PatientPanels, Together
from labinterp.errors import InputError
from labinterp.exhausted import told
from labinterp.options import DateOrder, DecimalSign, Options, documented
from labinterp.tables import encodings
from labinterp.tables.layouts import checked_beside
from labinterp.tables.recognition import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    from labinterp.engines.pipeline import Count, Work
    from labinterp.options import Tests

BLOCK_BYTES: Final = 8 << 20
_CHOICES: Final = {
    "engine": ("duckdb",),
    "format": ("parquet", "csv"),
    "on_bad_row": ("problem", "stop"),
    "ordered": (None, True, False),
}
_MEMORY_HINT: Final = "Lower `workers` or `block_bytes`; all rows of a patient are held at once"
_DATABASE_HINT: Final = "Raise `memory_limit`, which bounds what DuckDB uses to bring scattered rows together"
_DISK_HINT: Final = "Free some, or choose an `out` where there is more: the temporary folder lies beside it"
_TALLIED: Final = {"findings": "severity", "results": "problem"}


@documented
def interpret_files(  # noqa: D417 - the options are documented once, in `options`
    paths: str | Path | BinaryIO | Iterable[str | Path | BinaryIO],
    out: str | Path,
    *,
    engine: str = "duckdb",
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
    format: str = "parquet",  # noqa: A002 - the contract's name
    on_bad_row: str = "problem",
    ordered: bool | None = None,
    memory_limit: str = "1GB",
    workers: int = 2,
    progress: Callable[[Progress], None] | None = None,
    force: bool = False,
    block_bytes: int = BLOCK_BYTES,
    beside: Mapping[str, Any] | None = None,
    encoding: str = "auto",
) -> Manifest:
    r"""Interpret tables of any size, in bounded memory; the answer is that of `interpret_frame` for all rows together.

    The folder `out` appears when everything is in it: `results/`, `findings/` and `pathways/` with `part-00000.parquet`
    and so on, `problems.csv` (file, line, what) and `manifest.json`. A run that is interrupted leaves no `out`; the
    next one removes what it left beside.

    Where the rows of each panel lie together (those of a draw for `"collection"`, else those of a patient), files are
    read once, from beginning to end. Where they do not, DuckDB brings them together first, spilling to a temporary
    folder beside `out`. Memory grows with the largest patient, and with nothing else.

    Args:
        paths: a CSV, TSV, Excel or Parquet file, gzipped or in a zip, a folder of them, or several; FHIR and HL7 v2
            documents are read, too, each as a whole. A binary stream, such as `sys.stdin.buffer`, is copied to the
            temporary folder first.
        out: a folder that is not there yet.
        engine: what brings scattered rows together.
        layout: as in `interpret_frame`; tables beside a file, such as `patients.csv`, are read as `read` does.
        columns: as in `interpret_frame`.
        {table options}
        format: `"parquet"` or `"csv"`; in CSV, a text that a spreadsheet would take for a formula begins with `'`.
        on_bad_row: `"problem"` counts a row that cannot be read and goes on; `"stop"` raises at the first.
        ordered: True says that the rows of each panel lie together; False that they do not; None looks.
        memory_limit: how much DuckDB may use before it spills.
        workers: how many work at a time: this process and, once a file has shown to be no small one, so many less one
            beside it, each with some 250 MB of its own. They are fresh interpreters, which need no guard of the main
            module, rest for ten seconds ready for another run, and end with this one. Where none can be started,
            threads work instead. The answer is the same, byte for byte.
        progress: called with a `Progress` after every piece.
        force: replace `out` if it is an output of labinterp.
        block_bytes: about how much text each worker is handed at a time.
        beside: tables beside, as in `read`; those that lie beside a file are found without it.
        encoding: as in `read`.

    Returns:
        What `manifest.json` says: rows in and out, rows that could not be used, hashes, versions, settings.

    Raises:
        InputError: if a file cannot be read, `out` is there already, `ordered=True` does not hold, or memory or disk do
            not suffice; then `exhausted` is `"memory"` or `"disk"`, and the hint names the setting to change.
        LayoutError: if the columns of a file fit no layout.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.csv").write_text("test,value,unit,age\nmagnesium,0.5,mmol/L,50\nshort,row\n")
        >>> manifest = interpret_files(folder / "a.csv", folder / "out")
        >>> manifest.rows_in, manifest.bad_rows, manifest.rows_out, manifest.findings
        (2, 1, 1, 1)
    """
    given = {"engine": engine, "format": format, "on_bad_row": on_bad_row, "ordered": ordered}
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise InputError(f"{name} has a value that is not known", hint=f"Use one of {_CHOICES[name]}")
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
    duckdb_engine.check_memory(memory_limit)
    how = How(
        layout,
        columns,
        checked_beside(beside),
        encodings.check(encoding),
        has_units=bool(default_units),
        tests=options.tests,
    )
    with told(_MEMORY_HINT, _DISK_HINT, database=_DATABASE_HINT):
        opened = open_sources(paths, how)
    with told(_MEMORY_HINT, _DISK_HINT, database=_DATABASE_HINT), workplace(Path(out), force=force) as place:
        sources = [
            source if isinstance(source, Source) else keep(source, place / f"input-{i}", how)
            for i, source in enumerate(opened)
        ]
        for source in sources:
            source.adopt(options)
        problems = Problems(place / "out" / "problems.csv", stop=on_bad_row == "stop")
        meter = Meter(progress)
        with closing(
            Run(
                options=options,
                sources=sources,
                place=place,
                kind=format,
                problems=problems,
                meter=meter,
                workers=workers,
                block_bytes=max(1, block_bytes),
            )
        ) as run:
            used = "stream" if ordered is not False and run.stream(certain=ordered is True) else "duckdb"
            if used == "duckdb":
                run.group(memory_limit)
            manifest = run.manifest(
                used, {**given, "layout": layout, "columns": dict(columns or {}), "encoding": how.encoding}
            )
        (place / "out" / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


@attrs.define(eq=False)
class Run:
    """One run over files.

    Args:
        options: how to interpret.
        sources: what to read.
        place: the temporary folder.
        kind: format of the output.
        problems: where bad rows go.
        meter: told of progress.
        workers: how many work at a time.
        block_bytes: about how much text a piece has.
    """

    options: Options
    sources: list[Source]
    place: Path
    kind: str
    problems: Problems
    meter: Meter
    workers: int
    block_bytes: int
    interpreter: Interpreter = attrs.field(init=False)
    types: dict[str, pa.DataType] = attrs.field(init=False)
    counts: dict[Source, Count] = attrs.field(init=False)
    parts: dict[str, PartWriter] = attrs.field(init=False)
    decimals: Signs = attrs.field(init=False)
    not_covered: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.interpreter = Interpreter(self.options)
        self.types = _common_types(self.sources)
        self._begin()

    def _begin(self) -> None:
        self.counts = {source: pipeline.Count() for source in self.sources}
        self.decimals, self.not_covered = Signs(), 0
        own = {"patient_id", "collected_at"}
        known = {name: kind for name, kind in self.types.items() if name in own}
        schemas = arrow.schemas(known, graded=self.options.grading is not None)
        self.parts = {
            name: PartWriter(self.place / "out" / name, schema, self.kind, tally=_TALLIED.get(name))
            for name, schema in schemas.items()
        }

    def schemas(self) -> dict[str, pa.Schema]:
        """Return the schemas of the output."""
        return {name: parts.schema for name, parts in self.parts.items()}

    def stream(self, *, certain: bool) -> bool:
        """Interpret the rows as they come; return False, with nothing written, if panels do not lie together.

        Args:
            certain: whether the user says that they do; then it is an error if they do not.
        """
        by_time = self.options.by_time
        together = Together(CERTAIN_LIMIT if certain else LIMIT)
        looks = not certain and sum(source.size for source in self.sources) > self.block_bytes
        work = Streamed(self.interpreter, self.schemas(), looks)

        def take(answer: tuple[PatientPanels, arrow.Chunk]) -> None:
            panels, chunk = answer
            if not together.add(panels) or not (together.shown or certain):
                raise Scattered
            self._note(chunk)
            for name, table in chunk.tables.items():
                self.parts[name].write(table)

        try:
            self._read(by_time, work, take)
        except Scattered:
            if certain:
                raise InputError(
                    "the rows of a panel do not lie together, though ordered=True says so",
                    hint="Leave `ordered` out: scattered rows are then brought together",
                ) from None
            self._discard()
            return False
        return True

    def group(self, memory_limit: str) -> None:
        """Interpret the rows after DuckDB has brought those of a patient together."""
        spool = duckdb_engine.Spool(self.place, self.types, duckdb_engine.room_of(memory_limit))
        self.meter.stage("reading")
        try:
            self._read(None, spool.packing, spool.write)
        finally:
            spool.close()
        duckdb_engine.interpret_spooled(
            spool,
            self.place,
            self.interpreter,
            self.schemas(),
            lambda name, table: self.parts[name].write(table),
            self._note,
            rows=sum(count.results for count in self.counts.values()),
            memory_limit=memory_limit,
            workers=self.workers,
            meter=self.meter,
        )

    def _read(self, panel: bool | None, work: Work, take: Callable[[Any], None]) -> None:
        memory = pa.default_memory_pool()
        for source, count, answer in pipeline.run(
            self.sources,
            lambda source: source.pieces(self.block_bytes, panel),
            work,
            workers=self.workers,
            meter=self.meter,
            problems=self.problems,
        ):
            if answer is not None:
                take(answer)
            del answer
            if self.workers > 1:  # each thread has kept memory for itself
                memory.release_unused()
            self.counts[source].add(count)

    def _note(self, chunk: arrow.Chunk) -> None:
        self.decimals = self.decimals.plus(chunk.decimals)
        self.not_covered += chunk.not_covered

    def _discard(self) -> None:
        for name, parts in self.parts.items():
            parts.abort()
            shutil.rmtree(self.place / "out" / name)
        self.problems.restart()
        self._begin()

    def close(self) -> None:
        """Close every file that is still open."""
        for parts in self.parts.values():
            parts.abort()
        self.problems.close()

    def manifest(self, engine: str, settings: dict[str, Any]) -> Manifest:
        """Close the output and describe it."""
        for source in self.sources:
            source.check_unchanged()
        for parts in self.parts.values():
            parts.close()
        self.problems.close()
        folder = self.place / "out"
        counts = self.counts.values()
        inputs = tuple(
            Input(
                file=source.given,
                bytes=source.size,
                sha256=source.sha256,
                layout=source.reading.layout,
                rows=count.rows,
                bad_rows=count.bad_rows,
                results=count.results,
                unused_columns=source.reading.unused,
                lines_above=source.lines_above,
            )
            for source, count in self.counts.items()
        )
        made_by = self.options.table_provenance
        outputs = [output for parts in self.parts.values() for output in parts.outputs(folder)]
        return Manifest(
            labinterp=made_by["library_version"],
            knowledge=made_by["knowledge_version"],
            knowledge_sha256=made_by["knowledge_sha256"],
            editions=tuple(made_by["editions"]),
            settings={**made_by["settings"], **settings},
            engine=engine,
            rows_in=sum(count.rows for count in counts),
            bad_rows=sum(count.bad_rows for count in counts),
            rows_out=self.parts["results"].rows,
            findings=self.parts["findings"].rows,
            pathways=self.parts["pathways"].rows,
            severities=dict(sorted(self.parts["findings"].counts.items())),
            problems=dict(sorted(self.parts["results"].counts.items())),
            inputs=inputs,
            outputs=(*outputs, Output.of(self.problems.path, folder, self.problems.rows)),
            decimals=self.decimals.as_data(),
            not_covered=self.not_covered,
        )


def _common_types(sources: list[Source]) -> dict[str, pa.DataType]:
    """Return the type of every column that a source may have: its own where all agree, else text."""
    types: dict[str, pa.DataType] = {}
    for source in sources:
        names = source.types or dict.fromkeys(COLUMNS, arrow.TEXT)
        for name, kind in names.items():
            types[name] = kind if types.get(name, kind) == kind and _is_kept(kind) else arrow.TEXT
    return types


def _is_kept(kind: pa.DataType) -> bool:
    """Say whether a column of this type keeps it; texts, and what is rare, become text."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_float32(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_decimal128(kind)
        or kind == arrow.TEXT
    )
