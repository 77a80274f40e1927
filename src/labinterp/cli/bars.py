"""A result against its range as a line of characters, readable without color: `--*--[=====]-----`."""

from __future__ import annotations

from typing import Final

from labinterp.report.bars import place

_SIDE: Final = 4
_INSIDE: Final = 5
WIDTH: Final = 2 * _SIDE + _INSIDE + 2
_MARK: Final = {None: "*", "<": "<", "<=": "<", ">": ">", ">=": ">"}


def bar(value: float | None, low: float | None, high: float | None, comparator: str | None = None) -> str:
    """Return a bar: the range between brackets, `*` where the result is, `<` or `>` where it is censored.

    Where it stands, `labinterp.report.bars.place` says.

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
    """Return at which character a value stands."""
    first, last = _SIDE + 1, _SIDE + _INSIDE
    side, share = place(value, low, high)
    if side < 0:
        return _part(share, 0, _SIDE - 1)
    if side > 0:
        return _part(share, last + 2, WIDTH - 1)
    return _part(share, 0 if low is None else first, WIDTH - 1 if high is None else last)


def _part(share: float, first: int, last: int) -> int:
    """Return the place that a share of the way from the first to the last one comes to."""
    return min(first + int(share * (last - first + 1)), last)
