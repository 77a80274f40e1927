"""Input files: what each is, how its columns are read, and its rows in pieces."""

from __future__ import annotations

import abc
import functools
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from labinterp import documents
from labinterp.batch import arrow
from labinterp.batch.arrow import ArrowColumns
from labinterp.batch.columns import Columns, FrameColumns
from labinterp.engines import csvblocks
from labinterp.engines.bytestream import ByteStream
from labinterp.engines.together import open_rows
from labinterp.errors import InputError, LayoutError
from labinterp.reading import lines
from labinterp.tables import encodings, headings, layouts, packed, preamble, recognition, sources, text, wide
from labinterp.tables.headings import fold
from labinterp.tables.kept import KEPT, with_kept
from labinterp.tables.people import THE_PATIENT, with_patient
from labinterp.tables.recognition import COLUMNS, LONG, WIDE
from labinterp.tables.records import TOLD
from labinterp.tables.splitter import BadRow, Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from labinterp.options import Options
    from labinterp.reading.analytes import TestMap

_ROW_BYTES: Final = 64
"""About what a row takes in a text file, for the size of pieces of Parquet files."""
FILE: Final = "file"
"""Among the columns that are handed on: the name of the file itself, where it has no column of that name."""
_START: Final = 1 << 13
"""Bytes by which the kind of a file is told: as many as the first typed lines may have."""
_LONGEST_NAME: Final = 80  # characters of a name in a message
_SUFFIXES: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".tab", ".xlsx", ".parquet")


@attrs.define(eq=False)
class Piece:
    """Some rows of a file, not read yet.

    Args:
        held: them, as the source's reader takes them.
        position: how many bytes of the file were passed when it was made.
    """

    held: Any
    position: int

    def taken(self) -> Any:
        """Return what it holds, once: what was read takes no more memory."""
        held, self.held = self.held, None
        return held


Reader = Callable[[Any], tuple[Columns, tuple[BadRow, ...]]]
"""Returns what a piece holds as a table, and what could not be used; pickles, for it may work in another process."""


@attrs.frozen(eq=False)
class FileColumns:
    """How the columns of a file become those of the `labinterp` layout.

    Args:
        layout: its name.
        columns: the user's mapping.
        used: the columns that are needed.
        beside: the tables beside.
        results_per_row: columns of results, in a wide table.
        renamed: our names → theirs, where a table needs no more than that; else None.
        one_patient: whether the rows of a table that does not say whose they are, are of one patient.
        date_order: in which order days and months stand.
        has_units: whether units are given elsewhere.
        tests: the caller's own names of tests.
        unused: the columns that make no difference.
        kept: columns of the table that are handed on as they are, under `KEPT` and their name.
    """

    layout: str
    columns: Mapping[str, str] | None
    used: tuple[str, ...]
    beside: Mapping[str, pd.DataFrame]
    results_per_row: int = 1
    renamed: Mapping[str, str] | None = None
    one_patient: bool = False
    date_order: str | None = None
    has_units: bool = False
    tests: TestMap | None = None
    unused: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def columns_of(self, table: pa.Table) -> Columns:
        """Return rows in the `labinterp` layout, by the shortest way."""
        if self.renamed is None:
            return FrameColumns(self.convert(table))
        handed_on = [(KEPT + name, table[name]) for name in self.kept]
        table = table.select(list(self.renamed.values())).rename_columns(list(self.renamed))
        for name, column in handed_on:
            table = table.append_column(name, column)
        if self.one_patient and "patient_id" not in self.renamed:
            whose = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), table.num_rows), [THE_PATIENT])
            table = table.append_column("patient_id", whose)
        table = arrow.with_texts(table, TOLD)
        return ArrowColumns(table)

    def convert(self, table: pa.Table | pd.DataFrame) -> pd.DataFrame:
        """Return rows in the `labinterp` layout."""
        frame = table if isinstance(table, pd.DataFrame) else arrow.to_frame(table)
        out = layouts.to_labinterp(
            frame, self.layout, self.columns, beside=self.beside, has_units=self.has_units, tests=self.tests
        )
        out = with_kept(out[[name for name in COLUMNS if name in out]], frame, self.kept)
        return with_patient(out) if self.one_patient else out


