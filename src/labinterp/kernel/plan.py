"""Limits → a plan: breakpoints in the result's own unit, and what holds on and between them.

A plan is compiled once per distinct (analyte, unit, patient group, reported range) in exact arithmetic. Evaluating it
for a value is counting the breakpoints that the value has reached and passed; `Plan.locate` does that for one value,
`labinterp.kernel.vector` for many, over the same compiled numbers.

With k breakpoints a plan has 2k+1 positions: even ones lie between breakpoints, odd ones on a breakpoint.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from labinterp.codes import FLAG_OF_LEVEL, GRADES, HIGH_SIDE, LOW_SIDE, NOTE_BIT
from labinterp.frozen import FrozenMap
from labinterp.tolerance import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from labinterp.kernel.baseline import Against

_APART: Final = 3 * TOLERANCE
"""How far two breakpoints lie apart that count as two: the margins around both, and as much again between them, so that
rounding to floats leaves values there."""

_MILDEST_LOW = tuple(reversed(LOW_SIDE))
_SIDE = {"very_low": LOW_SIDE, "very_high": HIGH_SIDE}
SEVERE_FLAGS: Final = tuple(FLAG_OF_LEVEL[level] for level in _SIDE)


class Outcome(NamedTuple):
    """What holds at one position of a plan."""

    flag: str | None
    level: str | None
    band: str | None
    grade: int | None = None
    near: bool = False
    clash: bool = False
    grade_low: int | None = None
    grade_high: int | None = None
    ungraded: int = 0

    @property
    def notes(self) -> int:
        """Return the bit mask of what is noted of a value here."""
        return self.near * NOTE_BIT["near_limit"] | self.clash * NOTE_BIT["severity_disagrees"]


NOTHING = Outcome(None, None, None)
DOUBTED: Final = Outcome("IND", "indeterminate", None)
"""What becomes of a normal result that its laboratory calls abnormal, or that would be abnormal in a likelier unit."""
_OUTCOMES: Final[dict[Outcome, Outcome]] = {NOTHING: NOTHING}


@attrs.frozen
class StretchEnd:
    """One end of a stretch of values, in the result's unit."""

    value: Fraction
    inclusive: bool


@attrs.frozen
class Stretch:
    """A band in the result's unit: every value between two ends has this name, level or grade."""

    lower: StretchEnd | None
    upper: StretchEnd | None
    band: str | None = None
    level: str | None = None
    grade: int | None = None

    def holds(self, x: Fraction) -> bool:
        """Return whether `x` lies in the stretch."""
        if self.lower and (x < self.lower.value or (x == self.lower.value and not self.lower.inclusive)):
            return False
        return not (self.upper and (x > self.upper.value or (x == self.upper.value and not self.upper.inclusive)))

    def edges(self) -> Iterable[StretchEnd]:
        """Return the finite ends."""
        return (edge for edge in (self.lower, self.upper) if edge is not None)


@attrs.frozen
class Scale:
    """The stretches of one entry, in the result's unit.

    Args:
        stretches: in rising order.
        twins: the same limits as the source prints them in its other units, converted: a value between a limit and
            its twin lies on different sides of the two.
        exact: whether the limits are printed in the result's own unit.
        ends: the limits of normal, where not every value between them is called normal.
    """

    stretches: tuple[Stretch, ...]
    twins: tuple[tuple[Fraction, Fraction], ...] = ()
    exact: bool = True
    ends: tuple[StretchEnd | None, StretchEnd | None] | None = None

    def at(self, x: Fraction) -> Stretch | None:
        """Return the stretch that holds `x`, if any."""
        return next((stretch for stretch in self.stretches if stretch.holds(x)), None)

    def of_level(self, level: str) -> Scale:
        """Return the scale with the stretches of one level alone."""
        return attrs.evolve(self, stretches=tuple(each for each in self.stretches if each.level == level))

    def normal(self) -> tuple[StretchEnd | None, StretchEnd | None]:
        """Return the lower and upper end of what is normal."""
        if self.ends is not None:
            return self.ends
        normal = [stretch for stretch in self.stretches if stretch.level == "normal"]
        if not normal:
            return None, None
        return normal[0].lower, normal[-1].upper


