"""The kernel over columns: what `labinterp.kernel.scalar` does for one result, for many at a time.

Everything that depends on text arrives as integer codes into short lists of distinct things, resolved once each by
the session; what remains per row is gathering, multiplying and comparing.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from labinterp.codes import COMPARATORS, FLAGS, GRADES, LEVEL_CODE, NO_GRADE, NOTE_BIT, PROBLEMS
from labinterp.kernel.baseline import WORST
from labinterp.tolerance import ROUNDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.limits import Bounds
    from labinterp.kernel.plan import Plan
    from labinterp.kernel.quantity import Channel
    from labinterp.kernel.session import Session

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

SLICE: Final = 1 << 15
"""Rows a slice, so that what is gathered stays in the processor's cache."""

PROBLEM_CODE: Final = {problem: i + 1 for i, problem in enumerate(PROBLEMS)}
FLAG_CODE: Final = {flag: i + 1 for i, flag in enumerate(FLAGS)}
COMPARATOR_CODE: Final = {comparator: i + 1 for i, comparator in enumerate(COMPARATORS)}
_PARTS: Final = tuple(map(operator.attrgetter, ("outcomes", "below", "above")))
_LESS, _LESS_EQUAL, _GREATER_EQUAL, _GREATER = 1, 2, 3, 4


class Channels:
    """The distinct channels of a batch as columns."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.items = tuple(channels)
        self.mul = np.array([channel.mul for channel in channels], np.float64)
        self.div = np.array([channel.div for channel in channels], np.float64)
        self.notes = np.array([channel.notes for channel in channels], np.uint64)
        self.problem = _codes([channel.problem for channel in channels])
        self.value_problem = _codes([channel.value_problem for channel in channels])
        self.unit_problem = _codes([channel.unit_problem for channel in channels])
        self.hard = _bounds([channel.hard for channel in channels])
        self.soft = _bounds([channel.soft for channel in channels])
        sound = (self.problem == 0) & (self.value_problem == 0) & (self.unit_problem == 0)
        low = np.maximum(np.maximum(self.hard[0], self.soft[0]), 0)
        self.ordinary = np.where(sound, low, np.nan), np.minimum(self.hard[1], self.soft[1])


def _codes(problems: Sequence[str | None]) -> npt.NDArray[np.uint8]:
    return np.array([0 if problem is None else PROBLEM_CODE[problem] for problem in problems], np.uint8)


def _bounds(bounds: Sequence[Bounds]) -> tuple[Floats, Floats]:
    return np.array([b.low for b in bounds], np.float64), np.array([b.high for b in bounds], np.float64)


class Plans:
    """The distinct plans of a batch as padded columns.

    `los` and `his` have a row per breakpoint, and `los` one more that no value reaches; `offset` says where a plan's
    outcomes begin in `exact`, `below` and `above`, which hold positions in the columns of distinct outcomes.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.items = tuple(plans)
        depth = max((len(plan.los) for plan in plans), default=0)
        padding = tuple((math.inf,) * short for short in range(depth + 2))
        self.los = np.array([(*plan.los, *padding[depth + 1 - len(plan.los)]) for plan in plans], np.float64).T.copy()
        self.his = np.array([(*plan.his, *padding[depth - len(plan.his)]) for plan in plans], np.float64).T.copy()
        lengths = np.array([len(plan.outcomes) for plan in plans], np.intp)
        self.offset = np.cumsum(lengths) - lengths
        columns = ([outcome for plan in plans for outcome in part(plan)] for part in _PARTS)
        exact, below, above = columns
        distinct = {id(outcome): outcome for outcome in (*exact, *below, *above)}
        position = {key: i for i, key in enumerate(distinct)}
        self.exact, self.below, self.above = (
            np.array([position[id(outcome)] for outcome in flat], np.intp) for flat in (exact, below, above)
        )
        outcomes = distinct.values()
        self.notes = np.array([plan.notes for plan in plans], np.uint64)
        self.bands: tuple[str, ...] = tuple(dict.fromkeys(o.band for o in outcomes if o.band is not None))
        band_code = {band: i + 1 for i, band in enumerate(self.bands)}
        self.flag = np.array([FLAG_CODE[o.flag] if o.flag else 0 for o in outcomes], np.uint8)
        self.level = np.array([LEVEL_CODE[o.level] if o.level else 0 for o in outcomes], np.uint8)
        codes = [band_code[o.band] if o.band else 0 for o in outcomes]
        self.band = np.array(codes, np.min_scalar_type(len(self.bands)))
        self.grades = {name: np.full(len(outcomes), -1, np.int8) for name in GRADES}
        for i, outcome in enumerate(outcomes):
            if outcome.grade is not None or outcome.grade_low is not None or outcome.grade_high is not None:
                for name, grades in self.grades.items():
                    grade = getattr(outcome, name)
                    grades[i] = -1 if grade is None else grade
        self.ungraded = np.array([o.ungraded for o in outcomes], np.uint64)
        self.noted = np.array([o.notes for o in outcomes], np.uint64)

    def locate(self, plan: Ints, x: Floats, comparator: Ints) -> Ints:
        """Return the distinct outcome of each value under its plan."""
        passed = np.zeros(len(x), np.min_scalar_type(-1 - len(self.his)))
        for hi in self.his:
            passed += (x > hi.take(plan)).view(np.int8)
        position = passed.astype(np.intp)
        reached = x >= self.los.ravel().take(position * len(self.items) + plan)
        position *= 2
        position += reached
        outcome: Ints = self.exact.take(self.offset.take(plan) + position)
        censored = np.flatnonzero(comparator != 0)
        if len(censored):
            sign, at = comparator[censored], position[censored]
            on = at & 1
            at = at + np.where(sign == _GREATER, on, 0) - np.where(sign == _LESS, on, 0)
            at += self.offset[plan[censored]]
            outcome[censored] = np.where(sign <= _LESS_EQUAL, self.below[at], self.above[at])
        return outcome


