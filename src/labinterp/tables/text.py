"""A delimited text → its columns and records: the rules that every reader of tables shares.

A table is read whole by pandas, or in blocks by PyArrow; both first look for faults over the bytes, and where there is
one, `splitter` tells the records apart exactly. So both read the same rows, and refuse the same.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import itertools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, overload

import numpy as np
import pandas as pd

from labinterp.errors import InputError, LayoutError
from labinterp.reading import analytes, units, values
from labinterp.tables import encodings
from labinterp.tables.splitter import BEHIND, NEVER_CLOSED, Dialect, Quoting, read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS: Final = (",", ";", "\t", "|")
ENCODING_HINT: Final = "Export the table again, as CSV in UTF-8, or name its encoding, as in encoding='cp1252'"
_BOM: Final = b"\xef\xbb\xbf"
_NUMBER_OR_DATE: Final = re.compile(r"[<>=~]{0,2}\s*[0-9]{1,20}(?:[.,:/T-][0-9]{1,20}){0,6}Z?", re.ASCII)
_MOST_ABOVE: Final = 50
"""Lines, blank ones apart, among which the column names are looked for."""
_BEGINNING: Final = 1 << 16
"""Bytes that tell a delimiter."""
_MOST_BELOW: Final = 50
"""Lines, blank ones apart, that may stand below the last row."""
_SEPARATOR_LINE: Final = re.compile(rb'"?sep=([,;|\t])"?[,;|\t ]*\n', re.IGNORECASE)
"""What Excel writes and reads on a first line."""
ABOVE: Final = "labinterp_lines_above"
"""Where the `attrs` of a frame say how many lines stood above its column names, blank ones apart."""
BELOW: Final = "labinterp_lines_below"
"""Where the `attrs` of a frame say how many lines stood below its last row, blank ones apart."""

Pick = Callable[[Sequence[Sequence[str]]], int]
"""Says which of the first lines of a table, given by their cells, has the column names."""


def utf8(data: bytes, name: str, encoding: str = encodings.AUTO) -> bytes:
    """Return a text in UTF-8, without byte order mark, its line ends newlines.

    Raises:
        InputError: if it is empty, holds NUL bytes, or is in no encoding that its bytes tell.
    """
    codec = encodings.codec_of(data, encoding)
    if codec not in ("utf-8", "ascii"):
        try:
            data = data.decode(codec).encode("utf-8")
        except UnicodeError as error:
            line = _line_at(data, error.start) if isinstance(error, UnicodeDecodeError) else 1
            raise InputError(
                f"{name}, line {line}: the text is not {codec.upper()}", hint=ENCODING_HINT, file=name, line=line
            ) from None
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.strip():
        raise InputError(f"{name} is empty", hint="A table needs a first line with the column names", file=name)
    position = data.find(b"\0")
    if position >= 0:
        raise fault(name, _line_at(data, position), "there is a NUL byte, which no text has")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            what = f"the byte {data[error.start]:#04x} is not UTF-8"
            raise fault(name, _line_at(data, error.start), what, ENCODING_HINT) from None
    return data


def fault(name: str, line: int, what: str, hint: str = "Export the table again, as CSV in UTF-8") -> InputError:
    """Return the error that a line of a table is."""
    return InputError(f"{name}, line {line}: {what}", hint=hint, file=name, line=line)


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def dialect_of(data: bytes, name: str, pick: Pick | None = None) -> tuple[Dialect, int, int]:
    """Read the beginning of a table; return its dialect, where its rows begin, and on which line.

    Args:
        data: the table, or its beginning.
        name: used in messages.
        pick: says which of the first lines has the column names; without it the first one that is not blank has them.

    Raises:
        InputError: if the column names cannot be told.
        LayoutError: if two columns have the same name, there are no column names, or rows stand above them.
    """
    start, line = 0, 1
    said = _SEPARATOR_LINE.match(data)
    if said:
        start, line = said.end(), 2
    separator = None if said is None else said[1].decode("ascii")
    first = list(itertools.islice(_lines(data, start, line), 1 if pick is None else _MOST_ABOVE))
    if not first:
        raise fault(name, 1, "there are no column names")
    above = 0 if pick is None else pick(_Rows(lambda found: _cells(data, found, separator), first))
    chosen = first[above]
    delimiter = separator or delimiter_of(data[chosen.start : chosen.start + _BEGINNING])
    names = header_of(data[chosen.start : chosen.end], delimiter, name, chosen.number)
    below = tuple(tuple(_cells(data, found, delimiter)) for found in first[above + 1 :])
    dialect = Dialect(delimiter, tuple(names), above, below)
    return dialect, min(chosen.end + 1, len(data)), chosen.number + 1


class _Line(NamedTuple):
    """Where a line stands that is not blank."""

    start: int
    end: int
    number: int


class _Rows(Sequence[Sequence[str]]):
    """The cells of lines, each read when it is asked for."""

    def __init__(self, read: Callable[[_Line], Sequence[str]], lines: Sequence[_Line]) -> None:
        self._read = functools.cache(read)
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> Sequence[str]: ...

    @overload
    def __getitem__(self, at: slice) -> list[Sequence[str]]: ...

    def __getitem__(self, at: int | slice) -> Sequence[str] | list[Sequence[str]]:
        found = self._lines[at]
        return [self._read(line) for line in found] if isinstance(found, list) else self._read(found)


def _lines(data: bytes, start: int, number: int) -> Iterator[_Line]:
    """Yield the lines that are not blank."""
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if data[start:end].strip():
            yield _Line(start, end, number)
        start, number = end + 1, number + 1


def _cells(data: bytes, line: _Line, separator: str | None) -> list[str]:
    """Return what stands on a line, as if the table began there."""
    delimiter = separator or delimiter_of(data[line.start : line.start + _BEGINNING])
    text = data[line.start : line.end].decode("utf-8", "replace")
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error:
        return [text]


def delimiter_of(data: bytes) -> str:
    """Return the delimiter that splits the first lines most alike; of equals, the one that splits the header most."""
    best, chosen = (0.0, 0), DELIMITERS[0]
    for delimiter in DELIMITERS:
        counts: list[int] = []
        with contextlib.suppress(csv.Error):
            counts.extend(len(record) - 1 for record in itertools.islice(_first_records(data, delimiter), 8))
        if counts and counts[0]:
            best, chosen = max((best, chosen), ((counts.count(counts[0]) / len(counts), counts[0]), delimiter))
    return chosen


def _first_records(data: bytes, delimiter: str) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")
    for record in csv.reader(text, delimiter=delimiter):
        if any(map(str.strip, record)) or len(record) > 1:
            yield record


def header_of(head: bytes, delimiter: str, name: str, line: int = 1) -> list[str]:
    """Return the column names on a line.

    Raises:
        InputError: if a quote in it is not closed, so that a name would run over lines, or it is not UTF-8.
        LayoutError: if it holds values, or two columns have the same name.
    """
    if b"\0" in head:
        raise fault(name, line, "there is a NUL byte, which no text has")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            f"{name}, line {line}: the column names are not UTF-8", hint=ENCODING_HINT, file=name, line=line
        ) from None
    try:
        names = [column.strip() for column in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        what = BEHIND if "expected after" in str(error) else NEVER_CLOSED
        raise fault(name, line, f"{what} in the column names") from None
    if any(map(holds_value, names)):
        raise LayoutError(
            f"{name} starts with values where the column names should be",
            hint="Put the column names on the first line",
            file=name,
        )
    names = [column or f"unnamed {i + 1}" for i, column in enumerate(names)]
    refuse_duplicates(names, name)
    return names


def holds_value(cell: str) -> bool:
    """Say whether a cell holds a number, with its unit or without, or a date, as no column name does.

    Example:
        >>> holds_value("<0.5"), holds_value("2026-01-31"), holds_value("1.4 mg/dL"), holds_value("Vitamin B12")
        (True, True, True, False)
    """
    if _NUMBER_OR_DATE.fullmatch(cell[:128]):
        return True
    read = values.parse_text(cell)
    return read.number is not None and read.unit_text is not None and units.resolve(read.unit_text).code is not None


def refuse_duplicates(names: list[str], name: str = "the table") -> None:
    """Raise LayoutError if two columns have the same name."""
    twice = sorted({column for column in names if names.count(column) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise LayoutError(
            f"{name} has more than one column named {', '.join(twice)}",
            hint="Rename or drop all but one of them",
            column=twice[0],
            columns=tuple(twice),
        )


def frame_of(data: bytes, name: str, encoding: str = encodings.AUTO, pick: Pick | None = None) -> pd.DataFrame:
    """Read a delimited text whole; every cell is text, empty ones are NaN. `pick` is as in `dialect_of`.

    Raises:
        InputError: at the first record that cannot be used, by its line.
        LayoutError: if two columns have the same name, or there are no column names.
    """
    data = utf8(data, name, encoding)
    dialect, start, line = dialect_of(data, name, pick)
    rows, below = without_remarks(data[start:], dialect.delimiter)
    frame = _rows_of(rows, dialect, name, line)
    frame.attrs.update({mark: lines for mark, lines in ((ABOVE, dialect.above), (BELOW, below)) if lines})
    return frame


def without_remarks(rows: bytes, delimiter: str) -> tuple[bytes, int]:
    r"""Return rows without what is written below the last of them, and how many lines of it there are.

    Such a line has one cell of several words, which are no test. What may be a row that was cut off is kept. Where a
    table is read in pieces, each such line is a bad row instead.

    Example:
        >>> without_remarks(b"Mg,1.1,mg/dL\n\n(1 row affected)\n", ",")
        (b'Mg,1.1,mg/dL\n\n', 1)
    """
    tail = rows[-_BEGINNING:].split(b"\n")
    if len(rows) > _BEGINNING:
        del tail[0]
    at = end = len(rows)
    below = 0
    for i, line in enumerate(reversed(tail)):
        at -= len(line) + bool(i)
        if line.strip():
            if below == _MOST_BELOW or not _is_remark(line, delimiter):
                break
            end, below = at, below + 1
    return rows[:end], below


def _is_remark(line: bytes, delimiter: str) -> bool:
    if delimiter.encode() in line or line.count(b'"') % 2:
        return False
    text = line.decode("utf-8", "replace").strip(' "')
    return any(map(str.isalpha, text)) and " " in text and analytes.resolve(text).reason == "unknown"


def _rows_of(rows: bytes, dialect: Dialect, name: str, line: int) -> pd.DataFrame:
    if has_fault(rows, dialect):
        found = read_exactly(rows, dialect, final=True)
        if found.bad:
            bad = found.bad[0]
            raise fault(name, line + (bad.line or 1) - 1, bad.what)
    if not rows.strip():
        return pd.DataFrame({column: pd.Series(dtype=str) for column in dialect.names})
    try:
        return pd.read_csv(
            io.BytesIO(rows),
            sep=dialect.delimiter,
            header=None,
            names=list(dialect.names),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        raise fault(name, line, "a row cannot be told from the next") from None


def has_fault(rows: bytes, dialect: Dialect) -> bool:
    """Say whether some record may be unusable, by a look over the bytes; `read_exactly` knows."""
    quoting = Quoting(rows, dialect.delimiter)
    return quoting.stray or quoting.open or quoting.runs_over(dialect.width) or _is_ragged(rows, dialect)


def _is_ragged(data: bytes, dialect: Dialect) -> bool:
    """Say whether a record that is not blank has another number of fields; quotes must not be stray."""
    cells = np.frombuffer(data, dtype=np.uint8)
    ends, splits = cells == ord("\n"), cells == ord(dialect.delimiter)
    if b'"' in data:
        outside = (np.cumsum(cells == ord('"'), dtype=np.uint8) & 1) == 0
        ends &= outside
        splits &= outside
    stops = np.flatnonzero(ends)
    if len(data) and (not stops.size or stops[-1] != len(data) - 1):
        stops = np.append(stops, len(data))
    fields = np.diff(np.searchsorted(np.flatnonzero(splits), stops), prepend=0) + 1
    for at in np.flatnonzero(fields != dialect.width):
        start = int(stops[at - 1]) + 1 if at else 0
        if data[start : int(stops[at])].strip(b" \n"):
            return True
    return False
