"""An edition as a table for a spreadsheet, one row per band, and back.

A number stands in a cell with its unit (`0.70 mmol/L`), so that no program takes it for a number of its own and drops
a zero or turns a point into a comma. A cell that a spreadsheet would take for a formula, a date or a number begins
with an apostrophe, which the import takes away again.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from labinterp.errors import ReferenceSetError
from labinterp.formulas import guard, rows_of
from labinterp.ranges import schema
from labinterp.ranges.exchange.common import edition_of, given, limit_from_text, limit_text
from labinterp.ranges.exchange.toml import to_raw
from labinterp.ranges.load import MAX_BYTES
from labinterp.ranges.reader import TableReader, nearest, shown, shown_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labinterp.ranges.model import Edition

_RANGE = ("range", "analyte", "kind", "term", "direction", "age", "sex", "pregnancy", "grade", "band", "level")
_ABOUT = ("evidence", "source", "locator", "citation", "url", "reviewed_on", "method", "specimen", "place", "gaps")
COLUMNS = (*_RANGE, *schema.ENDS, *_ABOUT, "note", *(f"edition_{name}" for name in schema.EDITION_FIELDS))
_PLAIN = ("analyte", "kind", "term", "direction", "method", "specimen", "evidence", "reviewed_on", "note", "place")
_MARKED = ("'", "|")
_CONVERTED = re.compile(
    r"[\W\d_]*|true|false|\d+(?:[.:]\d+)? ?[ap]m?|\d+(?:[.,]\d+)?e[+-]?\d+"
    r"|.{0,12}\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b.{0,12}",
    re.IGNORECASE | re.DOTALL,
)


def export_csv(edition: Edition) -> str:
    """Return an edition as CSV text; `import_csv` gives the same edition back.

    Args:
        edition: any edition; what it says of itself stands in the columns `edition_…`.

    Example:
        >>> from labinterp.ranges import shipped
        >>> print(export_csv(shipped().edition("nice-ng239/2024")).splitlines()[0][:36])
        range,analyte,kind,term,direction,ag
    """
    raw = to_raw(edition)
    cited = {each["id"]: each for each in raw["source"]}
    rows: list[dict[str, Any]] = []
    used = set()
    for key in ("range", "grade"):
        for entry in raw.get(key, ()):
            used.add(entry["source"]["id"])
            bands = entry.get("bands") or [{"band": "", "level": "", **entry["normal"]}]
            rows += [_row(entry, key, band, cited) for band in bands]
    for none in raw.get("no_categories", ()):
        used.add(none["source"]["id"])
        head = {"kind": "no_categories", "analyte": none["analyte"], "note": none["reason"]}
        rows.append({**head, **_source(none["source"], cited)})
    rows += [{"kind": "source", **_source({"id": name}, cited)} for name in cited if name not in used]
    about = {f"edition_{name}": raw[name] for name in schema.EDITION_FIELDS if name in raw}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows({key: _protected(value) for key, value in {**row, **about}.items()} for row in rows)
    return out.getvalue()


def _row(entry: Mapping[str, Any], key: str, band: Mapping[str, Any], cited: Mapping[str, Any]) -> dict[str, Any]:
    ends = {end: limit_text(band[end]) for end in schema.ENDS if end in band}
    return {
        "range": entry["id"],
        **{name: entry.get(name) for name in _PLAIN},
        "kind": "grade" if key == "grade" else entry["kind"],
        **entry["partition"],
        **{name: band.get(name) for name in ("band", "level")},
        "grade": f"grade {band['grade']}" if "grade" in band else "",
        "gaps": "yes" if entry.get("gaps") else "",
        **ends,
        **_source(entry["source"], cited),
    }


def _source(source: Mapping[str, Any], cited: Mapping[str, Any]) -> dict[str, Any]:
    found = cited[source["id"]]
    about = {"citation": found["citation"], "url": found.get("url")}
    return {"source": source["id"], "locator": source.get("locator"), **about}


def _protected(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text and (text.startswith(_MARKED) or _CONVERTED.fullmatch(text)) else str(guard(text))


def import_csv(text: str, *, label: str = "ranges.csv", **edition: str) -> Edition:
    """Return the edition of a CSV text; `labinterp.ranges.exchange.toml.to_toml` gives its file.

    The separator is found out; the columns may stand in any order. Needed are `range`, `analyte`, `evidence`,
    `source`, `locator`, `citation`, an end (`from`, `above`, `up_to`, `below`) as `0.70 mmol/L`, and either columns
    `edition_id` and `edition_title` or the arguments `id` and `title`.

    Args:
        text: what `export_csv` wrote, or a table of one's own with these columns.
        label: its name in messages.
        edition: `id`, `title` and the like, where the table does not have them.

    Raises:
        ReferenceSetError: with every fault at once, each with its line.

    Example:
        >>> table = '''range,analyte,from,up_to,evidence,source,locator,citation
        ... magnesium,magnesium,0.70 mmol/L,1.00 mmol/L,primary,handbook,page 12,My Hospital. Handbook. 2026.
        ... '''
        >>> import_csv(table, id="my-hospital/2026", title="My Hospital").entries[0].normal.lower
        Limits('0.70 mmol/L')
    """
    reader = TableReader(label, own=True)
    rows = _rows(text, reader)
    raw, lines = _tables(rows, edition, reader)
    if reader.faults:
        raise ReferenceSetError.from_faults(tuple(reader.faults))
    found, faults = edition_of(raw, label)
    if found is None:
        raise ReferenceSetError.from_faults(tuple(_with_line(fault, lines) for fault in faults))
    return found


def _rows(text: str, reader: TableReader) -> list[tuple[int, dict[str, str]]]:
    if len(text) > MAX_BYTES or "\0" in text:
        reader.fault("", "the table is larger than 1 MB" if len(text) > MAX_BYTES else "not a CSV text")
        return []
    try:
        (_, head), *rows = rows_of(text) or [(1, [])]
    except csv.Error as error:
        reader.fault("", f"not CSV: {error}")
        return []
    names = [name.strip().lower() for name in head]
    found = [(line, [_unprotected(cell) for cell in row]) for line, row in rows]
    for name in names:
        if name and name not in COLUMNS:
            reader.fault(f"column {shown_key(name)}", f"unknown{nearest(name, COLUMNS)}")
    if len(set(names)) < len(names):
        reader.fault("line 1", "a column stands twice")
    found = [(line, row) for line, row in found if any(row)]
    for line, row in found:
        if any(row[len(names) :]):
            reader.fault(f"line {line}", f"has more than {len(names)} cells")
    if not found:
        reader.fault("", "the table has no rows")
    return [(line, dict(zip(names, row, strict=False))) for line, row in found]


def _unprotected(cell: str) -> str:
    return cell.strip().removeprefix("'").strip()


def _tables(
    rows: Iterable[tuple[int, dict[str, str]]], edition: Mapping[str, str], reader: TableReader
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the tables of a file, and the line from which each of them comes."""
    raw: dict[str, Any] = {"schema": schema.VERSION, **edition}
    sources: dict[str, dict[str, Any]] = {}
    entries: dict[str, tuple[str, dict[str, Any]]] = {}
    groups: dict[str, list[dict[str, Any]]] = {"no_categories": [], "range": [], "grade": []}
    lines: dict[str, int] = {}
    for line, row in rows:
        for name in schema.EDITION_FIELDS:
            value = row.get(f"edition_{name}", "")
            if value and raw.setdefault(name, value) != value:
                reader.fault(f"line {line}: edition_{name}", "is not the same in every row")
        name = row.get("source", "")
        about = given({"id": name, "citation": row.get("citation"), "url": row.get("url")})
        known = sources.setdefault(name, about) if name else {}
        if any(known.setdefault(key, value) != value for key, value in about.items() if known):
            reader.fault(f"line {line}: citation", f"is not the same as before for the source {shown(name)}")
        if row.get("kind") == "source":
            continue
        cited = given({"id": name, "locator": row.get("locator")})
        if row.get("kind") == "no_categories":
            none = given({"analyte": row.get("analyte"), "reason": row.get("note")})
            groups["no_categories"].append({**none, "source": cited})
            lines[f"no_categories[{len(groups['no_categories'])}]"] = line
            continue
        key = "grade" if row.get("kind") == "grade" else "range"
        entry_id = row.get("range", "")
        if entry_id not in entries:
            groups[key].append(_entry(row, key, cited))
            entries[entry_id] = (f"{key}[{len(groups[key])}]", groups[key][-1])
        path, entry = entries[entry_id]
        lines.setdefault(path, line)
        _add_band(entry, row, key, (line, path, lines), reader)
    return {**raw, "source": list(sources.values()), **{k: v for k, v in groups.items() if v}}, lines