@attrs.define
class Batch:
    """Columns on their way through the kernel, a position a row.

    Args:
        channels: the distinct channels.
        channel: each row's channel.
        number: in the row's own unit; NaN where there is none.
        comparator: 0 for exact, else 1 + position in `COMPARATORS`.
        value_problem: what reading the value met, 0 for nothing.
        notes: bit mask.
        alternative: the second reading of a number, NaN where there is none; None where no row has one.
    """

    channels: Channels
    channel: Ints
    number: Floats
    comparator: Ints
    value_problem: Ints
    notes: Ints
    alternative: Floats | None = None
    value: Floats = attrs.field(init=False)
    problem: Ints = attrs.field(init=False)
    suspects: dict[int, str] = attrs.field(factory=dict, init=False)


def convert(batch: Batch, session: Session) -> None:
    """Fill `value` and `problem`: the first problem of the contract's order, up to implausible values."""
    rows = len(batch.number)
    batch.value = np.full(rows, np.nan)
    batch.problem = np.zeros(rows, np.uint8)
    if batch.alternative is not None:
        _choose_readings(batch, batch.alternative)
    for start in range(0, rows, SLICE):
        _convert_slice(batch, slice(start, start + SLICE))
    implausible = np.flatnonzero(batch.problem == PROBLEM_CODE["implausible_value"])
    soft = np.flatnonzero(batch.notes & np.uint64(NOTE_BIT["soft_implausible"]) != 0)
    doubtful = np.concatenate([implausible, soft])
    items = batch.channels.items
    for i, channel, number in zip(
        *(part.tolist() for part in (doubtful, batch.channel[doubtful], batch.number[doubtful])), strict=True
    ):
        suspect = session.suspected_unit(items[channel], number)
        if suspect is not None:
            batch.suspects[i] = suspect


def _convert_slice(batch: Batch, rows: slice) -> None:
    """Convert what is ordinary by two comparisons, and look closer at the rest alone."""
    table, number = batch.channels, batch.number[rows]
    channel = batch.channel[rows].astype(np.intp, copy=False)
    value = number * table.mul.take(channel) / table.div.take(channel)
    batch.notes[rows] |= table.notes.take(channel)
    batch.value[rows] = value
    low, high = table.ordinary
    ordinary = (value >= low.take(channel)) & (value <= high.take(channel))
    ordinary &= (batch.comparator[rows] == 0) & (batch.value_problem[rows] == 0)
    rest = np.flatnonzero(~ordinary)
    if len(rest):
        _convert_rest(batch, rest + rows.start, value[rest])


def _convert_rest(batch: Batch, rows: Ints, value: Floats) -> None:
    table, channel = batch.channels, batch.channel[rows]
    problem = table.problem[channel]
    negative = batch.number[rows] < 0
    later = np.where(negative, np.uint8(PROBLEM_CODE["negative_value"]), table.unit_problem[channel])
    for found in (batch.value_problem[rows], table.value_problem[channel], later):
        problem = np.where(problem, problem, found)
    usable = problem == 0
    low, high = table.hard
    plausible = (value >= low[channel]) & (value <= high[channel])
    problem[usable & ~plausible] = PROBLEM_CODE["implausible_value"]
    usable &= plausible
    notes, comparator = batch.notes[rows], batch.comparator[rows]
    low, high = table.soft
    below = (value < low[channel]) & ((comparator == 0) | (comparator >= _GREATER_EQUAL))
    above = (value > high[channel]) & (comparator <= _LESS_EQUAL)
    notes[usable & (below | above)] |= np.uint64(NOTE_BIT["soft_implausible"])
    notes[usable & (comparator != 0)] |= np.uint64(NOTE_BIT["censored"])
    batch.notes[rows] = notes
    batch.value[rows] = np.where(usable, value, np.nan)
    batch.problem[rows] = problem


