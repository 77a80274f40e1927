"""Arrow tables in, Arrow tables out, without a Python object per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd
import pyarrow as pa

from labinterp.batch import answers
from labinterp.batch.answers import FINDING_COLUMNS, PATHWAY_COLUMNS, result_columns
from labinterp.batch.columns import Columns, FrameColumns
from labinterp.batch.encode import Encoded, Values, encode, positions, read_encoded, read_values
from labinterp.batch.letters import Texts
from labinterp.batch.output import Coded, Whole
from labinterp.batch.signs import Signs, not_covered, signs_of
from labinterp.codes import GRADES
from labinterp.tables.columns import objects
from labinterp.tables.rows import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from labinterp.batch.core import Answer
    from labinterp.kernel.vector import Bools, Ints

TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_OWN: Final = {
    "value": pa.float64(), "low": pa.float64(), "high": pa.float64(),
    **dict.fromkeys(GRADES, pa.int8()),
}  # fmt: skip


def tables(*, graded: bool) -> dict[str, tuple[str, ...]]:
    """Return the tables of the answer and their columns.

    Args:
        graded: whether a grading was asked for.
    """
    return {"results": result_columns(graded=graded), "findings": FINDING_COLUMNS, "pathways": PATHWAY_COLUMNS}


def schemas(types: Mapping[str, pa.DataType] | None = None, *, graded: bool) -> dict[str, pa.Schema]:
    """Return the schemas of results, findings and pathways; text is dictionary-encoded.

    Args:
        types: of `patient_id` and `collected_at`, where they are not text.
        graded: whether a grading was asked for.
    """
    types = {**_OWN, **(types or {})}
    return {
        name: pa.schema([(column, types.get(column, TEXT)) for column in columns])
        for name, columns in tables(graded=graded).items()
    }


def table_of(frame: pd.DataFrame, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Return a frame of answers as an Arrow table; text is dictionary-encoded.

    Args:
        frame: of answers.
        types: of the columns that have one of their own whatever is in them.
    """
    columns = {str(name): _array(column, types.get(str(name))) for name, column in frame.items()}
    return pa.table(columns)


def _array(column: pd.Series[Any], kind: pa.DataType | None) -> Any:
    text = column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype)
    if kind is not None and not pa.types.is_dictionary(kind):
        return pa.array(column, type=kind, from_pandas=True)
    if kind is None and not text:
        return pa.array(column, from_pandas=True)
    codes, distinct = pd.factorize(column.astype(object))
    texts = [text if isinstance(text, str) else str(text) for text in distinct]
    positions = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(positions, pa.array(texts, pa.string())).cast(TEXT)


@attrs.frozen(eq=False)
class ArrowColumns:
    """The columns of an Arrow table.

    Args:
        table: in the `labinterp` layout.
    """

    table: pa.Table

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a column of that name."""
        return name in self.table.column_names

    def encode(self, name: str) -> Encoded:
        """Encode a column; dictionaries of text are taken as they are."""
        if name not in self:
            return encode(None, self.rows)
        column = self.table[name]
        return _encoded(column) if _is_coded(column.type) else encode(pd.Series(_held(column)), self.rows)

    def read(self, decimal: str | None) -> tuple[Callable[[str], Encoded], Values]:
        """Return the encoded columns by name, and the values."""
        column = self.table["value"]
        coded = _is_coded(column.type)
        read = read_encoded(_encoded(column), decimal) if coded else read_values(pd.Series(_held(column)), decimal)
        return self.encode, read

    def as_sent(self, name: str, encoded: Encoded) -> Any:
        """Return a column as it was sent: text as codes, anything else unchanged."""
        coded = name not in self or _is_coded(self.table[name].type)
        return Coded(encoded.codes, encoded.distinct[1:], kept=False) if coded else self.table[name]


def with_texts(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """Return a table in which the lists of some columns are texts divided by `;`."""
    for name in names:
        at = table.schema.get_field_index(name)
        if at >= 0 and (pa.types.is_list(kind := table.schema.field(at).type) or pa.types.is_large_list(kind)):
            texts = [
                None if each is None else ";".join(str(item) for item in each if item is not None)
                for each in table.column(at).to_pylist()
            ]
            table = table.set_column(at, name, pa.array(texts, pa.string()).dictionary_encode())
    return table


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


def _encoded(column: pa.ChunkedArray) -> Encoded:
    return Encoded.of_arrow(column.unify_dictionaries().combine_chunks())


def _held(column: pa.ChunkedArray) -> Any:
    """Return a column as pandas holds it: dictionaries as categories, all else as Arrow keeps it."""
    if not pa.types.is_dictionary(column.type):
        return pd.arrays.ArrowExtensionArray(column)
    array = column.unify_dictionaries().combine_chunks()
    codes = positions(array)
    dtype = pd.CategoricalDtype(pd.Index(array.dictionary.to_pylist(), dtype=object))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame: dictionaries as categories, all else as Arrow keeps it."""
    return pd.DataFrame(
        {name: _held(column) for name, column in zip(table.column_names, table.columns, strict=True)},
        index=pd.RangeIndex(table.num_rows),
        copy=False,
    )


