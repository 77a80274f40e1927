"""Tables → what the service answers from them. Never touches a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError
from labinterp.reading.times import read_time
from labinterp.tables import layouts, preamble
from labinterp.tables import sources as texts
from labinterp.tables.records import patient_of, result_of

if TYPE_CHECKING:
    import pandas as pd

    from labinterp.model import LabResult, Patient


MOST_ROWS: Final = 50_000
"""Rows of results in one request: what a request takes in time and memory grows with them, not with bytes."""


def read(data: bytes, layout: str) -> pd.DataFrame:
    """Read a text table into the `labinterp` layout.

    Raises:
        InputError: if it is no table; names the line.
        LayoutError: if its columns fit no layout.
    """
    if max(data.count(b"\n"), data.count(b"\r")) > MOST_ROWS + 1:  # before anything is made of them
        raise too_long()
    made = layouts.to_labinterp(texts.table_of(data, "the table", pick=preamble.pick(layout)), layout)
    if len(made) > MOST_ROWS:
        raise too_long()
    return made


def too_long() -> InputError:
    """Return the refusal of a table of too many rows."""
    return InputError(
        f"the table has more than {MOST_ROWS} rows of results",
        hint="Send it in parts, or interpret it where it lies: labinterp interpret FILE -o DIR",
        limit=MOST_ROWS,
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as JSON has them, with null for what is missing."""
    plain = frame.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def collections(table: pd.DataFrame, date_order: str | None = None) -> list[tuple[Patient, list[LabResult]]]:
    """Return the results by patient and time of collection, in order; a row without a patient stands alone.

    Raises:
        InputError: if the rows of one patient and time differ in what they say of the patient.
    """
    found: dict[Any, tuple[Patient, list[LabResult]]] = {}
    for i, row in enumerate(records(table), 1):
        patient, result = patient_of(row), result_of(row)
        time = result.collected_at
        key = (patient.id, read_time(time, date_order) or time) if patient.id is not None else object()
        whose, results = found.setdefault(key, (patient, []))
        if whose != patient:
            raise InputError(
                f"row {i} says another age, sex or pregnancy than an earlier row of the same patient and time",
                hint="Correct the table, or ask for JSON",
                place=f"row {i}",
            )
        results.append(result)
    return list(found.values())
