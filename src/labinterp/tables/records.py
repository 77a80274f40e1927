"""One row of the `labinterp` layout as a mapping → `LabResult` and `Patient`: the one way, for every face."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.errors import InputError
from labinterp.model import LabResult, Patient
from labinterp.reading.demographics import is_missing, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESULT: Final = tuple(field.name for field in attrs.fields(LabResult) if field.name != "id")
"""The columns of a result. An `id` of a table may mean anything, and stays where it is."""
PATIENT: Final = {"age": "age", "sex": "sex", "birth_date": "birth_date", "pregnancy": "pregnancy", "patient_id": "id"}
"""The columns of a patient → what `Patient` calls them."""
TOLD: Final = ("symptoms", "triggers", "course")
"""The columns of what the patient tells: lists of texts, or texts divided by `;`."""
_KNOWN: Final = (*RESULT, "id", *PATIENT, *TOLD)
_LONGEST: Final = 100


def result_of(row: Mapping[Any, Any]) -> LabResult:
    """Return the result of a row; what is missing is left out, what is no column of a result is passed over.

    Args:
        row: column → content.

    Example:
        >>> result_of({"test": "magnesium", "value": "1.8", "unit": None, "note": "unit_conflict", "age": 54}).note
        'unit_conflict'
    """
    given = {name: row[name] for name in RESULT if not is_missing(row.get(name))}
    return LabResult(read_text(given.pop("test", None)) or "", given.pop("value", None), **given)


def patient_of(row: Mapping[Any, Any]) -> Patient:
    """Return the patient of a row as sent: what cannot be read there is noted on the results, and refuses nothing.

    Example:
        >>> patient_of({"test": "Mg", "age": "54", "patient_id": "7"}).age
        '54'
    """
    return Patient.as_sent(**{ours: row[name] for name, ours in PATIENT.items() if not is_missing(row.get(name))})


def check_keys(row: Mapping[Any, Any], place: str, known: Iterable[str] = _KNOWN) -> None:
    """Refuse keys that are no columns, and say what was probably meant.

    Raises:
        InputError: names the key where it is near to one that is known.
    """
    known = tuple(known)
    for key in row:
        if isinstance(key, str) and key in known:
            continue
        near = difflib.get_close_matches(key.casefold(), known, n=1) if _is_short(key) else []
        message = f"{place} has a key that is not known"
        if near:
            message += f"; did you mean {near[0]!r}?"
        raise InputError(message, hint=f"Known are {', '.join(known)}", place=place)


def _is_short(key: Any) -> bool:
    return isinstance(key, str) and len(key) <= _LONGEST
