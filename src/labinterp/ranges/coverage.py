"""Whom a reference set leaves without a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from labinterp.ranges.cells import Cell, People, cells, joined
from labinterp.ranges.select import related_analyte
from labinterp.reading.analytes import analytes as known_analytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from labinterp.ranges.select import ReferenceSet


@attrs.frozen
class Uncovered:
    """Patients for whom a reference set has no range of an analyte.

    Args:
        analyte: analyte key.
        who: the patients.
        reason: `no_entry` or `no_categories`.
        detail: the reason in words.
    """

    analyte: str
    who: People
    reason: str
    detail: str


def coverage(reference_set: ReferenceSet, analytes: Iterable[str] | None = None) -> tuple[Uncovered, ...]:
    """Return every analyte, age, sex and pregnancy that a reference set leaves uncovered.

    Args:
        reference_set: a profile, for example.
        analytes: the analytes to look at; every known one unless said otherwise.

    Example:
        >>> from labinterp.ranges import reference_set
        >>> [str(row.who) for row in coverage(reference_set("nice-ng239/2024"), ["vitamin_b12"])]
        ['under 16 years']
    """
    found: list[Uncovered] = []
    for analyte in _analytes(analytes):
        missing: dict[tuple[str, str], list[Cell]] = {}
        for cell in _cells(reference_set, analyte):
            selection = reference_set.select_or_related(analyte, cell.who)
            if not selection.covered:
                missing.setdefault((selection.reason or "", selection.detail or ""), []).append(cell)
        for (reason, detail), group in missing.items():
            found.extend(Uncovered(analyte, who, reason, detail) for who in joined(group))
    return tuple(found)


def covered(reference_set: ReferenceSet, analyte: str) -> tuple[People, ...]:
    """Return the patients for whom a reference set has a range of an analyte, its own or that of its relative."""
    every = _cells(reference_set, analyte)
    return joined(cell for cell in every if reference_set.select_or_related(analyte, cell.who).covered)


def _cells(reference_set: ReferenceSet, analyte: str) -> Iterator[Cell]:
    related = related_analyte(analyte)
    more = () if related is None else reference_set.age_breaks(related)
    return cells((*reference_set.age_breaks(analyte), *more))


def matrix(
    reference_sets: Iterable[ReferenceSet], analytes: Iterable[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return a table of who is covered, analytes down and reference sets across; the first row is the head.

    Example:
        >>> from labinterp.ranges import reference_set
        >>> matrix([reference_set("nice-ng239/2024")], ["vitamin_b12", "magnesium"])
        (('analyte', 'nice-ng239/2024'), ('vitamin_b12', '16 years and over'), ('magnesium', 'nobody'))
    """
    sets = tuple(reference_sets)
    head = ("analyte", *(found.id for found in sets))
    rows = (
        (analyte, *("; ".join(map(str, covered(found, analyte))) or "nobody" for found in sets))
        for analyte in _analytes(analytes)
    )
    return (head, *rows)


def _analytes(analytes: Iterable[str] | None) -> tuple[str, ...]:
    if analytes is not None:
        return tuple(analytes)
    return tuple(known_analytes())
