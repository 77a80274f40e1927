"""Plausibility limits as closed bounds of floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from labinterp.reading.analytes import Span


@attrs.frozen
class Bounds:
    """Closed bounds in the canonical unit, as floats."""

    low: float
    high: float

    @classmethod
    def of(cls, span: Span) -> Bounds:
        """Close the ends of a span."""
        return cls(
            span.low if span.low_inclusive else math.nextafter(span.low, math.inf),
            span.high if span.high_inclusive else math.nextafter(span.high, -math.inf),
        )

    def hold(self, x: float) -> bool:
        """Return whether `x` lies within."""
        return self.low <= x <= self.high


UNBOUNDED = Bounds(-math.inf, math.inf)
