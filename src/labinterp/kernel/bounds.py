"""Plausibility limits as closed bounds of floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from labinterp.analytes import Span


@attrs.frozen
class Bounds:
    """Closed bounds in the canonical unit, as floats."""

    low: float
    high: float

    @classmethod
    def of(cls, span: Span | None) -> Bounds:
        """Close the ends of a span."""
        if span is None:
            return cls(-math.inf, math.inf)
        low = -math.inf if span.low is None else float(span.low)
        high = math.inf if span.high is None else float(span.high)
        return cls(
            low if span.low_inclusive else math.nextafter(low, math.inf),
            high if span.high_inclusive else math.nextafter(high, -math.inf),
        )

    def hold(self, x: float) -> bool:
        """Return whether `x` lies within."""
        return self.low <= x <= self.high


UNBOUNDED = Bounds(-math.inf, math.inf)
