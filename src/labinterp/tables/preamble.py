"""What laboratories and spreadsheets write above a table, a title and the like → the line of its column names.

The column names are the first line that names columns we know. What stands above them is passed over, and counted; a
row of results is never.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from labinterp.errors import LayoutError
from labinterp.reading import analytes, units, values
from labinterp.tables import headings, recognition, wide
from labinterp.tables.text import holds_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.tables.recognition import ColumnChoices
    from labinterp.tables.text import Pick

_LOOK: Final = 3
"""How many rows may tell that a line above them heads results."""


def pick(layout: str = "auto", choices: ColumnChoices | None = None) -> Pick:
    """Return the function that finds the column names among the first lines of a table.

    Args:
        layout: name of the layout, or `auto`.
        choices: what the caller says of columns.

    Example:
        >>> pick()([["Report of May"], ["Test", "Result", "Unit"], ["Mg", "1.1", "mg/dL"]])
        1
    """
    return functools.partial(_picked, layout, choices or recognition.ColumnChoices())


def _picked(layout: str, choices: ColumnChoices, lines: Sequence[Sequence[str]]) -> int:
    """Return the position of the column names; where no line has known ones, of what comes nearest.

    Raises:
        LayoutError: if rows of results stand above them, or in their place.
    """
    named: dict[int, str] = {}
    found = None
    for at, cells in enumerate(lines):
        name = None if any(map(holds_value, cells)) else _fitting(layout, choices, lines, at)
        if name is not None:
            named[at] = name
            if name != recognition.WIDE or _heads_numbers(lines, at, choices):
                found = at
                break
    if any(map(_is_result, lines[:found] if found is not None else lines[1 : 1 + _LOOK] if 0 in named else ())):
        raise LayoutError(
            "the table has rows of results where its column names should be",
            hint="Put the column names on the first line",
        )
    if found is None and 0 not in named:
        understood = [0 if any(map(holds_value, cells)) else len(headings.meanings(cells)) for cells in lines]
        return understood.index(max(understood))
    return found or 0


def _fitting(layout: str, choices: ColumnChoices, lines: Sequence[Sequence[str]], at: int) -> str | None:
    """Return the layout of which a line may be the column names."""
    found = recognition.fitting(lines[at], layout, choices)
    if found in (None, recognition.WIDE) and recognition.units_in_values(
        lines[at], lines[at + 1 : at + 1 + recognition.FIRST], layout, choices
    ):
        return recognition.LONG
    return found


def _heads_numbers(lines: Sequence[Sequence[str]], at: int, choices: ColumnChoices) -> bool:
    """Say whether a number stands below a line in one of its columns of results."""
    positions = [each.position for each in wide.headings(lines[at], choices.tests)]
    below = [row for row in lines[at + 1 : at + 1 + _LOOK] if len(row) == len(lines[at])]
    return any(values.parse_text(row[position]).number is not None for row in below for position in positions)


def _is_result(cells: Sequence[str]) -> bool:
    """Say whether a line holds a number beside a unit or the name of a test."""
    numbers = [values.parse_text(cell).number is not None for cell in cells]
    return any(numbers) and any(
        units.resolve(cell).code is not None or analytes.resolve(cell).reason != "unknown"
        for cell, number in zip(cells, numbers, strict=True)
        if cell and not number
    )
