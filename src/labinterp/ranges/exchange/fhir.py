"""Editions as FHIR R4 ObservationDefinition resources, and back; plain dicts, no dependency.

What FHIR has no place for (strictness, further printed units, bands, evidence, citation) stands in extensions with
URLs of our own, so that our own documents come back without loss. Documents of others are read by what FHIR says:
both ends of a range inside it, results outside a critical range critical.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from labinterp.ranges import schema
from labinterp.ranges.cells import in_whole_units
from labinterp.ranges.exchange.common import limit_text
from labinterp.ranges.exchange.fhir_import import import_fhir
from labinterp.ranges.exchange.toml import ends_to_raw, entry_to_raw, to_raw
from labinterp.ranges.model import SEXES, Band, Edition, Entry, Limits
from labinterp.reading.analytes import analytes
from labinterp.words import uris

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["export_fhir", "import_fhir"]

_BANDED = ("decision_limit", "severity")


def export_fhir(edition: Edition, *, absolute: bool = True) -> dict[str, Any]:
    """Return a collection Bundle with one ObservationDefinition per analyte of the edition.

    A band of level `normal` is a `reference` interval, a critical limit a `critical` one; other bands have no category,
    so that nobody takes them for normal.

    Args:
        edition: any edition.
        absolute: whether to add the limits beyond which no result is plausible, as an `absolute` interval.

    Example:
        >>> from labinterp.ranges import shipped
        >>> bundle = export_fhir(shipped().edition("nice-ng239/2024"))
        >>> [entry["resource"]["preferredReportName"] for entry in bundle["entry"]][:1]
        ['Vitamin B12']
    """
    keys = dict.fromkeys((*edition.analytes, *(none.analyte for none in edition.no_categories)))
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": uuid.uuid5(uuid.NAMESPACE_URL, f"{uris.ENTRY}:{edition.id}#{key}").urn,
                "resource": _definition(edition, key, absolute=absolute),
            }
            for key in keys
        ],
    }


def _definition(edition: Edition, analyte: str, *, absolute: bool) -> dict[str, Any]:
    about = analytes()[analyte]
    raw = to_raw(edition)
    extensions = [_edition_extension(raw)]
    extensions += [
        {"url": uris.NO_CATEGORIES_EXTENSION, "extension": _fields({"reason": none["reason"], **_source(none)})}
        for none in raw.get("no_categories", ())
        if none["analyte"] == analyte
    ]
    codes = [
        {"system": uris.LOINC, "code": code.code, "display": code.display}
        for code in about.loinc
        if code.status == "active"
    ]
    definition: dict[str, Any] = {
        "resourceType": "ObservationDefinition",
        "extension": extensions,
        "identifier": [{"system": uris.ENTRY, "value": f"{edition.id}#{analyte}"}],
        "code": {"coding": [{"system": uris.ANALYTE, "code": analyte}, *codes], "text": about.title},
        "permittedDataType": ["Quantity"],
        "preferredReportName": about.title,
    }
    intervals = [
        interval
        for position, entry in enumerate((*edition.entries, *edition.grades))
        if entry.analyte == analyte
        for interval in _intervals(entry, position)
    ]
    if absolute and intervals:
        hard = about.hard
        ends = {"low": hard.low, "high": hard.high}
        span = {side: _quantity(value, about.canonical_unit) for side, value in ends.items()}
        intervals.append({"category": "absolute", "range": span})
    if intervals:
        definition["qualifiedInterval"] = intervals
    return definition


def _edition_extension(raw: Mapping[str, Any]) -> dict[str, Any]:
    sources = [{"url": "source", "extension": _fields(source)} for source in raw["source"]]
    return {
        "url": uris.EDITION_EXTENSION,
        "extension": [*_fields({name: raw.get(name) for name in schema.EDITION_FIELDS}), *sources],
    }


def _fields(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_field(name, value) for name, value in values.items() if value is not None]


def _field(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"url": name, "valueBoolean": value}
    if isinstance(value, int):
        return {"url": name, "valueInteger": value}
    if isinstance(value, dt.date):
        return {"url": name, "valueDate": value.isoformat()}
    return {"url": name, "valueString": str(value)}


def _source(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": table["source"]["id"], "locator": table["source"].get("locator")}


def _intervals(entry: Entry, position: int) -> Iterator[dict[str, Any]]:
    """Return the intervals of an entry: the normal one of a reference interval, or one per band."""
    raw = entry_to_raw(entry)
    plain = {key: value for key, value in raw.items() if key not in ("partition", "source", "normal", "bands")}
    common = {"position": position, **plain, **_source(raw), **raw["partition"]}
    if entry.kind == "critical_limit":
        yield _critical(entry, common)
        return
    for band in [entry.normal] if entry.kind == "reference_interval" else entry.bands:
        if band is None:
            continue
        head: dict[str, Any] = {"band": band.band, "level": band.level} if entry.kind in _BANDED else {}
        if band.grade is not None:
            head = {"grade": band.grade}
        interval = _who(entry)
        if band.level == "normal":
            interval["category"] = "reference"
        elif band.grade is None:
            interval["condition"] = f"band: {band.band} (level {band.level})"
        else:
            interval["condition"] = f"{entry.term}, {band.band}"
        span = _range(band.lower, band.upper)
        if span:
            interval["range"] = span
        yield {
            "extension": [{"url": uris.RANGE_EXTENSION, "extension": _fields({**common, **head, **_printed(band)})}],
            **interval,
        }


def _critical(entry: Entry, common: Mapping[str, Any]) -> dict[str, Any]:
    bands = {band.level: band for band in entry.bands}
    low, high = bands.get("very_low"), bands.get("very_high")
    parts = [
        {"url": "critical", "extension": _fields({"band": band.band, "level": band.level, **_printed(band)})}
        for band in entry.bands
    ]
    return {
        "extension": [{"url": uris.RANGE_EXTENSION, "extension": [*_fields(common), *parts]}],
        "category": "critical",
        "range": _range(low.upper if low else None, high.lower if high else None),
        "condition": f"called by {entry.place}",
        **_who(entry),
    }


def _printed(band: Band) -> dict[str, str]:
    return {end: limit_text(value) for end, value in ends_to_raw(band).items()}


def _who(entry: Entry) -> dict[str, Any]:
    where = entry.partition
    found: dict[str, Any] = {}
    if where.sex in SEXES:
        found["gender"] = where.sex
    if where.pregnancy is not None:
        text = str(where).rpartition(", ")[2] if where.pregnancy == "none" else f"pregnant, {where.pregnancy}"
        found["context"] = {"coding": [{"system": uris.PREGNANCY, "code": where.pregnancy}], "text": text}
    ages = {"low": where.age_low, "high": where.age_high}
    whole = {side: in_whole_units(age) for side, age in ages.items() if age is not None}
    span = {side: _quantity(float(count), unit) for side, (count, unit) in whole.items()}
    if span:
        found["age"] = span
    return found


def _range(lower: Limits | str | None, upper: Limits | str | None) -> dict[str, Any]:
    ends = {"low": lower, "high": upper}
    return {
        side: _quantity(float(end[unit]), unit)
        for side, end in ends.items()
        if isinstance(end, Limits)
        for unit in list(end)[:1]
    }


def _quantity(value: float, code: str) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": uris.UCUM, "code": code}
