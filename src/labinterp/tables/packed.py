"""Containers → the table inside: gzip, a zip with one table, an Excel workbook; and formats by their magic."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError, MissingExtraError
from labinterp.tables import headings, wide

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_UNPACKED: Final = 4 << 30
"""Most bytes that a compressed document may unpack to."""
MAX_WORKBOOK: Final = 1 << 30
"""Most bytes that the parts of a workbook may unpack to."""
ZIP: Final = b"PK\x03\x04"
GZIP: Final = b"\x1f\x8b"

_LOOK: Final = 50
"""Rows of a sheet among which column names are looked for."""
_WHOLE: Final = "Export it as CSV or Parquet"
FOREIGN: Final = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)", "Save it as .xlsx or CSV"),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "Save it as .xlsx or CSV"),
    (0, b"%PDF-", "a PDF document", "Ask the laboratory for a table: CSV, Excel, FHIR or HL7 v2"),
    (0, b"BZh", "a bzip2 archive", "Unpack it first, with `bunzip2`"),
    (0, b"\xfd7zXZ\x00", "an xz archive", "Unpack it first, with `unxz`"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first, with `unzstd`"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first"),
    (0, b"Rar!\x1a\x07", "a RAR archive", "Unpack it first"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 archive", "Unpack it first, with `unlz4`"),
    (0, b"ARROW1", "an Arrow IPC (Feather) file", "Read it with pyarrow.feather and give the frame"),
    (0, b"FEA1", "a Feather file", "Read it with pyarrow.feather and give the frame"),
    (0, b"ORC", "an ORC file", "Read it with pyarrow.orc and give the frame"),
    (0, b"Obj\x01", "an Avro file", _WHOLE),
    (0, b"SQLite format 3\x00", "an SQLite database", "Read the table with pandas.read_sql and give the frame"),
    (8, b"DUCK", "a DuckDB database", "Read the table with DuckDB and give the frame"),
    (0, b"HEADER RECORD*******", "a SAS transport file", "Read it with pandas.read_sas and give the frame"),
    (
        0,
        b"\x00" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c",
        "a SAS data set (.sas7bdat)",
        "Read it with pandas.read_sas and give the frame",
    ),
    (0, b"$FL2", "an SPSS file", "Read it with pandas.read_spss and give the frame"),
    (0, b"$FL3", "an SPSS file", "Read it with pandas.read_spss and give the frame"),
    (0, b"<stata_dta>", "a Stata file", "Read it with pandas.read_stata and give the frame"),
    (0, b"RDX", "an R data file", "Export it from R as CSV"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Read it with pandas.read_hdf and give the frame"),
    (0, b"\x80\x04\x95", "a Python pickle, which is never opened", _WHOLE),
    (0, b"\x80\x05\x95", "a Python pickle, which is never opened", _WHOLE),
    (0, b"{\\rtf", "an RTF document", _WHOLE),
    (0, b"\x89PNG", "a picture", "Give the results as a table"),
    (0, b"\xff\xd8\xff", "a picture", "Give the results as a table"),
    (0, b"GIF8", "a picture", "Give the results as a table"),
    (128, b"DICM", "a DICOM file", "Give the results as a table, FHIR or HL7 v2"),
    (257, b"ustar", "a tar archive", "Unpack it first"),
)
"""Where a magic stands, what it is, what a file is that has it, and what to do."""
_MARKUP: Final = (b"<", "XML or HTML", "Export it as CSV or Parquet; FHIR is read as JSON")
_TABLES: Final = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".parquet", ".json", ".ndjson", ".hl7", ".csv.gz", ".tsv.gz")


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise InputError if the bytes are of a format that is not read; names the format.

    Example:
        >>> refuse_foreign(b"test,value,unit", "labs.csv")
    """
    for at, magic, what, hint in FOREIGN:
        if data[at : at + len(magic)] == magic:
            raise InputError(f"{name} is {what}", hint=hint, file=name, format=what)
    if data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == _MARKUP[0]:
        raise InputError(f"{name} is {_MARKUP[1]}", hint=_MARKUP[2], file=name, format=_MARKUP[1])


def unpacked(data: bytes, name: str, most: int | None = None) -> bytes:
    """Return what is inside of gzip, of a zip with one table, or of an Excel workbook (as CSV); else the bytes.

    Args:
        data: the document.
        name: used in messages.
        most: bytes that it may unpack to; `MAX_UNPACKED` if not given.

    Raises:
        InputError: if it is damaged, cut short, too large, or holds more than one table.
        MissingExtraError: for a workbook without its reader.
    """
    most = MAX_UNPACKED if most is None else most
    if data[:2] == GZIP:
        data = ungzipped(data, name, most)
    if data[:4] == ZIP:
        data = _unzipped(data, name, most)
        if data[:2] == GZIP:
            data = ungzipped(data, name, most)
    return data


