"""The `labinterp-wide` layout: one column per analyte, headed `magnesium (mg/dL)`, `Vitamin D` or `calcium_mg_dl`.

Beside a column of results may stand what belongs to it alone: `Magnesium low`, `Magnesium high`, `Magnesium range`,
`Magnesium flag`, `Magnesium unit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.reading import analytes, flags, names_and_units, units
from labinterp.tables import headings as words
from labinterp.tables.columns import Cells, objects
from labinterp.tables.headings import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from labinterp.reading.analytes import TestMap

OTHER_COLUMNS: Final = frozenset(
    {"patient_id", "collected_at", "specimen", "age", "sex", "birth_date", "pregnancy", "method", "note", "id"}
    | {"symptoms", "triggers", "course"}
)
WHOLE_ROW: Final = (
    "patient_id", "collected_at", "specimen", "age", "sex", "birth_date", "pregnancy", "method", "symptoms", "triggers",
    "course",
)  # fmt: skip
"""What belongs to all results of a row, under our names or those of `headings.toml`."""


@attrs.frozen
class Heading:
    """A column of results.

    Args:
        position: of the column.
        test: the name of the test.
        unit: as the heading has it.
        parts: our column → position of the column that says it of this test alone.
    """

    position: int
    test: str
    unit: str | None
    parts: Mapping[str, int] = attrs.field(factory=dict)


def headings(columns: Iterable[object], tests: TestMap | None = None) -> list[Heading]:
    """Return every column that holds results.

    A heading with a unit holds results where the unit is known, or the test is; one without a unit where the test is.

    Args:
        columns: the names.
        tests: the caller's own names of tests.

    Example:
        >>> [(found.test, found.unit) for found in headings(["id", "magnesium (mg/dL)", "weight (stone)", "Vitamin D"])]
        [('magnesium', 'mg/dL'), ('Vitamin D', None)]
    """
    columns = list(columns)
    found: list[Heading] = []
    parts: list[tuple[int, str, str, str | None]] = []
    for position, column in enumerate(columns):
        name = str(column)
        if fold(column) in OTHER_COLUMNS or (words.is_known(name) and not _is_known(name, tests)):
            continue
        bare, unit = names_and_units.split_unit(name)
        test, part = words.split_part(bare)
        if part is not None and part != "value" and _is_known(test, tests):
            parts.append((position, test, part, unit))
        elif (
            unit is not None
            and units.resolve(unit).code is not None
            and _is_known(bare, tests)
            and not _is_told(name, tests)
        ):
            found.append(Heading(position, bare, unit))
        elif _is_known(name.strip(), tests):
            found.append(Heading(position, name.strip(), None))
        elif _is_known(bare, tests) or (unit is not None and units.resolve(unit).code is not None):
            found.append(Heading(position, bare, unit))
        elif part == "value" and _is_known(test, tests):
            found.append(Heading(position, test, unit))
    return [attrs.evolve(each, parts=_own(each, parts, found, tests)) for each in found]


def used(columns: Iterable[object], tests: TestMap | None = None) -> set[int]:
    """Return the positions of all columns that a wide table's results are read from."""
    found = headings(columns, tests)
    return {position for each in found for position in (each.position, *each.parts.values())}


def _is_told(test: str, tests: TestMap | None) -> bool:
    return tests is not None and bool(tests.lookup(test.strip()))


def _named(test: str, tests: TestMap | None) -> str:
    """Return the name of a column without a star, which stands there for all its results and flags none of them."""
    return test if _is_told(test, tests) else flags.without_signs(test)


def _is_known(test: str, tests: TestMap | None) -> bool:
    return _is_told(test, tests) or analytes.resolve(test).analyte is not None


def _meaning(test: str, tests: TestMap | None) -> str:
    said = None if tests is None else tests.lookup(test)
    return said or analytes.resolve(test).analyte or words.key_of(test)


def _own(
    each: Heading, parts: Sequence[tuple[int, str, str, str | None]], found: Sequence[Heading], tests: TestMap | None
) -> dict[str, int]:
    """Return the parts that belong to a column of results: by its name, else by its test where no other has it."""
    rivals = [other for other in found if _meaning(other.test, tests) == _meaning(each.test, tests)]
    own: dict[str, int] = {}
    for position, test, part, unit in parts:
        same = words.key_of(test) == words.key_of(each.test)
        alone = len(rivals) == 1 and _meaning(test, tests) == _meaning(each.test, tests)
        twice = sum(words.key_of(other.test) == words.key_of(test) for other in found) > 1
        if ((same and not twice) or alone) and (unit is None or unit == each.unit):
            own.setdefault(part, position)
    return own


def to_long(frame: pd.DataFrame, others: Mapping[str, Cells], tests: TestMap | None = None) -> pd.DataFrame:
    """Return one row per row and column of results, row by row, the index repeated.

    `input_row` is the position of the row that a result came from. An empty cell gives a row without a value.

    Args:
        frame: the wide table.
        others: the columns that belong to the whole row, by their names in the `labinterp` layout.
        tests: the caller's own names of tests.
    """
    found = headings(frame.columns, tests)
    width, length = len(found), len(frame)
    rows = np.repeat(np.arange(length), width)
    out: dict[str, Any] = {
        "test": _tiled([_named(each.test, tests) for each in found], length),
        "value": _interleaved([frame.iloc[:, each.position] for each in found], length),
        "unit": _tiled([each.unit for each in found], length),
    }
    for name, column in others.items():
        out[name] = pd.Series(column.content).array.take(rows)
    for part in sorted({part for each in found for part in each.parts}):
        values = out[part] if part in out else np.full(len(rows), None, dtype=object)
        values = np.array(values, dtype=object).reshape(length, width)
        for at, each in enumerate(found):
            if part in each.parts:
                own = objects(frame.iloc[:, each.parts[part]])
                if part in ("unit", "collected_at", "specimen", "method"):
                    own = np.where(pd.isna(pd.Series(own)).to_numpy(dtype=bool), values[:, at], own)
                values[:, at] = own
        out[part] = values.ravel()
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
