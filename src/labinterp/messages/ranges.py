"""The range that a message sends with a result → its two ends where they are plain, else its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labinterp.reading.reported_range import UNUSABLE, ends_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

SentRange = tuple[Any, Any, str | None]
"""Lower end, upper end and text, as `LabResult` takes them."""

NO_RANGE: Final[SentRange] = (None, None, None)
NO_USE: Final[SentRange] = (UNUSABLE, None, None)
"""Stands for a range that was sent and cannot be used, so that the interpretation says so."""


def undecided(ranges: Iterable[SentRange]) -> SentRange:
    """Return what is known of a range that may be any of several: that it cannot be used, and what they print.

    Example:
        >>> undecided([(0.6, 1.0, None), (0.7, None, None), (None, None, "see note")])
        ('unusable', None, '0.6 - 1.0; >= 0.7; see note')
    """
    texts = [_printed(*found) for found in ranges]
    return UNUSABLE, None, "; ".join(filter(None, dict.fromkeys(texts))) or None


def _printed(low: Any, high: Any, text: str | None) -> str | None:
    if text is not None or low == UNUSABLE or (low is None and high is None):
        return text
    if low is not None and high is not None:
        return f"{low} - {high}"
    sign, end = (">=", low) if high is None else ("<=", high)
    return str(end) if str(end)[:1] in "<>" else f"{sign} {end}"


def of_text(text: str | None, unit: str | None, decimal: str | None = None) -> SentRange:
    """Return the ends of a text that says nothing but them; any other is left to whoever knows test and patient.

    Example:
        >>> of_text("8.5-10.5", "mg/dL"), of_text("M: 4-6, F: 3-5", "mg/dL")
        ((8.5, 10.5, None), (None, None, 'M: 4-6, F: 3-5'))
    """
    low, high = ends_of_text(text, unit, decimal)
    return (None, None, text) if low == UNUSABLE and decimal is None else (low, high, None)
