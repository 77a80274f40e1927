"""Texts that a spreadsheet would run as a formula, and how they are made harmless in CSV."""

from __future__ import annotations

import re
from typing import Any, Final

SIGNS: Final = ("=", "+", "-", "@", *"\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
"""What begins a formula: a sign, also a full-width or a small one."""
CONTROLS: Final = ("\t", "\r", "\n")
"""What a text never begins with unguarded, whatever follows."""
UNSEEN: Final = (
    "\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Blanks, controls and marks that cannot be seen, which a program may leave out before it looks for a sign."""
PATTERN: Final = rf"\A([{''.join(CONTROLS)}]|[{UNSEEN}]*[{re.escape(''.join(SIGNS))}])"
"""The beginning of such a text, for `re` as for RE2."""
_RUN: Final = re.compile(PATTERN)


def guard(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Example:
        >>> guard("=1+1"), guard("ferritin"), guard(-1.5)
        ("'=1+1", 'ferritin', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and _RUN.match(value) else value
