"""Grades that compare a result with the patient's own baseline.

A standard gives such a grade beside one by limits of normal, and the worse of both holds. A grade is given where it
holds whatever is not known: never one that an unknown baseline could make worse.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import attrs

from labinterp.codes import NOTE_BIT
from labinterp.reading import values
from labinterp.tolerance import ROUNDED

WORST: Final = 4
FLAGS: Final = frozenset({"y", "yes", "true"})
"""Texts that mark a result as the patient's baseline, as ABLFL does."""
_NO_FLAGS: Final = frozenset({"n", "no", "false"})


def is_flag(value: Any) -> bool:
    """Return whether a value says whether a result is the baseline, instead of what the baseline is."""
    return isinstance(value, bool) or (isinstance(value, str) and value.strip().casefold() in FLAGS | _NO_FLAGS)


def marks(value: Any) -> bool:
    """Return whether a value marks a result as the baseline."""
    return is_flag(value) and str(value).strip().casefold() in FLAGS


def read_baseline(value: Any, decimal: str | None) -> float | None:
    """Return a baseline above 0 that can be read as one number, in the unit of its result.

    Example:
        >>> read_baseline("1,2", None), read_baseline("<0.5", None), read_baseline("Y", None)
        (1.2, None, None)
    """
    if value is None or isinstance(value, bool):
        return None
    parsed = values.parse(value, decimal)
    if parsed.problem or parsed.comparator or parsed.alternative is not None or not parsed.number:
        return None
    return float(parsed.number) if parsed.number > 0 else None


class BaselineStep(NamedTuple):
    """From how many times the baseline on a grade holds."""

    times: float
    inclusive: bool
    grade: int

    def reached(self, ratio: float) -> bool:
        """Return whether a ratio to the baseline has the grade, or a worse one."""
        margin = self.times * ROUNDED
        return ratio >= self.times - margin if self.inclusive else ratio > self.times + margin


@attrs.frozen
class Against:
    """The grades of a standard by multiples of the baseline.

    Args:
        steps: in rising order.
        below_normal: whether they hold for a baseline below the lower limit of normal alone.
    """

    steps: tuple[BaselineStep, ...]
    below_normal: bool

    def grade(
        self, value: float, comparator: str | None, baseline: float | None, low: float | None
    ) -> tuple[int | None, int]:
        """Return the grade of a value against the baseline, and a note's bit where it cannot be told.

        Args:
            value: in the unit of the baseline.
            comparator: of a censored value.
            baseline: above 0; None if it is not known.
            low: lower limit of normal.
        """
        if baseline is None:
            return None, NOTE_BIT["grade_needs_baseline"]
        if self.below_normal:
            if low is None:
                return None, NOTE_BIT["grade_needs_limit"]
            if baseline >= low * (1 - ROUNDED):
                return 0, 0
        grade = max((step.grade for step in self.steps if step.reached(value / baseline)), default=0)
        certain = {None: True, "<": grade == 0, "<=": grade == 0}.get(comparator, grade == self.steps[-1].grade)
        return (grade, 0) if certain else (None, NOTE_BIT["grade_undecided"])

    def combined(self, by_limits: int | None, why: int, by_baseline: tuple[int | None, int]) -> tuple[int | None, int]:
        """Return the worse of both grades where it holds whatever is not known, and the bits of the notes if not.

        Args:
            by_limits: the grade by limits of normal.
            why: bits of the notes that say why there is none.
            by_baseline: what `grade` returned.
        """
        grade, lacking = by_baseline
        if by_limits is not None and (grade is not None or by_limits >= self.steps[-1].grade):
            return max(by_limits, grade or 0), 0
        if grade == WORST:
            return grade, 0
        return None, (why if by_limits is None else 0) | lacking
