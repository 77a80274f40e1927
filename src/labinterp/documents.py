"""Tables and documents of known layouts → frames in the `labinterp` layout.

`read` takes any supported document, `to_labinterp` a frame, and `recognize` names the layout of a set of columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from labinterp import json_text
from labinterp.arguments import checked_flag, checked_text, has
from labinterp.errors import InputError
from labinterp.reading import lines
from labinterp.reading.analytes import test_map
from labinterp.reading.demographics import read_text
from labinterp.reading.naming import local_test
from labinterp.tables import encodings, preamble, sources, text
from labinterp.tables.headings import Names, fold
from labinterp.tables.layouts import checked_beside, checked_columns, to_labinterp
from labinterp.tables.people import with_patient
from labinterp.tables.recognition import (
    COLUMNS,
    ColumnChoices,
    Layout,
    first_rows,
    layouts,
    recognize,
    units_in_values,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.options import Tests
    from labinterp.reading.analytes import TestMap

__all__ = ["read"]

_LOOK: Final = 256
_TYPED: Final = 1 << 20
_SUFFIXES: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
_PATIENT: Final = {"age": "age", "sex": "sex", "birth_date": "birth_date", "pregnancy": "pregnancy", "id": "patient_id"}


def read(
    source: Any,
    layout: str = "auto",
    *,
    columns: Mapping[str, str] | None = None,
    tests: Tests | None = None,
    beside: Mapping[str, Any] | None = None,
    encoding: str = "auto",
    has_units: bool = False,
    **tables: Any,
) -> pd.DataFrame:
    r"""Read results from a path, text, bytes, an open file, parsed JSON or a frame.

    CSV, TSV, Excel (.xlsx), Parquet, JSON, NDJSON, FHIR and HL7 v2 are told apart by content, gzipped or in a zip
    that holds one table; so is a list of typed lines of one patient, such as `Mg 1.1 mg/dL (1.7-2.4) L`. Of a workbook
    the first sheet that holds results is read, and those with the same column names below it. A `str` is a path where
    it names an existing file and has no line end.
    For a file, the tables that its layout knows (`patients.csv`, `dm.csv`, …) are read from a folder named like the
    file, else from the file's own folder, unless they are given.

    Args:
        source: the document.
        layout: name of the layout of a table, or `"auto"`.
        columns: which of your columns is which of ours, as in `{"value": "RESULT_NUM"}`.
        tests: as in `interpret`: what it names becomes its analyte key, what it refuses gets the note `test_refused`;
            a column of a wide table that it names holds results.
        beside: the tables beside by name, such as `{"d_labitems": "D_LABITEMS.csv"}`: frames, paths, text or bytes.
        encoding: of a text, such as `"cp1252"`; `"auto"` tells it where the bytes leave one reading.
        has_units: whether units are given elsewhere, as by `default_units`, so that a table needs no column of them.
        tables: the tables beside, as keywords.

    Returns:
        A frame in the `labinterp` layout.

    Raises:
        InputError: if the document cannot be read.
        LayoutError: if its columns fit no layout.

    Example:
        >>> read("test;value;unit\nmagnesium;0,74;mmol/L\n").loc[0, "value"]
        '0,74'
    """
    known = None if tests is None else test_map(tests)
    given = {**checked_beside(beside), **tables}
    frame = read_as_sent(source, layout, columns, beside=given, encoding=encoding, has_units=has_units, tests=known)
    return frame if known is None else _told(frame, known)


def read_as_sent(
    source: Any,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    *,
    beside: Mapping[str, Any] | None = None,
    encoding: str = encodings.AUTO,
    has_units: bool = False,
    tests: TestMap | None = None,
) -> pd.DataFrame:
    """Read as `read` does, each test under the name with which it was sent, whatever `tests` says of it."""
    checked_text(layout, "layout")
    checked_columns(columns)
    beside, encoding = checked_beside(beside), encodings.check(encoding)
    how: dict[str, Any] = {"has_units": checked_flag(has_units, "has_units"), "tests": tests}
    if isinstance(source, pd.DataFrame):
        return to_labinterp(source, layout, columns, beside=beside, **how)
    if isinstance(source, dict | list | tuple) or _is_model(source):
        return _from_json(source, layout, columns, beside, how)
    data, name = sources.load(source)
    kind = sources.kind_of(data)
    codec = encodings.codec_of(data, encoding)
    if kind == "table" and codec not in ("utf-8", "ascii"):
        kind = sources.kind_of(data[:_LOOK].decode(codec, "ignore").encode())
    if kind in ("json", "hl7v2") and (codec.startswith("utf-16") or encoding != encodings.AUTO):
        data = text.utf8(data, name, encoding) if kind == "json" else data.decode(codec, "replace").encode()
    if kind == "hl7v2":
        from labinterp.messages import hl7v2

        return hl7v2.to_frame(source if isinstance(source, str) and name == "the text" else data, tests=how["tests"])
    if kind == "json":
        return _from_json_text(data, layout, columns, beside, how)
    typed = _typed(data, codec, tests) if kind == "table" and layout == "auto" and not columns else None
    choices = ColumnChoices(checked_columns(columns), **how)
    frame = sources.table_of(data, name, encoding, preamble.pick(layout, choices)) if typed is None else typed
    path = _path(source, name)
    if path is not None:
        how["has_units"] = how["has_units"] or units_in_values(frame.columns, first_rows(frame), layout, choices)
        choices = ColumnChoices(checked_columns(columns), **how)
        layout = recognize(frame.columns, choices) if layout == "auto" else layout
        beside = {**siblings(path, layout), **beside}
    return to_labinterp(frame, layout, columns, beside=beside, **how)


def _typed(data: bytes, codec: str, tests: TestMap | None) -> pd.DataFrame | None:
    """Read a list of typed lines, which are one patient's; None where the text is something else."""
    head = data[:_TYPED].decode(codec, "ignore")
    if not lines.looks_typed(head):
        return None
    if len(data) > _TYPED:
        raise InputError("typed lines of more than 1 MB cannot be read", hint="Send a table with a line of headings")
    rows = pd.DataFrame(lines.read_lines(head.removeprefix("\ufeff"), tests))
    return _with_units(with_patient(rows))


