"""The headings of a table: found whatever their case, split where they name a unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labinterp.errors import LayoutError

if TYPE_CHECKING:
    import pandas as pd

_NAME_AND_UNIT = re.compile(
    r"([^\n]{0,200}\S)\s*(?:\(([^()]{0,60}(?:\([^()]{0,60}\)[^()]{0,60})?)\)|\[([^][]{1,60})\])\s*"
)


def split_heading(text: str) -> tuple[str, str | None]:
    """Split `name (unit)` or `name [unit]`; the unit is None where there is none at the end.

    Example:
        >>> split_heading("Vitamin D (25-OH) (nmol/L)"), split_heading("magnesium")
        (('Vitamin D (25-OH)', 'nmol/L'), ('magnesium', None))
    """
    match = _NAME_AND_UNIT.fullmatch(text)
    return (match[1], (match[2] or match[3] or "").strip() or None) if match else (text.strip(), None)


class Names:
    """The columns of a frame by name, whatever their case.

    Args:
        frame: the table.
        title: what to call it in messages.
    """

    def __init__(self, frame: pd.DataFrame, title: str = "the table") -> None:
        self.frame = frame
        self.title = title
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        for position, column in enumerate(frame.columns):
            self._exact.setdefault(str(column), []).append(position)
            self._folded.setdefault(fold(column), []).append(position)

    def __contains__(self, name: str) -> bool:
        return fold(name) in self._folded

    def position(self, names: str) -> int | None:
        """Return the position of the first of the columns `a | b` that exists.

        Raises:
            LayoutError: if it is there more than once.
        """
        for name in names.split(" | "):
            found = self._exact.get(name) or self._folded.get(fold(name), [])
            if len(found) > 1:
                raise LayoutError(
                    f"{self.title} has more than one column named {name}",
                    hint="Rename or drop all but one of them",
                    column=name,
                )
            if found:
                return found[0]
        return None

    def column(self, names: str) -> pd.Series[Any] | None:
        """Return the first of the columns `a | b` that exists."""
        position = self.position(names)
        return None if position is None else self.frame.iloc[:, position]


def fold(name: object) -> str:
    """Return a column name as it is compared."""
    return str(name).strip().casefold()
