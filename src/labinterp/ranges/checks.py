"""What makes limits wrong although every key is right: order, gaps, overlaps, units."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.ranges.model import (
    BASELINE,
    LEVELS,
    LLN,
    TIMES,
    TRIMESTERS,
    ULN,
    Band,
    Entry,
    Limits,
    Partition,
    multiple,
)
from labinterp.ranges.reader import TableReader, TomlTable, nearest, shown, shown_key
from labinterp.ranges.schema import ENDS, LOWER_ENDS, OUTER_KINDS, UPPER_ENDS
from labinterp.reading import units as unit_table
from labinterp.reading.analytes import analytes

AGREEMENT = Fraction(3, 20)
"""How far the printed values of one limit may lie apart, once converted: sources round, they don't err by more."""

_DECLARE = "; say gaps = true if the source has it"
_NEAR = {"low": "upper", "high": "lower"}
_OUTER_WORDS = {"critical_limit": "critical limit", "severity": "band of severity"}

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

End = Limits | str | None


def bands(row: TomlTable, reader: TableReader, path: str) -> tuple[Band, ...]:
    """Return the bands of a range or grade in rising order, or none after noting what is wrong with them."""
    before = len(reader.faults)
    kind = row.get("kind")
    parts = [row.get("normal"), *row.get("bands", [])]
    if kind is None or any(part is not None and not part.whole for part in parts):
        return ()
    if kind == "reference_interval":
        found = _interval(row.get("normal"), reader, path)
    elif kind == "grade":
        found = _grades(row, reader, path)
    else:
        found = _decision(row, reader, path)
    return found if len(reader.faults) == before else ()


def _end(raw: TomlTable, keys: dict[str, bool], reader: TableReader, path: str) -> tuple[End, bool]:
    present = [key for key in keys if key in raw]
    if len(present) > 1:
        reader.fault(f"{path}.{present[1]}", f"both {present[0]!r} and {present[1]!r} are given; keep one")
    if not present:
        return None, False
    return raw[present[0]], keys[present[0]]


def _band(raw: TomlTable, reader: TableReader, path: str) -> Band:
    lower, lower_inclusive = _end(raw, LOWER_ENDS, reader, path)
    upper, upper_inclusive = _end(raw, UPPER_ENDS, reader, path)
    if lower is None and upper is None:
        reader.fault(path, "has neither a lower nor an upper end", 'from = { "mg/dL" = "1.6" }')
    if isinstance(lower, Limits) and isinstance(upper, Limits):
        for unit, low in lower.items():
            high = upper.get(unit, low + 1)
            if low > high or (low == high and not (lower_inclusive and upper_inclusive)):
                reader.fault(path, f"the limits are inverted: {low} {shown_key(unit)} is not below {high}")
    name, level, grade = raw.get("band", "normal"), raw.get("level", "normal"), raw.get("grade")
    return Band(
        band=name,
        level=level,
        grade=grade,
        lower=lower,
        lower_inclusive=lower_inclusive,
        upper=upper,
        upper_inclusive=upper_inclusive,
    )


def _interval(raw: TomlTable | None, reader: TableReader, path: str) -> tuple[Band, ...]:
    if raw is None:
        return ()
    normal = _band(raw, reader, f"{path}.normal")
    found = [normal]
    if normal.lower is not None:
        found.insert(0, Band("low", "low", upper=normal.lower, upper_inclusive=not normal.lower_inclusive))
    if normal.upper is not None:
        found.append(Band("high", "high", lower=normal.upper, lower_inclusive=not normal.upper_inclusive))
    return tuple(found)


