"""Numbers, ranges and settings as people are shown them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from labinterp.tolerance import ROUNDED
from labinterp.words.labels import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS: Final = (4, 5, 6, 8, 10, 12)
_ORDINARY: Final = 10**15
_LONGEST: Final = 160


def shown(value: float | None, beside: Iterable[float | None] = ()) -> str:
    """Return a number for people: four significant digits, and more where it would look equal to a number beside it.

    Args:
        value: the number.
        beside: limits that it will be compared with by eye.

    Example:
        >>> shown(0.4525817), shown(1.11999), shown(1.11999, [1.12]), shown(25500.0)
        ('0.4526', '1.12', '1.11999', '25500')
    """
    if value is None or not math.isfinite(value):
        return ""
    others = [other for other in beside if other is not None and not math.isclose(value, other, rel_tol=ROUNDED)]
    text = ""
    for digits in _DIGITS:
        text = plain(value, digits)
        if all(float(text) != float(plain(other, digits)) for other in others):
            break
    return text


def plain(value: float, digits: int) -> str:
    """Return a number with so many significant digits, and without an exponent where it is of an ordinary size.

    Example:
        >>> plain(0.7405883563052871, 6), plain(1234567.0, 6), plain(2.5, 6)
        ('0.740588', '1234567', '2.5')
    """
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < _ORDINARY else text


def span(low: float | None, high: float | None, beside: float | None = None, *, form: str = "span") -> str:
    """Return the range between two limits, nothing where there is none.

    Args:
        low: lower limit, in the unit of the other.
        high: upper limit.
        beside: a value that is compared with them by eye.
        form: `span` for a cell of a table, `normal` within a sentence.

    Example:
        >>> span(1.7, 2.4), span(None, 2.4), span(1.7, None), span(None, None)
        ('1.7 to 2.4', 'up to 2.4', 'from 1.7', '')
        >>> span(1.7, 2.4, form="normal")
        'normal from 1.7 to 2.4'
    """
    first, last = shown(low, (high, beside)), shown(high, (low, beside))
    ends = "both" if first and last else "low" if first else "high" if last else None
    return "" if ends is None else str(tables()[form][ends]).format(low=first, high=last)


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Example:
        >>> counted(1, "row"), counted(1200, "row"), counted(2, "analysis", "analyses")
        ('1 row', '1,200 rows', '2 analyses')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sent(value: Any) -> str:
    """Return a value as it was sent, cut where it is longer than anything sensible."""
    if value is None:
        return ""
    quantity = hasattr(value, "magnitude") and hasattr(value, "units")
    text = f"{value.magnitude} {value.units:~}" if quantity else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def setting(value: Any) -> str:
    """Return a setting for people; what holds nothing is `not set`.

    Example:
        >>> setting({}), setting(("a", "b")), setting({"Mg": "mg/dL"}), setting(False)
        ('not set', 'a, b', 'Mg: mg/dL', 'no')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return sent(", ".join(f"{key}: {item}" for key, item in value.items())) or "not set"
    if isinstance(value, list | tuple):
        return sent(", ".join(map(str, value))) or "not set"
    return sent(value) or "not set"
