"""Neighboring rows that are alike in some columns: what depends on these alone is worked out once a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.batch.encode import Encoded
    from labinterp.kernel.vector import Bools, Ints


@attrs.frozen(eq=False)
class Runs:
    """The runs of a table.

    Args:
        starts: the first row of each.
        lengths: their numbers of rows; None where every row is a run of its own.
    """

    starts: Ints
    lengths: Ints | None

    @classmethod
    def of(cls, columns: Iterable[Encoded], alone: Bools) -> Runs:
        """Find the runs of rows that are alike in all of some columns.

        Args:
            columns: encoded.
            alone: rows that are runs of their own.
        """
        new = alone.copy()
        new[:1] = True
        new[1:] |= alone[:-1]
        for column in columns:
            if len(column.distinct) > 1:
                new[1:] |= column.codes[1:] != column.codes[:-1]
        starts = np.flatnonzero(new)
        if 2 * len(starts) > len(new):
            return cls(np.arange(len(new)), None)
        return cls(starts, np.diff(starts, append=len(new)))

    def encoded(self, column: Encoded) -> Encoded:
        """Return a column with a code per run."""
        return column if self.lengths is None else column.take(self.starts)

    def spread(self, part: Any) -> Any:
        """Return per row what is given per run."""
        return part if self.lengths is None else np.repeat(part, self.lengths)
