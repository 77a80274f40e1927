"""Rows of a table → the reports of their panels: of one row, or of every visit of one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from labinterp.arguments import as_float
from labinterp.batch import core
from labinterp.batch.columns import FrameColumns
from labinterp.errors import InputError
from labinterp.interpretation import interpret_as
from labinterp.reading.demographics import is_missing
from labinterp.reading.times import read_time
from labinterp.tables.records import patient_of, result_of

if TYPE_CHECKING:
    from labinterp.answer import Report
    from labinterp.options import Options


def position_of(results: Any, row: Any) -> int:
    """Return the position of a row by its label, or by its place in a frame that has no labels.

    Raises:
        InputError: if there is no such row, or more than one.
    """
    if isinstance(results, pd.DataFrame):
        try:
            found = results.index.get_loc(row)
        except (KeyError, TypeError):
            found = None
        if isinstance(found, int):
            return found
        number = None
    else:
        number = as_float(row)
    if number is not None and number == int(number) and 0 <= number < len(results):
        return int(number)
    raise InputError("there is no such row, or more than one", hint="Use a label of the index of `results`")


def panel_of(table: pd.DataFrame, options: Options, position: int) -> tuple[Report, int]:
    """Return the report of the panel of a row, and the place of the row in it."""
    rows = _of_same_patient(table, position)
    part = table.iloc[rows]
    answer = core.run(FrameColumns(part), options)
    own = int(answer.panels.of_row[rows.index(position)])
    members = _rows_of(answer, own)
    return _report(part, members, options), members.index(rows.index(position))


def visits_of(table: pd.DataFrame, options: Options) -> tuple[Report, ...]:
    """Return the report of each panel of a table of one patient, in order of time; nothing if it is of several."""
    if "patient_id" not in table or not len(table) or table["patient_id"].isna().any():
        return ()
    if len(table["patient_id"].drop_duplicates()) != 1:
        return ()
    answer = core.run(FrameColumns(table), options)
    order = sorted(
        range(len(answer.answer_of_panel)), key=lambda panel: int(answer.instants[answer.panels.first_row[panel]])
    )
    return tuple(_report(table, _rows_of(answer, panel), options) for panel in order)


def _of_same_patient(table: pd.DataFrame, position: int) -> list[int]:
    if "patient_id" not in table:
        return [position]
    patient = table["patient_id"].iloc[position]
    if is_missing(patient):
        return [position]
    rows: list[int] = (table["patient_id"] == patient).to_numpy().nonzero()[0].tolist()
    return rows


def _rows_of(answer: core.Answer, panel: int) -> list[int]:
    own = (answer.panels.of_row == panel).nonzero()[0].tolist()
    return sorted({*own, *(row for row in answer.panels.held[panel].tolist() if row >= 0)})


def _report(table: pd.DataFrame, rows: list[int], options: Options) -> Report:
    records = table.iloc[rows].to_dict("records")
    latest = max(records, key=lambda row: str(read_time(row.get("collected_at"), options.date_order) or ""))
    return interpret_as(options, [result_of(row) for row in records], patient_of(latest))