@attrs.frozen
class Plan:
    """A compiled comparison.

    Args:
        los: breakpoints less the tolerance: a value from here on has reached the breakpoint.
        his: breakpoints plus the tolerance: a value above has passed it.
        outcomes: what holds at each of the 2k+1 positions.
        below: what holds for every value up to a position.
        above: what holds for every value from a position on.
        low: lower limit of normal in the canonical unit.
        high: upper limit of normal in the canonical unit.
        range_id: where the limits come from.
        severity_ids: `LU` or `HU` → where the band of severity comes from that gave this flag.
        notes: bit mask of notes that hold for every result compared by this plan.
        missing: why there is no range, where there is none; there may be a grade nevertheless.
        detail: the same in words.
        reported: whether the limits came with the result.
        against: how the standard also grades the result against the patient's baseline, if it does.
        printed: what stands from where to where in a range of the laboratory that cannot be read.
    """

    los: tuple[float, ...]
    his: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
    below: tuple[Outcome, ...]
    above: tuple[Outcome, ...]
    low: float | None
    high: float | None
    range_id: str | None
    notes: int = 0
    missing: str | None = None
    detail: str | None = None
    reported: bool = False
    severity_ids: Mapping[str, str] = FrozenMap({})
    against: Against | None = None
    printed: tuple[tuple[float, float], ...] = ()

    def shuts_out(self, x: float) -> bool:
        """Return whether a value lies outside of something that the laboratory printed and may have meant as normal."""
        return not all(low <= x <= high for low, high in self.printed)

    def source_of(self, flag: str | None) -> str | None:
        """Return where the limits come from that gave a flag: those of severity stand with what they judged alone."""
        severity_id = self.severity_ids.get(flag) if flag in SEVERE_FLAGS else None
        if not severity_id:
            return self.range_id or None
        return f"{self.range_id}|{severity_id}" if self.range_id else severity_id

    def locate(self, x: float, comparator: str | None = None) -> Outcome:
        """Return what holds for a value, or for every value that a censored result can stand for."""
        position = bisect_right(self.los, x) + bisect_left(self.his, x)
        if comparator is None:
            return self.outcomes[position]
        on_limit = position & 1
        if comparator == "<":
            return self.below[position - on_limit]
        if comparator == "<=":
            return self.below[position]
        if comparator == ">=":
            return self.above[position]
        return self.above[position + on_limit]


def no_plan(reason: str, detail: str | None = None, *, graded: bool = False) -> Plan:
    """Return the plan of an analyte and patient that no edition covers.

    Args:
        reason: why.
        detail: the same in words.
        graded: whether a grading was asked for.
    """
    nothing = (_one(NOTHING._replace(ungraded=NOTE_BIT["grade_not_defined"])) if graded else NOTHING,)
    return Plan(
        los=(),
        his=(),
        outcomes=nothing,
        below=nothing,
        above=nothing,
        low=None,
        high=None,
        range_id=None,
        missing=reason,
        detail=detail,
    )


@attrs.frozen
class Grading:
    """A grade scale; ends may be the laboratory's own limits.

    Args:
        stretches: with `grade`; an end that is a limit of normal which is not known makes the stretch unusable.
        direction: `low` or `high`.
        needs: `LLN`, `ULN` or None: the limit of normal on which the mildest grade depends.
        exact: whether the limits are printed in the result's own unit.
    """

    stretches: tuple[Stretch, ...]
    direction: str
    needs: str | None = None
    exact: bool = True


