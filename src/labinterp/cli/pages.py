"""`--report`: one page for one panel with all its detail, or a summary of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.cli.answers import Answered, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from labinterp.model import Report
    from labinterp.options import Options


def page(answered: Sequence[Answered], options: Options) -> str:
    """Return the HTML page of a run.

    Raises:
        MissingExtraError: if jinja2 is not installed.
    """
    from labinterp.report import html

    if len(answered) == 1:
        report = report_of(answered[0].source.table, answered[0].panels, options)
        if report is not None:
            return html.render(report)
    from labinterp.frames import FrameReport

    results, findings, pathways = (joined(answered, name) for name in ("results", "findings", "pathways"))
    return html.render_frame(FrameReport(results, findings, pathways))


def report_of(table: pd.DataFrame, panels: int, options: Options) -> Report | None:
    """Return the report of a table that is a single panel of one patient, or nothing if it is more."""
    from labinterp.interpretation import interpret_as
    from labinterp.tables.records import PATIENT, patient_of, result_of

    about = table[[name for name in PATIENT if name in table]].drop_duplicates()
    if panels != 1 or len(about) != 1:
        return None
    results = [result_of(row) for row in table.to_dict("records")]
    patient = patient_of(about.to_dict("records")[0])
    return interpret_as(options, results, patient)
