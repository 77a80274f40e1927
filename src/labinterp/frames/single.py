"""A table that is one panel of one patient → its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.interpretation import interpret_as, told_in
from labinterp.tables.records import PATIENT, patient_of, result_of

if TYPE_CHECKING:
    import pandas as pd

    from labinterp.answer import Report
    from labinterp.options import Options


def report_of(table: pd.DataFrame, panels: int, options: Options) -> Report | None:
    """Return the report of a table that is a single panel of one patient, or nothing if it is more.

    Args:
        table: in the `labinterp` layout.
        panels: how many panels its rows came to.
        options: as they were interpreted.
    """
    about = table[[name for name in PATIENT if name in table]].drop_duplicates()
    if panels != 1 or (len(about.columns) and len(about) > 1):
        return None
    rows, whose = table.to_dict("records"), about.to_dict("records")
    told, results = told_in(rows, [result_of(row) for row in rows])
    return interpret_as(options, results, patient_of(whose[0] if whose else {}), told)
