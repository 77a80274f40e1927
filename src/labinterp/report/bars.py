"""Where a value stands against its range, and a small bar of it for pages that hold thousands of results."""

from __future__ import annotations

import math
from typing import Final

_LOW, _HIGH, _END = 30.0, 70.0, 100.0
_INSET: Final = 3.0
SHAPES: Final = {"both": (_LOW, _HIGH), "low": (_LOW, _END), "high": (0.0, _HIGH)}
"""Which limits there are → from where to where the bar is normal; a page draws each once."""


def place(value: float, low: float | None, high: float | None) -> tuple[int, float]:
    """Return on which side of its range a value stands, and how far: side -1, 0 or 1 and a share from 0 to 1.

    Below the range it goes down to half of the lower limit, above it up to twice the upper one; what lies beyond stands
    at the end. A value on a limit stands inside.

    Args:
        value: in the unit of the limits.
        low: lower limit, or None.
        high: upper limit, or None.

    Example:
        >>> place(1.5, 2.0, 4.0), place(3.0, 2.0, 4.0), place(8.0, 2.0, 4.0)
        ((-1, 0.5), (0, 0.5), (1, 1.0))
    """
    if low is not None and value < low:
        return -1, _share(2 * value / low - 1 if low > 0 else 0.0)
    if high is not None and value > high:
        return 1, _share(value / high - 1 if high > 0 else 1.0)
    if low is not None and high is not None:
        return 0, _share((value - low) / (high - low) if high > low else 0.5)
    if high is not None:
        return 0, _share(value / high if high > 0 else 1.0)
    return 0, _share(value / low - 1 if low else 1.0)


def _share(share: float) -> float:
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 1.0


def small(value: float, low: float | None, high: float | None, comparator: str | None = None) -> str:
    """Return a small bar: the range as a box, a line where the value is, an arrow where it is censored.

    The box is drawn once on the page, under the id `bar-` and the key of `SHAPES`; the words beside say the same.

    Example:
        >>> small(1.5, 2.0, 4.0)
        '<svg class="bar" viewBox="0 0 100 12" aria-hidden="true"><use href="#bar-both"/><path d="M15 0v12"/></svg>'
        >>> small(1.5, None, None)
        ''
    """
    if low is None and high is None:
        return ""
    shape = "both" if low is not None and high is not None else "low" if high is None else "high"
    first, last = SHAPES[shape]
    side, share = place(value, low, high)
    start, end = ((0.0, first), (first, last), (last, _END))[side + 1]
    x = start + _INSET + share * (end - start - 2 * _INSET)
    way = "" if comparator is None else "m0 6h-9l4-4m-4 4l4 4" if comparator.startswith("<") else "m0 6h9l-4-4m4 4l-4 4"
    line = f"M{x:g} 0v12" if comparator is None else f"M{x:g} 0v12m0-12{way}"
    return (
        f'<svg class="bar" viewBox="0 0 100 12" aria-hidden="true"><use href="#bar-{shape}"/><path d="{line}"/></svg>'
    )