def _decision(row: TomlTable, reader: TableReader, path: str) -> tuple[Band, ...]:
    rows = row.get("bands") or []
    if "bands" in row and not rows:
        reader.fault(f"{path}.bands", "is empty")
    found = [_band(raw, reader, f"{path}.bands[{index}]") for index, raw in enumerate(rows, 1)]
    if row.get("kind") in OUTER_KINDS:
        _outer(found, reader, path, _OUTER_WORDS[row["kind"]])
        return tuple(found)
    _levels_rise(found, reader, path)
    placed = [(f"{path}.bands[{index}]", band) for index, band in enumerate(found, 1)]
    gaps = _neighbours(placed, reader, gaps=bool(row.get("gaps")), hint=_DECLARE)
    for index, end, side in ((1, found[0].lower, "below"), (len(found), found[-1].upper, "above")) if found else ():
        if end is not None:
            gaps += 1
            if not row.get("gaps"):
                reader.fault(f"{path}.bands[{index}]", f"gap: a result {side} {end} lies in no band{_DECLARE}")
    if row.get("gaps") and not gaps:
        reader.fault(f"{path}.gaps", "is true, but there is no gap")
    return tuple(found)


def _outer(found: list[Band], reader: TableReader, path: str, what: str) -> None:
    seen = set()
    for index, band in enumerate(found, 1):
        where = f"{path}.bands[{index}]"
        if band.level not in ("very_low", "very_high"):
            reader.fault(f"{where}.level", f"a {what} is very_low or very_high, not {band.level!r}")
        elif (band.upper if band.level == "very_low" else band.lower) is None:
            reader.fault(
                where, f"a band of level {band.level} has {'an upper' if band.level == 'very_low' else 'a lower'} end"
            )
        elif (band.lower if band.level == "very_low" else band.upper) is not None:
            reader.fault(where, f"a {what} of level {band.level} is open at its far end")
        elif band.level in seen:
            reader.fault(f"{where}.level", f"a second band of level {band.level}")
        seen.add(band.level)
    if [band.level for band in found] == ["very_low", "very_high"]:
        _gap(found[0], found[1], reader, f"{path}.bands[2]", None)
    elif [band.level for band in found] == ["very_high", "very_low"]:
        reader.fault(f"{path}.bands[2]", "the bands are not in rising order")


def _levels_rise(found: list[Band], reader: TableReader, path: str) -> None:
    last = -1
    for index, band in enumerate(found, 1):
        if band.level == "indeterminate":
            continue
        rank = LEVELS.index(band.level)
        if rank < last:
            text = f"the level {band.level} follows {LEVELS[last]}: a higher band cannot have a lower level"
            reader.fault(f"{path}.bands[{index}].level", text)
        last = rank


def _neighbours(found: list[tuple[str, Band]], reader: TableReader, *, gaps: bool, hint: str = "") -> int:
    """Note overlaps and undeclared gaps between neighboring bands, and return the number of gaps."""
    count = 0
    for (_, first), (where, second) in itertools.pairwise(found):
        if first.upper is None or second.lower is None:
            reader.fault(where, "overlap: the end between this band and the one before is open; both need one")
        else:
            count += _gap(first, second, reader, where, None if gaps else hint)
    return count


def _gap(first: Band, second: Band, reader: TableReader, where: str, hint: str | None) -> bool:
    """Note an overlap, and a gap unless there is no hint what to do about it; say whether there is a gap."""
    upper, lower = first.upper, second.lower
    if not isinstance(upper, Limits) or not isinstance(lower, Limits):
        return False
    found = False
    for unit in upper:
        if unit not in lower:
            continue
        end, start = f"{upper[unit]} {shown_key(unit)}", f"{lower[unit]} {shown_key(unit)}"
        if upper[unit] > lower[unit]:
            reader.fault(where, f"overlap: the band before ends at {end}, this one begins at {start}")
        elif upper[unit] == lower[unit] and first.upper_inclusive and second.lower_inclusive:
            reader.fault(where, f"overlap: {end} lies in this band and in the one before")
        elif upper[unit] < lower[unit] or not (first.upper_inclusive or second.lower_inclusive):
            found = True
            if hint is not None and upper[unit] == lower[unit]:
                reader.fault(where, f"gap: {end} lies in no band{hint}")
            elif hint is not None:
                reader.fault(where, f"gap between {end} and {start}{hint}")
    return found