def column_of(table: Columns, name: str, kind: pa.DataType) -> pa.Array:
    """Return a column of a table as a type, a blank patient as none; nulls where there is no such column."""
    if name not in table:
        return pa.nulls(table.rows, kind)
    if isinstance(table, FrameColumns) and name != "patient_id":
        return to_array(table.frame[name], kind)
    encoded = table.encode(name)
    return to_array(table.as_sent(name, encoded.known() if name == "patient_id" else encoded), kind)


def to_arrow(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Return the columns that a schema names."""
    return pa.Table.from_arrays([to_array(columns[field.name], field.type) for field in schema], schema=schema)


def to_array(column: Any, kind: pa.DataType) -> pa.Array:
    """Return a column as an array of a type; what is no text becomes text where text is wanted."""
    if isinstance(column, Coded):
        return _coded(column)
    if isinstance(column, Whole):
        return _numbers(column.numbers, ~column.missing, kind)
    content = column.array if isinstance(column, pd.Series) else column
    if isinstance(content, pa.ChunkedArray):
        if content.type == kind:
            return content.unify_dictionaries().combine_chunks()
        content = _held(content)
    return _text(content) if kind == TEXT else _typed(content, kind)


def _typed(content: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(content, np.ndarray) and content.dtype == np.float64 and kind == pa.float64():
        return _numbers(content, ~np.isnan(content), kind)
    if isinstance(content, pd.arrays.ArrowExtensionArray):
        return content.__arrow_array__().cast(kind).combine_chunks()
    return pa.array(content, kind, from_pandas=True)


def _numbers(numbers: Ints, known: Bools, kind: pa.DataType) -> pa.Array:
    """Return numbers as an array that shares their memory, missing where they are not known."""
    bits = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(numbers), [bits, pa.py_buffer(np.ascontiguousarray(numbers))])


def _coded(column: Coded) -> pa.Array:
    codes = np.subtract(column.codes, 1, dtype=np.int32, casting="unsafe")
    indices = _numbers(codes, codes >= 0, pa.int32())
    names = column.names
    texts = names.array.cast(pa.string()) if isinstance(names, Texts) else pa.array(names, pa.string())
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def _text(content: Any) -> pa.Array:
    if isinstance(content, pd.Categorical):
        codes = content.codes.astype(np.int32, copy=False)
        indices = pa.array(codes, mask=codes < 0)
        try:
            return pa.DictionaryArray.from_arrays(indices, pa.array(content.categories, pa.string()), safe=False)
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            texts = [_as_text(category) for category in content.categories.tolist()]
            return pa.array(texts, pa.string()).take(indices).dictionary_encode()
    if isinstance(content, pd.arrays.ArrowExtensionArray):
        array = content.__arrow_array__()
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            return array.cast(pa.string()).dictionary_encode()
    return pa.array([_as_text(value) for value in objects(content)], pa.string()).dictionary_encode()


def _as_text(value: Any) -> str | None:
    """Return a value as text that is read as the value itself is."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and "e" in repr(value):
        return np.format_float_positional(value, trim="-")
    return value.isoformat() if hasattr(value, "isoformat") else as_text(value)


@attrs.frozen(eq=False)
class Chunk:
    """The answer for some rows.

    Args:
        tables: results, findings and pathways.
        firsts: for findings and pathways, the number of the first row of each one's panel.
        decimals: rows that `decimal=` would settle.
        not_covered: how many rows are known to be of another test.
    """

    tables: dict[str, pa.Table]
    firsts: dict[str, Ints]
    decimals: Signs
    not_covered: int


def chunk(answer: Answer, table: Columns, wanted: Mapping[str, pa.Schema]) -> Chunk:
    """Return the answer as Arrow tables."""
    columns = {
        "results": lambda: answers.results(answer, table),
        "findings": lambda: answers.findings(answer),
        "pathways": lambda: answers.pathways(answer),
    }
    tables = {name: to_arrow(columns[name](), schema) for name, schema in wanted.items()}
    counts = answers.counts(answer)
    return Chunk(
        tables,
        {name: _first_rows(answer, counts[name]) for name in wanted if name in counts},
        signs_of(answer),
        not_covered(answer),
    )


def _first_rows(answer: Answer, counts: Ints) -> Ints:
    first = answer.panels.first_row
    numbers = first if answer.numbers is None else answer.numbers[first]
    if not len(counts):
        return np.zeros(0, np.int64)
    return np.repeat(numbers, counts[answer.answer_of_panel])
