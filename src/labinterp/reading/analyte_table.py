"""The table behind `analytes`: `knowledge/analytes.toml` as classes and dictionaries, read once."""

from __future__ import annotations

import functools
import unicodedata
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from labinterp._data import knowledge
from labinterp.model import Citation

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "\u0131": "i",  # the Turkish i without a dot
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "\u0629": "\u0647",  # endings that Arabic writes in two ways
        "\u0649": "\u064a",
    }
)
"""Letters that no Unicode form takes apart, as names are compared."""


@attrs.frozen
class Span:
    """A region of values in the canonical unit of an analyte.

    Args:
        low: lower end.
        high: upper end.
        low_inclusive: whether `low` itself lies inside.
        high_inclusive: whether `high` itself lies inside.

    Example:
        >>> Span(0.0, 12.0, low_inclusive=False).holds(0.0)
        False
    """

    low: float
    high: float
    low_inclusive: bool = True
    high_inclusive: bool = True

    def holds(self, value: float) -> bool:
        """Say whether `value` lies inside."""
        above = value >= self.low if self.low_inclusive else value > self.low
        below = value <= self.high if self.high_inclusive else value < self.high
        return above and below


@attrs.frozen
class Loinc:
    """A LOINC code that means an analyte.

    Args:
        code: such as `19123-9`.
        display: LOINC's long or short name.
        property: `mass` or `moles` per volume, as LOINC defines the code; it never proves the unit of a result.
        status: `active` or `deprecated`.
        evidence: how the entry was verified.
        notes: codes of notes that a result with this code gets.
    """

    code: str
    display: str
    property: str | None
    status: str = "active"
    evidence: str = "primary"
    notes: tuple[str, ...] = ()


@attrs.frozen
class Analyte:
    """What is measured.

    Args:
        key: such as `vitamin_b12`.
        title: its name in words.
        canonical_unit: UCUM code of the unit in which values are compared across units.
        molar_mass: in g/mol; missing where mass and moles are not converted into each other.
        valence: charges per particle; missing where equivalents are not converted.
        units: the customary UCUM codes, most customary first.
        specimens: the kinds of specimen that its ranges hold for.
        hard: the values that can be right.
        soft: the values that need no second look.
        ordinary: where most results lie; used to suggest a unit, never to choose one.
        loinc: its LOINC codes.
        molar_mass_source: where the molar mass comes from.
        molar_mass_evidence: `primary`, `secondary` or `calculated`.

    Example:
        >>> from labinterp.reading.analytes import analyte
        >>> magnesium = analyte("magnesium")
        >>> magnesium.canonical_unit, magnesium.molar_mass, magnesium.valence
        ('mmol/L', Decimal('24.305'), 2)
    """

    key: str
    title: str
    canonical_unit: str
    molar_mass: Decimal | None
    valence: int | None
    units: tuple[str, ...]
    specimens: tuple[str, ...]
    hard: Span
    soft: Span
    ordinary: Span
    loinc: tuple[Loinc, ...]
    molar_mass_source: Citation | None = None
    molar_mass_evidence: str | None = None


@attrs.frozen
class Listed:
    """What one code or its display stands for."""

    analyte: str | None = None
    property: str | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None


@attrs.frozen
class Lookups:
    """Everything that is looked up: by key, code, reason and folded specimen; `names` by LOINC display."""

    analytes: Mapping[str, Analyte]
    names: Mapping[str, Listed]
    codes: Mapping[str, Listed]
    reasons: Mapping[str, str]
    specimens: Mapping[str, str | None]


def fold(text: str) -> str:
    """Return `text` as names are compared: letters and digits in lower case without accents, other signs as blanks.

    Example:
        >>> fold("  Magnésium, (Sérum)")
        'magnesium serum'
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(LETTERS))
    signs = (c if c.isalnum() else " % " if c == "%" else " " for c in text if not unicodedata.combining(c))
    return " ".join("".join(signs).split())


@functools.cache
def tables() -> Lookups:
    """Return the tables."""
    data = knowledge("analytes.toml")
    sources = {row["id"]: Citation(row["id"], row["citation"], url=row.get("url")) for row in data["source"]}
    known = {row["key"]: _analyte(row, sources) for row in data["analyte"]}
    names: dict[str, Listed] = {}
    codes: dict[str, Listed] = {}
    for row in data["analyte"]:
        key = row["key"]
        for item in known[key].loinc:
            codes[item.code] = Listed(key, item.property, item.notes)
            names[fold(item.display)] = Listed(key, None, item.notes)
    for row in data["refused"]:
        codes.update(dict.fromkeys(row.get("loinc", ()), Listed(reason=row["reason"])))
    reasons = {row["reason"]: row["text"] for row in data["refused"]} | data["reasons"]
    specimens = {
        fold(spelling): None if kind == "missing" else kind
        for kind, spellings in data["specimens"].items()
        for spelling in spellings
    }
    return Lookups(analytes=MappingProxyType(known), names=names, codes=codes, reasons=reasons, specimens=specimens)


def _analyte(row: Mapping[str, Any], sources: Mapping[str, Citation]) -> Analyte:
    mass = row.get("molar_mass")
    return Analyte(
        key=row["key"],
        title=row["title"],
        canonical_unit=row["canonical_unit"],
        molar_mass=None if mass is None else Decimal(mass),
        valence=row.get("valence"),
        units=tuple(row["units"]),
        specimens=tuple(row["specimens"]),
        hard=_span(row["hard"]),
        soft=_span(row["soft"]),
        ordinary=_span(row["ordinary"]),
        loinc=tuple(_loinc(item) for item in row["loinc"]),
        molar_mass_source=None if mass is None else sources[row["molar_mass_source"]],
        molar_mass_evidence=row.get("molar_mass_evidence"),
    )


def _loinc(item: Mapping[str, Any]) -> Loinc:
    status = item.get("status", "active")
    notes = tuple(item.get("notes", ())) + (("deprecated_code",) if status == "deprecated" else ())
    return Loinc(
        code=item["code"],
        display=item["display"],
        property=item.get("property"),
        status=status,
        evidence=item.get("evidence", "primary"),
        notes=notes,
    )


def _span(ends: Mapping[str, Any]) -> Span:
    return Span(
        low=float(ends["from"] if "from" in ends else ends["above"]),
        high=float(ends["up_to"] if "up_to" in ends else ends["below"]),
        low_inclusive="from" in ends,
        high_inclusive="up_to" in ends,
    )
