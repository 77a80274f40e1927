"""The interpreter that runs wherever the rows are, in this process or in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from labinterp.batch import arrow, core
from labinterp.engines.together import PatientPanels, are_torn
from labinterp.errors import LayoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from labinterp.batch.columns import Columns
    from labinterp.kernel.vector import Ints
    from labinterp.options import Options


class Interpreter:
    """Interprets tables that hold whole panels.

    Args:
        options: the choices; they pickle, and open their session where they are used.
    """

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self, table: Columns, numbers: Ints) -> core.Answer:
        """Interpret a table in the `labinterp` layout.

        Args:
            table: n rows.
            numbers: each row's number in the whole.
        """
        missing = [name for name in ("test", "value") if name not in table]
        if missing:
            raise LayoutError(f"the table has no column {' and no column '.join(missing)}", column=missing[0])
        answer = core.run(table, self.options, whole=False)
        answer.numbers = numbers
        return answer


class Scattered(Exception):  # noqa: N818 - no error, but what was found
    """The rows of a panel do not lie together, or that can no longer be told."""


@attrs.frozen(eq=False)
class Streamed:
    """Interprets a part of a table whose panels are thought to lie together; pickles.

    Args:
        interpreter: of whole panels.
        schemas: of the answer.
        looks: whether the first rows are looked at before they are interpreted.
    """

    interpreter: Interpreter
    schemas: Mapping[str, pa.Schema]
    looks: bool

    def __call__(self, table: Columns, numbers: Ints) -> tuple[PatientPanels, arrow.Chunk]:
        """Return the panels and the answer.

        Raises:
            Scattered: if these are the first rows, and most panels lie in pieces.
        """
        by_time = self.interpreter.options.by_time
        if self.looks and not numbers[0] and are_torn(table, by_time=by_time):
            raise Scattered
        answer = self.interpreter.run(table, numbers)
        return PatientPanels.of(answer, by_time=by_time), arrow.chunk(answer, table, self.schemas)