def _grades(row: TomlTable, reader: TableReader, path: str) -> tuple[Band, ...]:
    direction = row.get("direction")
    rows = row.get("bands") or []
    if "bands" in row and not rows:
        reader.fault(f"{path}.bands", "is empty")
    if direction is None or not rows:
        return ()
    found: list[tuple[str, Band]] = []
    for index, raw in enumerate(rows, 1):
        where = f"{path}.bands[{index}]"
        band = attrs.evolve(_band(raw, reader, where), band=f"grade {raw['grade']}", level=direction)
        for side, end in (("lower", band.lower), ("upper", band.upper)):
            if isinstance(end, str) and not _fits(end, direction, near=side == _NEAR[direction]):
                reader.fault(where, f"{end} cannot be the {side} end of a grade whose direction is {direction}")
        if any(band.grade == other.grade for _, other in found):
            reader.fault(f"{where}.grade", f"grade {band.grade} is given twice")
            return ()
        found.append((where, band))
    found.sort(key=lambda item: item[1].grade or 0, reverse=direction == "low")
    where, far = found[0] if direction == "low" else found[-1]
    if (far.lower if direction == "low" else far.upper) is not None:
        reader.fault(where, "the highest grade is open at its far end")
    _neighbours(found, reader, gaps=False)
    return tuple(band for _, band in found)


def _fits(word: str, direction: str, *, near: bool) -> bool:
    """Return whether a word may be an end of a grade; the end away from normal is a multiple."""
    name = multiple(word)[1]
    return name in {"low": (LLN,), "high": (ULN, BASELINE)}[direction] and (near or TIMES in word)


def _limits(row: TomlTable) -> Iterator[tuple[str, Limits | str]]:
    """Return every end in a range or grade, with its path."""
    parts = [(".normal", row.get("normal", {}))]
    parts += [(f".bands[{index}]", band) for index, band in enumerate(row.get("bands", []), 1)]
    for path, part in parts:
        for key in ENDS:
            if key in part:
                yield f"{path}.{key}", part[key]


def units(row: TomlTable, reader: TableReader, path: str) -> tuple[str, ...] | None:
    """Return the units of the limits, none where all are multiples; nothing after noting what is wrong with them."""
    printed = [(where, end) for where, end in _limits(row) if isinstance(end, Limits)]
    if not printed or "analyte" not in row:
        if any(isinstance(end, str) and TIMES in end for _, end in _limits(row)):
            return ()
        if row.get("bands") and row.whole:
            reader.fault(f"{path}.bands", "no limit has a number")
        return None
    before = len(reader.faults)
    every = tuple(dict.fromkeys(code for _, end in printed for code in end))
    _all_printed(row, printed, every, reader, path)
    if len(reader.faults) > before:
        return None
    for where, end in printed:
        fault = _implausible(row["analyte"], end)
        if fault is not None:
            reader.fault(f"{path}{where}", fault)
    return every


def _all_printed(
    row: TomlTable, printed: list[tuple[str, Limits]], every: tuple[str, ...], reader: TableReader, path: str
) -> None:
    """Note units that cannot measure the analyte, and limits that are not printed in all of them."""
    accepted = unit_table.accepted(row["analyte"])
    for code in every:
        if code not in accepted:
            known = code in unit_table.units()
            what = f"the unit {shown(code)} cannot measure {row['analyte']}" if known else f"unknown unit {shown(code)}"
            where = next(where for where, end in printed if code in end)
            reader.fault(f"{path}{where}", f"{what}{nearest(code, accepted)}")
    for where, end in printed:
        missing = [code for code in every if code not in end]
        if missing:
            text = f"missing in {', '.join(map(shown, missing))}: a range prints every limit in the same units"
            reader.fault(f"{path}{where}", text)


