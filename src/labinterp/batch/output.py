"""Columns of the answer before they are put into a frame: codes and names, and how pandas holds them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.batch.letters import Texts
from labinterp.serialization import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Sized

    from labinterp.kernel.vector import Bools, Ints

Types = dict[tuple[str, ...], "pd.CategoricalDtype[Any]"]

_SHORT: Final = 64
"""Lists of names up to this length are cheap to hash."""
_INT8: Final = 127
_INT16: Final = 32_767


@attrs.frozen(eq=False)
class Coded:
    """A column of text.

    Args:
        codes: 0 for missing, else 1 + the position of the name.
        names: distinct.
        kept: whether they are names of ours, which may be remembered; texts that were sent may not.
    """

    codes: Ints
    names: Sequence[str]
    kept: bool = True

    @classmethod
    def of(cls, codes: Ints, names: Sequence[str | None], *, kept: bool = True) -> Coded:
        """Make a column of codes from 0 into names that may repeat or be None; `Texts` do neither."""
        if isinstance(names, Texts):
            return cls(np.add(codes, 1, dtype=np.int32, casting="unsafe"), names, kept)
        distinct = [name for name in dict.fromkeys(names) if name is not None]
        if len(distinct) == len(names):
            return cls(np.add(codes, 1, dtype=np.int32, casting="unsafe"), distinct, kept)
        position: dict[str | None, int] = {None: 0, **{name: i for i, name in enumerate(distinct, 1)}}
        recode = np.fromiter(map(position.__getitem__, names), _narrow(position), len(names))
        return cls(recode.take(codes), distinct, kept)

    def to_pandas(self, types: Types) -> pd.Categorical[Any]:
        """Return the column as a categorical.

        Args:
            types: those of short lists of texts that were sent, which the frames of one answer share.
        """
        shifted: Ints = self.codes.astype(_narrow(self.names))
        shifted -= 1
        names = tuple(self.names) if len(self.names) <= _SHORT else None
        if names is None:
            dtype = _dtype(self.names)
        elif self.kept:
            dtype = _kept_dtype(names)
        else:
            dtype = types[names] = types.get(names) or _dtype(names)
        return pd.Categorical.from_codes(shifted, dtype=dtype, validate=False)


@attrs.frozen(eq=False)
class Whole:
    """A column of small whole numbers.

    Args:
        numbers: int8.
        missing: where there is none.
    """

    numbers: Ints
    missing: Bools

    def to_pandas(self) -> Any:
        """Return the column as an array of integers that may be missing."""
        return pd.arrays.IntegerArray(self.numbers, self.missing)


def to_frame(
    columns: Mapping[str, Any], index: pd.Index[Any] | None = None, types: Types | None = None
) -> pd.DataFrame:
    """Return columns as a pandas frame; `types` are as in `Coded.to_pandas`."""
    types = {} if types is None else types
    data = {name: _held(column, types) for name, column in columns.items()}
    try:
        return pd.DataFrame(data, index=index, copy=False)
    except OverflowError:  # pandas 2 has no whole numbers beyond a float's span; objects hold them
        rows = range(len(next(iter(data.values())))) if index is None else index
        wide = {
            name: pd.Series(column, rows, object)
            for name, column in data.items()
            if pd.api.types.is_object_dtype(column)
        }
        return pd.DataFrame(data | wide, index=index, copy=False)


def _held(column: Any, types: Types) -> Any:
    if isinstance(column, Coded):
        return column.to_pandas(types)
    return column.to_pandas() if isinstance(column, Whole) else column


def typed(values: Sequence[Any]) -> Any:
    """Return values as the array that pandas makes of them; of objects where it has no type that holds them."""
    try:
        return pd.Series(values).array
    except OverflowError:
        return pd.Series(values, dtype=object).array


def _narrow(names: Sized) -> type[np.signedinteger[Any]]:
    """Return the type that pandas gives the codes of so many categories, or a wider one."""
    return np.int8 if len(names) < _INT8 else np.int16 if len(names) < _INT16 else np.int32


def _dtype(names: Sequence[str]) -> pd.CategoricalDtype[Any]:
    return pd.CategoricalDtype(pd.Index(list(names), dtype=object))


_kept_dtype = functools.lru_cache(maxsize=512)(_dtype)


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON-ready objects; what is missing is null."""
    columns: dict[str, list[Any]] = {}
    for name, column in frame.items():
        values = column.astype(object)
        columns[str(name)] = [plain(value) for value in values.where(pd.notna(values), None).tolist()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
