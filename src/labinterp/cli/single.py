"""Which panels are shown by themselves: the only one, or those of one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click

from labinterp.cli.printing import clean
from labinterp.cli.traces import of_whom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from labinterp.answer import Report
    from labinterp.cli.answers import Answered, PanelAnswer
    from labinterp.cli.inputs import InputSource
    from labinterp.model import Presentation
    from labinterp.options import Options


def only_report(answered: Sequence[Answered], options: Options) -> Report | None:
    """Return the report of the only panel, or nothing where there are more or it has no row."""
    from labinterp.frames.single import report_of

    if len(answered) != 1 or not len(answered[0].results):
        return None
    return report_of(answered[0].source.table, answered[0].panels, options)


def panels_of(answered: Sequence[Answered], patient: str) -> list[PanelAnswer]:
    """Return the panels of a patient, or those of a row without one by its label, such as `row 3`.

    Raises:
        click.UsageError: if there are none.
    """
    from labinterp.reading.ids import read_id

    wanted = patient.strip()
    found = [
        panel
        for each in answered
        for panel in each.each_panel(with_findings=False)
        if wanted == (panel.label if panel.patient is None else str(read_id(panel.patient)))
        or wanted == clean(panel.patient, 60)
    ]
    if not found:
        raise click.UsageError("--panel-of: no panel is of that patient; a row of nobody is named as in 'row 3'")
    return found


def reports_of(panels: Sequence[PanelAnswer], options: Options) -> Iterator[tuple[PanelAnswer, Report]]:
    """Return each panel with its report."""
    from labinterp.interpretation import interpret_as, told_in
    from labinterp.tables.records import PATIENT, patient_of, result_of

    for panel in panels:
        table = panel.source.source.table.iloc[list(panel.rows)]
        told = table[[name for name in PATIENT if name in table]].bfill().iloc[0].to_dict()
        rows = table.to_dict("records")
        said, results = told_in(rows, [result_of(row) for row in rows])
        yield panel, interpret_as(options, results, patient_of(told), said)


def whose(panel: PanelAnswer, *, named: bool) -> str:
    """Return whose a panel is, of when, and, where it is `named`, from which input."""
    who = of_whom(panel.patient, 40)
    label = f", {clean(panel.label, 30)}" if panel.label else ""
    return f"{who}{label}{f', from {clean(panel.source.source.name, 60)}' if named else ''}"


def with_told(answered: Sequence[Answered], presentation: Presentation, patient: str | None) -> list[InputSource]:
    """Return the inputs with what a single patient tells in the columns that tables have for it.

    Args:
        answered: the inputs with their answers.
        presentation: what the patient tells, in place of what the rows say of that.
        patient: who of several, as `panels_of` takes it.

    Raises:
        click.UsageError: if the results are not all of one patient, and none is chosen.
    """
    from labinterp.cli.summary import count_patients

    if patient is None and count_patients(answered) > 1:
        raise click.UsageError(
            "--symptom, --trigger and --course apply to a single patient; choose one with --panel-of, or join the "
            "rows with --one-patient"
        )
    chosen = None if patient is None else panels_of(answered, patient)
    sources = []
    for each in answered:
        own = None if chosen is None else {row for panel in chosen if panel.source is each for row in panel.rows}
        sources.append(attrs.evolve(each.source, table=_telling(each.source.table, presentation, own)))
    return sources


def _telling(table: pd.DataFrame, presentation: Presentation, rows: set[int] | None) -> pd.DataFrame:
    """Return a table in which the rows at these positions, or all, say what a patient tells."""
    import pandas as pd

    from labinterp.tables.records import TOLD

    said = (";".join(presentation.symptoms), ";".join(presentation.triggers), presentation.course)
    own = [rows is None or i in rows for i in range(len(table))]
    columns = {}
    for name, text in zip(TOLD, said, strict=True):
        cells = table[name] if name in table else [None] * len(table)
        filled = [text or None if told else cell for told, cell in zip(own, cells, strict=True)]
        columns[name] = pd.Series(filled, table.index, dtype=object)
    return table.assign(**columns)
