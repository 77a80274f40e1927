"""Reads a file of ranges and reports every fault of it at once."""

from __future__ import annotations

import datetime as dt
import re
import stat
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from labinterp import _data
from labinterp.errors import ReferenceSetError, ReferenceSetNotFound
from labinterp.model import Citation
from labinterp.ranges import checks, schema
from labinterp.ranges.model import Band, Edition, Entry, NoCategories, Partition
from labinterp.ranges.reader import DATE, TableReader, TomlTable, nearest
from labinterp.words import uris

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BYTES = 1_000_000
_BARE_DATE = re.compile(rf"(?<![\w\"'.:-])({DATE.pattern})(?![\w\"'.:-])")
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_bytes(path: Path, label: str) -> bytes:
    """Return the content of a file of ranges; a file that is too large is refused before it is read.

    Raises:
        ReferenceSetNotFound: if there is no such file.
        ReferenceSetError: if it is no ordinary file, is too large or cannot be read.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ReferenceSetError.from_faults((f"{label}: expected a file",))
        if about.st_size > MAX_BYTES:
            raise ReferenceSetError.from_faults(
                (f"{label}: the file is larger than 1 MB; a file of ranges has a few kB",)
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ReferenceSetNotFound(f"there is no file {label}", name=label) from None
    except (OSError, ValueError) as error:
        if isinstance(error, ReferenceSetError):
            raise
        raise ReferenceSetError.from_faults((f"{label}: cannot be read",)) from None


def parse_toml(data: bytes, reader: TableReader) -> dict[str, Any] | None:
    """Return the tables of a TOML file with numbers as printed, or note why it is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reader.fault("", f"not UTF-8: byte {error.start + 1} fits no character; save the file as UTF-8")
        return None
    text = text.replace("\r\n", "\n")
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        first = error
    try:  # a date that does not exist stops the parser; as text it is reported with its key, beside all else
        return tomllib.loads(_BARE_DATE.sub(_quoted, text), parse_float=Decimal)
    except (ValueError, RecursionError):
        reader.fault("", _why(first))
        return None


def _quoted(found: re.Match[str]) -> str:
    try:
        dt.date.fromisoformat(found[1])
    except ValueError:
        return f'"{found[1]}"'
    return found[1]


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "not TOML: nested too deeply"
    message = str(error)
    place = _PLACE.search(message)
    if place is None:
        return "not TOML: a number is too long"
    what = message[: place.start()]
    line = f"line {place[1]}" if place[1] else "end of the file"
    return f"not TOML: {line}: {what[:1].lower()}{what[1:]}"


def parse_edition(
    data: bytes, reader: TableReader, known: Callable[[str], bool], expected_id: str | None = None
) -> Edition | None:
    """Return the edition of a file's content, or nothing after noting its faults in `reader`.

    Args:
        data: the content.
        reader: collects the faults.
        known: whether an edition of that id exists, for `supersedes`.
        expected_id: what the path of a shipped file says.
    """
    raw = parse_toml(data, reader)
    if raw is None:
        return None
    found = reader.table(raw, schema.EDITION, "")
    edition = _build(found, reader, _data.sha256(data))
    if expected_id is not None and found.get("id", expected_id) != expected_id:
        reader.fault("id", f"expected {expected_id!r}, as the path says, got {found['id']!r}")
    if "supersedes" in found and not known(found["supersedes"]):
        reader.fault("supersedes", f"there is no edition {found['supersedes']!r}")
    if "extends" in found and not known(found["extends"]):
        reader.fault("extends", f"there is no edition {found['extends']!r}")
    return None if reader.faults else edition


