"""The form of a text without its content: every number as `9`, every word as `a`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from labinterp.reading.demographics import is_missing

if TYPE_CHECKING:
    from labinterp.batch.encode import Encoded
    from labinterp.kernel.vector import Ints

_LONGEST: Final = 80
_DIGITS: Final = re.compile(r"[0-9]+")
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_PLAIN: Final = re.compile(r"[0-9]{1,15}(?:[.,]([0-9]{1,15}))?")
NUMBER: Final = "9 (a number)"


def of_text(text: Any) -> str:
    """Return a text with every number as `9`.

    Example:
        >>> of_text("5.0-10.3 umol/L")
        '9.9-9.9 umol/L'
    """
    return _DIGITS.sub("9", str(text).strip()[:_LONGEST])


def of_value(value: Any) -> str:
    """Return the form of a value; words are not repeated, since a comment may say anything.

    Example:
        >>> of_value("<9,5"), of_value("hemolyzed, 3 times"), of_value(1.5)
        ('<9,9', 'a, 9 a', '9 (a number)')
    """
    return _LETTERS.sub("a", of_text(value)) if isinstance(value, str) else NUMBER


def of_values(column: Encoded) -> tuple[Ints, list[str | None]]:
    """Return the forms of a column as codes and the distinct ones; code 0 is a missing value."""
    place: dict[str | None, int] = {None: 0}
    by_text: dict[str, int] = {}
    codes = np.zeros(len(column.distinct), np.int64)
    for i, value in enumerate(column.distinct):
        if type(value) is str:
            text = _DIGITS.sub("9", value[:_LONGEST])
            code = by_text.get(text)
            if code is None:
                code = 0 if is_missing(value) else place.setdefault(of_value(text), len(place))
                by_text[text] = code
            codes[i] = code
        elif not is_missing(value):
            codes[i] = place.setdefault(of_value(value), len(place))
    return codes[column.codes], list(place)


def decimals_of(column: Encoded) -> Ints:
    """Return for each distinct value how many digits stand behind its decimal sign; -1 where it is no plain number."""
    found = np.full(len(column.distinct), -1, np.int64)
    for i, value in enumerate(column.distinct):
        match = None if value is None else _PLAIN.fullmatch(str(value)[:_LONGEST].strip())
        if match is not None:
            found[i] = len(match[1] or "")
    return found
