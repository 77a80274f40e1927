"""A result against its range as a line of characters, readable without color: `--*--[=====]-----`."""

from __future__ import annotations

import math
from typing import Final

_SIDE: Final = 4
_INSIDE: Final = 5
WIDTH: Final = 2 * _SIDE + _INSIDE + 2
_MARK: Final = {None: "*", "<": "<", "<=": "<", ">": ">", ">=": ">"}


def bar(value: float | None, low: float | None, high: float | None, comparator: str | None = None) -> str:
    """Return a bar: the range between brackets, `*` where the result is, `<` or `>` where it is censored.

    Left of the range it goes down to half of the lower limit, right of it up to twice the upper one; what lies beyond
    stands at the end.

    Args:
        value: in the unit of the limits.
        low: lower limit, or None.
        high: upper limit, or None.
        comparator: of a censored value.

    Example:
        >>> bar(1.1, 1.7, 2.4)
        '-*--[=====]----'
        >>> bar(2.0, 1.7, 2.4), bar(9, None, 10), bar(3000, 200, None, ">")
        ('----[==*==]----', '=========*]----', '----[=========>')
    """
    if value is None or (low is None and high is None):
        return ""
    cells = list("-" * _SIDE + "[" + "=" * _INSIDE + "]" + "-" * _SIDE)
    if low is None:
        cells[: _SIDE + 1] = "=" * (_SIDE + 1)
    if high is None:
        cells[_SIDE + _INSIDE + 1 :] = "=" * (_SIDE + 1)
    cells[_cell(value, low, high)] = _MARK[comparator]
    return "".join(cells)


def _cell(value: float, low: float | None, high: float | None) -> int:
    """Return at which character a value stands; a value on a limit stands inside."""
    first, last = _SIDE + 1, _SIDE + _INSIDE
    if low is not None and value < low:
        return _part(2 * value / low - 1 if low > 0 else 0.0, 0, _SIDE - 1)
    if high is not None and value > high:
        return _part(value / high - 1 if high > 0 else 1.0, last + 2, WIDTH - 1)
    if low is not None and high is not None:
        return _part((value - low) / (high - low) if high > low else 0.5, first, last)
    if high is not None:
        return _part(value / high if high > 0 else 1.0, 0, last)
    return _part((value / low - 1) if low else 1.0, first, WIDTH - 1)


def _part(share: float, first: int, last: int) -> int:
    """Return the place that a share of the way from the first to the last one comes to."""
    share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 1.0
    return min(first + int(share * (last - first + 1)), last)
