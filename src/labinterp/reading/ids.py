"""What a patient or a result is called → one text, so that 5, 5.0 and "5 " are one patient on every face.

What stands where there is no id, such as `NA` and `[REDACTED]`, names nobody: else all who are called so would be one.
"""

from __future__ import annotations

import functools
import math
import numbers
import re
from typing import Any, Final

from labinterp._data import knowledge
from labinterp.reading.cells import as_shown

LONGEST_ID: Final = 1024
"""Characters; what is longer names nobody."""
_SIGNS: Final = r"[\s!-/:-@\[-`{-~\u2010-\u2015]+"
AROUND: Final = f"^{_SIGNS}|{_SIGNS}$"
"""Brackets, stars, dashes and other signs at both ends of an id, which do not count where it is looked up."""
CROSSED_OUT: Final = r"[x*][x* _-]*[x*]"
LONGEST_WORD: Final = 32
"""Characters; what is longer is an id."""
_AROUND: Final = re.compile(AROUND)
_CROSSED_OUT: Final = re.compile(CROSSED_OUT)


@functools.cache
def nobody() -> frozenset[str]:
    """Return the words that stand in place of an id, in small letters; the empty one is that of bare signs."""
    return frozenset({"", *knowledge("people.toml")["nobody"]["words"]})


def names_nobody(text: str) -> bool:
    """Return whether a text without white space around it stands in place of an id.

    Example:
        >>> names_nobody("NA"), names_nobody("[REDACTED]"), names_nobody("XXXX"), names_nobody("A7")
        (True, True, True, False)
    """
    if len(text) > LONGEST_WORD or text[-1:].isdigit():
        return False
    bare = _AROUND.sub("", text).casefold()
    return bare in nobody() or _CROSSED_OUT.fullmatch(bare) is not None


def read_id(value: Any) -> str | None:
    """Return the id of a patient as text without white space around it; None where it names nobody.

    Example:
        >>> read_id(5), read_id(5.0), read_id("5 "), read_id("  "), read_id(float("nan")), read_id("NA")
        ('5', '5', '5', None, None, None)
    """
    text = read_result_id(value)
    return None if text is None or names_nobody(text) else text


def read_result_id(value: Any) -> str | None:
    """Return the id of a result as text without white space around it: whatever stands there names that result alone.

    Example:
        >>> read_result_id(5.0), read_result_id("NA"), read_result_id("  ")
        ('5', 'NA', None)
    """
    if isinstance(value, str):
        text = as_shown(str.__str__(value).strip())
    else:
        try:
            text = _text(value)
        except Exception:  # noqa: BLE001 - the object is not ours
            return None
    return text if 0 < len(text) <= LONGEST_ID else None


def _text(value: Any) -> str:
    if value is None or bool(value != value):  # noqa: PLR0124 - only NaN and NaT differ from themselves
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and value == math.floor(value):
        return str(math.floor(value))
    return str(value).strip()