def _choose_readings(batch: Batch, alternative: Floats) -> None:
    """Take the only plausible one of two readings; both plausible is a problem, neither leaves the first."""
    rows = np.flatnonzero(~np.isnan(alternative) & (batch.number >= 0))
    rows = rows[batch.channels.unit_problem[batch.channel[rows]] == 0]
    table, channel = batch.channels, batch.channel[rows]
    low, high = table.hard
    first, second = (
        (value >= low[channel]) & (value <= high[channel])
        for number in (batch.number[rows], alternative[rows])
        for value in (number * table.mul[channel] / table.div[channel],)
    )
    batch.number[rows] = np.where(second & ~first, alternative[rows], batch.number[rows])
    batch.value_problem[rows] = np.where(first & second, PROBLEM_CODE["ambiguous_number"], batch.value_problem[rows])


@attrs.define
class Classified:
    """What comparison came to, a position a row; 0 (in each of `grades`: -1) where there is nothing."""

    plan: Ints
    flag: Ints
    level: Ints
    band: Ints
    grades: dict[str, Ints]


def classify(batch: Batch, plans: Plans, plan: Ints) -> Classified:
    """Compare every row without a problem by its plan; `no_reference_range` where the plan has no answer.

    Args:
        batch: converted.
        plans: the distinct plans.
        plan: each row's plan; ignored where the row has a problem.
    """
    rows = len(plan)
    out = Classified(
        plan=plan,
        flag=np.zeros(rows, np.uint8),
        level=np.zeros(rows, np.uint8),
        band=np.zeros(rows, plans.band.dtype),
        grades={name: np.full(rows, -1, np.int8) for name in GRADES},
    )
    for start in range(0, rows, SLICE):
        _classify_slice(batch, plans, out, slice(start, start + SLICE))
    return out


def grade_by_baseline(batch: Batch, plans: Plans, found: Classified, baseline: Floats) -> None:
    """Grade against each patient's baseline as well, where the standard does.

    Args:
        batch: classified.
        plans: the distinct plans.
        found: what comparison came to.
        baseline: in the canonical unit, NaN where it is not known.
    """
    kinds = tuple(dict.fromkeys(plan.against for plan in plans.items if plan.against is not None))
    if not kinds:
        return
    kind_of = np.array([-1 if plan.against is None else kinds.index(plan.against) for plan in plans.items])
    lows = np.array([np.nan if plan.low is None else plan.low for plan in plans.items])
    kind = np.where(np.isnan(batch.value), -1, kind_of[found.plan])
    for k, against in enumerate(kinds):
        rows = np.flatnonzero(kind == k)
        value, base, low = batch.value[rows], baseline[rows], lows[found.plan[rows]]
        worst = against.steps[-1].grade
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = value / base
            by_baseline = np.zeros(len(rows), np.int8)
            for step in against.steps:
                margin = step.times * ROUNDED
                reached = ratio >= step.times - margin if step.inclusive else ratio > step.times + margin
                by_baseline[reached] = step.grade
            sign = batch.comparator[rows]
            certain = (sign == 0) | ((sign <= _LESS_EQUAL) & (by_baseline == 0))
            certain |= (sign >= _GREATER_EQUAL) & (by_baseline == worst)
            lacking = np.where(certain, 0, NOTE_BIT["grade_undecided"]).astype(np.uint64)
            if against.below_normal:
                spared = base >= low * (1 - ROUNDED)
                by_baseline[spared], lacking[spared] = 0, 0
                lacking[np.isnan(low)] = NOTE_BIT["grade_needs_limit"]
            lacking[np.isnan(base)] = NOTE_BIT["grade_needs_baseline"]
        by_baseline[lacking != 0] = -1
        by_limits = found.grades["grade_high"][rows]
        settled = (by_limits >= worst) | ((by_limits >= 0) & (by_baseline >= 0)) | (by_baseline == WORST)
        grade = np.where(settled, np.maximum(by_limits, by_baseline), -1).astype(np.int8)
        said = batch.notes[rows]
        why = np.where(by_limits < 0, said & np.uint64(NO_GRADE), np.uint64(0)) | lacking
        batch.notes[rows] = said & ~np.uint64(NO_GRADE) | np.where(settled, np.uint64(0), why)
        found.grades["grade"][rows] = found.grades["grade_high"][rows] = grade


def _classify_slice(batch: Batch, plans: Plans, out: Classified, rows: slice) -> None:
    usable = batch.problem[rows] == 0
    plan = out.plan[rows].astype(np.intp, copy=False)
    outcome = plans.locate(plan, batch.number[rows], batch.comparator[rows])
    flag = plans.flag.take(outcome)
    flag *= usable
    judged = flag != 0
    out.flag[rows] = flag
    out.level[rows] = plans.level.take(outcome) * judged
    out.band[rows] = plans.band.take(outcome) * judged
    for name, grade in plans.grades.items():
        if (grade >= 0).any():
            out.grades[name][rows] = np.where(usable, grade.take(outcome), -1)
    notes = batch.notes[rows]
    for said, of, where in (
        (plans.noted, outcome, judged),
        (plans.notes, plan, usable),
        (plans.ungraded, outcome, usable),
    ):
        if said.any():
            notes |= said.take(of) * where
    batch.problem[rows][usable & ~judged] = PROBLEM_CODE["no_reference_range"]