def agree(outcomes: Sequence[Outcome], *, severity: bool = False) -> Outcome:
    """Return what all outcomes have in common.

    The flag is given only where all agree, else `IND`. Where bands of severity made `LU` of what a range calls `L`, the
    range's flag holds for both. The level is the common one; where levels differ but lie on
    the same side of normal it is the mildest of them, which holds whichever is true; else `indeterminate`.
    """
    first = outcomes[0]
    if len(outcomes) == 1:
        return first
    flags = {outcome.flag for outcome in outcomes}
    levels = {outcome.level for outcome in outcomes}
    bands = {outcome.band for outcome in outcomes}
    grade, low, high = (_common(name, outcomes) for name in GRADES)
    ungraded = 0 if grade is not None else _common_reason(outcomes)
    if flags == {None}:
        return NOTHING._replace(grade=grade, grade_low=low, grade_high=high, ungraded=ungraded)
    return Outcome(
        flag=_common_flag(flags, severity=severity),
        level=_common_level(levels),
        band=first.band if len(bands) == 1 else None,
        grade=grade,
        grade_low=low,
        grade_high=high,
        ungraded=ungraded,
    )


def _common(name: str, outcomes: Sequence[Outcome]) -> int | None:
    values = {getattr(outcome, name) for outcome in outcomes}
    return values.pop() if len(values) == 1 else None


def _common_reason(outcomes: Sequence[Outcome]) -> int:
    """Return why outcomes have no grade in common: the reason that all of them have, or that they differ."""
    reasons = {outcome.ungraded for outcome in outcomes}
    if reasons == {0} and all(outcome.grade is None for outcome in outcomes):
        return 0
    return reasons.pop() if len(reasons) == 1 and 0 not in reasons else NOTE_BIT["grade_undecided"]


def _common_flag(flags: set[str | None], *, severity: bool) -> str | None:
    if len(flags) == 1:
        return next(iter(flags))
    if not severity:
        return "IND"
    return next((milder for milder, severe in zip("LH", SEVERE_FLAGS, strict=True) if flags == {milder, severe}), "IND")


def _common_level(levels: set[str | None]) -> str | None:
    if len(levels) == 1:
        return next(iter(levels))
    for side in (_MILDEST_LOW, HIGH_SIDE):
        if levels <= set(side):
            return str(next(level for level in side if level in levels))
    return "indeterminate"


def compile_plan(
    scales: Sequence[Scale],
    *,
    criticals: Sequence[Sequence[Scale]] = (),
    severities: Sequence[Sequence[Scale]] = (),
    gradings: Mapping[str, Sequence[Grading]] | None = None,
    against: Against | None = None,
    to_canonical: Fraction,
    range_id: str | None,
    severity_ids: Mapping[str, str] = FrozenMap({}),
    notes: int = 0,
    tolerant: bool = False,
    missing: str | None = None,
    detail: str | None = None,
    reported: bool = False,
) -> Plan:
    """Compile a plan.

    Args:
        scales: one per partition that could apply to the patient.
        criticals: per edition with critical limits, one scale per partition that could apply.
        severities: for very low and for very high, one scale per partition that could apply.
        gradings: `low` or `high` → the grade scales of the standard for this analyte, one per partition that could
            apply; None where no grading was asked for.
        against: how the standard also grades against the patient's baseline.
        to_canonical: exact factor from the result's unit to the canonical unit.
        range_id: where the limits come from.
        severity_ids: `LU` or `HU` → where the bands of severity come from.
        notes: bit mask that every result compared by this plan carries.
        tolerant: whether values are computed, so that even limits printed in their unit need the tolerance.
        missing: why there are no scales, where there are none.
        detail: the same in words.
        reported: whether the scales came with the result.
    """
    points: dict[Fraction, bool] = {}
    every = [*scales, *(scale for group in (*severities, *criticals) for scale in group)]
    for scale in every:
        for stretch in scale.stretches:
            for edge in stretch.edges():
                points[edge.value] = points.get(edge.value, True) and scale.exact and not tolerant
        for twin in scale.twins:
            for value in twin:
                points.setdefault(value, False)
    for grading in (grading for group in (gradings or {}).values() for grading in group):
        for stretch in grading.stretches:
            for edge in stretch.edges():
                points[edge.value] = points.get(edge.value, True) and grading.exact and not tolerant
    breaks = _distinct(
        points, {edge.value for scale in every for stretch in scale.stretches for edge in stretch.edges()}
    )
    outcomes = tuple(_one(_outcome(x, on, scales, severities, criticals, gradings)) for x, on in _positions(breaks))
    low, high = normal_ends(scales)
    first = 2 * sum(point < 0 for point in breaks) + (0 in breaks)  # no value lies below zero
    margins = [abs(t) * TOLERANCE if not points[t] else Fraction(0) for t in breaks]
    return Plan(
        los=tuple(float(t - m) for t, m in zip(breaks, margins, strict=True)),
        his=tuple(float(t + m) for t, m in zip(breaks, margins, strict=True)),
        outcomes=outcomes,
        below=tuple(
            _one(agree(outcomes[min(first, i) : i + 1], severity=bool(severities))) for i in range(len(outcomes))
        ),
        above=tuple(_one(agree(outcomes[i:], severity=bool(severities))) for i in range(len(outcomes))),
        low=None if low is None else float(low.value * to_canonical),
        high=None if high is None else float(high.value * to_canonical),
        range_id=range_id,
        notes=notes,
        missing=missing,
        detail=detail,
        reported=reported,
        severity_ids=severity_ids,
        against=against,
    )


