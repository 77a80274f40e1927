"""Rows of a panel that lie scattered are brought together, and the answers put back in order.

What fits into a small share of the memory that is allowed stays there, and only its numbers are sorted. More goes to
Parquet files in the temporary folder; DuckDB sorts them by patient, spilling where they are larger than its memory, and
what was interpreted by number.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labinterp.batch import arrow
from labinterp.batch.encode import compact
from labinterp.engines import pipeline
from labinterp.engines.sink import PartWriter
from labinterp.errors import InputError, MissingExtraError
from labinterp.tables.recognition import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from labinterp.batch.columns import Columns
    from labinterp.engines.interpreter import Interpreter
    from labinterp.engines.manifest import Meter
    from labinterp.engines.processes import Call
    from labinterp.kernel.vector import Ints

NUMBER: Final = "labinterp_row"
_PLACE: Final = "labinterp_place"
_BATCH: Final = 1 << 16
_SORTED_BATCH: Final = 1 << 17
_FEW: Final = 1 << 10
"""Texts of a dictionary that costs nothing to carry along."""
_SHARE: Final = 6
"""Rows stay in memory up to this part of the limit; their answers, and both in another order, take the most of it."""
_COUNTED: Final = 3, 4
"""The part of the limit that DuckDB is told: what it reads, and hands out, it does not count."""
_MEMORY = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?\s?(?:[KMGT]i?B|%)", re.ASCII)


def check_memory(limit: str) -> None:
    """Check a bound on memory.

    Raises:
        InputError: if it is none.
    """
    if not _MEMORY.fullmatch(limit):
        raise InputError("memory_limit is no size", hint="Give one such as '1GB'")


def room_of(limit: str) -> int:
    """Return how many bytes of rows may stay in memory, given a bound on memory that was checked.

    Example:
        >>> room_of("1GB"), room_of("20 MiB")
        (166666666, 3495253)
    """
    return _bytes_of(limit) // _SHARE


def _bytes_of(limit: str) -> int:
    number, unit = float(limit.rstrip("KMGTiB% ")), limit.lstrip("0123456789. ")
    if unit == "%":
        return int(number / 100 * _memory_of_machine())
    return int(number * (1024 if "i" in unit else 1000) ** ("KMGT".index(unit[0]) + 1))


def _counted(limit: str) -> str:
    """Return what DuckDB is told of a limit; a share of a memory that is not known is left to it."""
    part, whole = _COUNTED
    counted = _bytes_of(limit) * part // whole
    return f"{counted}B" if counted else limit


def _memory_of_machine() -> int:
    """Return the bytes of memory, 0 where they are not told."""
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def connect(folder: Path, memory_limit: str, workers: int) -> Any:
    """Open DuckDB with a bound on its memory and a folder to spill to.

    Raises:
        MissingExtraError: if DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.from_extra("duckdb", "duckdb") from None
    spill = folder / "spill"
    spill.mkdir()
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": _counted(memory_limit),
            "threads": max(1, workers),
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


@attrs.frozen(eq=False)
class Packing:
    """Brings rows into the form in which they are stored; pickles.

    Args:
        types: of the columns of the `labinterp` layout that occur.
    """

    types: Mapping[str, pa.DataType]

    @property
    def schema(self) -> pa.Schema:
        """Return what is stored: the number of a row, and its columns."""
        return pa.schema([(NUMBER, pa.int64()), *((name, _stored(kind)) for name, kind in self.types.items())])

    def __call__(self, table: Columns, numbers: Ints) -> pa.Table:
        """Return rows as they are stored."""
        schema = self.schema
        columns: list[pa.Array] = [pa.array(numbers, pa.int64())]
        for name, kind in self.types.items():
            array = arrow.column_of(table, name, kind)
            columns.append(array if array.type == schema.field(name).type else _cast(array))
        return pa.Table.from_arrays(columns, schema=schema)


