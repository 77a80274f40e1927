"""Tables from outside → pandas frames in which every cell of a text file is text.

What a document is, is told by its content and never by its name. A text table is read without guessing types, so
that `007` stays `007` and an analyte called `NA` stays; only an empty cell becomes NaN. Anything that would shift a
value into another column (a row with a field too many or too few, a quote that is never closed) is an error that
names the file and the line, and never the content.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.arguments import has
from labinterp.errors import InputError, LayoutError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UNPACKED: Final = 4 << 30
"""Most bytes that a compressed document may unpack to."""

_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = (",", ";", "\t")
_QUOTE: Final = ord('"')
_NEWLINE: Final = ord("\n")
_HL7 = re.compile(rb"[\x0b\s]*(?:(?:MSH|FHS|BHS)[^A-Za-z0-9\s,;]|(?:PID|ORC|OBR|OBX|SPM|NTE)\|)")
_NUMBER_OR_DATE = re.compile(r"[<>=~]{0,2}\s*[0-9]{1,20}(?:[.,:/T-][0-9]{1,20}){0,6}Z?", re.ASCII)
_FILE_LIKE = re.compile(r"(?:[^\t;]*[/\\])?[^\t;/\\]*\.[A-Za-z0-9]{2,8}")
FOREIGN: Final = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"HEADER RECORD*******", "a SAS transport file"),
    (b"<", "XML or HTML"),
)


def load(source: Any) -> tuple[bytes, str]:
    r"""Return the bytes of a path, text, bytes or open file, unpacked, and the name to use in messages.

    A `str` is a path where it names an existing file and has no line end, and the document itself otherwise.

    Raises:
        InputError: if there is no such file, or it cannot be unpacked.

    Example:
        >>> load("test,value,unit\n")
        (b'test,value,unit\n', 'the text')
    """
    data, name = _bytes(source)
    if data[:2] == b"\x1f\x8b":
        data = _unpack(data, name)
    return data, name


def _bytes(source: Any) -> tuple[bytes, str]:
    if has(source, "read"):
        source = source.read()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "the document"
    if isinstance(source, Path):
        return _file(source)
    if not isinstance(source, str):
        raise InputError(
            f"cannot read a {type(source).__name__}",
            hint="Give a path, text, bytes, an open file, parsed JSON or a pandas frame",
        )
    source = str.__str__(source)  # a subclass may have a mind of its own
    if "\n" not in source and "\r" not in source:
        with contextlib.suppress(OSError, ValueError):
            if Path(source).is_file():
                return _file(Path(source))
        if source[:1] not in ("{", "[") and _FILE_LIKE.fullmatch(source):
            raise InputError("there is no such file", hint="Check the path; text needs at least one line end")
    try:
        return source.encode("utf-8"), "the text"
    except UnicodeEncodeError:
        raise InputError("the text holds half characters (lone surrogates)", hint="Decode it as UTF-8") from None


def _file(path: Path) -> tuple[bytes, str]:
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        what = f"{path.name} cannot be read: {error.strerror}"
        raise InputError(what, hint="Check the path", file=path.name) from None


def _unpack(data: bytes, name: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, MAX_UNPACKED - size + 1))
        except zlib.error:
            raise InputError(f"{name}: the gzip data are damaged", hint="Fetch the file again", file=name) from None
        size += len(parts[-1])
        if size > MAX_UNPACKED:
            raise InputError(f"{name} unpacks to too much", hint="Use `labinterp.interpret_files`", file=name)
        if not stream.eof:
            raise InputError(f"{name}: the gzip data are cut short", hint="Fetch the file again", file=name)
        data = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def kind_of(data: bytes) -> str:
    """Tell by content what a document is: `parquet`, `hl7v2`, `json` or `table`.

    Example:
        >>> kind_of(b'{"resourceType": "Bundle"}')
        'json'
    """
    if data[:4] == b"PAR1":
        return "parquet"
    start = data[:64].removeprefix(_BOM)
    if _HL7.match(start):
        return "hl7v2"
    return "json" if start.lstrip()[:1] in (b"{", b"[") else "table"


def read_table(source: Any) -> pd.DataFrame:
    r"""Read a CSV, TSV, gzipped CSV or Parquet table from a path, text, bytes or an open file.

    The delimiter (comma, semicolon or tab) is told by content. Cells of a text table are text, empty ones NaN;
    a Parquet table keeps its types. A frame comes back as it is.

    Raises:
        InputError: if the document is no table, or a damaged one; the message names the file and the line.
        LayoutError: if two columns have the same name.

    Example:
        >>> read_table("test;value\nNA;7,9\n").to_dict("records")
        [{'test': 'NA', 'value': '7,9'}]
    """
    if isinstance(source, pd.DataFrame):
        return source
    data, name = load(source)
    return table_of(data, name)


def table_of(data: bytes, name: str) -> pd.DataFrame:
    """Read a table from unpacked bytes; `name` is used in messages."""
    if data[:4] == b"PAR1":
        return _parquet(data, name)
    for magic, what in FOREIGN:
        if data.removeprefix(_BOM).lstrip()[: len(magic)] == magic:
            raise InputError(f"{name} is {what}", hint="Export it as CSV or Parquet", file=name)
    data = _utf8(data, name)
    delimiter = delimiter_of(data)
    header = header_of(data, delimiter, name)
    _check_rows(data, delimiter, len(header), name)
    try:
        return pd.read_csv(
            io.BytesIO(data),
            sep=delimiter,
            header=0,
            names=header,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        raise _fault(name, _open_quote(data), "a quoted field is never closed") from None


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError.from_extra("pyarrow", "duckdb") from None
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise InputError(f"{name} is a damaged Parquet file", hint="Write the file again", file=name) from None
    refuse_duplicates([str(column) for column in frame.columns], name)
    return frame


def _fault(name: str, line: int, what: str) -> InputError:
    return InputError(
        f"{name}, line {line}: {what}", hint="Export the table again, as CSV in UTF-8", file=name, line=line
    )


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _utf8(data: bytes, name: str) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode("utf-8")
        except UnicodeError:
            raise InputError(f"{name} is damaged UTF-16", hint="Save it as UTF-8", file=name) from None
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.strip():
        raise InputError(f"{name} is empty", hint="A table needs a first line with the column names", file=name)
    position = data.find(b"\0")
    if position >= 0:
        raise _fault(name, _line_at(data, position), "there is a NUL byte, which no text has")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            what = f"the byte {data[error.start]:#04x} is not UTF-8"
            raise _fault(name, _line_at(data, error.start), what) from None
    return data


def _records(data: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, exactly as RFC 4180 has them, each with its line."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=delimiter)
    line = 1
    for record in reader:
        if any(map(str.strip, record)) or len(record) > 1:
            yield line, record
        line = reader.line_num + 1


def delimiter_of(data: bytes) -> str:
    """Return the delimiter that splits the first lines most alike; of equals, the one that splits the header most."""
    best, chosen = (0.0, 0), _DELIMITERS[0]
    for delimiter in _DELIMITERS:
        counts: list[int] = []
        with contextlib.suppress(csv.Error):
            counts.extend(len(record) - 1 for _, record in itertools.islice(_records(data, delimiter), 8))
        if counts and counts[0]:
            best, chosen = max((best, chosen), ((counts.count(counts[0]) / len(counts), counts[0]), delimiter))
    return chosen


def header_of(data: bytes, delimiter: str, name: str) -> list[str]:
    """Return the column names of a CSV document."""
    try:
        names = [column.strip() for column in next(_records(data, delimiter))[1]]
    except (csv.Error, StopIteration):
        raise _fault(name, 1, "there are no column names") from None
    if any(_NUMBER_OR_DATE.fullmatch(column[:128]) for column in names):
        raise LayoutError(
            f"{name} starts with values where the column names should be",
            hint="Put the column names on the first line",
            file=name,
        )
    names = [column or f"unnamed {i + 1}" for i, column in enumerate(names)]
    refuse_duplicates(names, name)
    return names


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


def _check_rows(data: bytes, delimiter: str, width: int, name: str) -> None:
    """Refuse rows with a field too many or too few: a count over the bytes, and the exact reader on doubt."""
    cells = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(cells == _QUOTE)
    stray = _stray(cells, quotes, delimiter)
    found = None if stray else _first_ragged(data, delimiter, width, quoted=bool(quotes.size))
    if stray or (found and quotes.size):
        found = _first_ragged_exactly(data, delimiter, width, name)
    if found is not None:
        line, fields = found
        raise _fault(name, line, f"{fields} fields where the header has {width}")


def _stray(cells: np.ndarray[Any, Any], quotes: np.ndarray[Any, Any], delimiter: str) -> bool:
    """Say whether a quote stands elsewhere than around a field or doubled inside one."""
    around = [ord(delimiter), _NEWLINE, _QUOTE]
    before = np.isin(cells[quotes[::2] - 1], around) | (quotes[::2] == 0)
    last = len(cells) - 1
    after = np.isin(cells[np.minimum(quotes[1::2] + 1, last)], around) | (quotes[1::2] == last)
    return bool(len(quotes) % 2 or not before.all() or not after.all())


def _first_ragged(data: bytes, delimiter: str, width: int, *, quoted: bool) -> tuple[int, int] | None:
    cells = np.frombuffer(data, dtype=np.uint8)
    ends, splits = cells == _NEWLINE, cells == ord(delimiter)
    if quoted:
        outside = (np.cumsum(cells == _QUOTE, dtype=np.uint8) & 1) == 0
        ends &= outside
        splits &= outside
    stops = np.flatnonzero(ends)
    if not stops.size or stops[-1] != len(data) - 1:
        stops = np.append(stops, len(data))
    fields = np.diff(np.searchsorted(np.flatnonzero(splits), stops), prepend=0) + 1
    for at in np.flatnonzero(fields != width):
        start = int(stops[at - 1]) + 1 if at else 0
        if data[start : int(stops[at])].strip(b" \n"):
            return _line_at(data, start), int(fields[at])
    return None


def _first_ragged_exactly(data: bytes, delimiter: str, width: int, name: str) -> tuple[int, int] | None:
    line = 1
    try:
        for line, record in _records(data, delimiter):
            if len(record) != width:
                return line, len(record)
    except csv.Error:
        raise _fault(name, line, "a quoted field is never closed, or is longer than any result") from None
    return None


def _open_quote(data: bytes) -> int:
    """Return the line on which the quote that is never closed stands, as far as quotes can tell."""
    return _line_at(data, data.rfind(b'"'))