@attrs.frozen(eq=False)
class How:
    """How the caller says that files are read.

    Args:
        layout: name of the layout, or `auto`.
        columns: our columns → theirs.
        beside: tables beside → what `read` takes; those that lie beside a file are found without being named.
        encoding: of texts, checked.
        has_units: whether units are given elsewhere, so that a table needs no column of them.
        tests: the caller's own names of tests.
        kept: columns that are handed on as they are.
    """

    layout: str = "auto"
    columns: Mapping[str, str] | None = None
    beside: Mapping[str, Any] = attrs.field(factory=dict)
    encoding: str = encodings.AUTO
    has_units: bool = False
    tests: TestMap | None = None
    kept: tuple[str, ...] = ()

    def kept_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what a table with these columns hands on: without `FILE`, unless it has such a column."""
        given = set(names)
        return tuple(name for name in self.kept if name != FILE or name in given)


def reading_of(path: Path | None, names: Sequence[str], how: How) -> FileColumns:
    """Work out the layout of a table by its columns, and which of them it needs.

    Raises:
        LayoutError: if no layout fits.
    """
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    choices = recognition.ColumnChoices(layouts.checked_columns(how.columns), how.has_units, how.tests)
    layout = recognition.recognize(names, choices) if how.layout == "auto" else how.layout
    beside = {} if path is None else documents.siblings(path, layout)
    beside |= {name: sources.read_table(table, how.encoding) for name, table in how.beside.items()}
    layouts.to_labinterp(empty, layout, how.columns, beside=beside, has_units=how.has_units, tests=how.tests)
    used = recognition.used_columns(names, layout, choices)
    kept = how.kept_of(names)
    with_kept(empty, empty, kept)
    if used:
        used = tuple(dict.fromkeys((*used, *kept)))
    reading = FileColumns(
        layout,
        how.columns,
        used,
        beside,
        results_per_row=len(wide.headings(names, how.tests)) if layout == WIDE else 1,
        has_units=how.has_units,
        tests=how.tests,
        unused=tuple(name for name in recognition.unused_columns(names, layout, choices) if name not in kept),
        kept=kept,
    )
    return attrs.evolve(reading, renamed=_renamed(reading)) if used else reading


def _renamed(reading: FileColumns) -> dict[str, str] | None:
    """Return our name → theirs, where a table needs no more than other names for its columns; else None."""
    if (
        reading.layout != LONG
        or "comparator" in map(fold, reading.used)
        or headings.statuses(reading.used)
        or headings.groups(reading.used, ())
        or len(headings.flags(reading.used)) > 1
        or any(headings.flags(reading.used).values())
    ):
        return None
    bare = attrs.evolve(reading, kept=())
    empty = bare.convert(pd.DataFrame({name: [None] for name in reading.used}, dtype=object))
    if "unit" in empty and empty["unit"].notna().any():
        return None  # the heading of the values says it
    named = bare.convert(pd.DataFrame({name: [name] for name in reading.used}))
    renamed = {str(ours): str(named[ours].iloc[0]) for ours in named if named[ours].iloc[0] is not None}
    apart = set(reading.used) - set(reading.kept) - set(renamed.values())  # such as the time of day of a date
    return None if apart else renamed


class Source(abc.ABC):
    """A file of results.

    Args:
        path: the file.
        layout: as in `interpret_files`.
        columns: as in `interpret_files`.
    """

    types: Mapping[str, pa.DataType]
    """Types of the columns in the `labinterp` layout, as far as they are no text."""
    reading: FileColumns
    lines_above = 0
    """Lines that stand above the column names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.given = str(path)
        self._found = _state(path)
        self.size = self._found[0]
        self.sha256 = ""

    def adopt(self, options: Options) -> None:
        """Take over what is chosen about people and dates."""
        self.reading = attrs.evolve(self.reading, one_patient=options.one_patient, date_order=options.date_order)
        if options.one_patient and self.types:
            self.types = {"patient_id": arrow.TEXT, **self.types}

    def check_unchanged(self) -> None:
        """Refuse a file that became another while it was read.

        Raises:
            InputError: if its size or time is another than when it was opened.
        """
        if _state(self.path) != self._found:
            raise InputError(
                f"{self.name} was changed while it was read", hint="Run it again on a file at rest", file=self.name
            )

    @property
    @abc.abstractmethod
    def reader(self) -> Reader:
        """What reads the pieces."""

    @abc.abstractmethod
    def pieces(self, block_bytes: int, panel: bool | None) -> Iterator[Piece]:
        """Yield the rows in pieces, and set `sha256` at the end.

        Args:
            block_bytes: about how many bytes of text a piece has.
            panel: None to cut anywhere; else whether panels end where the collection time changes.
        """


@attrs.frozen(eq=False)
class _TextReader:
    """Reads a block of text."""

    reading: FileColumns
    dialect: Dialect

    def __call__(self, held: csvblocks.Block) -> tuple[Columns, tuple[BadRow, ...]]:
        table, bad = csvblocks.parse_block(held, self.dialect, self.reading.used)
        return self.reading.columns_of(table), bad


