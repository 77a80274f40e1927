"""Ages as some layouts hide them: an anchor year, a year of birth, a birth date moved by centuries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.tables.columns import Cells, distinct, objects

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Years = np.ndarray[Any, np.dtype[np.float64]]

_MOVED: Final = 150
"""More years than anyone lives: such a birth date was moved to hide an age above 89."""


THE_PATIENT: Final = "the patient"
"""Stands as the id where all rows of a table without one are of one patient."""


def with_patient(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in the `labinterp` layout whose rows are of one patient, where no column says whose they are."""
    return table if "patient_id" in table else table.assign(patient_id=THE_PATIENT)


def settle(found: MutableMapping[str, Cells], length: int) -> None:
    """Turn `anchor_age`, `anchor_year` and `year_of_birth` into `age`, and moved birth dates into the age `> 89`."""
    anchor_age, anchor_year = found.pop("anchor_age", None), found.pop("anchor_year", None)
    birth_year = found.pop("year_of_birth", None)
    collected = _years(found.get("collected_at"), length)
    if anchor_age is not None and anchor_year is not None:
        _put_age(found, collected - _numbers(anchor_year.content) + _numbers(anchor_age.content))
    elif birth_year is not None:
        _put_age(found, collected - _numbers(birth_year.content))
    birth = found.get("birth_date")
    if birth is not None:
        moved = (collected - _years(birth, length)) > _MOVED
        if moved.any():
            dates, ages = objects(birth.content), np.full(length, None, dtype=object)
            dates[moved], ages[moved] = None, "> 89"
            found["birth_date"] = Cells(dates, birth.missing | moved)
            found["age"] = Cells(ages, ~moved)


def _put_age(found: MutableMapping[str, Cells], age: Years) -> None:
    age = np.where(age >= 0, age, np.nan)
    found["age"] = Cells(age, np.isnan(age))


def _numbers(column: Any) -> Years:
    numbers = pd.to_numeric(pd.Series(column), errors="coerce")
    return np.asarray(numbers.to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _years(column: Cells | None, length: int) -> Years:
    if column is None:
        return np.full(length, np.nan)
    series = pd.Series(column.content)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _numbers(series.dt.year)
    codes, uniques = distinct(series)
    years: Years = np.append(_numbers(pd.Series([str(each)[:4] for each in uniques], dtype=object)), np.nan)[codes]
    return years
