"""Tables in parts: Parquet or CSV files of bounded size, each with its hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from labinterp import formulas

if TYPE_CHECKING:
    from pathlib import Path

ROWS_PER_PART: Final = 1 << 23
_ROWS_PER_GROUP: Final = 1 << 16
_SEARCHED: Final = ("patient_id", "collected_at", "value")
"""Columns with least and greatest value by row group, by which a reader passes groups over."""


@attrs.frozen
class Output:
    """A file that was written.

    Args:
        file: its path within the output folder.
        rows: rows in it.
        bytes: its size.
        sha256: its hash.
    """

    file: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, folder: Path, rows: int) -> Output:
        """Describe a file of an output folder."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.relative_to(folder).as_posix(), rows, path.stat().st_size, digest)


class PartWriter:
    """Writes one table as `part-00000`, `part-00001` and so on.

    Args:
        folder: where the parts go; made here.
        schema: of the table.
        kind: `parquet` or `csv`.
        compression: of Parquet.
        rows_per_part: after about how many rows the next part begins.
        tally: a column of text whose values are counted in `counts`.
    """

    def __init__(
        self,
        folder: Path,
        schema: pa.Schema,
        kind: str = "parquet",
        *,
        compression: str = "zstd",
        rows_per_part: int = ROWS_PER_PART,
        tally: str | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.schema = schema
        self.files: list[tuple[Path, int]] = []
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self._tally = tally
        self._folder = folder
        self._kind = kind
        self._compression = compression
        self._rows_per_part = rows_per_part
        self._waiting: list[pa.Table] = []
        self._writer: Any = None
        self._in_part = 0

    def write(self, table: pa.Table) -> None:
        """Add rows; they are written by the group."""
        self.rows += table.num_rows
        if self._tally is not None:
            self._count(table[self._tally])
        self._waiting.append(table)
        if sum(waiting.num_rows for waiting in self._waiting) >= _ROWS_PER_GROUP:
            self._flush()

    def _count(self, column: pa.ChunkedArray) -> None:
        for chunk in column.chunks:
            for item in chunk.indices.drop_null().value_counts().to_pylist():
                self.counts[chunk.dictionary[item["values"]].as_py()] += item["counts"]

    def close(self) -> None:
        """Write what waits; a table without rows has a part, too."""
        if self._waiting or not self.files:
            self._flush()
        self._end_part()

    def abort(self) -> None:
        """Let go of the file that is open."""
        self._waiting = []
        self._end_part()

    def outputs(self, folder: Path) -> list[Output]:
        """Describe the parts, by their paths in an output folder."""
        return [Output.of(path, folder, rows) for path, rows in self.files]

    def _flush(self) -> None:
        rows = self._waiting[0] if len(self._waiting) == 1 else self._joined()
        self._waiting = []
        if self._writer is None:
            path = self._folder / f"part-{len(self.files):05}.{self._kind}"
            self._writer = self._open(path)
            self.files.append((path, 0))
        if self._kind == "csv":
            self._writer.write_table(_disarmed(rows).cast(_plain(self.schema)))
        else:
            self._writer.write_table(rows, row_group_size=1 << 24)
        self._in_part += rows.num_rows
        self.files[-1] = (self.files[-1][0], self._in_part)
        if self._in_part >= self._rows_per_part:
            self._end_part()

    def _joined(self) -> pa.Table:
        """Return what waits as one table, without a chunk that has no rows: some writers of CSV repeat rows there."""
        rows = [table for table in self._waiting if table.num_rows] or [self.schema.empty_table()]
        return pa.concat_tables(rows).unify_dictionaries()

    def _open(self, path: Path) -> Any:
        if self._kind == "csv":
            return pacsv.CSVWriter(path, _plain(self.schema), write_options=pacsv.WriteOptions(quoting_style="needed"))
        searched = [name for name in _SEARCHED if name in self.schema.names]
        return pq.ParquetWriter(path, self.schema, compression=self._compression, write_statistics=searched)

    def _end_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._in_part = None, 0


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type) for field in schema]
    )


def _disarmed(rows: pa.Table) -> pa.Table:
    """Return rows in which an apostrophe stands before every text that a spreadsheet would run as a formula."""
    for i, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            chunks = [
                pa.DictionaryArray.from_arrays(
                    chunk.indices,
                    pc.replace_substring_regex(chunk.dictionary, pattern=formulas.PATTERN, replacement=r"'\1"),
                )
                for chunk in rows.column(i).unify_dictionaries().chunks
            ]
            rows = rows.set_column(i, field, pa.chunked_array(chunks, field.type))
    return rows