class Spool:
    """Rows on their way, in memory as long as there are few, else in the temporary folder.

    Args:
        folder: the temporary folder.
        types: of the columns of the `labinterp` layout that occur.
        room: how many bytes may be held in memory.
    """

    def __init__(self, folder: Path, types: Mapping[str, pa.DataType], room: int) -> None:
        self.types = {name: types[name] for name in COLUMNS if name in types}
        self.packing = Packing(self.types)
        self._schema = self.packing.schema
        self._parts = PartWriter(folder / "rows", self._schema, compression="lz4")
        self._held: list[pa.Table] = []
        self._room = room

    @property
    def in_memory(self) -> bool:
        """Whether all rows are held in memory."""
        return self._room >= 0

    def write(self, table: pa.Table) -> None:
        """Store packed rows."""
        if self.in_memory:
            self._held.append(table)
            self._room -= table.nbytes
            if self.in_memory:
                return
            held, self._held = self._held, []
            for earlier in held:
                self._parts.write(earlier)
        else:
            self._parts.write(table)

    def close(self) -> None:
        """End writing."""
        self._parts.close()

    def by_patient(self, connection: Any) -> Iterator[pa.Table]:
        """Yield the rows in pieces of whole patients, each patient's in their first order."""
        if self.in_memory:
            yield from self._sorted()
            return
        names = ", ".join(f'"{name}"' for name in self._schema.names)
        order = f'"patient_id", "{NUMBER}"' if "patient_id" in self.types else f'"{NUMBER}"'
        query = f"SELECT {names} FROM read_parquet({_files(self._parts)}) ORDER BY {order}"  # noqa: S608 - our own names
        carry: pa.Table | None = None
        for batch in stream(connection, query):
            table = pa.Table.from_batches([batch])
            if carry is not None:
                table = pa.concat_tables([carry, table])
            kept = _whole_patients(table)
            if kept:
                yield self._unpack(table.slice(0, kept))
            carry = table.slice(kept)
        if carry is not None and carry.num_rows:
            yield self._unpack(carry)

    def _sorted(self) -> Iterator[pa.Table]:
        """Yield the rows that are held in memory, sorted by the codes of their patients."""
        table = _joined(self._held, self._schema)
        if "patient_id" in self.types:
            patients = table["patient_id"].combine_chunks()
            coded = patients if pa.types.is_dictionary(patients.type) else patients.dictionary_encode()
            codes = coded.indices.fill_null(np.iinfo(np.int32).max).to_numpy()
            order = _order(codes)
            ends = np.flatnonzero(np.diff(codes[order], append=-1)) + 1
        else:
            order = np.arange(table.num_rows)
            ends = order + 1
        start = 0
        while start < table.num_rows:
            end = int(ends[min(int(np.searchsorted(ends, start + _SORTED_BATCH)), len(ends) - 1)])
            yield self._unpack(_narrowed(table.take(order[start:end])))
            start = end

    def in_order(self, *names: str) -> Iterator[pa.Table]:
        """Yield some columns of the rows in their first order."""
        there = [name for name in names if name in self.types]
        for table in self._held:
            yield self._unpack(table.select([NUMBER, *there]))
        for path, _ in self._parts.files:
            with pq.ParquetFile(path, read_dictionary=there) as file:
                for group in range(file.num_row_groups):  # read together, all are kept to the end
                    for batch in file.iter_batches(_BATCH, row_groups=[group], columns=[NUMBER, *there]):
                        yield self._unpack(pa.Table.from_batches([batch]))

    def _unpack(self, table: pa.Table) -> pa.Table:
        columns = {NUMBER: table[NUMBER]}
        for name in table.column_names[1:]:
            kind = self.types[name]
            column = table[name].combine_chunks()
            if kind == arrow.TEXT:
                columns[name] = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            else:
                columns[name] = column if column.type == kind else column.cast(_stored(kind)).view(kind)
        return pa.table(columns)


def _order(numbers: Ints) -> Ints:
    """Return the order that sorts whole numbers from 0, equal ones as they are.

    It goes by two bytes at a time, lowest first, which numpy sorts by counting, four times as fast as by comparing.
    """
    order: Ints = np.argsort(numbers.astype(np.uint16), kind="stable")
    rest = numbers >> 16
    while rest.any():
        order = order[np.argsort(rest[order].astype(np.uint16), kind="stable")]
        rest = rest >> 16
    return order


