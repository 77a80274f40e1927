"""Tables from outside → pandas frames in which every cell of a text file is text.

What a document is, is told by its content and never by its name. A text table is read without guessing types, so
that `007` stays `007` and an analyte called `NA` stays; only an empty cell becomes NaN. Anything that would shift a
value into another column (a row with a field too many or too few, a quote that is never closed) is an error that
names the file and the line, and never the content.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any, Final

import pandas as pd

from labinterp.arguments import has
from labinterp.errors import InputError, MissingExtraError
from labinterp.tables import encodings, packed, text
from labinterp.tables.text import refuse_duplicates

PARQUET: Final = b"PAR1"
_BOM: Final = b"\xef\xbb\xbf"
_HL7 = re.compile(
    rb"[\x0b\s]*(?:(?:MSH|FHS|BHS)[^A-Za-z0-9\s,;]|(?:PID|OBR|OBX|SPM|NTE)\|[0-9]{0,9}(?:[|\r\n]|$)|ORC\|[A-Z]{0,2}\|)"
)
_FILE_LIKE = re.compile(r"(?:[^\t;]*[/\\])?[^\t;/\\]*\.[A-Za-z0-9]{2,8}")


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
    return packed.unpacked(data, name), name


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
        with contextlib.suppress(OSError, UnicodeError):
            path = Path(source)
            if path.is_file():
                return _file(path)
            if source and path.is_dir():
                raise InputError(
                    "this is a folder, not a file", hint="Give a file; `interpret_files` takes folders, too"
                )
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


def kind_of(data: bytes) -> str:
    """Tell by content what a document is: `parquet`, `hl7v2`, `json` or `table`.

    Example:
        >>> kind_of(b'{"resourceType": "Bundle"}')
        'json'
    """
    if data[:4] == PARQUET:
        return "parquet"
    start = data[:64].removeprefix(_BOM)
    if _HL7.match(start):
        return "hl7v2"
    return "json" if start.lstrip()[:1] in (b"{", b"[") else "table"


def read_table(source: Any, encoding: str = encodings.AUTO) -> pd.DataFrame:
    r"""Read a CSV, TSV, Excel or Parquet table, gzipped or in a zip, from a path, text, bytes or an open file.

    The delimiter (comma, semicolon, tab or stroke) is told by content. Cells of a text table are text, empty ones NaN;
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
    if isinstance(source, list | tuple):
        return pd.DataFrame(source)
    data, name = load(source)
    return table_of(data, name, encodings.check(encoding))


def table_of(data: bytes, name: str, encoding: str = encodings.AUTO, pick: text.Pick | None = None) -> pd.DataFrame:
    """Read a table from unpacked bytes; `name` is used in messages, `pick` as in `text.dialect_of`."""
    if data[:4] == PARQUET:
        return _parquet(data, name)
    packed.refuse_foreign(data, name)
    return text.frame_of(data, name, encoding, pick)


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError.from_extra("pyarrow", "duckdb") from None
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except MemoryError:  # of Arrow, too
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise InputError(f"{name} is a damaged Parquet file", hint="Write the file again", file=name) from None
    refuse_duplicates([str(column) for column in frame.columns], name)
    return frame
