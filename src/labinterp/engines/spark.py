"""Tables larger than a machine: Spark frames in, Spark frames out, nothing collected on the driver.

The rows of a patient are brought together by `repartition`, and every partition is interpreted by the very code that
`interpret_frame` runs, patient by patient, as Arrow batches (`mapInArrow`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd
import pyarrow as pa

from labinterp.batch import arrow
from labinterp.codes import GRADES
from labinterp.engines.interpreter import Interpreter
from labinterp.engines.sources import FileColumns, How, reading_of
from labinterp.errors import LayoutError, MissingExtraError
from labinterp.exhausted import told
from labinterp.options import DateOrder, DecimalSign, Options, documented
from labinterp.reading.cells import KEPT
from labinterp.reading.ids import AROUND, CROSSED_OUT, LONGEST_ID, LONGEST_WORD, nobody
from labinterp.tables.people import THE_PATIENT
from labinterp.tables.recognition import COLUMNS
from labinterp.tables.records import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from labinterp.options import Tests

NUMBER: Final = "labinterp_row"
_ROWS: Final = 1 << 16
_WHITE: Final = r"[\s\p{Z}\x1c-\x1f\x85]+"
_OUTER_SPACE: Final = f"^{_WHITE}|{_WHITE}$"
"""What Python's `strip` takes away, for the regular expressions of Java."""
_SHOWN: Final = f"^{KEPT}$"
"""About how many rows are interpreted at a time."""


@attrs.frozen(eq=False)
class SparkReport:
    """Three Spark frames, in whose rows there is no order; unpacks as `results, findings, pathways`.

    Args:
        results: one row per row of the input.
        findings: one row per finding and panel.
        pathways: one row per finding and pathway.
        whole: the frame that all three are taken from; kept in memory and on disk once it is computed, if so chosen.
    """

    results: DataFrame
    findings: DataFrame
    pathways: DataFrame
    whole: DataFrame = attrs.field(repr=False)

    def __iter__(self) -> Iterator[DataFrame]:
        return iter((self.results, self.findings, self.pathways))

    def unpersist(self) -> None:
        """Let go of what is kept, when all three are written."""
        self.whole.unpersist()


@documented
def interpret(  # noqa: D417 - the options are documented once, in `options`
    sdf: DataFrame,
    *,
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
    row_id: str | None = None,
    partitions: int | None = None,
    persist: bool = True,
) -> SparkReport:
    """Interpret a Spark frame; nothing is computed until one of the answers is used.

    The columns are those of `interpret_frame`, text as text. Spark frames have no order: give `row_id` to find the rows
    again, and to settle which of two results of one test at one time is the last.

    Args:
        sdf: one row per result. Tables beside it, as some layouts have, must be joined before.
        layout: as in `interpret_frame`.
        columns: as in `interpret_frame`.
        {table options}
        row_id: a column of integers that numbers the rows; it is the first column of the results. Without it, rows are
            numbered by `monotonically_increasing_id`.
        partitions: into how many partitions patients are spread; None leaves it to Spark.
        persist: keep the answer in memory and on disk, so that the three frames cost one computation; `unpersist` ends
            it.

    Returns:
        Results, findings and pathways.

    Raises:
        MissingExtraError: if PySpark is not installed.
        LayoutError: if the columns fit no layout, or `row_id` is no column of integers.

    Example:
        >>> table = session.read.parquet("labs")  # doctest: +SKIP
        >>> results, findings, pathways = report = interpret(table, row_id="id")  # doctest: +SKIP
        >>> results.write.parquet("results")  # doctest: +SKIP
        >>> report.unpersist()  # doctest: +SKIP
    """
    try:
        from pyspark import StorageLevel
        from pyspark.sql import functions as sql
        from pyspark.sql import types
    except ImportError:
        raise MissingExtraError.from_extra("pyspark", "spark") from None
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
    reading = reading_of(None, [name for name in sdf.columns if name != row_id], How(layout, columns))
    rows = _numbered(sdf, row_id, reading)
    own = reading.renamed
    if own is None:
        text = types.StringType()
        fields = [types.StructField(name, text) for name in _converted(reading)]
        schema = types.StructType([types.StructField(NUMBER, types.LongType()), *fields])
        rows = rows.mapInArrow(_Convert(reading), schema)
    else:
        rows = rows.select(NUMBER, *(_column(sql, theirs).alias(ours) for ours, theirs in own.items()))
    if options.one_patient and "patient_id" not in rows.columns:
        rows = rows.withColumn("patient_id", sql.lit(THE_PATIENT))
    rows = _by_patient(_with_ids(rows), partitions)
    own_types = {"patient_id", "collected_at"}
    graded = options.grading is not None
    tables = _schema({field.name: field.dataType for field in rows.schema if field.name in own_types}, graded=graded)
    whole = rows.mapInArrow(_Interpret(options), tables)
    if persist:
        whole = whole.persist(StorageLevel.MEMORY_AND_DISK)
    answers = {name: whole.where(sql.col(name).isNotNull()).select(f"{name}.*") for name in tables.names}
    number = [] if row_id is None else [_column(sql, NUMBER).alias(row_id)]
    results = answers["results"].select(*number, *arrow.tables(graded=graded)["results"])
    return SparkReport(results, answers["findings"], answers["pathways"], whole)


