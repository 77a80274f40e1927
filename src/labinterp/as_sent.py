"""A result in the unit in which it was sent: the number that its reader knows it by."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.reading import analytes, units, values
from labinterp.words import faces, labels, numbers, titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.model import Evidence, Interpretation, LabResult


@attrs.frozen
class AsSent:
    """A value and its limits of normal in one unit.

    Args:
        analyte: analyte key.
        unit: UCUM code.
        value: in `unit`.
        low: lower limit of normal, in `unit`.
        high: upper limit of normal, in `unit`.
    """

    analyte: str = attrs.field(repr=False)
    unit: str
    value: float = attrs.field(repr=False)
    low: float | None
    high: float | None

    def of(self, canonical: float | None) -> float | None:
        """Return a number in the canonical unit in this one."""
        return None if canonical is None else in_unit(self.analyte, canonical, self.unit)


def as_sent(item: Interpretation, default_units: Mapping[str, str] | None = None) -> AsSent | None:
    """Return a converted result and its limits in the unit that it was sent in; nothing where it has no value.

    Args:
        item: the interpretation.
        default_units: as in `interpret`.

    Example:
        >>> import labinterp as li
        >>> found = as_sent(li.interpret([li.LabResult("Mg", 1.5, "mg/dL")]).interpretations[0])
        >>> round(found.value, 9), found.unit
        (1.5, 'mg/dL')
    """
    analyte = item.analyte
    if item.value is None or analyte is None or analyte not in analytes.analytes():
        return None
    unit = unit_sent(item.result, (default_units or {}).get(analyte))
    if unit is None or unit not in units.accepted(analyte):
        unit = analytes.analyte(analyte).canonical_unit
    low, high = (None if end is None else in_unit(analyte, end, unit) for end in (item.low, item.high))
    return AsSent(analyte=analyte, unit=unit, value=in_unit(analyte, item.value, unit), low=low, high=high)


def canonical(item: Interpretation, shown: AsSent | None) -> str:
    """Return the value in the canonical unit, where it was sent in another one."""
    if item.value is None or shown is None or shown.unit == item.unit:
        return ""
    return f"{item.comparator or ''}{numbers.shown(item.value, (item.low, item.high))} {item.unit}"


def told(item: Interpretation, evidence: Evidence | None = None) -> str:
    """Return a result in a line of text: in the unit that was sent, the canonical one second, then level and range.

    Args:
        item: the interpretation of a known test.
        evidence: what a finding says of it, where it says more.

    Example:
        >>> import labinterp as li
        >>> told(li.interpret([li.LabResult("Mg", 1.5, "mg/dL")], li.Patient(age=54)).interpretations[0])
        'Magnesium 1.5 mg/dL (0.6172 mmol/L): low, range 1.6 to 2.6 mg/dL'
    """
    title, shown = titles.analyte(item.analyte), as_sent(item)
    level = None if item.flag is None else labels.word("level", item.level if evidence is None else evidence.level)
    about = [labels.word("verdict", "problem").lower() if level is None else level]
    if shown is None:
        return f"{title}: {about[0]}"
    limits = (shown.low, shown.high)
    if evidence is not None and evidence.basis == "adjusted_by_albumin":
        number = numbers.shown(shown.of(evidence.value), limits)
        about.append(f"{faces.line('result', 'adjusted')} {number} {shown.unit}")
    if span := numbers.span(*limits, shown.value):
        about.append(faces.line("result", "range", range=f"{span} {shown.unit}"))
    second = canonical(item, shown)
    value = f"{item.comparator or ''}{numbers.shown(shown.value, limits)} {shown.unit}"
    return f"{title} {value}{f' ({second})' if second else ''}: {', '.join(about)}"


def in_unit(analyte: str, canonical: float, unit: str) -> float:
    """Return a number in the canonical unit of an analyte in another.

    Example:
        >>> in_unit("albumin", 41.0, "g/dL")
        4.1
    """
    return float(f"{_scale(analyte, unit).apply(canonical):.12g}")


@functools.lru_cache(maxsize=512)
def _scale(analyte: str, unit: str) -> units.Factor:
    return units.scale_between(analyte, analytes.analyte(analyte).canonical_unit, unit)


def unit_sent(result: LabResult, default: str | None = None) -> str | None:
    """Return the code of the unit that a result came with: its own, the one behind its number, else the default."""
    return units.resolve(_unit_text(result.value, result.unit) or default).code


def _unit_text(value: Any, unit: str | None) -> str | None:
    if units.is_quantity(value):
        return units.from_quantity(value)[1]
    if unit is not None and unit.strip():
        return unit
    return values.parse(value).unit_text
