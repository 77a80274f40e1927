"""What changes for whom between two editions or profiles, in the reader's terms."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.ranges.cells import Cell, People, cells, joined
from labinterp.ranges.model import Band, Edition, Entry, Limits, age_breaks
from labinterp.ranges.schema import OUTER_KINDS
from labinterp.ranges.select import ReferenceSet, grades_for, related_analyte
from labinterp.ranges.sets import reference_set
from labinterp.reading import units as unit_table
from labinterp.tolerance import TOLERANCE
from labinterp.words import labels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

_ENDS = {
    ("critical_limit", "very_low"): "critical low limit",
    ("critical_limit", "very_high"): "critical high limit",
    ("severity", "very_low"): "limit below which a result is severe",
    ("severity", "very_high"): "limit above which a result is severe",
}
_WHOLE = {"range": "range", "critical": "critical limit of {}", "severity": "severity, {}", "grade": "grades, {}"}
Slot = tuple[str, str]


@attrs.frozen
class Difference:
    """One difference between two reference sets.

    Args:
        analyte: analyte key.
        who: the patients whom it concerns.
        limit: which limit, such as `lower limit of normal`; `range` where there is one on one side alone.
        kind: `moved`, `strictness` (the result on the limit changes sides), `added`, `removed` or `renamed`.
        before: the limit as the first prints it, with its unit, or a word.
        after: the limit as the second prints it.
        percent: how far it moved, of the limit before.
        before_id: where the first has it: `edition#entry`.
        after_id: where the second has it.
    """

    analyte: str
    who: People
    limit: str
    kind: str
    before: str | None
    after: str | None
    percent: float | None
    before_id: str | None
    after_id: str | None

    def __str__(self) -> str:
        start = f"{self.analyte} ({self.who}): {self.limit}"
        if self.kind == "moved":
            far = f" ({self.percent:+.1f} %)" if self.percent is not None else ""
            return f"{start} {self.before} -> {self.after}{far}"
        if self.kind == "added":
            return f"{start} {self.after or ''} is new, from {self.after_id}"
        if self.kind == "removed":
            return f"{start} {self.before or ''} is gone, it was in {self.before_id}"
        return f"{start}: {self.before} -> {self.after}"


@attrs.frozen
class _Edge:
    """A limit, and the bands below and above it; a critical limit and a grade have one of them."""

    name: str
    at: Limits | str
    below: Band | None = None
    above: Band | None = None

    @property
    def holder(self) -> tuple[str, str]:
        """Return the side to which a result on the limit belongs, and the name of its band."""
        if self.below is not None and self.below.upper_inclusive:
            return "below", self.below.band
        if self.above is not None and self.above.lower_inclusive:
            return "above", self.above.band
        return "none", "in no band" if self.below and self.above else "outside it"

    @property
    def bands(self) -> str:
        """Return the names of the bands."""
        return " | ".join(band.band for band in (self.below, self.above) if band is not None)


@attrs.frozen
class _Found:
    limit: str
    kind: str
    before: str | None = None
    after: str | None = None
    percent: float | None = None
    before_id: str | None = None
    after_id: str | None = None


def diff(first: Any, second: Any) -> tuple[Difference, ...]:
    """Return what changes from one edition, profile or reference set to another.

    Args:
        first: an `Edition`, or whatever `ranges=` accepts.
        second: the same.

    Returns:
        The changes by analyte and patient; patients for whom the same changes are joined.

    Example:
        >>> changes = diff("us@2021-06-01", "us")
        >>> all(change.kind in ("moved", "strictness", "added", "removed", "renamed") for change in changes)
        True
    """
    one, two = _set(first), _set(second)
    entries = [
        entry for each in (one, two) for edition in each.editions for entry in (*edition.entries, *edition.grades)
    ]
    changes: list[Difference] = []
    for analyte in dict.fromkeys(entry.analyte for entry in entries):
        found: dict[_Found, list[Cell]] = {}
        related = (entry for entry in entries if entry.analyte in (analyte, related_analyte(analyte)))
        for cell in cells(age_breaks(tuple(related))):
            before, after = _slots(one, analyte, cell), _slots(two, analyte, cell)
            for slot in dict.fromkeys((*before, *after)):
                for item in _compare(slot, before.get(slot), after.get(slot)):
                    found.setdefault(item, []).append(cell)
        for item, where in found.items():
            fields = attrs.asdict(item)
            changes.extend(Difference(analyte=analyte, who=who, **fields) for who in joined(where))
    return tuple(changes)


def _set(spec: Any) -> ReferenceSet:
    return ReferenceSet(spec.id, (spec,)) if isinstance(spec, Edition) else reference_set(spec)


def _slots(reference: ReferenceSet, analyte: str, cell: Cell) -> dict[Slot, Entry]:
    found: dict[Slot, Entry] = {}
    for entry in reference.select_or_related(analyte, cell.who).entries:
        found["range", ""] = entry
    for entry in reference.critical(analyte, cell.who):
        found["critical", entry.place or ""] = entry
    for level, severe in reference.severity(analyte, cell.who).items():
        for entry in severe:
            found["severity", level] = entry
    for edition in reference.editions:
        for entry in grades_for(edition, analyte, cell.who):
            found["grade", entry.direction or ""] = entry
    return found


def _compare(slot: Slot, before: Entry | None, after: Entry | None) -> list[_Found]:
    whole = _WHOLE[slot[0]].format(labels.word("level", slot[1]) if slot[0] == "severity" else slot[1])
    if before is None or after is None:
        if after is not None:
            return [_Found(whole, "added", after=_words(after), after_id=after.range_id)]
        return [_Found(whole, "removed", before=_words(before), before_id=before.range_id)] if before else []
    ids = (before.range_id, after.range_id)
    old, new = (
        {key: edge for key, edge in _edges(entry).items() if slot[0] != "severity" or key[0] == slot[1]}
        for entry in (before, after)
    )
    place = f", {slot[1]}" if slot[1] and slot[0] != "severity" else ""
    found = []
    for key in dict.fromkeys((*old, *new)):
        name = (new.get(key) or old[key]).name + place
        if key not in old:
            found.append(_Found(name, "added", None, str(new[key].at), None, *ids))
        elif key not in new:
            found.append(_Found(name, "removed", str(old[key].at), None, None, *ids))
        else:
            found.extend(
                attrs.evolve(item, limit=name, before_id=ids[0], after_id=ids[1])
                for item in _moved(before.analyte, old[key], new[key])
            )
    return found


def _moved(analyte: str, old: _Edge, new: _Edge) -> list[_Found]:
    if isinstance(old.at, str) or isinstance(new.at, str):
        return [] if old.at == new.at else [_Found("", "moved", str(old.at), str(new.at))]
    common = [unit for unit in old.at if unit in new.at]
    pairs = [(unit, unit) for unit in common] or [(next(iter(old.at)), next(iter(new.at)))]
    for one, two in pairs:
        before, after = old.at[one], new.at[two]
        share = _share(analyte, (before, one), (after, two))
        if share is None or abs(share) > TOLERANCE:
            percent = None if share is None else round(float(share) * 100, 2)
            return [_Found("", "moved", f"{before} {one}", f"{after} {two}", percent)]
    if old.holder[0] != new.holder[0]:
        at = f"{old.at[pairs[0][0]]} {pairs[0][0]}"
        return [_Found("", "strictness", f"a result of {at} is {old.holder[1]}", f"it is {new.holder[1]}")]
    return [_Found("", "renamed", old.bands, new.bands)] if old.bands != new.bands else []


def _share(analyte: str, before: tuple[Decimal, str], after: tuple[Decimal, str]) -> Fraction | None:
    old, new = Fraction(before[0]), Fraction(after[0])
    if before[1] != after[1]:
        old *= unit_table.exact_factor(analyte, before[1])
        new *= unit_table.exact_factor(analyte, after[1])
    if not old:
        return None if new else Fraction(0)
    return new / old - 1


def _edges(entry: Entry) -> dict[tuple[str, ...], _Edge]:
    """Return the limits of an entry by what lies below and above them."""
    found: dict[tuple[str, ...], _Edge] = {}
    for key, edge in _far_ends(entry) if entry.kind in (*OUTER_KINDS, "grade") else _between_bands(entry):
        unique = key
        while unique in found:
            unique = (*unique, "again")
        found[unique] = edge
    return found


def _far_ends(entry: Entry) -> Iterator[tuple[tuple[str, ...], _Edge]]:
    """Return the end at which each critical band or grade begins, seen from normal."""
    for band in entry.bands:
        name = _ENDS.get((entry.kind, band.level)) or f"limit of {band.band}"
        key = (band.level, band.band if entry.direction else "")
        if "low" in (entry.direction or band.level):
            yield key, _Edge(name, band.upper or "", below=band)
        else:
            yield key, _Edge(name, band.lower or "", above=band)


def _between_bands(entry: Entry) -> Iterator[tuple[tuple[str, ...], _Edge]]:
    for low, high in itertools.pairwise((None, *entry.bands, None)):
        if low is not None and high is not None and low.upper is not None and low.upper == high.lower:
            key = ("" if high.level == "normal" else low.level, "" if low.level == "normal" else high.level)
            yield key, _Edge(_between(low, high), low.upper, low, high)
            continue
        if low is not None and low.upper is not None:
            yield (low.level, "end"), _Edge(f"upper end of {low.band}", low.upper, below=low)
        if high is not None and high.lower is not None:
            yield ("start", high.level), _Edge(f"lower end of {high.band}", high.lower, above=high)


def _between(low: Band, high: Band) -> str:
    if high.level == "normal" and low.level != "normal":
        return "lower limit of normal"
    if low.level == "normal" and high.level != "normal":
        return "upper limit of normal"
    return f"limit between {low.band} and {high.band}"


def _words(entry: Entry) -> str:
    edges = dict.fromkeys(str(edge.at) for edge in _edges(entry).values())
    return (" to " if entry.kind == "reference_interval" else ", ").join(edges)