def _entry(row: Mapping[str, str], key: str, cited: dict[str, Any]) -> dict[str, Any]:
    entry = given({"id": row.get("range"), **{name: row.get(name) for name in _PLAIN}})
    if key == "grade":
        entry.pop("kind")
    if row.get("gaps", "").lower() in ("yes", "true"):
        entry["gaps"] = True
    return {
        **entry,
        "partition": given({name: row.get(name) for name in ("age", "sex", "pregnancy")}),
        "source": cited,
    }


def _add_band(
    entry: dict[str, Any], row: Mapping[str, str], key: str, where: tuple[int, str, dict[str, int]], reader: TableReader
) -> None:
    line, path, lines = where
    ends = {}
    for end in schema.ENDS:
        text = row.get(end, "")
        limit = limit_from_text(text) if text else ""
        if limit is None:
            reader.fault(
                f"line {line}: {end}", f"expected a number and its unit, such as 0.70 mmol/L, got {shown(text)}"
            )
        elif limit:
            ends[end] = limit
    if key == "range" and not row.get("level") and not row.get("band"):
        if "normal" in entry:
            reader.fault(
                f"line {line}", f"a second row of the interval {shown(entry.get('id', ''))}, from line {lines[path]}"
            )
        entry["normal"] = ends
        return
    band = given({name: row.get(name) for name in ("band", "level")}) if key == "range" else {}
    if key == "grade":
        digits = row.get("grade", "").lower().removeprefix("grade").strip()
        band["grade"] = int(digits) if re.fullmatch(r"[0-9]", digits) else row.get("grade", "")
    bands = entry.setdefault("bands", [])
    bands.append({**band, **ends})
    lines[f"{path}.bands[{len(bands)}]"] = line


def _with_line(fault: str, lines: Mapping[str, int]) -> str:
    label, _, rest = fault.partition(": ")
    path = rest.partition(":")[0]
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return f"{label}: line {lines[path[:length]]}: {rest}"
    return fault
