"""Age, sex and pregnancy as they are sent → what is known of them.

What cannot be read stays unknown and says so; nothing is guessed.
"""

from __future__ import annotations

import functools
import math
import re
from typing import Any, Final

from labinterp.reading.times import MAX_AGE, Age

_YEARS_PER: Final = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
_AGE_UNITS: Final = {
    **dict.fromkeys(("", "a", "y", "yr", "yrs", "yo", "year", "years"), "a"),
    **dict.fromkeys(("mo", "mos", "mon", "month", "months"), "mo"),
    **dict.fromkeys(("wk", "w", "wks", "week", "weeks"), "wk"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
_AGE = re.compile(r"(>=|>|≥)?\s*([0-9]{1,6}(?:[.,][0-9]{1,6})?)\s*([a-z]{0,6})\.?", re.ASCII | re.IGNORECASE)
_SEXES: Final = {
    **dict.fromkeys(("female", "f", "w", "woman", "fem", "2", "8532"), "female"),
    **dict.fromkeys(("male", "m", "man", "1", "8507"), "male"),
}
_PREGNANCIES: Final = {
    **dict.fromkeys(("none", "no", "n", "false", "not pregnant", "0"), "none"),
    **dict.fromkeys(("trimester_1", "trimester 1", "t1", "1st trimester", "first trimester", "1"), "trimester_1"),
    **dict.fromkeys(("trimester_2", "trimester 2", "t2", "2nd trimester", "second trimester", "2"), "trimester_2"),
    **dict.fromkeys(("trimester_3", "trimester 3", "t3", "3rd trimester", "third trimester", "3"), "trimester_3"),
    **dict.fromkeys(("pregnant", "yes", "y", "true"), "pregnant"),
}


def is_missing(value: Any) -> bool:
    """Return whether a value is `None`, a NaN, a missing marker of pandas, or blank text."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    try:
        return bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except Exception:  # noqa: BLE001 - what cannot be compared with itself says nothing
        return True


def read_text(value: Any) -> str | None:
    """Return anything as text, None where it is missing; what has no text is a text that means nothing.

    Example:
        >>> read_text(50960), read_text("")
        ('50960', None)
    """
    if isinstance(value, str):
        return str.__str__(value) or None  # a subclass may have a mind of its own
    if is_missing(value):
        return None
    try:
        return str(value)[:256]
    except Exception:  # noqa: BLE001 - the object is not ours
        return "(unreadable)"


def read_age(value: Any) -> Age | None:
    """Read an age: a number of years, or text such as `"54"`, `"6 mo"`, `">= 90"`.

    A whole number of years means completed years, so 54 may be anything up to the 55th birthday.

    Returns:
        The lowest and highest possible age in years, or None where it is missing, unreadable or beyond 0 to 130.

    Example:
        >>> read_age(54), read_age(54.5), read_age("17 a")
        ((54.0, 55.0), (54.5, 54.5), (17.0, 18.0))
        >>> read_age("old") is None
        True
    """
    if isinstance(value, str):
        return _read_age_text(value[:32]) if len(value) <= 256 else None  # noqa: PLR2004 - no age is that long
    if isinstance(value, bool) or is_missing(value):
        return None
    try:
        years = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return _span(years, "a")


def _span(number: float, unit: str) -> Age | None:
    low = number * _YEARS_PER[unit]
    if not 0.0 <= low <= MAX_AGE:
        return None
    if unit == "a" and number == math.floor(number):
        return low, low + 1.0
    return low, low


@functools.lru_cache(maxsize=4096)
def _read_age_text(text: str) -> Age | None:
    match = _AGE.fullmatch(text.strip())
    if match is None or match[3].lower() not in _AGE_UNITS:
        return None
    span = _span(float(match[2].replace(",", ".")), _AGE_UNITS[match[3].lower()])
    if span is None or match[1] is None:
        return span
    low = span[1] if match[1] == ">" else span[0]
    return low, MAX_AGE


def read_sex(value: Any) -> str | None:
    """Return `"female"`, `"male"`, or None for anything else."""
    return _lookup(_SEXES, value)


def read_pregnancy(value: Any) -> str | None:
    """Return `"none"`, `"trimester_1"` … `"trimester_3"`, `"pregnant"`, or None for anything else."""
    if value is True or value is False:
        return "pregnant" if value else "none"
    return _lookup(_PREGNANCIES, value)


def _lookup(table: dict[str, str], value: Any) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) and 0 <= value < 10**9 else ""
    return table.get(text.strip().casefold()) if len(text) <= 64 else None  # noqa: PLR2004 - longer than any entry
