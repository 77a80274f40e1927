"""What changed from draw to draw: one SVG per analyte, with its range as a band."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from labinterp import changes
from labinterp.as_sent import as_sent, in_unit
from labinterp.markup import safe
from labinterp.reading.times import read_time
from labinterp.words import faces, labels, numbers, titles, uris

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from labinterp.model import Interpretation
    from labinterp.options import DateOrder

WIDTH: Final = 440
HEIGHT: Final = 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, WIDTH - 16, 24, HEIGHT - 34
_LETTER: Final = 6.4
_POINTS_WITH_TEXT: Final = 8


@attrs.frozen
class Point:
    """One draw.

    Args:
        time: when.
        value: in the unit of the trend.
        text: the value with its comparator, for people.
        level: such as `low`.
        low: lower limit of normal for this draw.
        high: upper limit of normal for this draw.
        change: percent of the value before, where it is more than variation within a person explains.
    """

    time: dt.datetime
    value: float
    text: str
    level: str
    low: float | None
    high: float | None
    change: float | None = None


@attrs.frozen
class Trend:
    """The draws of one analyte, in order of time, in the unit in which the latest was sent."""

    analyte: str
    unit: str
    points: tuple[Point, ...]

    @property
    def marked(self) -> tuple[Point, ...]:
        """Return the draws that changed beyond biological variation."""
        return tuple(point for point in self.points if point.change is not None)


def trends_of(
    interpretations: Iterable[Interpretation],
    *,
    date_order: DateOrder | None = None,
    default_units: Mapping[str, str] | None = None,
) -> tuple[Trend, ...]:
    """Return a trend of each analyte that was drawn at two times or more; results of one patient.

    Example:
        >>> import labinterp as li
        >>> draws = [li.LabResult("Mg", 1.9, "mg/dL", collected_at=day) for day in ("2026-01-01", "2026-03-01")]
        >>> [trend.analyte for trend in trends_of(li.interpret(draws).interpretations)]
        ['magnesium']
    """
    drawn: dict[str, list[tuple[dt.datetime, Interpretation]]] = {}
    for item in interpretations:
        time = read_time(item.result.collected_at, date_order)
        if time is not None and item.analyte is not None and item.value is not None:
            drawn.setdefault(item.analyte, []).append((time.replace(tzinfo=None), item))
    found = (_trend(analyte, draws, default_units) for analyte, draws in drawn.items())
    return tuple(trend for trend in found if len({point.time for point in trend.points}) > 1)


def _trend(
    analyte: str, draws: list[tuple[dt.datetime, Interpretation]], default_units: Mapping[str, str] | None
) -> Trend:
    draws = sorted(draws, key=lambda draw: draw[0])
    latest = as_sent(draws[-1][1], default_units)
    unit = latest.unit if latest is not None else str(draws[-1][1].unit)
    points = []
    before: Interpretation | None = None
    for time, item in draws:
        value, low, high = (
            None if end is None else in_unit(analyte, end, unit) for end in (item.value, item.low, item.high)
        )
        text = f"{item.comparator or ''}{numbers.shown(value, (low, high))}"
        change = None if before is None else _exceeding(before, item)
        points.append(Point(time, float(value or 0.0), text, item.level or "indeterminate", low, high, change))
        before = item
    return Trend(analyte, unit, tuple(points))


def _exceeding(before: Interpretation, item: Interpretation) -> float | None:
    """Return the change in percent where it is beyond what `labinterp.change` calls variation."""
    known = changes.variation(str(item.analyte))
    methods = {changes.fold_method(each.result.method) for each in (before, item)} - {None}
    if known.cvi is None or known.cva is None or before.value is None or item.value is None:
        return None
    if before.comparator is not None or item.comparator is not None or len(methods) > 1:
        return None
    percent = changes.percent_of(before.value, item.value)
    low, high = changes.reference_change_value(known.cvi, known.cva)
    return percent if percent is not None and not low <= percent <= high else None


def draw(trend: Trend) -> str:
    """Return the drawing of a trend, or an empty text where a value cannot be drawn."""
    values = [point.value for point in trend.points]
    limits = [end for point in trend.points for end in (point.low, point.high) if end is not None]
    if not all(map(math.isfinite, (*values, *limits))):
        return ""
    low, high = min(*values, *limits), max(*values, *limits)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    bottom, top = low - room if low < 0 else max(0.0, low - room), high + room
    first, last = trend.points[0].time, trend.points[-1].time
    span = (last - first).total_seconds()

    def x(point: Point) -> float:
        return _LEFT + 14 + (point.time - first).total_seconds() / span * (_RIGHT - _LEFT - 34)

    def y(value: float) -> float:
        return _BOTTOM - (value - bottom) / (top - bottom) * (_BOTTOM - _TOP)

    label = _label(trend)
    head = (
        f'<svg class="trend" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(label)}" '
        f'xmlns="{uris.SVG}"><title>{safe(label)}</title>'
    )
    parts = [head]
    latest = trend.points[-1]
    if latest.low is not None or latest.high is not None:
        above = y(top if latest.high is None else latest.high)
        below = y(bottom if latest.low is None else latest.low)
        parts.append(
            f'<rect class="band normal" x="{_LEFT}" y="{above:.1f}" width="{_RIGHT - _LEFT}" '
            f'height="{max(below - above, 0):.1f}"/>'
        )
        parts += [
            f'<text class="limit" x="{_LEFT - 5}" y="{y(end) + 4:.1f}" text-anchor="end">'
            f"{numbers.shown(end, (other,))}</text>"
            for end, other in ((latest.low, latest.high), (latest.high, latest.low))
            if end is not None
        ]
    line = "L".join(f"{x(point):.1f} {y(point.value):.1f}" for point in trend.points)
    parts.append(f'<path class="thread" d="M{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>')
    parts += _points(trend, [(x(point), y(point.value)) for point in trend.points])
    for point, anchor in ((trend.points[0], "start"), (latest, "end")):
        place = _LEFT if anchor == "start" else _RIGHT
        parts.append(
            f'<text class="day" x="{place}" y="{HEIGHT - 8}" text-anchor="{anchor}">{point.time.date()}</text>'
        )
    return "".join((*parts, "</svg>"))


def _points(trend: Trend, places: Sequence[tuple[float, float]]) -> list[str]:
    parts = []
    many = len(places) > _POINTS_WITH_TEXT
    for i, (point, (x, y)) in enumerate(zip(trend.points, places, strict=True)):
        parts.append(f'<circle class="draw" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="currentColor"/>')
        if point.change is not None:
            parts.append(
                f'<path class="changed" d="M{x:.1f} {y - 10:.1f}l10 10l-10 10l-10 -10z" fill="none" '
                'stroke="currentColor" stroke-width="2"/>'
            )
        if not many or i in (0, len(places) - 1) or point.change is not None:
            near = min(max(x, _LEFT + 3 * _LETTER), _RIGHT - 3 * _LETTER)
            height = y - 14 if y - 14 > _TOP - 12 else y + 22
            parts.append(
                f'<text class="value" x="{near:.1f}" y="{height:.1f}" text-anchor="middle">{safe(point.text)}</text>'
            )
    return parts


def _label(trend: Trend) -> str:
    steps = [f"{point.time.date()} {point.text} {labels.word('level', point.level)}" for point in trend.points]
    return f"{titles.analyte(trend.analyte)} in {trend.unit}: {', '.join(steps)}"


def said(trend: Trend) -> list[str]:
    """Return each change beyond biological variation in words.

    Example:
        >>> said(Trend("calcium", "mmol/L", ()))
        []
    """
    lines = []
    for before, point in pairwise(trend.points):
        if point.change is not None:
            days = {"before": before.time.date(), "after": point.time.date()}
            way = "fell" if point.change < 0 else "rose"
            lines.append(faces.line("trend", way, **days, percent=f"{abs(point.change):.0f}"))
    return lines