def _column(sql: Any, name: str) -> Column:
    found: Column = sql.col("`" + name.replace("`", "``") + "`")
    return found


def _numbered(sdf: DataFrame, row_id: str | None, reading: FileColumns) -> DataFrame:
    """Return the columns that are needed and a number for every row."""
    from pyspark.sql import functions as sql
    from pyspark.sql import types

    number = sql.monotonically_increasing_id()
    if row_id is not None:
        whole = (types.ByteType, types.ShortType, types.IntegerType, types.LongType)
        if row_id not in sdf.columns or not isinstance(sdf.schema[row_id].dataType, whole):
            raise LayoutError("row_id names no column of integers", hint="Add one to the frame", column=row_id)
        number = _column(sql, row_id).cast("long")
    return sdf.select(number.alias(NUMBER), *(_column(sql, name) for name in reading.used))


def _converted(reading: FileColumns) -> list[str]:
    nothing = reading.convert(pd.DataFrame({name: pd.Series(dtype=object) for name in reading.used}))
    return [name for name in COLUMNS if name in nothing or name in ("age", "note")]


def _with_ids(rows: DataFrame) -> DataFrame:
    """Return rows whose ids are as `read_id` reads them: bare, and null where they name nobody."""
    from pyspark.sql import functions as sql
    from pyspark.sql import types

    if "patient_id" not in rows.columns:
        return rows
    patient, kind = sql.col("patient_id"), rows.schema["patient_id"].dataType
    if isinstance(kind, types.StringType):
        shown = sql.regexp_replace(sql.regexp_replace(patient, _OUTER_SPACE, ""), _SHOWN, "$1")
        bare = sql.regexp_replace(shown, _OUTER_SPACE, "")
        word = sql.lower(sql.regexp_replace(bare, f"(?U){AROUND}", ""))
        unnamed = (word.isin(*nobody()) | word.rlike(f"^{CROSSED_OUT}$")) & (sql.length(bare) <= LONGEST_WORD)
        return rows.withColumn("patient_id", sql.when(sql.length(bare).between(1, LONGEST_ID) & ~unnamed, bare))
    if isinstance(kind, types.FloatType | types.DoubleType):
        return rows.withColumn("patient_id", sql.when(~sql.isnan(patient), patient))
    return rows


def _by_patient(rows: DataFrame, partitions: int | None) -> DataFrame:
    """Bring the rows of each patient together, in their order; rows without a patient go anywhere."""
    from pyspark.sql import functions as sql

    number = sql.col(NUMBER).cast("string")
    if "patient_id" not in rows.columns:
        key = number
    else:
        patient = sql.col("patient_id")
        key = sql.when(patient.isNull(), number).otherwise(patient.cast("string"))
    together = rows.repartition(key) if partitions is None else rows.repartition(partitions, key)
    order = [name for name in ("patient_id", NUMBER) if name in rows.columns]
    return together.sortWithinPartitions(*order)


