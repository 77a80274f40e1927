"""The range that a laboratory sent with a result → a scale in the result's unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.codes import NOTE_BIT
from labinterp.kernel.limits import Bounds
from labinterp.kernel.plan import Edge, Scale, Stretch
from labinterp.reading import units, values
from labinterp.reading.reported_range import UNUSABLE, read

if TYPE_CHECKING:
    from labinterp.reading.analytes import Analyte

SentRange = tuple[Any, Any, Any]
"""Lower end, upper end and text of a range, as they were sent."""

NO_RANGE: Final[SentRange] = (None, None, None)


def reported_scale(sent: SentRange, analyte: Analyte, to_canonical: Fraction) -> tuple[Scale | None, int]:
    """Read the range that came with a result, in the result's unit.

    Both ends are inclusive unless the laboratory printed `<` or `>`. A range from 0 to 0, upside down, not numeric, in
    another unit than the result's or beyond what the analyte can reach is unusable. Where one end is missing, the side
    without a limit is called normal only if nothing abnormal can lie there (`harmless_side` in the knowledge).

    Returns:
        The scale, or None, and a bit mask of notes.
    """
    low, high, text = sent
    if isinstance(text, str) and all(values.parse(end).problem == "missing_value" for end in (low, high)):
        low, high = _ends_of_text(text, analyte, to_canonical)
    ends = [values.parse(end) for end in (low, high)]
    if all(end.problem == "missing_value" for end in ends):
        return None, 0
    unusable = None, NOTE_BIT["reported_range_unusable"]
    if any(end.problem == "not_numeric" or end.alternative is not None for end in ends):
        return unusable
    if any(end.unit_text is not None and _other_unit(end.unit_text, analyte, to_canonical) for end in ends):
        return unusable
    lower, upper = (None if end.number is None else Fraction(Decimal(repr(end.number))) for end in ends)
    if not _usable(lower, upper, Bounds.of(analyte.hard), to_canonical):
        return unusable
    low_edge = lower if lower is None else Edge(lower, ends[0].comparator != ">")
    high_edge = upper if upper is None else Edge(upper, ends[1].comparator != "<")
    one_sided = low_edge is None or high_edge is None
    open_side = "low" if low_edge is None else "high"
    inside = (
        "indeterminate"
        if one_sided and knowledge("comparison.toml")["harmless_side"].get(analyte.key) != open_side
        else "normal"
    )
    stretches = []
    if low_edge is not None:
        stretches.append(Stretch(None, Edge(low_edge.value, not low_edge.inclusive), "low", "low"))
    stretches.append(Stretch(low_edge, high_edge, "normal" if inside == "normal" else None, inside))
    if high_edge is not None:
        stretches.append(Stretch(Edge(high_edge.value, not high_edge.inclusive), None, "high", "high"))
    return Scale(tuple(stretches), ends=(low_edge, high_edge)), NOTE_BIT["reported_range_one_sided"] if one_sided else 0


def _ends_of_text(text: str, analyte: Analyte, to_canonical: Fraction) -> tuple[Any, Any]:
    if text.strip().casefold() in values.MISSING_MARKERS:
        return None, None
    found = read(text)
    if found is None or (found.unit_text is not None and _other_unit(found.unit_text, analyte, to_canonical)):
        return UNUSABLE, None
    return found.low, found.high


def _other_unit(text: str, analyte: Analyte, to_canonical: Fraction) -> bool:
    """Return whether the unit written behind an end is not the result's."""
    code = units.resolve(text).code
    return code not in units.accepted(analyte.key) or units.exact_factor(analyte.key, str(code)) != to_canonical


def _usable(lower: Fraction | None, upper: Fraction | None, hard: Bounds, to_canonical: Fraction) -> bool:
    if lower is not None and upper is not None and (lower > upper or lower == upper == 0):
        return False
    if lower is not None and (lower < 0 or float(lower * to_canonical) > hard.high):
        return False
    return upper is None or (upper > 0 and float(upper * to_canonical) >= hard.low)
