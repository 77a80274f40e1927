"""Texts that a spreadsheet would run as a formula, and how they are made harmless in CSV."""

from __future__ import annotations

from typing import Any, Final

SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What such a text begins with: a sign, also a full-width one, or a control character behind which one may follow."""
PATTERN: Final = r"\A([=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
"""The same for RE2."""


def guard(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Example:
        >>> guard("=1+1"), guard("ferritin"), guard(-1.5)
        ("'=1+1", 'ferritin', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(SIGNS) else value
