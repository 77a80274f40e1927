"""What public functions check of their arguments before they use them.

An argument of a wrong type is a `TypeError` that names the argument and never its content.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

_T = TypeVar("_T")


def has(value: Any, *names: str) -> bool:
    """Say whether an object has these attributes, whatever its `__getattr__` may raise.

    Example:
        >>> has(1.5, "is_integer", "magnitude")
        False
    """
    try:
        return all(hasattr(value, name) for name in names)
    except Exception:  # noqa: BLE001 - the object is not ours
        return False


def checked_text(value: Any, name: str) -> str | None:
    """Return a text or None.

    Raises:
        TypeError: if it is something else.
    """
    if value is None or type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # a subclass may have a mind of its own
    raise TypeError(f"{name} is no text")


def checked_flag(value: Any, name: str) -> bool:
    """Return a yes or no; 0 and 1 are taken for one.

    Raises:
        TypeError: if it is something else, such as the text "no".
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if type(value).__name__ in ("bool_", "bool") and type(value).__module__ == "numpy":
        return bool(value)
    raise TypeError(f"{name} is neither True nor False")


def as_float(value: Any) -> float | None:
    """Return a number of any kind as a float, NaN where a float cannot hold it; None for what is no number.

    Example:
        >>> as_float(Decimal("1.8")), as_float(10**400), as_float(True), as_float("1.8")
        (1.8, nan, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):
        return math.nan


def checked_number(value: Any, name: str) -> float:
    """Return a number; one that a float cannot hold is NaN.

    Raises:
        TypeError: if it is no number.
    """
    number = as_float(value)
    if number is None:
        raise TypeError(f"{name} is no number")
    return number


def checked_texts(value: Any, name: str) -> dict[str, str]:
    """Return a mapping of texts to texts as a dict of its own; None is empty.

    Raises:
        TypeError: if it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is no mapping, such as a dict")
    pairs = dict(value)
    if not all(isinstance(part, str) for pair in pairs.items() for part in pair):
        raise TypeError(f"{name} has a key or a value that is no text")
    return pairs


def checked_instance(value: Any, kind: type[_T], name: str) -> _T:
    """Return an object of a class.

    Raises:
        TypeError: if it is something else.
    """
    if isinstance(value, kind):
        return value
    raise TypeError(f"{name} is no {kind.__name__}")