def _one(outcome: Outcome) -> Outcome:
    """Return the one object that stands for equal outcomes."""
    return _OUTCOMES.setdefault(outcome, outcome)


def _distinct(points: Iterable[Fraction], limits: Container[Fraction]) -> list[Fraction]:
    """Return points in rising order; of those that are not apart one, a limit before a limit's twin."""
    kept: list[Fraction] = []
    for point in sorted(points):
        if not kept or point - kept[-1] > _APART * abs(point):
            kept.append(point)
        elif point in limits and kept[-1] not in limits:
            kept[-1] = point
    return kept


def _positions(breaks: list[Fraction]) -> Iterable[tuple[Fraction, bool]]:
    if not breaks:
        yield Fraction(0), False
        return
    yield breaks[0] - 1, False
    for i, point in enumerate(breaks):
        yield point, True
        yield ((point + breaks[i + 1]) / 2 if i + 1 < len(breaks) else point + 1), False


def _outcome(
    x: Fraction,
    on: bool,
    scales: Sequence[Scale],
    severities: Sequence[Sequence[Scale]],
    criticals: Sequence[Sequence[Scale]],
    gradings: Mapping[str, Sequence[Grading]] | None,
) -> Outcome:
    base = agree([_basic(x, scale) for scale in scales]) if scales else NOTHING
    near = any(_is_near(x, on, scale) for group in (scales, *severities) for scale in group)
    low, high = normal_ends(scales)
    base = base._replace(near=near)
    if gradings is not None:
        base = _graded(x, base, gradings, low=low, high=high)
    outcome = _graver(x, base, scales, severities)
    for edition in criticals:
        hits = [stretch for scale in edition if (stretch := scale.at(x)) is not None]
        if not hits:
            continue
        if len(hits) < len(edition):
            return outcome._replace(flag="IND", level=outcome.level or "indeterminate")
        flag = "LL" if hits[0].level == "very_low" else "HH"
        return outcome._replace(flag=flag, level=hits[0].level, band=hits[0].band)
    return outcome


def _graver(x: Fraction, outcome: Outcome, scales: Sequence[Scale], severities: Sequence[Sequence[Scale]]) -> Outcome:
    """Combine what the ranges say of a value with how far it lies.

    What a range calls low and every band of severity that could apply calls very low is very low. Where a range calls
    normal or high what is very low, one of the two cannot be right, and nothing is said.
    """
    for group in severities:
        hits = [stretch for scale in group if (stretch := scale.at(x)) is not None]
        if not hits or hits[0].level is None:
            continue
        level = hits[0].level
        said = {_basic(x, scale).level for scale in scales} - {"indeterminate"}
        if not said <= set(_SIDE[level]):
            return outcome._replace(flag="IND", level="indeterminate", band=None, clash=True)
        if len(hits) == len(group):
            return outcome._replace(flag=FLAG_OF_LEVEL[level], level=level, band=hits[0].band)
    return outcome