class TextSource(Source):
    """A delimited text, packed with gzip or not."""

    types: Mapping[str, pa.DataType] = {}

    def __init__(self, path: Path, how: How) -> None:
        super().__init__(path)
        self._encoding = how.encoding
        choices = recognition.ColumnChoices(layouts.checked_columns(how.columns), how.has_units, how.tests)
        self._pick = preamble.pick(how.layout, choices)
        with ByteStream(path, how.encoding) as stream:
            self._dialect, _ = csvblocks.open_table(stream, self.name, self._pick)
        self.lines_above = self._dialect.above
        first = self._dialect.first[: recognition.FIRST]
        if recognition.units_in_values(self._dialect.names, first, how.layout, choices):
            how = attrs.evolve(how, has_units=True)
        self.reading = reading_of(path, self._dialect.names, how)

    @property
    def reader(self) -> Reader:
        """What reads the pieces."""
        return _TextReader(self.reading, self._dialect)

    def pieces(self, block_bytes: int, panel: bool | None) -> Iterator[Piece]:
        """Yield the rows in pieces, and set `sha256` at the end."""
        with ByteStream(self.path, self._encoding) as stream:
            dialect, line = csvblocks.open_table(stream, self.name, self._pick)
            cut = None
            if panel is not None:
                run = functools.partial(_open_records, self.reading, by_time=panel)
                cut = csvblocks.cut_between_panels(dialect, self.reading.used, run)
            blocks = csvblocks.read_blocks(stream, dialect, line, block_bytes, cut)
            yield from map(lambda block: Piece(block, stream.position), blocks)  # noqa: C417 - a name would keep the block
            self.sha256 = stream.sha256()


@attrs.frozen(eq=False)
class _ParquetReader:
    """Reads a table as Parquet holds it, and takes along what was lost."""

    reading: FileColumns
    schema: pa.Schema

    def __call__(self, held: tuple[pa.Table | None, tuple[BadRow, ...]]) -> tuple[Columns, tuple[BadRow, ...]]:
        table, bad = held
        table = self.schema.empty_table() if table is None else table.unify_dictionaries()
        return self.reading.columns_of(table), bad


