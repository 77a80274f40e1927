"""What a spreadsheet shows of a cell, whatever keeps it as it is."""

from __future__ import annotations

import re
from typing import Final

KEPT: Final = '="([^"]*)"'
_KEPT: Final = re.compile(KEPT)


def as_shown(text: str) -> str:
    """Return the text inside of a formula that only says it, as programs write so that no spreadsheet changes it.

    Example:
        >>> as_shown('="007"'), as_shown('"007"'), as_shown("007")
        ('007', '"007"', '007')
    """
    if '"' not in text:
        return text
    kept = _KEPT.fullmatch(text.strip())
    return text if kept is None else kept[1].strip()
