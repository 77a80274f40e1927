"""What a profile must say of severity: from where on, for whom, and never against its own intervals."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from labinterp.codes import HIGH_SIDE, LEVELS, LOW_SIDE
from labinterp.ranges.cells import cells
from labinterp.ranges.model import ADULT, NOT_PREGNANT, SEXES, Limits, Who, age_breaks
from labinterp.ranges.select import SEVERE_LEVELS, related_analyte
from labinterp.reading import units as unit_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labinterp.ranges.cells import Cell
    from labinterp.ranges.model import Band, Entry
    from labinterp.ranges.select import ReferenceSet

JUDGED: Final = ("magnesium", "calcium", "calcium_adjusted", "calcium_ionized")
"""Analytes of which every profile that has a range says from where on a result is severe."""


def faults(reference_set: ReferenceSet, place: str) -> tuple[str, ...]:
    """Return what a profile leaves unsaid of severity or says against its own intervals.

    Args:
        reference_set: the profile's editions.
        place: the profile's file and entry, for the messages.
    """
    found: list[str] = []
    for analyte in JUDGED:
        found.extend(f"{place}: {what}" for what in _missing(reference_set, analyte))
        for judged in dict.fromkeys((analyte, related_analyte(analyte) or analyte)):
            found.extend(f"{place}: {what}" for what in _contradictions(reference_set, analyte, judged))
    return tuple(dict.fromkeys(found))


def _missing(reference_set: ReferenceSet, analyte: str) -> Iterator[str]:
    for sex in SEXES:
        who = Who((ADULT, ADULT), sex, NOT_PREGNANT)
        if not reference_set.select_or_related(analyte, who).covered:
            continue
        said = reference_set.severity(analyte, who)
        for level in SEVERE_LEVELS:
            if level not in said:
                side = level.removeprefix("very_")
                yield (
                    f"no edition says from where on {analyte} is severely {side} in adults; name one with an entry of "
                    f"kind severity, such as severity/2026-11"
                )


def _contradictions(reference_set: ReferenceSet, analyte: str, judged: str) -> Iterator[str]:
    """Say where a value that the intervals of `judged` call normal, or worse, is severe by the bands of `analyte`."""
    entries = tuple(
        entry for edition in reference_set.editions for entry in edition.entries if entry.analyte in (analyte, judged)
    )
    for cell in cells(age_breaks(entries)):
        yield from _in_cell(reference_set, analyte, judged, cell)


def _in_cell(reference_set: ReferenceSet, analyte: str, judged: str, cell: Cell) -> Iterator[str]:
    ranges = reference_set.select_or_related(judged, cell.who).entries
    for level, severe in reference_set.severity(analyte, cell.who).items():
        harmless = {*LEVELS} - {"indeterminate", *(LOW_SIDE if level == "very_low" else HIGH_SIDE)}
        for entry, against in itertools.product(severe, ranges):
            pairs = itertools.product(entry.bands, against.bands)
            for band, other in ((b, o) for b, o in pairs if b.level == level and o.level in harmless):
                if _meet(entry, band, against, other):
                    said = f"{entry.range_id}: {band.printed()} is {level}"
                    yield f"{said}, of which {against.range_id} calls a part {other.level}"


def _meet(entry: Entry, band: Band, against: Entry, other: Band) -> bool:
    """Return whether a value can lie in both bands, once both are in canonical units."""
    if band.level == "very_low":
        end, start = _canonical(entry.analyte, band.upper), _canonical(against.analyte, other.lower)
        return end is None or start is None or start < end
    end, start = _canonical(entry.analyte, band.lower), _canonical(against.analyte, other.upper)
    return end is None or start is None or start > end


def _canonical(analyte: str, end: Limits | str | None) -> Fraction | None:
    if not isinstance(end, Limits):
        return None
    code, value = next(iter(end.items()))
    return Fraction(value) * unit_table.exact_factor(analyte, code)
