"""A result in the unit in which it was sent: the number that its reader knows it by."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.reading import analytes, units, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.model import Interpretation, LabResult


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
