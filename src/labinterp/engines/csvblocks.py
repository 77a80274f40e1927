"""A table of text in blocks of whole records: cut fast, read by Arrow, and read exactly where something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from labinterp.errors import InputError
from labinterp.tables import packed, text
from labinterp.tables.splitter import (
    TOO_LONG,
    BadRow,
    Dialect,
    Exact,
    Quoting,
    read_exactly,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labinterp.engines.bytestream import ByteStream


MAX_RECORD: Final = 64 << 20
"""Longest record in bytes; what is longer has lost its end."""

_OPENING: Final = 1 << 18
_LOOK: Final = 48

Run = Callable[[pa.Table], int | None]
"""Says how many rows at the end of a table may go on behind it; None for all of them."""
Cut = Callable[[bytes, Quoting, int], int]
"""Says how many of the first bytes, which are whole records, make whole panels."""


@attrs.frozen
class Block:
    """Whole records.

    Args:
        data: the records, and it may be the beginning of others behind them, so that nothing is copied.
        end: where the records end in `data`.
        line: the first one's line in the file.
        used: how many bytes of the file they took, bad ones included.
        lines: how many lines.
        bad: records that were left out, with their lines in the file.
        checked: whether every record was looked at already.
    """

    data: bytes = attrs.field(repr=False)
    end: int
    line: int
    used: int
    lines: int
    bad: tuple[BadRow, ...] = ()
    checked: bool = False

    @property
    def records(self) -> bytes:
        """The records alone."""
        return self.data[: self.end]


def open_table(stream: ByteStream, name: str, pick: text.Pick | None = None) -> tuple[Dialect, int]:
    """Read the header; return the dialect and the line on which the rows begin. `pick` is as in `text.dialect_of`.

    Raises:
        InputError: if this is no table of text.
        LayoutError: if two columns have the same name, or there is no header.
    """
    data = stream.read(_OPENING)
    packed.refuse_foreign(data, name)
    if not data.strip():
        what = stream.damage or "it is empty"
        raise InputError(f"{name} has no rows: {what}", hint="A table needs a line with the column names", file=name)
    dialect, used, line = text.dialect_of(data, name, pick)
    stream.unread(data[used:])
    return dialect, line


def read_blocks(stream: ByteStream, dialect: Dialect, line: int, block_bytes: int, cut: Cut | None) -> Iterator[Block]:
    """Yield the rows in blocks.

    Args:
        stream: stands behind the header.
        dialect: of the table.
        line: on which the rows begin.
        block_bytes: about how many bytes a block has.
        cut: given whole records, how many of the bytes make whole panels; 0 to wait for more.
    """
    wanted = block_bytes
    while True:
        data = stream.read(wanted)
        ended = len(data) < wanted
        block = _first_block(data, dialect, line, cut, final=ended, damage=stream.damage)
        if block is None and len(data) > MAX_RECORD and b"\n" not in data:
            block = _skip_line(stream, data, line)
            data = b""
        step = max(block_bytes, len(data)) if block is None else block_bytes
        if block is not None:
            line, data = line + block.lines, data[block.used :]
            handed = [block]
            del block  # whoever takes it may let go of it, while this waits
            yield handed.pop()
        if ended:
            return
        stream.unread(data)
        wanted = len(data) + step


def _first_block(
    data: bytes, dialect: Dialect, line: int, cut: Cut | None, *, final: bool, damage: str | None
) -> Block | None:
    """Return the whole records at the beginning of `data`, or None if more is needed to find the end of one."""
    whole = final and not damage
    quoting, exact = Quoting(data, dialect.delimiter), None
    if (
        quoting.stray
        or (whole and quoting.open)
        or quoting.runs_over(dialect.width)
        or (len(data) > MAX_RECORD and b'"' in data)
    ):
        exact = read_exactly(data, dialect, final=whole, give_up=len(data) > MAX_RECORD)
        used = exact.used
    else:
        used = len(data) if whole else max(quoting.record_ends(len(data), 1), default=0)
    if not final and cut is not None and used:
        if exact is None:
            used = cut(data, quoting, used)
        else:
            used, exact = _cut(data, exact, dialect, cut)
    bad = () if exact is None else exact.bad
    lines = quoting.lines(used)
    if final and damage:
        bad = (*bad, BadRow(lines + 1, damage, rows=1 if data[used:].strip() else 0))
    if not used and not bad:
        return None
    rows = data if exact is None else exact.join(data)
    return Block(
        data=rows,
        end=used if exact is None else len(rows),
        line=line,
        used=used,
        lines=lines,
        bad=tuple(at(row, line) for row in bad),
        checked=exact is not None,
    )


def _cut(data: bytes, exact: Exact, dialect: Dialect, cut: Cut) -> tuple[int, Exact]:
    """Leave out the records at the end whose panel may go on."""
    rows, used = exact.join(data), exact.used
    kept = cut(rows, Quoting(rows, dialect.delimiter), len(rows))
    good, length = [], 0
    for start, end in exact.good:
        if length == kept:
            used = start
            break
        good.append((start, end))
        length += end - start
    last = data.count(b"\n", 0, used)
    return used, Exact(tuple(good), tuple(row for row in exact.bad if (row.line or 0) <= last), used)


def _skip_line(stream: ByteStream, data: bytes, line: int) -> Block:
    """Pass over a line that has no end within reason."""
    while data and b"\n" not in data:
        data = stream.read(_OPENING)
    stream.unread(data[data.find(b"\n") + 1 :])
    return Block(data=b"", end=0, line=line, used=0, lines=1, bad=(BadRow(line, TOO_LONG),), checked=True)


def at(row: BadRow, line: int) -> BadRow:
    """Return a bad row of a block that starts at `line` with its line in the file."""
    return attrs.evolve(row, line=line + (row.line or 1) - 1)


def cut_between_panels(dialect: Dialect, columns: Sequence[str], run: Run) -> Cut:
    """Return the function that finds the last border between panels.

    Args:
        dialect: of the table.
        columns: the columns that are read.
        run: says of a table how many of its last rows may go on behind it; None for all of them.
    """

    def cut(data: bytes, quoting: Quoting, used: int) -> int:
        look = _LOOK
        while True:
            ends = quoting.record_ends(used, look + 1)
            start = ends[-1] if len(ends) > look else 0
            last = data[start:used]
            exact = read_exactly(last, dialect, final=True)
            rows = run(parse(exact.join(last), dialect, columns))
            if rows is not None and rows < len(exact.good):
                return start + exact.good[-rows][0] if rows else used
            if not start:
                return 0
            look *= 8

    return cut


def parse(data: bytes, dialect: Dialect, columns: Sequence[str]) -> pa.Table:
    """Read records that are all good; every cell is text, empty ones are missing."""
    table, bad = _parse(data, len(data), dialect, columns)
    if bad:
        raise InputError("two readers differ on a record of the table", hint="Export the table again, as plain CSV")
    return table


def _parse(data: bytes, end: int, dialect: Dialect, columns: Sequence[str]) -> tuple[pa.Table, int]:
    """Read the records in the first bytes, up to `end`; return how many of them have another number of fields."""
    texts = pa.dictionary(pa.int32(), pa.string())
    if not end:
        return pa.schema([(name, texts) for name in columns]).empty_table(), 0
    skipped: list[int] = []

    def skip(row: Any) -> str:
        skipped.append(row.actual_columns)
        return "skip"

    # `read_csv` takes the signals of the main thread over, and can lose one that comes as it ends; this reader does not
    reader = pacsv.open_csv(
        pa.py_buffer(data).slice(0, end),
        read_options=pacsv.ReadOptions(column_names=dialect.names, block_size=end + 1, use_threads=False),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=b'"' in data, invalid_row_handler=skip
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(columns, texts),
            include_columns=list(columns),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    with reader:
        return reader.read_all(), len(skipped)


def parse_block(block: Block, dialect: Dialect, columns: Sequence[str]) -> tuple[pa.Table, tuple[BadRow, ...]]:
    """Return the usable rows of a block, and the others."""
    if not block.checked:
        if b"\0" not in block.data and _is_utf8(block.data, block.end):
            table, skipped = _parse(block.data, block.end, dialect, columns)
            if not skipped:
                return table, block.bad
        exact = read_exactly(block.records, dialect, final=True)
        bad = (*block.bad, *(at(row, block.line) for row in exact.bad))
        return parse(exact.join(block.data), dialect, columns), bad
    return parse(block.records, dialect, columns), block.bad


def _is_utf8(data: bytes, end: int) -> bool:
    """Say whether the first bytes, up to `end`, are UTF-8."""
    if data.isascii():
        return True
    ends = np.array([0, end], np.int32)
    try:
        pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
