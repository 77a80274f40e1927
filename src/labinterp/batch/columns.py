"""A long table as the kernel reads it, whatever holds it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import pandas as pd

from labinterp.batch.encode import Encoded, Values, encode, read_values
from labinterp.batch.output import Coded

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG: Final = 1 << 17
_TEXTS: Final = (
    "test", "unit", "patient_id", "collected_at", "reference_low", "reference_high", "reference_range", "age", "sex",
    "specimen", "loinc", "note", "method", "birth_date", "pregnancy", "reported_flag", "symptoms", "triggers", "course",
    "baseline",
)  # fmt: skip


class Columns(Protocol):
    """A table whose columns have the names of the `labinterp` layout."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of that name."""

    def encode(self, name: str) -> Encoded:
        """Encode a column; one that is not there is missing throughout."""

    def read(self, decimal: str | None) -> tuple[Callable[[str], Encoded], Values]:
        """Return the encoded columns by name, and the values."""

    def as_sent(self, name: str, encoded: Encoded) -> Any:
        """Return a column for the results, as it was sent; `encoded` is the same, a blank patient left out."""


@attrs.frozen(eq=False)
class FrameColumns:
    """The columns of a pandas frame.

    Args:
        frame: in the `labinterp` layout.
    """

    frame: pd.DataFrame

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of that name."""
        return name in self.frame

    def encode(self, name: str) -> Encoded:
        """Encode a column."""
        if name not in self.frame:
            return encode(None, self.rows)
        return encode(self.frame[name], self.rows)

    def read(self, decimal: str | None) -> tuple[Callable[[str], Encoded], Values]:
        """Return the encoded columns by name, and the values; long columns are encoded side by side.

        Encoding Arrow text runs outside the interpreter's lock, so that two threads gain on it.
        """
        if self.rows < _LONG:
            return self.encode, read_values(self.frame["value"], decimal)
        with ThreadPoolExecutor(2, thread_name_prefix="labinterp") as pool:
            encoded = {name: pool.submit(self.encode, name) for name in _TEXTS if name in self.frame}
            read = read_values(self.frame["value"], decimal)

        def column(name: str) -> Encoded:
            return encoded[name].result() if name in encoded else self.encode(name)

        return column, read

    def as_sent(self, name: str, encoded: Encoded) -> Any:
        """Return a column as it was sent: text as codes; anything else, and whole categories, unchanged."""
        if name not in self.frame:
            return Coded(encoded.codes, ())
        column = self.frame[name]
        text = pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column) or len(encoded.distinct) > 1
        if isinstance(column.dtype, pd.CategoricalDtype):
            text = len(encoded.distinct) <= len(column.cat.categories)
        if text and encoded.is_text:
            return Coded(encoded.codes, encoded.distinct[1:], kept=False)
        sent = column.array.copy()
        if pd.api.types.is_object_dtype(column):
            sent[(encoded.codes == 0) & column.notna().to_numpy()] = None
        return sent
