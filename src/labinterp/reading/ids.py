"""What a patient or a result is called → one text, so that 5, 5.0 and "5 " are one patient on every face."""

from __future__ import annotations

import math
import numbers
from typing import Any, Final

LONGEST_ID: Final = 1024
"""Characters; what is longer names nobody."""


def read_id(value: Any) -> str | None:
    """Return an id as text without white space around it; None where it names nobody.

    Example:
        >>> read_id(5), read_id(5.0), read_id("5 "), read_id("  "), read_id(float("nan"))
        ('5', '5', '5', None, None)
    """
    if isinstance(value, str):
        text = str.__str__(value).strip()
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