def _joined(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return tables as one, each text once in the dictionary of its column."""
    return pa.concat_tables(tables or [schema.empty_table()]).unify_dictionaries().combine_chunks()


def _narrowed(table: pa.Table) -> pa.Table:
    """Return a table whose dictionaries hold no text that its rows do not."""
    columns = []
    for column in table.columns:
        array = column.combine_chunks()
        if pa.types.is_dictionary(array.type) and len(array.dictionary) > _FEW:
            codes, used = compact(array.indices.fill_null(-1).to_numpy() + 1, len(array.dictionary) + 1)
            place = np.where(used > 0, np.cumsum(used > 0) - 1, -1).astype(np.int32).take(codes)
            texts = array.dictionary.take(pa.array(used[used > 0] - 1))
            array = pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), texts)
        columns.append(array)
    return pa.Table.from_arrays(columns, schema=table.schema)


def _whole_patients(table: pa.Table) -> int:
    """Return how many rows, sorted by patient, make whole patients; all where the last ones have none."""
    if "patient_id" not in table.column_names:
        return int(table.num_rows)
    codes = table["patient_id"].combine_chunks().dictionary_encode().indices
    if not table.num_rows or not codes[-1].is_valid:
        return int(table.num_rows)
    return int(np.searchsorted(codes.fill_null(np.iinfo(np.int32).max).to_numpy(), codes[-1].as_py()))


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return the type in which DuckDB is given a column: points in time as the integers that they are."""
    if pa.types.is_temporal(kind):
        return pa.int32() if kind.bit_width == 32 else pa.int64()  # noqa: PLR2004 - bits
    return kind


def _cast(array: pa.Array) -> pa.Array:
    return array.view(_stored(array.type))


def _files(parts: PartWriter) -> str:
    texts = (str(path).replace("'", "''") for path, _ in parts.files)
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def stream(connection: Any, query: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query in batches."""
    relation = connection.sql(query)
    reader = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader
    yield from reader(_BATCH)


class Codes:
    """Texts as numbers that stay the same for a whole run, so that sorting moves numbers only."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}

    def encode(self, column: pa.ChunkedArray) -> pa.Array:
        """Return the numbers of a column of text."""
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        own = pa.array(
            [self._code.setdefault(text, len(self._code)) for text in column.dictionary.to_pylist()], pa.int32()
        )
        return own.take(column.indices)

    def decode(self, codes: pa.Array) -> pa.Array:
        """Return the column of text again."""
        return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), pa.array(list(self._code), pa.string()))


@attrs.define(eq=False)
class Restored:
    """A table of the answer, kept until it can be put in order.

    Args:
        parts: where it is kept.
        schema: of the table.
        codes: by column; other columns are kept as they are.
        held: the rows that are in memory, with their numbers; None where they are in files.
    """

    parts: PartWriter
    schema: pa.Schema
    codes: dict[str, Codes]
    held: list[tuple[pa.Table, Ints]] | None

    @classmethod
    def at(cls, folder: Path, schema: pa.Schema, plain: tuple[str, ...], *, in_memory: bool) -> Restored:
        """Make one.

        Args:
            folder: for its parts.
            schema: of the table.
            plain: the columns whose texts may be all distinct.
            in_memory: whether the rows may stay in memory.
        """
        codes = {field.name: Codes() for field in schema if field.type == arrow.TEXT and field.name not in plain}
        kept = [(NUMBER, pa.int64()), (_PLACE, pa.int32())]
        kept += [(field.name, pa.int32() if field.name in codes else _stored(field.type)) for field in schema]
        return cls(PartWriter(folder, pa.schema(kept), compression="lz4"), schema, codes, [] if in_memory else None)

    def write(self, table: pa.Table, numbers: Ints) -> None:
        """Keep rows that belong to the rows of the input with these numbers."""
        if self.held is not None:
            self.held.append((table, numbers))
            return
        columns: list[Any] = [pa.array(numbers, pa.int64()), pa.array(np.arange(len(numbers)), pa.int32())]
        for name in self.schema.names:
            column = table[name]
            kept = self.parts.schema.field(name).type
            if name in self.codes:
                columns.append(self.codes[name].encode(column))
            else:
                columns.append(column if column.type == kept else _cast(column.combine_chunks()))
        self.parts.write(pa.Table.from_arrays(columns, schema=self.parts.schema))

    def in_order(self, connection: Any) -> Iterator[pa.Table]:
        """Yield the rows in the order of the input."""
        if self.held is not None:
            yield from self._sorted(self.held)
            return
        self.parts.close()
        names = ", ".join(f'"{name}"' for name in self.schema.names)
        query = f'SELECT {names} FROM read_parquet({_files(self.parts)}) ORDER BY "{NUMBER}", "{_PLACE}"'  # noqa: S608 - our own names
        for batch in stream(connection, query):
            columns = []
            for field in self.schema:
                column = batch.column(field.name)
                if field.name in self.codes:
                    columns.append(self.codes[field.name].decode(column))
                elif field.type == arrow.TEXT:
                    columns.append(column.dictionary_encode())
                else:
                    columns.append(column if column.type == field.type else column.view(field.type))
            yield pa.Table.from_arrays(columns, schema=self.schema)

    def _sorted(self, held: list[tuple[pa.Table, Ints]]) -> Iterator[pa.Table]:
        table = _joined([table for table, _ in held], self.schema)
        order = _order(np.concatenate([np.zeros(0, np.int64), *(numbers for _, numbers in held)]))
        held.clear()
        for start in range(0, table.num_rows, _BATCH):
            yield _narrowed(table.take(order[start : start + _BATCH]))