def _told(frame: pd.DataFrame, tests: TestMap) -> pd.DataFrame:
    """Return a frame in which each test that the caller names is its analyte key, or is noted as refused."""
    loinc = frame["loinc"] if "loinc" in frame else pd.Series(None, frame.index, dtype=object)
    pairs = list(zip(map(read_text, frame["test"]), map(read_text, loinc), strict=True))
    said = {pair: local_test(tests, [], filter(None, pair)) for pair in set(pairs)}
    keys = pd.Series([said[pair] for pair in pairs], frame.index, dtype=object)
    named, refused = keys.astype(bool), keys == ""
    if named.any():
        frame = frame.assign(test=frame["test"].astype(object).mask(named, keys))
        if "loinc" in frame:
            frame = frame.assign(loinc=loinc.astype(object).mask(named))
    if refused.any():
        notes = frame["note"] if "note" in frame else pd.Series(None, frame.index, dtype=object)
        more = [";".join(filter(None, (read_text(note), "test_refused"))) for note in notes[refused]]
        frame = frame.assign(
            note=notes.astype(object).mask(refused, pd.Series(more, frame.index[refused], dtype=object))
        )
    return frame


def _path(source: Any, name: str) -> Path | None:
    return Path(source) if isinstance(source, str | Path) and name != "the text" else None


def siblings(path: Path, layout: str) -> dict[str, pd.DataFrame]:
    """Read the tables that the layout knows from beside the file; those of another kind are passed by."""
    known = layouts().get(layout)
    if known is None or not known.beside:
        return {}
    own = path.parent / path.name.partition(".")[0]
    folders = [path.parent, own] if own.is_dir() else [path.parent]
    files = {entry.name.casefold(): entry for folder in folders for entry in folder.iterdir() if entry != path}
    found = {}
    for keyword, stems in known.beside.items():
        names = (f"{stem}{suffix}" for stem in stems for suffix in _SUFFIXES)
        file = next((files[name] for name in names if name in files), None)
        if file is not None:
            table = sources.read_table(file)
            if all(key in Names(table) for key in _keys(known, keyword)):
                found[keyword] = table
    return found


def _keys(layout: Layout, keyword: str) -> set[str]:
    sources = [source for group in (*layout.results, layout.columns) for part in group.values() for source in part]
    return {source["on"] for source in sources if isinstance(source, dict) and source.get("beside") == keyword}


def _parse(data: bytes) -> Any:
    """Parse JSON, or NDJSON: a value per line."""
    try:
        return json_text.loads(data)
    except InputError:
        text = json_text.decode(data)
        lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for _, line in lines):  # noqa: PLR2004 - one is JSON
            raise
        return [json_text.loads(line, where=f"line {i}: ") for i, line in lines]


def _from_json_text(
    data: bytes, layout: str, columns: Mapping[str, str] | None, beside: dict[str, Any], how: dict[str, Any]
) -> pd.DataFrame:
    try:
        document = _parse(data)
    except InputError:
        if b'"resourceType"' not in data:
            raise
        from labinterp.messages import fhir

        return fhir.to_frame(data, tests=how["tests"])  # says of each broken line what it costs
    return _from_json(document, layout, columns, beside, how)


def _from_json(
    document: Any, layout: str, columns: Mapping[str, str] | None, beside: dict[str, Any], how: dict[str, Any]
) -> pd.DataFrame:
    items = document if isinstance(document, list | tuple) else [document]
    if any(_is_fhir(item) for item in items):
        from labinterp.messages import fhir

        return fhir.to_frame(document, tests=how["tests"])
    patient: Any = {}
    if isinstance(document, dict):
        document, patient = document.get("results", [document]), document.get("patient") or {}
    rows = _rows(document)
    frame = pd.DataFrame(rows, columns=None if rows else list(COLUMNS[:3]))
    if not isinstance(patient, dict):
        raise InputError("the document cannot be read at /patient: expected an object")
    for theirs, ours in _PATIENT.items():
        if patient.get(theirs) is not None and ours not in frame:
            frame[ours] = _single(patient[theirs], f"/patient/{theirs}")
    return to_labinterp(_with_units(frame), layout, columns, beside=beside, **how)


def _is_fhir(item: Any) -> bool:
    return _is_model(item) or (isinstance(item, dict) and "resourceType" in item)


def _is_model(item: Any) -> bool:
    return has(item, "model_dump") or has(item, "as_json")


def _rows(document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, list | tuple):
        raise InputError("the document cannot be read at /results: expected a list of results")
    for i, row in enumerate(document):
        if not isinstance(row, dict):
            raise InputError(f"the document cannot be read at /{i}: expected an object", hint="Send a list of results")
        for key, value in row.items():
            _single(value, f"/{i}{json_text.step(key)}")
    return list(document)


def _single(value: Any, place: str) -> Any:
    if isinstance(value, dict | list | tuple | set):
        raise InputError(f"the document cannot be read at {place}: expected a single value", place=place)
    return value


def _with_units(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the column `unit` to results of ours that have none, so that each says `missing_unit`."""
    names = {fold(column) for column in frame.columns}
    return frame.assign(unit=None) if {"test", "value"} <= names and "unit" not in names else frame
