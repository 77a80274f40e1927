"""What a reader of messages makes: one row per result, in order, with its patient and with notes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.arguments import checked_text
from labinterp.errors import LayoutError
from labinterp.reading.beside import NOT_NUMERIC
from labinterp.reading.demographics import is_missing
from labinterp.reading.times import read_time
from labinterp.reading.values import number_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    import pandas as pd

    from labinterp.model import LabResult, Patient

COLUMNS: Final = (
    "patient_id",
    "test",
    "loinc",
    "value",
    "unit",
    "collected_at",
    "specimen",
    "reference_low",
    "reference_high",
    "reference_range",
    "method",
    "reported_flag",
    "sex",
    "birth_date",
    "id",
    "note",
)


@attrs.frozen
class Row:
    """One result with what is known around it.

    Args:
        result: as `interpret` takes it.
        patient: whose it is.
        key: equal for results of one patient; None where the result stands alone.
        notes: what the reader noticed, such as `entered_in_error` or `superseded`.
        subject: the reference to the patient, as it was sent.
    """

    result: LabResult = attrs.field(repr=False)
    patient: Patient = attrs.field(repr=False)
    key: Hashable | None = attrs.field(repr=False)
    notes: tuple[str, ...] = ()
    subject: Any = attrs.field(default=None, repr=False)

    def without_value(self, note: str) -> Row:
        """Return the row with its value left out, and the note that says why."""
        return attrs.evolve(self, result=attrs.evolve(self.result, value=None), notes=(*self.notes, note))

    def noted(self) -> LabResult:
        """Return the result with the notes on it."""
        return attrs.evolve(self.result, note=";".join(self.notes)) if self.notes else self.result


def grouped(rows: Iterable[Row], panel: str = "patient", date_order: str | None = None) -> list[list[Row]]:
    """Return the rows by panel, in order of appearance; rows without a key stand alone.

    Args:
        rows: of any patients.
        panel: `patient`, or `collection` for what was taken of a patient at one time.
        date_order: in which order days and months stand.

    Raises:
        LayoutError: for a look-back, in which a result would belong to several panels.
    """
    if checked_text(panel, "panel") not in ("patient", "collection"):
        raise LayoutError(
            "documents are interpreted by collection or by patient",
            hint="Use panel='collection' or 'patient', or read the document to a frame",
        )
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        time = row.result.collected_at if panel == "collection" else None
        key = (
            object()
            if row.key is None
            else (row.key, None if is_missing(time) else read_time(time, date_order) or time)
        )
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def to_results(
    rows: Iterable[Row], panel: str = "patient", date_order: str | None = None
) -> list[tuple[Patient, list[LabResult]]]:
    """Return every patient with their results, panel by panel, in order of appearance; see `grouped`."""
    return [(group[0].patient, [row.noted() for row in group]) for group in grouped(rows, panel, date_order)]


def to_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the rows in the `labinterp` layout, all of it text."""
    import pandas as pd

    table = [
        (
            row.patient.id,
            row.result.test,
            row.result.loinc,
            as_text(row.result.value),
            row.result.unit,
            row.result.collected_at,
            row.result.specimen,
            as_text(row.result.reference_low),
            as_text(row.result.reference_high),
            row.result.reference_range,
            row.result.method,
            row.result.reported_flag,
            row.patient.sex,
            row.patient.birth_date,
            row.result.id,
            ";".join(row.notes) or None,
        )
        for row in rows
    ]
    return pd.DataFrame(table, columns=list(COLUMNS), dtype="object")


def as_text(value: Any) -> str | None:
    """Return a number as text that reads back as the same number; text stays as it is.

    Example:
        >>> as_text(1.8), as_text("<8"), as_text(None)
        ('1.8', '<8', None)
    """
    if value is None or value != value:  # noqa: PLR0124 - only NaN and NaT differ from themselves
        return None
    if isinstance(value, bool):
        return NOT_NUMERIC
    if isinstance(value, float):
        return number_text(float(value))
    if isinstance(value, int | Decimal):
        return number_text(value) if abs(Decimal(value)) < Decimal("1e30") else NOT_NUMERIC
    return str(value)
