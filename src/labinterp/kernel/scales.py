"""Entries of an edition → scales in the unit of a result.

The limit printed in the result's own unit is used where there is one, else one printed in the same kind of unit
(mass, moles, equivalents), else for equivalents one in moles and for moles one in equivalents, as only the charge
lies between them, else the first; conversion is exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from labinterp.kernel.baseline import Against, BaselineStep
from labinterp.kernel.plan import Grading, Scale, Stretch, StretchEnd
from labinterp.ranges.model import LLN, ULN, multiple
from labinterp.reading import units

if TYPE_CHECKING:
    from labinterp.ranges import Band, Entry, Limits

_RELATED_KIND = {"equivalents": "moles", "moles": "equivalents"}


def printed_unit(printed: tuple[str, ...], code: str, analyte: str) -> str:
    """Return the printed unit that suits a result in `code`: one is printed at least, each accepted for `analyte`."""
    if code in printed:
        return code
    own = units.exact_factor(analyte, code)
    kind = units.units()[code].kind
    for unit in printed:
        if units.exact_factor(analyte, unit) == own and units.units()[unit].kind == kind:
            return unit
    for wanted in (kind, _RELATED_KIND.get(kind)):
        for unit in printed:
            if units.units()[unit].kind == wanted:
                return unit
    return printed[0]


def scale_of(entry: Entry, code: str, analyte: str) -> Scale:
    """Return the bands of an entry in the unit `code`."""
    unit = printed_unit(entry.units, code, analyte)
    factor = units.exact_factor(analyte, unit) / units.exact_factor(analyte, code)
    stretches = tuple(_stretch(band, unit, factor) for band in entry.bands)
    return Scale(stretches, _twins(entry, unit, code, analyte), exact=factor == 1)


def _stretch(band: Band, unit: str, factor: Fraction) -> Stretch:
    return Stretch(
        _edge(band.lower, unit, factor, inclusive=band.lower_inclusive),
        _edge(band.upper, unit, factor, inclusive=band.upper_inclusive),
        band=band.band,
        level=band.level,
        grade=band.grade,
    )


def _edge(end: Limits | str | None, unit: str, factor: Fraction, *, inclusive: bool) -> StretchEnd | None:
    if end is None or isinstance(end, str):
        return None
    return StretchEnd(Fraction(end[unit]) * factor, inclusive)


def _twins(entry: Entry, unit: str, code: str, analyte: str) -> tuple[tuple[Fraction, Fraction], ...]:
    own = units.exact_factor(analyte, code)
    here = units.exact_factor(analyte, unit) / own
    pairs = []
    for other in entry.units:
        if other == unit or other not in units.accepted(analyte):
            continue
        there = units.exact_factor(analyte, other) / own
        for band in entry.bands:
            for end in (band.lower, band.upper):
                if end is None or isinstance(end, str):
                    continue
                pairs.append((Fraction(end[unit]) * here, Fraction(end[other]) * there))
    return tuple(dict.fromkeys(pairs))


def grading_of(entry: Entry, code: str, analyte: str, low: StretchEnd | None, high: StretchEnd | None) -> Grading:
    """Return a grade scale in the unit `code`, its ends at the limits of normal put in where they are known.

    A stretch whose limit of normal is unknown, or which that limit leaves empty, is left out: the other grades stay.
    """
    unit = printed_unit(entry.units, code, analyte) if entry.units else code
    factor = units.exact_factor(analyte, unit) / units.exact_factor(analyte, code)
    normal = {LLN: low, ULN: high}
    words = [multiple(end) for band in entry.bands for end in (band.lower, band.upper) if isinstance(end, str)]
    stretches = []
    for band in entry.bands:
        ends = []
        for end, inclusive in ((band.lower, band.lower_inclusive), (band.upper, band.upper_inclusive)):
            if not isinstance(end, str):
                ends.append(_edge(end, unit, factor, inclusive=inclusive))
                continue
            times, name = multiple(end)
            limit = normal[name]
            if limit is None:
                break
            ends.append(StretchEnd(limit.value * Fraction(times), inclusive))
        else:
            lower, upper = ends
            if lower is None or upper is None or lower.value < upper.value:
                stretches.append(Stretch(lower, upper, grade=band.grade))
    return Grading(
        tuple(stretches),
        entry.direction or "low",
        needs=words[0][1] if words else None,
        exact=factor == 1 and all(times == 1 for times, _ in words),
    )


def against_of(entry: Entry) -> Against:
    """Return the grades of an entry whose ends are multiples of the baseline."""
    steps = []
    for band in entry.bands:
        times, _ = multiple(str(band.lower))
        steps.append(BaselineStep(float(times), band.lower_inclusive, band.grade or 0))
    return Against(tuple(steps), below_normal=entry.baseline is not None)
