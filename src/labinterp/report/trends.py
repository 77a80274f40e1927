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
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from labinterp.model import Interpretation
    from labinterp.options import DateOrder

WIDTH: Final = 440
HEIGHT: Final = 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, WIDTH - 16, 24, HEIGHT - 34
_LETTER: Final = 6.4
_LINE: Final = 13
_ALIKE: Final = 0.01
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
        comparator: such as `<`, of a censored value.
    """

    time: dt.datetime
    value: float
    text: str
    level: str
    low: float | None
    high: float | None
    change: float | None = None
    comparator: str | None = None


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
    for i, (time, item) in enumerate(draws):
        before = draws[i - 1][1] if i and draws[i - 1][0] < time else before
        value, low, high = (
            None if end is None else in_unit(analyte, end, unit) for end in (item.value, item.low, item.high)
        )
        text = f"{item.comparator or ''}{numbers.shown(value, (low, high))}"
        change = None if before is None else _exceeding(before, item)
        level = item.level or "indeterminate"
        points.append(Point(time, float(value or 0.0), text, level, low, high, change, item.comparator))
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
    parts += _bands(trend, [x(point) for point in trend.points], y, (bottom, top))
    line = "L".join(f"{x(point):.1f} {y(point.value):.1f}" for point in trend.points)
    parts.append(f'<path class="thread" d="M{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>')
    parts += _points(trend, [(x(point), y(point.value)) for point in trend.points])
    for point, anchor in ((trend.points[0], "start"), (latest, "end")):
        place = _LEFT if anchor == "start" else _RIGHT
        parts.append(
            f'<text class="day" x="{place}" y="{HEIGHT - 8}" text-anchor="{anchor}">{point.time.date()}</text>'
        )
    return "".join((*parts, "</svg>"))


def _bands(trend: Trend, xs: Sequence[float], y: Callable[[float], float], ends: tuple[float, float]) -> list[str]:
    """Return the range of normal as a band, with its limits; where it changes, halfway between two draws, a new one."""
    parts: list[str] = []
    left = float(_LEFT)
    for i, point in enumerate(trend.points):
        limits = (point.low, point.high)
        if i < len(xs) - 1 and all(map(_alike, limits, (trend.points[i + 1].low, trend.points[i + 1].high))):
            continue
        right = float(_RIGHT) if i == len(xs) - 1 else (xs[i] + xs[i + 1]) / 2
        if limits != (None, None):
            below, above = (y(end if limit is None else limit) for limit, end in zip(limits, ends, strict=True))
            parts.append(
                f'<rect class="band normal" x="{left:.1f}" y="{above:.1f}" width="{right - left:.1f}" '
                f'height="{max(below - above, 0):.1f}"/>'
            )
        place, anchor = (left - 5, "end") if left == _LEFT else (left + 5, "start")
        parts += [
            f'<text class="limit" x="{place:.1f}" y="{y(end) + 4:.1f}" text-anchor="{anchor}">'
            f"{numbers.shown(end, (other,))}</text>"
            for end, other in (limits, limits[::-1])
            if end is not None
        ]
        left = right
    return parts


def _alike(one: float | None, other: float | None) -> bool:
    """Return whether two limits are the same, or one figure that a source prints in two units."""
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=_ALIKE)


def _points(trend: Trend, places: Sequence[tuple[float, float]]) -> list[str]:
    parts = []
    for point, (x, y) in zip(trend.points, places, strict=True):
        parts.append(_mark(point, x, y))
        if point.change is not None:
            parts.append(
                f'<path class="changed" d="M{x:.1f} {y - 10:.1f}l10 10l-10 10l-10 -10z" fill="none" '
                'stroke="currentColor" stroke-width="2"/>'
            )
    return [*parts, *_texts(trend, places)]


def _mark(point: Point, x: float, y: float) -> str:
    """Return a dot, or of a censored value an open arrow toward the values that it can stand for."""
    if point.comparator is None:
        return f'<circle class="draw" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="currentColor"/>'
    way = 1 if point.comparator.startswith("<") else -1
    return (
        f'<path class="draw censored" d="M{x - 5:.1f} {y - way * 2:.1f}h10l-5 {way * 9}z" fill="none" '
        'stroke="currentColor" stroke-width="1.5"/>'
    )


def _texts(trend: Trend, places: Sequence[tuple[float, float]]) -> list[str]:
    """Return the values as texts that do not overlap: the last and the first come first, then what changed."""
    last = len(places) - 1
    many = last >= _POINTS_WITH_TEXT
    parts = []
    taken: list[tuple[float, float, float]] = []
    for i in sorted(range(last + 1), key=lambda i: (i != last, i != 0, trend.points[i].change is None, i)):
        point, (x, y) = trend.points[i], places[i]
        if many and i not in (0, last) and point.change is None:
            continue
        half = len(point.text) * _LETTER / 2
        near = min(max(x, _LEFT + half), _RIGHT - half)
        for height in (y - 14, y + 22):
            free = all(abs(near - at) >= half + other or abs(height - line) >= _LINE for at, line, other in taken)
            if free and _TOP - 12 < height < _BOTTOM + 10:
                taken.append((near, height, half + 2))
                place = f'x="{near:.1f}" y="{height:.1f}" text-anchor="middle"'
                parts.append(f'<text class="value" {place}>{safe(point.text)}</text>')
                break
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