def _implausible(analyte: str, end: Limits) -> str | None:
    """Say what cannot be right about a limit once it is converted: a wrong unit or digit, most often."""
    values = [Fraction(value) * unit_table.exact_factor(analyte, code) for code, value in end.items()]
    if max(values) - min(values) > AGREEMENT * max(values):
        return f"{end} are not one limit: converted, they lie more than {float(AGREEMENT):.0%} apart"
    hard = analytes()[analyte].hard
    if max(values) > Fraction(hard.high) or 0 < min(values) < Fraction(hard.low):
        return f"no result can be near {end}; is the unit right?"
    return None


def overlaps(entries: Iterable[tuple[str, Entry]], reader: TableReader) -> None:
    """Note entries, given with their paths, of which neither is more specific although a patient may belong to both."""
    groups: dict[tuple[str | None, ...], list[tuple[str, Entry]]] = {}
    for path, entry in entries:
        if nobody(entry.partition):
            reader.fault(f"{path}.partition", "nobody is male and pregnant")
        for rival in _rivals(entry):
            groups.setdefault((entry.analyte, *rival), []).append((path, entry))
    for group in groups.values():
        for (first_path, first), (second_path, second) in itertools.combinations(group, 2):
            apart = None not in (first.method, second.method) and first.method != second.method
            if (
                not apart
                and overlap(first.partition, second.partition)
                and not (beats(first.partition, second.partition) or beats(second.partition, first.partition))
            ):
                text = f"overlaps {first_path} ({first.id}): a patient may belong to both"
                reader.fault(f"{second_path}.partition", text)


def _rivals(entry: Entry) -> tuple[tuple[str | None, ...], ...]:
    """Return the questions that an entry answers: two entries that answer one must not hold for one patient."""
    if entry.kind == "severity":
        return tuple(("severity", band.level) for band in entry.bands)
    answers = {"critical_limit": ("critical", entry.place), "grade": _question(entry)}
    return (answers.get(entry.kind, ("range",)),)


def _question(entry: Entry) -> tuple[str | None, ...]:
    return ("grade", entry.direction, *(("baseline",) if entry.against_baseline else ()))


def nobody(partition: Partition) -> bool:
    """Say whether no patient can belong to the partition."""
    return partition.sex == "male" and partition.pregnancy in TRIMESTERS


def overlap(first: Partition, second: Partition) -> bool:
    """Say whether a patient may belong to both partitions."""
    low = max(first.age_low or Fraction(0), second.age_low or Fraction(0))
    highs = [high for high in (first.age_high, second.age_high) if high is not None]
    if highs and low >= min(highs):
        return False
    sexes = {first.sex or second.sex, second.sex or first.sex}
    pregnancies = {first.pregnancy or second.pregnancy, second.pregnancy or first.pregnancy}
    return len(sexes) == 1 and len(pregnancies) == 1 and not ("male" in sexes and pregnancies & set(TRIMESTERS))


def beats(first: Partition, second: Partition) -> bool:
    """Say whether the first partition is more specific.

    It is if it says all that the second says of sex and pregnancy, and more; a trimester says the sex as well.
    """
    return _said(second) < _said(first)


def _said(partition: Partition) -> set[str]:
    said = {"pregnancy"} if partition.pregnancy else set()
    return said | ({"sex"} if partition.sex or partition.pregnancy in TRIMESTERS else set())


def dates(found: dict[str, Any], reader: TableReader) -> None:
    """Note dates in the wrong order, and a superseding edition that names itself."""
    first, last = found.get("valid_from"), found.get("valid_until")
    if first and last and last < first:
        reader.fault("valid_until", f"{last} lies before valid_from, {first}")
    if found.get("supersedes") and found["supersedes"] == found.get("id"):
        reader.fault("supersedes", "an edition cannot supersede itself")


def no_categories(found: dict[str, Any], reader: TableReader) -> None:
    """Note analytes that are said to have no limits and have some."""
    has = {row.get("analyte") for row in found.get("range", []) if row.get("kind") not in OUTER_KINDS}
    for index, row in enumerate(found.get("no_categories", []), 1):
        if row.get("analyte") in has:
            reader.fault(f"no_categories[{index}].analyte", f"{row['analyte']} has a range in this edition")