def _build(found: dict[str, Any], reader: TableReader, digest: str) -> Edition:
    edition_id = found.get("id", "unknown/unknown")
    sources = _sources(found.get("source", []), reader)
    entries: dict[str, list[tuple[str, Entry]]] = {"range": [], "grade": []}
    ids: dict[str, str] = {}
    for key, group in entries.items():
        for index, row in enumerate(found.get(key, []), 1):
            path = f"{key}[{index}]"
            before = len(reader.faults)
            if row.get("id") in ids:
                reader.fault(f"{path}.id", f"duplicate id {row['id']!r}, the same as {ids[row['id']]}")
            elif "id" in row:
                ids[row["id"]] = path
            _kind(row, key, reader, path)
            source = _cited(row, sources, reader, path)
            bands = checks.bands(row, reader, path)
            units = checks.units(row, reader, path)
            if bands and units is not None and source and {"id", "analyte", "kind", "evidence"} <= row.keys():
                group.append((path, _entry(row, edition_id, source, bands, units)))
            elif row.whole and len(reader.faults) == before:
                reader.fault(path, "is incomplete")
    no_categories = []
    for index, row in enumerate(found.get("no_categories", []), 1):
        source = _cited(row, sources, reader, f"no_categories[{index}]")
        if source and {"analyte", "reason"} <= row.keys():
            no_categories.append(NoCategories(row["analyte"], row["reason"], source))
    if not any(found.get(key) for key in ("range", "grade", "no_categories")):
        reader.fault("range", "missing: the file has no ranges", '[[range]]\nid = "magnesium-serum-adult"')
    checks.overlaps((*entries["range"], *entries["grade"]), reader)
    checks.dates(found, reader)
    checks.no_categories(found, reader)
    plain = {key: value for key, value in found.items() if key not in {"schema", "source", "range", "grade"}}
    return Edition(
        **{
            "title": "",
            **plain,
            "id": edition_id,
            "sha256": digest,
            "entries": tuple(entry for _, entry in entries["range"]),
            "grades": tuple(entry for _, entry in entries["grade"]),
            "no_categories": tuple(no_categories),
            "sources": tuple(sources.values()),
            "own": reader.own,
        }
    )


def _sources(rows: list[dict[str, Any]], reader: TableReader) -> dict[str, Citation]:
    sources: dict[str, Citation] = {}
    for index, row in enumerate(rows, 1):
        if row.get("id") in sources:
            reader.fault(f"source[{index}].id", f"duplicate id {row['id']!r}")
        elif {"id", "citation"} <= row.keys():
            url = row.get("url") or (f"{uris.DOI}{row['doi']}" if "doi" in row else None)
            sources[row["id"]] = Citation(row["id"], row["citation"], url=url)
    return sources


def _cited(row: dict[str, Any], sources: dict[str, Citation], reader: TableReader, path: str) -> Citation | None:
    cited = row.get("source", {})
    if "id" not in cited:
        return None
    if cited["id"] not in sources:
        reader.fault(f"{path}.source.id", f"no [[source]] has the id {cited['id']!r}{nearest(cited['id'], sources)}")
        return None
    source = sources[cited["id"]]
    return Citation(source.id, source.text, cited.get("locator"), source.url)


def _kind(row: TomlTable, key: str, reader: TableReader, path: str) -> None:
    if key == "grade":
        row["kind"] = "grade"
    elif reader.own and "kind" not in row:
        row["kind"] = "reference_interval" if "normal" in row else "decision_limit"
    wants = "normal" if row.get("kind") == "reference_interval" else "bands"
    other = "bands" if wants == "normal" else "normal"
    if "kind" not in row:
        return
    if wants not in row.given:
        example = next(item.example for item in schema.RANGE if item.name == wants)
        reader.fault(f"{path}.{wants}", f"missing: a {row['kind']} has it", example)
    if other in row.given:
        reader.fault(f"{path}.{other}", f"a {row['kind']} has {wants!r} instead")
    if (row["kind"] == "critical_limit") != ("place" in row.given):
        text = "missing: who calls at this limit" if "place" not in row.given else "belongs to a critical_limit alone"
        reader.fault(f"{path}.place", text, 'place = "Fairview"' if "place" not in row.given else None)


def _entry(row: TomlTable, edition: str, source: Citation, bands: tuple[Band, ...], units: tuple[str, ...]) -> Entry:
    where = row.get("partition", {})
    age = where.get("age")
    ends = (age.low, age.high, age.text) if age else (None, None, None)
    return Entry(
        id=row["id"],
        edition=edition,
        analyte=row["analyte"],
        kind=row["kind"],
        partition=Partition(
            age_low=ends[0], age_high=ends[1], sex=where.get("sex"), pregnancy=where.get("pregnancy"), age=ends[2]
        ),
        bands=bands,
        units=units,
        source=source,
        evidence=row["evidence"],
        reviewed_on=row.get("reviewed_on"),
        method=row.get("method"),
        specimen=row.get("specimen"),
        note=row.get("note"),
        place=row.get("place"),
        gaps=row.get("gaps", False),
        direction=row.get("direction"),
        term=row.get("term"),
        baseline=row.get("baseline"),
    )