def _basic(x: Fraction, scale: Scale) -> Outcome:
    stretch = scale.at(x)
    if stretch is None or stretch.level is None:
        return Outcome("IND", "indeterminate", None)
    return Outcome(FLAG_OF_LEVEL[stretch.level], stretch.level, stretch.band)


def _is_near(x: Fraction, on: bool, scale: Scale) -> bool:
    if on and any(x == edge.value for stretch in scale.stretches for edge in stretch.edges()):
        return True
    return any(min(twin) <= x <= max(twin) for twin in scale.twins)


def normal_ends(scales: Sequence[Scale]) -> tuple[StretchEnd | None, StretchEnd | None]:
    """Return the limits of normal on which all scales agree."""
    ends = {scale.normal() for scale in scales}
    lows, highs = {low for low, _ in ends}, {high for _, high in ends}
    return (
        next(iter(lows)) if len(lows) == 1 else None,
        next(iter(highs)) if len(highs) == 1 else None,
    )


def _graded(
    x: Fraction,
    outcome: Outcome,
    gradings: Mapping[str, Sequence[Grading]],
    *,
    low: StretchEnd | None,
    high: StretchEnd | None,
) -> Outcome:
    """Add the grades of a value, or why there is none."""
    grades = {side: _grade(x, group, low=low, high=high) for side, group in gradings.items()}
    grade = worse(grades.values())
    why = 0
    if grade is None:
        limits = {"LLN": low, "ULN": high, None: x}
        open_sides = [side for side, found in grades.items() if found is None]
        needy = any(limits[grading.needs] is None for side in open_sides for grading in gradings[side])
        note = "grade_not_defined" if not gradings else "grade_needs_limit" if needy else "grade_undecided"
        why = NOTE_BIT[note]
    return outcome._replace(grade=grade, grade_low=grades.get("low"), grade_high=grades.get("high"), ungraded=why)


def _grade(x: Fraction, scales: Sequence[Grading], *, low: StretchEnd | None, high: StretchEnd | None) -> int | None:
    """Return the grade on which all scales of a direction agree."""
    grades = {grade_at(x, grading, low=low, high=high) for grading in scales}
    return grades.pop() if len(grades) == 1 else None


def worse(grades: Iterable[int | None]) -> int | None:
    """Return the worst grade; None where there is none, or where one that is unknown could be more than 0.

    A value has a grade above 0 in one direction at most, so that such a grade holds whatever the other one is.

    Example:
        >>> worse([2, None]), worse([0, None]), worse([0, 0]), worse([])
        (2, None, 0, None)
    """
    every = list(grades)
    known = [grade for grade in every if grade is not None]
    if not known or (len(known) < len(every) and max(known) == 0):
        return None
    return max(known)


def grade_at(x: Fraction, grading: Grading, *, low: StretchEnd | None, high: StretchEnd | None) -> int | None:
    """Return the grade of a value: 1 to 4, 0 where the scale excludes one, None where the data do not allow one."""
    hit = next((stretch for stretch in grading.stretches if stretch.holds(x)), None)
    if hit is not None:
        return hit.grade
    limit = {"LLN": low, "ULN": high, None: None}[grading.needs]
    return 0 if _beyond_mildest(x, grading, limit) else None


def _beyond_mildest(x: Fraction, grading: Grading, limit: StretchEnd | None) -> bool:
    """Return whether `x` lies certainly on the normal side of a grade scale that does not hold it."""
    if grading.needs is not None and limit is None:
        return False
    if grading.direction == "low":
        return all(stretch.upper is None or x >= stretch.upper.value for stretch in grading.stretches)
    return all(stretch.lower is None or x <= stretch.lower.value for stretch in grading.stretches)
