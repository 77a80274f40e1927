"""The number line of a result as inline SVG, in plain Python."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from labinterp.codes import LEVELS
from labinterp.markup import safe
from labinterp.words import labels, numbers, uris

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 440
HEIGHT: Final = 84
_LEFT, _RIGHT = 8, WIDTH - 8
_TOP, _BOTTOM = 40, 60
_LETTER: Final = 6.4
_EDGE: Final = 14
_ARROW: Final = 64
_INNER: Final = 0.6
_NARROWEST: Final = 62


@attrs.frozen
class BarBand:
    """One band on the line, in the unit of the line.

    Args:
        lower: its lower end; open without one.
        upper: its upper end; open without one.
        level: such as `borderline_low`.
    """

    lower: float | None
    upper: float | None
    level: str


@attrs.frozen
class _Axis:
    """Maps values to the width of the drawing: straight between knots, so that no band is too narrow for its name."""

    values: tuple[float, ...]
    places: tuple[float, ...]

    def x(self, value: float) -> float:
        """Return the place of a value; one beyond the drawing is put on its border."""
        value = min(max(value, self.values[0]), self.values[-1])
        i = min(max(bisect_right(self.values, value) - 1, 0), len(self.values) - 2)
        share = (value - self.values[i]) / (self.values[i + 1] - self.values[i])
        return self.places[i] + share * (self.places[i + 1] - self.places[i])

    def holds(self, value: float) -> bool:
        """Return whether a value lies on the drawing."""
        return self.values[0] <= value <= self.values[-1]


def segments_of(low: float | None, high: float | None) -> tuple[BarBand, ...]:
    """Return the bands low, normal and high that two limits of normal make.

    Example:
        >>> [segment.level for segment in segments_of(None, 15)]
        ['normal', 'high']
    """
    bands = [BarBand(low, high, "normal")]
    if low is not None:
        bands.insert(0, BarBand(None, low, "low"))
    if high is not None:
        bands.append(BarBand(high, None, "high"))
    return tuple(bands)


def number_line(
    value: float, unit: str, segments: Sequence[BarBand], *, comparator: str | None = None, label: str = ""
) -> str:
    """Draw a value on the bands that judge it.

    The bands carry their names, the limits their numbers, the value a marker; a censored value (`<`, `>`) has an arrow
    toward the values that it can stand for. Within a band the scale is even; narrow bands are drawn wider. Colors come
    from the page; shapes and words say the same without them.

    Args:
        value: in `unit`.
        unit: UCUM code.
        segments: the bands, rising.
        comparator: of a censored value.
        label: what a screen reader says.

    Returns:
        An `<svg>` element, or an empty text where there is nothing to draw on.

    Example:
        >>> number_line(0.45, "mmol/L", segments_of(0.66, 1.07), label="Magnesium")[:33]
        '<svg class="line" viewBox="0 0 44'
    """
    limits = sorted({end for item in segments for end in (item.lower, item.upper) if end is not None})
    if not limits or not all(map(math.isfinite, (value, *limits))):
        return ""
    axis = _axis(value, limits)
    head = (
        f'<svg class="line" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(label)}" '
        f'xmlns="{uris.SVG}"><title>{safe(label)}</title>'
    )
    parts = [head]
    parts += [_band(axis, item) for item in segments]
    parts += _limits(axis, limits)
    parts.append(_marker(axis, value, limits, unit, comparator))
    return "".join(parts) + "</svg>"


def _axis(value: float, limits: Sequence[float]) -> _Axis:
    """Leave room on both sides of the limits, more where that brings the value into view."""
    span = limits[-1] - limits[0] or abs(limits[0]) or 1.0
    start = max(min(limits[0] - 0.6 * span, value - 0.1 * span), limits[0] - 2 * span)
    end = min(max(limits[-1] + 0.6 * span, value + 0.1 * span), limits[-1] + 2 * span)
    if limits[0] > 0:
        start = max(start, 0.0)
    inner = (_RIGHT - _LEFT) * _INNER
    room = inner - _NARROWEST * (len(limits) - 1)
    x = _LEFT + (_RIGHT - _LEFT - inner) / 2 if len(limits) > 1 else (_LEFT + _RIGHT) / 2
    places = [float(_LEFT), x]
    for lower, upper in pairwise(limits):
        x += _NARROWEST + max(room, 0.0) * (upper - lower) / span if room > 0 else inner / (len(limits) - 1)
        places.append(x)
    return _Axis((start, *limits, end), (*places, float(_RIGHT)))


def _band(axis: _Axis, item: BarBand) -> str:
    first = axis.values[0] if item.lower is None else item.lower
    last = axis.values[-1] if item.upper is None else item.upper
    x, width = axis.x(first), axis.x(last) - axis.x(first)
    level = item.level if item.level in LEVELS else "indeterminate"
    rect = (
        f'<rect class="band {level}" x="{x:.1f}" y="{_TOP}" width="{max(width, 0):.1f}" height="{_BOTTOM - _TOP}" '
        'fill="none" stroke="currentColor"/>'
    )
    name = next((text for text in _names(level) if len(text) * _LETTER + 6 <= width), "")
    if not name:
        return rect
    return f'{rect}<text class="name" x="{x + width / 2:.1f}" y="{_TOP + 14}" text-anchor="middle">{safe(name)}</text>'


def _names(level: str) -> tuple[str, ...]:
    full = labels.word("level", level)
    return full, full.removesuffix(" low").removesuffix(" high") if level.startswith("borderline") else full


def _limits(axis: _Axis, limits: Sequence[float]) -> list[str]:
    """Write the number of each limit below the line, leaving out what would overlap."""
    parts, free = [], -math.inf
    for limit in limits:
        text = numbers.shown(limit, [other for other in limits if other != limit])
        x, half = axis.x(limit), len(text) * _LETTER / 2
        parts.append(f'<path class="tick" d="M{x:.1f} {_BOTTOM}v6" stroke="currentColor"/>')
        if x - half > free:
            parts.append(f'<text class="limit" x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{text}</text>')
            free = x + half + 4
    return parts


def _marker(axis: _Axis, value: float, limits: Sequence[float], unit: str, comparator: str | None) -> str:
    x = axis.x(value)
    text = f"{comparator or ''}{numbers.shown(value, limits)} {unit}"
    outside = "" if axis.holds(value) else "← " if value < axis.values[0] else "→ "
    half = len(text) * _LETTER / 2
    anchor = "start" if x - half < _LEFT else "end" if x + half > _RIGHT else "middle"
    parts = [
        f'<text class="value" x="{x:.1f}" y="14" text-anchor="{anchor}">{safe(outside + text)}</text>',
        f'<path class="needle" d="M{x:.1f} {_TOP - 6}V{_BOTTOM + 4}" stroke="currentColor" stroke-width="2"/>',
    ]
    if comparator is None:
        parts.append(f'<path class="marker" d="M{x - 6:.1f} 22h12l-6 12z" fill="currentColor"/>')
    else:
        parts.append(_arrow(x, comparator))
    return "".join(parts)


def _arrow(x: float, comparator: str) -> str:
    """Point from a censored value toward the values that it can stand for; a filled end includes the value itself."""
    way = -1 if comparator.startswith("<") else 1
    tip = min(max(x + way * _ARROW, _LEFT), _RIGHT)
    tip = x + way * _EDGE if abs(tip - x) < _EDGE else tip
    fill = "currentColor" if comparator.endswith("=") else "none"
    return (
        f'<path class="arrow" d="M{x:.1f} 28H{tip:.1f}m{-way * 7} -5l{way * 7} 5l{-way * 7} 5" fill="none" '
        f'stroke="currentColor" stroke-width="2"/><circle class="end" cx="{x:.1f}" cy="28" r="4" fill="{fill}" '
        'stroke="currentColor" stroke-width="2"/>'
    )
