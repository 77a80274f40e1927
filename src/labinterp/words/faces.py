"""What pages, screens and messages say around a report; the words are data, in `faces.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp._data import words

if TYPE_CHECKING:
    from collections.abc import Mapping


def lines(table: str) -> Mapping[str, str]:
    """Return the lines of one kind, such as `title`."""
    found: Mapping[str, str] = words("faces.toml")[table]
    return found


def line(table: str, key: str, **values: object) -> str:
    """Return a line with what it names.

    Example:
        >>> line("result", "suspected", unit="mg/dL")
        'In mg/dL the number would be ordinary; it was not changed.'
    """
    return lines(table)[key].format(**values)


def judged(range_id: str) -> str:
    """Return by what a result was judged.

    Example:
        >>> judged("reported")
        'Judged by: the range sent with it.'
    """
    return line("result", "judged", range=line("result", "own_range") if range_id == "reported" else range_id)


def graded(grade: int | None, low: int | None, high: int | None) -> str:
    """Return the grade of a result, and that of each direction where it is known; nothing where there is none.

    Example:
        >>> graded(2, 2, 0), graded(1, None, None)
        ('Laboratory-derived grade 2 (low 2, high 0).', 'Laboratory-derived grade 1.')
    """
    sides = [line("result", key, grade=side) for key, side in (("low", low), ("high", high)) if side is not None]
    known = f" ({', '.join(sides)})" if sides else ""
    return "" if grade is None else line("result", "grade", grade=grade, sides=known)