class ParquetSource(Source):
    """A Parquet file; row groups that cannot be read are passed over, and said."""

    def __init__(self, path: Path, how: How) -> None:
        super().__init__(path)
        with self._open() as file:
            names, schema = file.schema_arrow.names, file.schema_arrow
        text.refuse_duplicates(names, self.name)
        self.reading = reading_of(path, names, how)
        self._text = [field.name for field in schema if _is_text(field.type)]
        self._used = pa.schema([schema.field(name) for name in self.reading.used])
        self.types = self._types()

    @property
    def reader(self) -> Reader:
        """What reads the pieces."""
        return _ParquetReader(self.reading, self._used)

    def _types(self) -> dict[str, pa.DataType]:
        if self.reading.layout != LONG:
            return {}
        converted = self.reading.convert(self._used.empty_table())
        kinds: dict[str, Any] = {str(name): converted[name].dtype for name in converted}
        own = {name: kind.pyarrow_dtype for name, kind in kinds.items() if isinstance(kind, pd.ArrowDtype)}
        text = {name for name in kinds if name in TOLD or _is_text(own.get(name, arrow.TEXT))}
        return {name: arrow.TEXT if name in text else own[name] for name in kinds}

    def _open(self, **options: Any) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path, **options)
        except MemoryError:  # of Arrow, too
            raise
        except (pa.ArrowException, OSError):
            raise InputError(
                f"{self.name} is a damaged Parquet file", hint="Write the file again", file=self.name
            ) from None

    def pieces(self, block_bytes: int, panel: bool | None) -> Iterator[Piece]:
        """Yield the rows in pieces, and set `sha256` at the end."""
        rows = max(1, block_bytes // _ROW_BYTES)
        with self._open(read_dictionary=self._text, memory_map=False) as file:
            groups = file.metadata.num_row_groups
            carry: pa.Table | None = None
            for group in range(groups):
                position = self.size * group // groups
                expected, got = file.metadata.row_group(group).num_rows, 0
                try:
                    for batch in file.iter_batches(rows, row_groups=[group], columns=list(self.reading.used)):
                        got += batch.num_rows
                        table = pa.Table.from_batches([batch])
                        table = table if carry is None else pa.concat_tables([carry, table])
                        kept = None if panel is None else self._cut(table, by_time=panel)
                        carry = table if kept == 0 else None if kept is None else table.slice(kept)
                        if kept != 0:
                            yield Piece((table if kept is None else table.slice(0, kept), ()), position)
                except MemoryError:  # of Arrow, too: the rows are not damaged
                    raise
                except (pa.ArrowException, OSError):
                    what = f"row group {group} of the Parquet file is damaged"
                    yield Piece((None, (BadRow(None, what, rows=expected - got),)), position)
            if carry is not None:
                yield Piece((carry, ()), self.size)
        with self.path.open("rb") as raw:
            self.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()

    def _cut(self, table: pa.Table, *, by_time: bool) -> int:
        """Return how many rows make whole panels."""
        look = 64
        while True:
            tail = table.slice(max(0, table.num_rows - look))
            held = _open_records(self.reading, tail.unify_dictionaries(), by_time=by_time)
            if held is not None and held < tail.num_rows:
                return int(table.num_rows) - held
            if tail.num_rows == table.num_rows:
                return 0
            look *= 8


class DocumentSource(Source):
    """A FHIR, HL7 v2 or JSON document, or a list of typed lines; read as a whole."""

    types: Mapping[str, pa.DataType] = {}

    def __init__(self, path: Path, how: How) -> None:
        super().__init__(path)
        self.reading = FileColumns(LONG, None, (), {})
        self._frame = documents.read_as_sent(
            path,
            how.layout,
            how.columns,
            encoding=how.encoding,
            beside=how.beside,
            tests=how.tests,
            has_units=how.has_units,
        )
        self._frame = with_kept(self._frame, self._frame, how.kept_of(map(str, self._frame)))

    def adopt(self, options: Options) -> None:
        """Take over what is chosen about people."""
        if options.one_patient:
            self._frame = with_patient(self._frame)

    @property
    def reader(self) -> Reader:
        """What reads the pieces."""
        return _as_read

    def pieces(self, block_bytes: int, panel: bool | None) -> Iterator[Piece]:  # noqa: ARG002 - one piece
        """Yield one piece, and set `sha256`."""
        frame = self._frame[[name for name in self._frame if name in COLUMNS or str(name).startswith(KEPT)]]
        self.sha256 = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if len(frame):
            yield Piece(frame, self.size)


def _as_read(held: pd.DataFrame) -> tuple[Columns, tuple[BadRow, ...]]:
    return FrameColumns(held), ()


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of the last change."""
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _open_records(reading: FileColumns, table: pa.Table, *, by_time: bool) -> int | None:
    """Return how many rows of a file, at the end of a table, may belong to a panel that goes on; None for all."""
    held = open_rows(reading.columns_of(table), by_time=by_time, date_order=reading.date_order)
    return None if held is None else -(-held // reading.results_per_row)


def open_sources(paths: str | Path | BinaryIO | Iterable[str | Path | BinaryIO], how: How) -> list[Source | BinaryIO]:
    """Open every file, and every table in a folder, in the order given; streams are left as they are.

    Raises:
        InputError: if one cannot be read at all.
        LayoutError: if the columns of one fit no layout.
    """
    given: list[Any] = [paths] if isinstance(paths, str | Path) or hasattr(paths, "read") else list(paths)
    found = [file for path in given for file in ([path] if hasattr(path, "read") else _files(Path(path)))]
    if not found:
        raise InputError("there is no file to read", hint="Give at least one CSV or Parquet file")
    names = [file.name for file in found if isinstance(file, Path)]
    opened = [_open(file, how) if isinstance(file, Path) else file for file in found]
    for source in opened:
        if isinstance(source, Source) and names.count(source.name) > 1:
            source.name = source.given
    return opened


def keep(stream: BinaryIO, folder: Path, how: How) -> Source:
    """Copy a stream to a folder of its own, since a file is read more than once, and open it.

    Raises:
        InputError: if it cannot be read at all.
        LayoutError: if its columns fit no layout.
    """
    name = str(getattr(stream, "name", "stream"))
    name = "standard input" if name in {"<stdin>", "0"} else Path(name).name
    folder.mkdir()
    path = folder / name
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    source = _open(path, how)
    source.given = name
    return source


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return sorted(
                file for file in path.iterdir() if file.name.casefold().endswith(_SUFFIXES) and file.is_file()
            )
        found, there = path.is_file(), path.exists()
    except (OSError, ValueError):
        raise InputError("that is no path of a file here", hint="Check the path") from None
    if not found:
        name = (path.name or str(path))[:_LONGEST_NAME]
        raise InputError(f"{name} {'is no file' if there else 'is not there'}", hint="Check the path", file=name)
    return [path]


def _open(path: Path, how: How) -> Source:
    with path.open("rb") as file:
        start = file.read(1 << 10)
    if start[:4] == sources.PARQUET:
        return ParquetSource(path, how)
    packed.refuse_foreign(start, path.name)
    with ByteStream(path, how.encoding) as stream:
        start = stream.read(_START)
    kind = sources.kind_of(start)
    if kind == "parquet":
        raise InputError(f"{path.name} is a packed Parquet file", hint="Unpack it first", file=path.name)
    typed = how.layout == "auto" and not how.columns and lines.looks_typed(start.decode(errors="ignore"))
    try:
        return (TextSource if kind == "table" and not typed else DocumentSource)(path, how)
    except LayoutError as error:
        error.data.setdefault("file", path.name)
        raise
