"""The interpreter that runs wherever the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.batch import core
from labinterp.errors import LayoutError

if TYPE_CHECKING:
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
