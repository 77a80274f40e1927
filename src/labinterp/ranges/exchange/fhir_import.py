"""Reads FHIR R4 ObservationDefinition resources as an edition: our own without loss, others by what FHIR says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from labinterp.errors import ReferenceSetError
from labinterp.ranges import schema
from labinterp.ranges.exchange.common import edition_of, given, limit_from_text
from labinterp.ranges.model import AGE_UNITS, PREGNANCIES, SEXES, Edition
from labinterp.ranges.reader import TableReader, shown
from labinterp.reading import analytes, units
from labinterp.words import uris

_WHERE = ("age", "sex", "pregnancy")
_MAX = 5000
_DIGITS = 12


def import_fhir(document: Mapping[str, Any], *, label: str = "ObservationDefinition", **edition: str) -> Edition:
    """Return the edition of an ObservationDefinition, or of a Bundle of them.

    Args:
        document: parsed JSON; what `export_fhir` gave comes back without loss.
        label: its name in messages.
        edition: for documents of others: `id`, `title`, `citation`, `locator`, and, if wanted, `evidence` (`primary`
            unless said otherwise) and `place` (who calls at critical limits).

    Raises:
        ReferenceSetError: with everything at once that cannot be read; nothing is left out silently. `absolute`
            intervals are limits of plausibility, no ranges, and are passed over.

    Example:
        >>> definition = {
        ...     "resourceType": "ObservationDefinition",
        ...     "code": {"coding": [{"system": "http://loinc.org", "code": "2601-3"}]},
        ...     "qualifiedInterval": [
        ...         {
        ...             "category": "reference",
        ...             "range": {"low": {"value": 0.7, "code": "mmol/L"}, "high": {"value": 1.0, "code": "mmol/L"}},
        ...             "age": {"low": {"value": 18, "code": "a"}},
        ...         }
        ...     ],
        ... }
        >>> found = import_fhir(
        ...     definition, id="my-hospital/2026", title="My Hospital", citation="My Hospital. Catalog.", locator="Mg"
        ... )
        >>> found.entries[0].id, str(found.entries[0].partition)
        ('magnesium-1', 'age >= 18 a')
    """
    reader = TableReader(label, own=True)
    tables = _Tables(reader, edition)
    for path, definition in _definitions(document, reader):
        tables.add(definition, path)
    if reader.faults:
        raise ReferenceSetError.from_faults(tuple(reader.faults))
    found, faults = edition_of(tables.raw(), label)
    if found is None:
        raise ReferenceSetError.from_faults(tuple(faults))
    return found


def _definitions(document: Any, reader: TableReader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = _get(document, "resourceType")
    if kind == "ObservationDefinition":
        yield "", document
    elif kind == "Bundle":
        for index, entry in enumerate(_list(document, "entry")[:_MAX], 1):
            resource = _get(entry, "resource")
            if _get(resource, "resourceType") == "ObservationDefinition":
                yield f"entry[{index}].", resource
            else:
                reader.fault(f"entry[{index}].resource", "expected an ObservationDefinition")
    else:
        reader.fault("resourceType", "expected an ObservationDefinition or a Bundle of them")


def _get(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, Mapping) else None


def _list(item: Any, key: str) -> list[Any]:
    found = _get(item, key)
    return found if isinstance(found, list) else []


class _Tables:
    """The tables of an edition's file, filled definition by definition."""

    def __init__(self, reader: TableReader, given: Mapping[str, str]) -> None:
        self.reader = reader
        self.given = dict(given)
        self.about: dict[str, Any] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.no_categories: list[dict[str, Any]] = []
        self.entries: dict[Any, dict[str, Any]] = {}

    def raw(self) -> dict[str, Any]:
        """Return the tables, the entries in the order of the edition that was exported."""
        names = {key.name for key in schema.EDITION}
        raw = {"schema": schema.VERSION, **self.about, **{k: v for k, v in self.given.items() if k in names}}
        raw["source"] = list(self.sources.values())
        ordered = sorted(self.entries.values(), key=lambda entry: entry.pop("position"))
        raw["no_categories"] = self.no_categories
        raw["range"] = [entry for entry in ordered if "direction" not in entry]
        raw["grade"] = [entry for entry in ordered if "direction" in entry]
        return {key: value for key, value in raw.items() if value != []}

    def add(self, definition: Mapping[str, Any], path: str) -> None:
        """Take over one ObservationDefinition."""
        analyte = self._analyte(definition, path)
        for extension in _list(definition, "extension"):
            if _get(extension, "url") == uris.EDITION_EXTENSION:
                self._edition(extension)
            elif _get(extension, "url") == uris.NO_CATEGORIES_EXTENSION:
                fields = _fields(extension)
                source = given({"id": fields.get("source"), "locator": fields.get("locator")})
                self.no_categories.append({"analyte": analyte, "reason": fields.get("reason"), "source": source})
        for index, interval in enumerate(_list(definition, "qualifiedInterval")[:_MAX], 1):
            self._interval(interval, analyte, f"{path}qualifiedInterval[{index}]")

    def _analyte(self, definition: Mapping[str, Any], path: str) -> str:
        for coding in _list(_get(definition, "code"), "coding"):
            code = _get(coding, "code")
            if _get(coding, "system") == uris.ANALYTE and code in analytes.analytes():
                return str(code)
            if _get(coding, "system") == uris.LOINC and isinstance(code, str):
                found = analytes.resolve(code).analyte
                if found is not None:
                    return found
        self.reader.fault(f"{path}code", "no coding that is known: a LOINC code of one of the analytes")
        return ""

    def _edition(self, extension: Mapping[str, Any]) -> None:
        for name, value in _fields(extension).items():
            if self.about.setdefault(name, value) != value:
                self.reader.fault("extension", f"the definitions belong to different editions: {name} differs")
        for part in _list(extension, "extension"):
            if _get(part, "url") == "source":
                source = _fields(part)
                self.sources.setdefault(str(source.get("id")), source)

    def _interval(self, interval: Any, analyte: str, path: str) -> None:
        ours = next((each for each in _list(interval, "extension") if _get(each, "url") == uris.RANGE_EXTENSION), None)
        written = _get(interval, "category")
        category = {written} if isinstance(written, str) else _codes(written)
        if ours is not None:
            self._ours(interval, ours, path)
        elif "absolute" in category:
            return
        elif not category & {"reference", "critical"}:
            self.reader.fault(f"{path}.category", "expected reference, critical or absolute")
        else:
            self._theirs(interval, analyte, "critical" if "critical" in category else "reference", path)

    def _ours(self, interval: Any, extension: Mapping[str, Any], path: str) -> None:
        fields = _fields(extension)
        where = {name: fields.pop(name) for name in _WHERE if name in fields}
        source = given({"id": fields.pop("source", None), "locator": fields.pop("locator", None)})
        critical = [_fields(part) for part in _list(extension, "extension") if _get(part, "url") == "critical"]
        keys = {"band", "level", "grade", *schema.ENDS}
        bands = critical or [{key: value for key, value in fields.items() if key in keys}]
        bands = [self._band(band, path) for band in bands]
        self._same(interval, bands, fields.get("kind"), path)
        about = {key: value for key, value in fields.items() if key not in keys}
        about["position"] = about.get("position", len(self.entries))
        entry = self.entries.setdefault(fields.get("id"), {**about, "partition": where, "source": source})
        if fields.get("kind") == "reference_interval":
            entry["normal"] = bands[0]
        else:
            entry.setdefault("bands", []).extend(bands)

    def _band(self, fields: dict[str, Any], path: str) -> dict[str, Any]:
        band = dict(fields)
        for end in schema.ENDS:
            if end in band:
                limit = limit_from_text(str(band[end]))
                if limit is None:
                    self.reader.fault(f"{path}.extension", f"{end}: expected a number and its unit")
                    limit = {}
                band[end] = limit
        return band

    def _same(self, interval: Any, bands: list[dict[str, Any]], kind: Any, path: str) -> None:
        """Note a range that was edited beside its extension: nobody could say which of the two is meant."""
        lower = [band[end] for band in bands for end in schema.LOWER_ENDS if end in band]
        upper = [band[end] for band in bands for end in schema.UPPER_ENDS if end in band]
        if kind == "critical_limit":
            lower, upper = upper, lower
        for side, ends in (("low", lower), ("high", upper)):
            quantity = _get(_get(interval, "range"), side)
            printed = [(float(value), code) for end in ends if isinstance(end, dict) for code, value in end.items()]
            if quantity is None and not printed:
                continue
            if (_get(quantity, "value"), _get(quantity, "code")) not in printed:
                self.reader.fault(
                    f"{path}.range.{side}", "differs from the limit in its extension; change both or drop one"
                )

    def _theirs(self, interval: Any, analyte: str, category: str, path: str) -> None:
        ends = {
            side: self._limit(_get(_get(interval, "range"), side), f"{path}.range.{side}") for side in ("low", "high")
        }
        low, high = ends["low"], ends["high"]
        if not low and not high:
            self.reader.fault(f"{path}.range", "has neither a low nor a high end")
            return
        for key in ("appliesTo", "gestationalAge"):
            if _get(interval, key):
                self.reader.fault(
                    f"{path}.{key}", "cannot be kept; give the patients by age, gender and pregnancy alone"
                )
        entry: dict[str, Any] = {
            "id": f"{analyte}-{len(self.entries) + 1}",
            "analyte": analyte,
            "position": len(self.entries),
        }
        if category == "reference":
            entry |= {"kind": "reference_interval", "normal": given({"from": low, "up_to": high})}
        else:
            bands = [{"band": "critically low", "level": "very_low", "below": low}] if low else []
            bands += [{"band": "critically high", "level": "very_high", "above": high}] if high else []
            entry |= {"kind": "critical_limit", "bands": bands, "place": self.given.get("place", "not stated")}
        condition = _get(interval, "condition")
        if isinstance(condition, str) and condition.strip():
            entry["note"] = condition
        locator = given({"locator": self.given.get("locator")})
        self.sources.setdefault("document", {"id": "document", **given({"citation": self.given.get("citation")})})
        self.entries[entry["id"]] = {
            **entry,
            "partition": self._partition(interval, path),
            "source": {"id": "document", **locator},
            "evidence": self.given.get("evidence", "primary"),
        }

    def _limit(self, quantity: Any, path: str) -> dict[str, str]:
        if quantity is None:
            return {}
        value, spelling = _get(quantity, "value"), _get(quantity, "code") or _get(quantity, "unit")
        text = _plain(value)
        code = units.resolve(spelling).code if isinstance(spelling, str) else None
        if text is None or _get(quantity, "comparator"):
            self.reader.fault(path, f"expected a plain number, got {shown(value)}")
        elif code is None:
            self.reader.fault(path, "the number has no unit that is known")
        else:
            return {code: text}
        return {}

    def _partition(self, interval: Any, path: str) -> dict[str, str]:
        where: dict[str, str] = {}
        gender = _get(interval, "gender")
        if gender in SEXES:
            where["sex"] = str(gender)
        elif gender is not None:
            self.reader.fault(f"{path}.gender", f"expected female or male, got {shown(gender)}")
        context = _codes(_get(interval, "context"))
        pregnancy = context & set(PREGNANCIES)
        if pregnancy:
            where["pregnancy"] = min(pregnancy)
        elif context - {"normal"} or (_get(interval, "context") and not context):
            self.reader.fault(f"{path}.context", f"cannot be kept; known is a code of {uris.PREGNANCY}")
        words = []
        for side, sign in (("low", ">="), ("high", "<")):
            quantity = _get(_get(interval, "age"), side)
            if quantity is None:
                continue
            text, unit = _plain(_get(quantity, "value")), _get(quantity, "code") or _get(quantity, "unit")
            if text is None or unit not in AGE_UNITS:
                self.reader.fault(f"{path}.age.{side}", f"expected a number in one of {', '.join(AGE_UNITS)}")
            elif Fraction(text) or side == "high":
                words.append(f"{sign} {text} {unit}")
        return {**where, **given({"age": ", ".join(words)})}


def _fields(extension: Any) -> dict[str, Any]:
    """Return the simple parts of an extension by name."""
    found: dict[str, Any] = {}
    for part in _list(extension, "extension"):
        name = _get(part, "url")
        for key in ("valueString", "valueDate", "valueBoolean", "valueInteger"):
            value = _get(part, key)
            if isinstance(name, str) and isinstance(value, (str, bool, int)):
                found[name] = value
    return found


def _codes(concept: Any) -> set[str]:
    return {code for coding in _list(concept, "coding") if isinstance(code := _get(coding, "code"), str)}


def _plain(value: Any) -> str | None:
    """Return a number of JSON as plain digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        return None
    number = Decimal(str(value))
    return f"{number:f}" if abs(number.adjusted()) < _DIGITS else None
