"""Frames of other libraries in, the same kind out.

Anything with the Arrow PyCapsule interface (polars, PyArrow, DuckDB, …) is read through PyArrow; narwhals knows how to
give the same kind back, and how to read the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from labinterp.errors import LayoutError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable


def enter(frame: Any) -> tuple[pd.DataFrame, Callable[[pd.DataFrame], Any]]:
    """Return a frame as pandas, and the function that turns an answer into the kind of frame that came in.

    Raises:
        LayoutError: if it is no frame.
        MissingExtraError: if PyArrow or narwhals is needed and missing.
    """
    if isinstance(frame, pd.DataFrame):
        return frame, same
    if isinstance(frame, list | tuple) and all(isinstance(row, Mapping) for row in frame):
        return pd.DataFrame(list(frame)), same
    try:
        import narwhals.stable.v2 as nw
        import pyarrow as pa
    except ImportError as error:
        if not hasattr(frame, "__arrow_c_stream__"):
            raise _no_frame(frame) from None
        raise MissingExtraError.from_extra(str(error.name), "arrow") from None
    if isinstance(frame, pa.Table):
        return _to_pandas(frame), _to_arrow
    try:
        native = nw.from_native(frame)
        native = native.collect() if isinstance(native, nw.LazyFrame) else native
        kind = native.implementation
        table = native.to_arrow()
    except TypeError:
        try:
            table = pa.table(frame)
        except Exception:  # noqa: BLE001 - the object is not ours
            raise _no_frame(frame) from None
        return _to_pandas(table), _to_arrow
    return _to_pandas(table), functools.partial(_to_kind, kind)


def _to_pandas(table: Any) -> pd.DataFrame:
    try:
        try:
            frame: pd.DataFrame = table.to_pandas()
        except TypeError:  # of a dictionary with unsigned codes, as polars makes them, before PyArrow 23
            frame = _as_text(table).to_pandas()
    except (ValueError, OverflowError):
        raise LayoutError(
            "a column of the table cannot be read: its dictionary repeats a value or holds a missing one",
            hint="Cast columns of dictionaries to text first",
        ) from None
    return frame


def _as_text(table: Any) -> Any:
    """Return an Arrow table with the values of dictionaries in place of codes."""
    import pyarrow as pa

    kinds = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.schema.names, kinds, strict=True))))


def _no_frame(frame: Any) -> LayoutError:
    return LayoutError(
        f"expected a frame, got {type(frame).__name__}",
        hint="Pass a pandas, polars or PyArrow frame, or a list of rows, or read a file with labinterp.read",
    )


def same(answer: pd.DataFrame) -> pd.DataFrame:
    """Return a pandas frame as it is."""
    return answer


def _to_kind(kind: Any, answer: pd.DataFrame) -> Any:
    import narwhals.stable.v2 as nw

    return nw.from_arrow(_to_arrow(answer), backend=kind).to_native()


def _to_arrow(answer: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(answer, preserve_index=False).replace_schema_metadata(None)
