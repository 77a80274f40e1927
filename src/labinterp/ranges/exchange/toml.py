"""Editions as plain tables and as TOML text: what the loader reads, written."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from labinterp.errors import ReferenceSetError
from labinterp.ranges import schema
from labinterp.ranges.load import parse_edition
from labinterp.ranges.model import Band, Edition, Entry, Limits
from labinterp.ranges.reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labinterp.model import Citation

_TABLES = ("source", "no_categories", "range", "grade")


def to_raw(edition: Edition) -> dict[str, Any]:
    """Return an edition as the tables of its file: dicts, lists, texts, dates."""
    raw: dict[str, Any] = {
        "schema": schema.VERSION,
        **{
            key.name: getattr(edition, key.name)
            for key in schema.EDITION
            if key.name not in {"schema", *_TABLES} and getattr(edition, key.name) is not None
        },
        "source": [_given({"id": each.id, "citation": each.text, "url": each.url}) for each in edition.sources],
        "no_categories": [
            {"analyte": none.analyte, "reason": none.reason, "source": _cited(none.source)}
            for none in edition.no_categories
        ],
        "range": [entry_to_raw(entry) for entry in edition.entries],
        "grade": [entry_to_raw(entry) for entry in edition.grades],
    }
    return {key: value for key, value in raw.items() if value != []}


def entry_to_raw(entry: Entry) -> dict[str, Any]:
    """Return a range or grade as the table of its file."""
    where = entry.partition
    return _given(
        {
            "id": entry.id,
            "analyte": entry.analyte,
            "kind": None if entry.kind == "grade" else entry.kind,
            "term": entry.term,
            "direction": entry.direction,
            "partition": _given({"age": where.age, "sex": where.sex, "pregnancy": where.pregnancy}),
            "method": entry.method,
            "specimen": entry.specimen,
            "source": _cited(entry.source),
            "evidence": entry.evidence,
            "reviewed_on": entry.reviewed_on,
            "note": entry.note,
            "place": entry.place,
            "gaps": entry.gaps or None,
            **(
                {"normal": ends_to_raw(entry.normal)}
                if entry.kind == "reference_interval" and entry.normal is not None
                else {"bands": [_band(band) for band in entry.bands]}
            ),
        }
    )


def _given(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _cited(source: Citation) -> dict[str, Any]:
    return _given({"id": source.id, "locator": source.locator})


def _band(band: Band) -> dict[str, Any]:
    head = {"band": band.band, "level": band.level} if band.grade is None else {"grade": band.grade}
    return {**head, **ends_to_raw(band)}


def ends_to_raw(band: Band) -> dict[str, Any]:
    """Return the ends of a band as the keys of its table."""
    ends: dict[str, Any] = {}
    if band.lower is not None:
        ends["from" if band.lower_inclusive else "above"] = _end(band.lower)
    if band.upper is not None:
        ends["up_to" if band.upper_inclusive else "below"] = _end(band.upper)
    return ends


def _end(end: Limits | str) -> Any:
    return {code: str(value) for code, value in end.items()} if isinstance(end, Limits) else end


def to_toml(source: Edition | Mapping[str, Any]) -> str:
    """Return the TOML text of an edition, or of its tables.

    Example:
        >>> from labinterp.ranges import shipped
        >>> edition = shipped().edition("nice-ng239/2024")
        >>> read(to_toml(edition), own=False).entries == edition.entries
        True
    """
    raw = to_raw(source) if isinstance(source, Edition) else source
    return "\n".join(_lines(raw)) + "\n"


def _lines(raw: Mapping[str, Any]) -> Iterator[str]:
    apart = {name: raw[name] for name in _TABLES if name in raw and _tables(raw[name])}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in raw.items() if key not in apart)
    for name, tables in apart.items():
        for table in tables:
            yield f"\n[[{name}]]"
            for key, value in table.items():
                if key == "bands" and _tables(value):
                    yield "bands = ["
                    yield from (f"  {_value(band)}," for band in value)
                    yield "]"
                else:
                    yield f"{_key(key)} = {_value(value)}"


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key) else _text(key)


def _text(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, dt.date, Decimal)):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return _text(str(value))


def read(text: str, *, label: str = "edition", own: bool = True, known: Any = None) -> Edition:
    """Return the edition of a TOML text.

    Args:
        text: as in a file.
        label: its name in messages.
        own: whether it is a user's own, of which less is required.
        known: says of an edition id whether it exists; every one does unless said otherwise.

    Raises:
        ReferenceSetError: with every fault at once.
    """
    reader = TableReader(label, own=own)
    edition = parse_edition(text.encode("utf-8", "replace"), reader, known or (lambda _name: True))
    if edition is None:
        raise ReferenceSetError.from_faults(tuple(reader.faults))
    return edition