@attrs.frozen(eq=False)
class GroupedDesk:
    """Interprets rows that were brought together.

    Args:
        interpreter: of whole panels.
        schemas: of the answer.
    """

    interpreter: Interpreter
    schemas: Mapping[str, pa.Schema]

    def interpret(self, table: pa.Table) -> tuple[arrow.Chunk, Ints]:
        """Return the answer, and the numbers of the rows."""
        numbers = table[NUMBER].to_numpy()
        rows = arrow.ArrowColumns(table.drop_columns([NUMBER]))
        return arrow.chunk(self.interpreter.run(rows, numbers), rows, self.schemas), numbers


def interpret_spooled(
    spool: Spool,
    folder: Path,
    interpreter: Interpreter,
    schemas: Mapping[str, pa.Schema],
    write: Callable[[str, pa.Table], None],
    note: Callable[[arrow.Chunk], None],
    *,
    rows: int,
    memory_limit: str,
    workers: int,
    meter: Meter,
) -> None:
    """Interpret stored rows patient by patient and write the answer in the order of the input.

    Args:
        spool: the rows.
        folder: the temporary folder.
        interpreter: of whole panels.
        schemas: of the answer.
        write: takes the name of a table and its next rows.
        note: takes every piece, for what is counted.
        rows: how many there are.
        memory_limit: for DuckDB.
        workers: how many work at a time.
        meter: told of progress.
    """
    first = {name: schemas["results"].field(name) for name in ("patient_id", "collected_at")}
    kept = {**schemas, "results": pa.schema([field for field in schemas["results"] if field.name not in first])}
    plain = ("patient_id", "panel")
    tables = {
        name: Restored.at(folder / f"unordered-{name}", schema, plain, in_memory=spool.in_memory)
        for name, schema in kept.items()
    }

    with connect(folder, memory_limit, workers) as connection:
        meter.stage("grouping")
        done = 0
        desk = GroupedDesk(interpreter, kept)
        tasks = (functools.partial(_interpreted, table) for table in spool.by_patient(connection))
        for chunk, numbers in pipeline.in_order(tasks, workers, desk):
            note(chunk)
            for name, table in chunk.tables.items():
                tables[name].write(table, chunk.firsts.get(name, numbers))
            done += len(numbers)
            del chunk, table
            pa.default_memory_pool().release_unused()  # DuckDB takes all that it may at the same time
            meter.add(len(numbers), done / max(1, rows))
        meter.stage("writing")
        done = 0
        restored = _beside(spool.in_order(*first), tables["results"].in_order(connection))
        for table in pipeline.ahead(restored, workers):
            columns = [
                table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
                for field in schemas["results"]
            ]
            write("results", pa.Table.from_arrays(columns, schema=schemas["results"]))
            done += table.num_rows
            meter.add(table.num_rows, done / max(1, rows))
        for name in ("findings", "pathways"):
            for table in pipeline.ahead(tables[name].in_order(connection), workers):
                write(name, table)


def _interpreted(table: pa.Table, call: Call) -> Any:
    return call("interpret", table)


def _beside(left: Iterator[pa.Table], right: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the columns of two streams of as many rows side by side."""
    ahead: pa.Table | None = None
    for table in left:
        rest = table
        while rest.num_rows:
            ahead = next(right) if ahead is None or not ahead.num_rows else ahead
            rows = min(rest.num_rows, ahead.num_rows)
            columns = dict(zip(rest.column_names, rest.slice(0, rows).columns, strict=True))
            columns |= dict(zip(ahead.column_names, ahead.slice(0, rows).columns, strict=True))
            yield pa.table(columns)
            rest, ahead = rest.slice(rows), ahead.slice(rows)
