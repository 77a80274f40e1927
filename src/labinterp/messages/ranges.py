"""The range that a message sends with a result → its two ends where they are plain, else its text."""

from __future__ import annotations

from typing import Any, Final

from labinterp.reading.reported_range import UNUSABLE, ends_of_text

SentRange = tuple[Any, Any, str | None]
"""Lower end, upper end and text, as `LabResult` takes them."""

NO_RANGE: Final[SentRange] = (None, None, None)
NO_USE: Final[SentRange] = (UNUSABLE, None, None)
"""Stands for a range that was sent and cannot be used, so that the interpretation says so."""


def of_text(text: str | None, unit: str | None, decimal: str | None = None) -> SentRange:
    """Return the ends of a text that says nothing but them; any other is left to whoever knows test and patient.

    Example:
        >>> of_text("8.5-10.5", "mg/dL"), of_text("M: 4-6, F: 3-5", "mg/dL")
        ((8.5, 10.5, None), (None, None, 'M: 4-6, F: 3-5'))
    """
    low, high = ends_of_text(text, unit, decimal)
    return (None, None, text) if low == UNUSABLE and decimal is None else (low, high, None)
