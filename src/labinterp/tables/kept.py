"""Columns of a table that are handed on as they are, beside those of the `labinterp` layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from labinterp.errors import LayoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

KEPT: Final = "kept:"
"""What stands before the name of such a column."""


def with_kept(table: pd.DataFrame, frame: pd.DataFrame, kept: Sequence[str]) -> pd.DataFrame:
    """Return a table in the `labinterp` layout with columns of the frame that it was made of, under `KEPT` and names.

    Raises:
        LayoutError: if the frame has no such column.
    """
    for name in kept:
        if name not in frame:
            raise LayoutError(
                f"the table has no column {name}",
                hint="Name a column of the table, as it is spelled there",
                column=name,
            )
        table = table.assign(**{KEPT + name: frame[name].loc[table.index].array})
    return table
