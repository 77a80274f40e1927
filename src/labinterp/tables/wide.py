"""The `labinterp-wide` layout: one column per analyte, headed `magnesium (mg/dL)` or `magnesium [mg/dL]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.reading import analytes, units
from labinterp.tables.columns import Cells, objects
from labinterp.tables.headings import fold, split_heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OTHER_COLUMNS: Final = frozenset(
    {"patient_id", "collected_at", "specimen", "age", "sex", "birth_date", "pregnancy", "method", "note", "id"}
)


def headings(columns: Iterable[object]) -> list[tuple[int, str, str | None]]:
    """Return position, test and unit of every column that holds results.

    A heading with a unit holds results where the unit is known, or the test is; one without a unit only where it is
    the key of an analyte.

    Example:
        >>> headings(["patient_id", "magnesium (mg/dL)", "weight (stone)", "calcium"])
        [(1, 'magnesium', 'mg/dL'), (3, 'calcium', None)]
    """
    keys = set(analytes.analytes())
    found = []
    for position, column in enumerate(columns):
        if fold(column) in OTHER_COLUMNS:
            continue
        test, unit = split_heading(str(column))
        if unit is None:
            known = fold(test) in keys
        else:
            known = units.resolve(unit).code is not None or analytes.resolve(test).analyte is not None
        if known:
            found.append((position, test, unit))
    return found


def to_long(frame: pd.DataFrame, others: Mapping[str, Cells]) -> pd.DataFrame:
    """Return one row per row and column of results, row by row, the index repeated.

    `input_row` is the position of the row that a result came from. An empty cell gives a row without a value.

    Args:
        frame: the wide table.
        others: the columns that belong to the whole row, by their names in the `labinterp` layout.
    """
    found = headings(frame.columns)
    width, length = len(found), len(frame)
    rows = np.repeat(np.arange(length), width)
    out: dict[str, Any] = {
        "test": _tiled([test for _, test, _ in found], length),
        "value": _interleaved([frame.iloc[:, position] for position, _, _ in found], length),
        "unit": _tiled([unit for _, _, unit in found], length),
    }
    for name, column in others.items():
        out[name] = pd.Series(column.content).array.take(rows)
    out["input_row"] = rows
    return pd.DataFrame(out, index=frame.index.take(rows))


def _tiled(texts: list[str | None], length: int) -> pd.Categorical:
    codes, categories = pd.factorize(np.array([*texts, None], dtype=object)[:-1])
    return pd.Categorical.from_codes(np.tile(codes, length), categories=pd.Index(categories, dtype=object))


def _interleaved(columns: list[pd.Series[Any]], length: int) -> Any:
    if all(pd.api.types.is_float_dtype(column.dtype) for column in columns):
        return np.column_stack([column.to_numpy(dtype=float, na_value=np.nan) for column in columns]).ravel()
    values = np.empty((length, len(columns)), dtype=object)
    for position, column in enumerate(columns):
        values[:, position] = objects(column)
    return values.ravel()