def ungzipped(data: bytes, name: str, most: int) -> bytes:
    """Return what is inside of gzip, of all its members.

    Raises:
        InputError: if it is damaged, cut short or too large; then with `limit`.
    """
    parts: list[bytes] = []
    size = 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, most - size + 1))
        except zlib.error:
            raise InputError(f"{name}: the gzip data are damaged", hint="Fetch the file again", file=name) from None
        size += len(parts[-1])
        if size > most:
            raise InputError(
                f"{name} unpacks to too much", hint="Use `labinterp.interpret_files`", file=name, limit=most
            )
        if not stream.eof:
            raise InputError(f"{name}: the gzip data are cut short", hint="Fetch the file again", file=name)
        data = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _unzipped(data: bytes, name: str, most: int) -> bytes:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        inside = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise InputError(
            f"{name}: the zip archive or Excel workbook is damaged", hint="Fetch the file again", file=name
        ) from None
    names = {entry.filename for entry in inside}
    if "[Content_Types].xml" in names or "mimetype" in names:
        if "xl/workbook.xml" not in names and "xl/workbook.bin" not in names and "content.xml" not in names:
            raise InputError(f"{name} is an Office document without sheets", hint=_WHOLE, file=name)
        if sum(entry.file_size for entry in inside) > min(most, MAX_WORKBOOK):
            raise InputError(f"{name} unpacks to too much", hint="Save the sheet as CSV", file=name, limit=most)
        return workbook_text(data, name)
    kept = [
        entry
        for entry in inside
        if not entry.filename.startswith("__MACOSX/") and not entry.filename.rpartition("/")[2].startswith(".")
    ]
    tables = [entry for entry in kept if entry.filename.casefold().endswith(_TABLES)]
    chosen = kept if len(kept) == 1 else tables
    if len(chosen) != 1:
        raise InputError(
            f"{name} holds {len(chosen) or 'no'} tables",
            hint="Unpack it, and name the tables that you mean"
            if chosen
            else "A zip archive is read with one table in it",
            file=name,
        )
    entry = chosen[0]
    if entry.flag_bits & 1:
        raise InputError(f"{name} is encrypted", hint="Unpack it first", file=name)
    if entry.file_size > most:
        hint = "Unpack it, and use `labinterp.interpret_files`"
        raise InputError(f"{name} unpacks to too much", hint=hint, file=name, limit=most)
    try:
        with archive.open(entry) as file:
            found = file.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
        raise InputError(
            f"{name}: the zip archive or Excel workbook is damaged", hint="Fetch the file again", file=name
        ) from None
    if found[:4] == ZIP:
        return _workbook_inside(found, name, most)
    return found


def _workbook_inside(data: bytes, name: str, most: int) -> bytes:
    if b"xl/workbook" not in data:
        raise InputError(f"{name} holds another archive", hint="Unpack it first", file=name)
    return _unzipped(data, name, most)


def workbook_text(data: bytes, name: str) -> bytes:
    """Return the first sheet of a workbook that holds a table of results, as CSV, else the first with any table.

    A sheet holds a table where two of its rows have at least two cells that are filled; what stands above the first
    such row, a title say, is left out. The rows of further sheets with the same column names, such as one a year, are
    put below. Hidden sheets are read like others.

    Raises:
        InputError: if it is damaged, or no sheet holds a table.
        MissingExtraError: without python-calamine.
    """
    try:
        import python_calamine
    except ImportError:
        raise MissingExtraError.from_extra("python_calamine", "excel") from None
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) for sheet in _sheets(book)]
    except Exception:  # noqa: BLE001 - the reader has many kinds of errors for what is damaged, protected or no sheet
        raise InputError(
            f"{name} is a damaged or protected Excel workbook", hint="Save the sheet as CSV", file=name
        ) from None
    filled = [[i for i, row in enumerate(rows) if sum(cell != "" for cell in row) > 1] for rows in sheets]
    tables = [rows[at[0] :] for rows, at in zip(sheets, filled, strict=True) if len(at) > 1]
    if not tables:
        raise InputError(f"{name} has no sheet with a table", hint="A table has column names and rows", file=name)
    heads = [(rows, at) for rows in tables if (at := _head(rows)) is not None]
    if not heads:
        return _csv(tables[0])
    first, at = heads[0]
    below = [row for rows, i in heads[1:] if _names(rows[i]) == _names(first[at]) for row in rows[i + 1 :]]
    return _csv([*first, *below])


def _head(rows: Sequence[Sequence[Any]]) -> int | None:
    """Return the position of the column names of results; None where no row has them."""
    named = map(_names, rows[:_LOOK])
    return next((at for at, names in enumerate(named) if _heads_results(names)), None)


def _names(row: Sequence[Any]) -> list[str]:
    """Return the cells of a row as column names, without those at the right that are empty."""
    names = [str(cell).strip() for cell in row]
    return names[: max((i + 1 for i, name in enumerate(names) if name), default=0)]


def _heads_results(names: Sequence[str]) -> bool:
    meant = headings.meanings(names)
    return ("value" in meant and ("test" in meant or "loinc" in meant)) or bool(wide.headings(names))


def _sheets(book: Any) -> list[str]:
    """Return the names of the sheets of cells; charts and macros have none."""
    return [sheet.name for sheet in book.sheets_metadata if "WorkSheet" in str(sheet.typ)]


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    """Write rows as CSV, without the columns at the right that are empty throughout, blank rows kept as lines."""
    width = max(i + 1 for row in rows for i, cell in enumerate(row) if cell != "")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        if any(cell != "" for cell in row):
            writer.writerow([_cell(cell) for cell in (*row, *[""] * (width - len(row)))[:width]])
        else:
            out.write("\n")
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    r"""Return a cell as text: numbers as they read back, days without a time, line ends as blanks.

    Example:
        >>> _cell(7.0), _cell(0.74), _cell("25-OH\nvitamin D"), _cell(dt.datetime(2026, 1, 2))
        ('7', '0.74', '25-OH vitamin D', '2026-01-02')
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - exact
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    return " ".join(str(value).replace("\0", "").splitlines()) if isinstance(value, str) else str(value)