def _schema(kept: Mapping[str, Any], *, graded: bool) -> Any:
    """Return the schema of the frame that holds all three tables, each as a column of its own."""
    from pyspark.sql import types

    known: dict[str, Any] = {"value": types.DoubleType(), "low": types.DoubleType(), "high": types.DoubleType()}
    known |= {**dict.fromkeys(GRADES, types.ByteType()), **kept}
    text = types.StringType()
    tables = {
        name: [types.StructField(column, known.get(column, text)) for column in names]
        for name, names in arrow.tables(graded=graded).items()
    }
    tables["results"].insert(0, types.StructField(NUMBER, types.LongType()))
    return types.StructType([types.StructField(name, types.StructType(fields)) for name, fields in tables.items()])


@attrs.frozen(eq=False)
class _Convert:
    """Turns batches of a table in some layout into the `labinterp` layout, all of it text."""

    reading: FileColumns

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        names = _converted(self.reading)
        each = self.reading.results_per_row
        for batch in batches:
            table = pa.Table.from_batches([batch])
            numbers = np.repeat(table[NUMBER].to_numpy() * each, each)
            numbers += np.tile(np.arange(each), table.num_rows)
            frame = self.reading.convert(table.drop_columns([NUMBER]))
            texts = [
                arrow.to_array(frame[name], arrow.TEXT).cast(pa.string())
                if name in frame
                else pa.nulls(len(frame), pa.string())
                for name in names
            ]
            yield pa.RecordBatch.from_arrays([pa.array(numbers, pa.int64()), *texts], [NUMBER, *names])


@attrs.frozen(eq=False)
class _Interpret:
    """Interprets the batches of a partition, in which each patient's rows lie together."""

    options: Options

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with told("Raise `partitions`, or spark.executor.memoryOverhead; all rows of a patient are held at once"):
            yield from self._answers(batches)

    def _answers(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        interpreter = Interpreter(self.options)
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            waiting.append(batch)
            if sum(part.num_rows for part in waiting) >= _ROWS:
                table = pa.Table.from_batches(waiting).combine_chunks()
                whole = _whole_patients(table)
                waiting = table.slice(whole).to_batches()
                if whole:
                    yield from _answer(interpreter, table.slice(0, whole))
        if waiting:
            yield from _answer(interpreter, pa.Table.from_batches(waiting))


def _whole_patients(table: pa.Table) -> int:
    """Return how many rows of a table sorted by patient make whole patients."""
    if "patient_id" not in table.column_names:
        return int(table.num_rows)
    patients = table["patient_id"]
    last = patients[-1]
    if not last.is_valid or last.as_py() != last.as_py():
        return int(table.num_rows)
    same = pa.compute.fill_null(pa.compute.equal(patients, last), fill_value=False)
    return int(pa.compute.index(same, value=True).as_py())


def _answer(interpreter: Interpreter, table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all three tables, each row in the column of its table."""
    numbers = table[NUMBER].to_numpy()
    rows = arrow.ArrowColumns(_encoded(arrow.with_texts(table.drop_columns([NUMBER]), TOLD)))
    kept = {name: table.schema.field(name).type for name in ("patient_id", "collected_at") if name in rows}
    schemas = {
        name: pa.schema([(field.name, _stored(kept.get(field.name, field.type))) for field in schema])
        for name, schema in arrow.schemas(graded=interpreter.options.grading is not None).items()
    }
    chunk = arrow.chunk(interpreter.run(rows, numbers), rows, schemas)
    chunk.tables["results"] = chunk.tables["results"].add_column(0, NUMBER, pa.array(numbers, pa.int64()))
    structs = {name: _struct(answer) for name, answer in chunk.tables.items()}
    for name, struct in structs.items():
        columns = [struct if other == name else pa.nulls(len(struct), structs[other].type) for other in structs]
        if len(struct):
            yield pa.RecordBatch.from_arrays(columns, list(structs))


def _encoded(table: pa.Table) -> pa.Table:
    """Return a table whose texts are encoded by distinct text."""
    columns = [column.dictionary_encode() if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.table(columns, table.column_names)


def _stored(kind: pa.DataType) -> pa.DataType:
    return arrow.TEXT if pa.types.is_string(kind) or pa.types.is_large_string(kind) else kind


def _struct(table: pa.Table) -> pa.StructArray:
    columns: Sequence[pa.Array] = [_plain(column.combine_chunks()) for column in table.columns]
    return pa.StructArray.from_arrays(columns, names=table.column_names)


def _plain(array: pa.Array) -> pa.Array:
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array
