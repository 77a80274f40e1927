"""Columns → integer codes into short lists of distinct things.

Each distinct text is looked at once, in Python, by the very functions that the scalar face uses; rows only carry codes.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.batch.letters import Letters, Texts
from labinterp.codes import NOTE_BIT
from labinterp.kernel.quantity import read_value
from labinterp.kernel.vector import COMPARATOR_CODE, PROBLEM_CODE, SLICE
from labinterp.reading.demographics import is_missing
from labinterp.reading.ids import LONGEST_ID, names_nobody, read_id
from labinterp.reading.values import MAX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labinterp.kernel.vector import Bools, Floats, Ints

_DENSE: Final = 1 << 16
_SAMPLE: Final = 1 << 14
"""How many values tell whether texts repeat: in a smaller sample, those of a long column hardly seem to."""
_FEW: Final = 1 << 10
"""From how many values on it is worth reading plain numbers at once."""
PLAIN: Final = r"(?:(?:0|[1-9][0-9]{3,14})(?:\.[0-9]{1,15})?|[1-9][0-9]{0,2}(?:\.(?:[0-9]{1,2}|[0-9]{4,15}))?)"
"""A text that is a number as it stands: `1.234`, where the point may part thousands, is none."""
_LONG: Final = 1 << 15
"""From how many rows on it is worth looking whether texts repeat row by row: in `_BLOCKS` blocks of `_BLOCK` rows."""
_BLOCKS: Final = 16
_BLOCK: Final = 128
_SHORT: Final = 32
"""Up to how many rows a loop is faster than what is made for long columns."""
_ONE_TYPE: Final = frozenset({"string", "empty", "date", "datetime", "datetime64", "integer", "floating"})


@attrs.frozen
class Encoded:
    """A column as codes into its distinct values.

    Args:
        codes: 0 stands for a missing value.
        distinct: None first.
        letters: the distinct values spelled, where all are text and they lay so in memory.
    """

    codes: Ints
    distinct: Sequence[Any]
    letters: Letters | None = None

    @classmethod
    def of_arrow(cls, array: Any) -> Encoded:
        """Take the codes of an Arrow dictionary array of text."""
        texts = array.dictionary
        codes = positions(array) + np.int32(1)
        if len(texts) > _FEW and not texts.null_count:
            return cls(codes, Texts(texts), Letters.of_arrow(texts).after_nothing())
        return cls(codes, [None, *texts.to_numpy(zero_copy_only=False).tolist()])

    @functools.cached_property
    def is_text(self) -> bool:
        """Whether every value that is not missing is text."""
        return self.letters is not None or {*map(type, self.distinct[1:])} <= {str}

    def named(self, codes: Ints) -> Sequence[Any]:
        """Return the values that distinct codes stand for."""
        if isinstance(self.distinct, Texts) and codes.all():
            return self.distinct.take(codes)
        return [self.distinct[code] for code in codes.tolist()]

    def take(self, rows: Ints) -> Encoded:
        """Return the values of some rows."""
        one = len(self.distinct) == 1
        return Encoded(np.zeros(len(rows), np.int8) if one else self.codes.take(rows), self.distinct, self.letters)

    def known(self) -> Encoded:
        """Return the same as ids: those that `read_id` takes for one share a code, and what names nobody is missing."""
        distinct = self.distinct
        if self.is_text and (_are_plain(self.letters) or _are_plain_ids(distinct[1:])):
            return self
        codes: dict[str | None, int] = {None: 0}
        kept: list[Any] = [None]
        recode = np.zeros(len(distinct), np.int32)
        for i, value in enumerate(distinct):
            name = read_id(value)
            code = codes.setdefault(name, len(kept))
            if code == len(kept):
                kept.append(name if isinstance(value, str | float) else value)
            recode[i] = code
        return Encoded(recode[self.codes], kept)

    def map(self, function: Callable[[Any], Any]) -> list[Any]:
        """Apply a function to every distinct value."""
        return [function(value) for value in self.distinct]


def _are_plain(letters: Letters | None) -> bool:
    """Say as `_are_plain_ids` does, without a look at each; where this says no, that may still say yes."""
    if letters is None or not letters.are_visible or letters.are_quoted:
        return False
    lengths = letters.lengths[1:]
    return bool(lengths.min() > 0 and lengths.max() <= LONGEST_ID)


def _are_plain_ids(texts: Sequence[str]) -> bool:
    """Say whether every text is an id as it stands: somebody's, not too long, and with nothing around it."""
    if not texts:
        return True
    lengths = [*map(len, texts)]
    if min(lengths) == 0 or max(lengths) > LONGEST_ID:
        return False
    if any(names_nobody(text) for text in texts if not text[-1:].isdigit()):
        return False
    joined = "".join(texts)
    if '"' in joined:
        return False
    return joined.split() == [joined] or all(text == text.strip() for text in texts)


def encode(column: pd.Series[Any] | None, rows: int) -> Encoded:
    """Encode a column of any dtype; a column that is not there is missing throughout."""
    if column is None:
        return Encoded(np.zeros(rows, np.int8), [None])
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = column.cat.codes.to_numpy(), column.cat.categories.tolist()
    elif rows <= _SHORT or (column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) not in _ONE_TYPE):
        codes, distinct = _factorize_any(column)
    elif (texts := _arrow_texts(column) if isinstance(column.dtype, pd.StringDtype) else None) is not None:
        return _encode_texts(texts)
    else:
        codes, uniques = pd.factorize(column)
        distinct = uniques.tolist()
    return Encoded(np.add(codes, 1, dtype=np.int32, casting="unsafe"), [None, *distinct])


def _encode_texts(texts: Any) -> Encoded:
    starts = _starts(texts)
    if starts is None:
        return Encoded.of_arrow(_in_one(texts.dictionary_encode()))
    runs = Encoded.of_arrow(_in_one(texts).take(starts).dictionary_encode())
    return Encoded(np.repeat(runs.codes, np.diff(starts, append=len(texts))), runs.distinct, runs.letters)


def _in_one(array: Any) -> Any:
    """Return an Arrow array of what may be several."""
    import pyarrow as pa

    if not isinstance(array, pa.ChunkedArray):
        return array
    whole = array.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def positions(array: Any) -> Ints:
    """Return the positions in the dictionary of an Arrow array, -1 for missing, whatever integers they come as."""
    indices = array.indices.cast("int32")
    codes: Ints = (indices.fill_null(-1) if indices.null_count else indices).to_numpy()
    return codes


def _starts(texts: Any) -> Ints | None:
    """Return where Arrow texts begin to differ from the row before, where they seldom do; None for any others.

    To compare neighbors costs a fourth of looking a text up.
    """
    if len(texts) < _LONG:
        return None
    step = len(texts) // _BLOCKS
    blocks = [texts.slice(start, _BLOCK) for start in range(0, step * _BLOCKS, step)]
    if 2 * sum(int(np.count_nonzero(_changes(block))) for block in blocks) > _BLOCKS * _BLOCK:
        return None
    return np.append(0, np.flatnonzero(_changes(texts)) + 1)


def _changes(texts: Any) -> Bools:
    """Return for all but the first of some Arrow texts whether it differs from the one before."""
    import pyarrow.compute as pc

    changes: Bools = pc.fill_null(pc.not_equal(texts[1:], texts[:-1]), fill_value=True).to_numpy(zero_copy_only=False)
    return changes


def _factorize_any(column: pd.Series[Any]) -> tuple[Ints, list[Any]]:
    """Factorize a column of any types, where 1 is not True; what cannot be hashed is distinct each time.

    What is one object is looked at once.
    """
    values = column.tolist()
    if len(values) <= _SHORT:
        return _factorize_values(values)
    one, ids = pd.factorize(np.fromiter(map(id, values), np.int64, len(values)))
    first = np.empty(len(ids), np.int64)
    first[one[::-1]] = np.arange(len(values) - 1, -1, -1)
    codes, distinct = _factorize_values([values[row] for row in first.tolist()])
    return codes[one], distinct


def _factorize_values(values: Sequence[Any]) -> tuple[Ints, list[Any]]:
    seen: dict[Any, int] = {}
    distinct: list[Any] = []
    codes = np.empty(len(values), np.int64)
    for i, value in enumerate(values):
        if type(value) is not str and is_missing(value):
            codes[i] = -1
            continue
        try:
            code = seen.setdefault((type(value), value), len(distinct))
        except Exception:  # noqa: BLE001 - the object is not ours, and need not have a hash
            code = len(distinct)
        if code == len(distinct):
            distinct.append(value)
        codes[i] = code
    return codes, distinct


def numbered(keys: Ints) -> tuple[Ints, Ints]:
    """Return codes of whole numbers in order of first appearance, and the distinct ones by code."""
    if len(keys) > _SHORT:
        return pd.factorize(keys)
    seen: dict[int, int] = {}
    codes = [seen.setdefault(key, len(seen)) for key in keys.tolist()]
    return np.array(codes, np.int64), np.array(list(seen), keys.dtype)


def compact(keys: Ints, size: int) -> tuple[Ints, Ints]:
    """Return codes without gaps for keys in `range(size)`, and the distinct keys by code."""
    if size <= max(_DENSE, 8 * len(keys)):
        present = np.zeros(size, np.bool_)
        present[keys] = True
        used = np.flatnonzero(present)
        code = np.zeros(size, np.int32)
        code[used] = np.arange(len(used), dtype=np.int32)
        return code.take(keys), used
    codes, distinct = pd.factorize(keys)
    return codes, distinct


def combine(parts: Sequence[tuple[Ints, int]], only: Bools | None = None) -> tuple[Ints, list[Ints]]:
    """Return one code per distinct combination of codes, and for each part its code by combination.

    The codes of a row are the digits of one number, for as long as a table of all such numbers is no longer than some
    rows; only then are the numbers that there are counted anew.

    Args:
        parts: codes and their number, column by column.
        only: the rows whose combinations are wanted, None for all; any other has code 0.
    """
    if len(parts[0][0]) <= _SHORT:
        return _combine_few([codes.tolist() for codes, _ in parts], None if only is None else only.tolist())
    rows = len(parts[0][0])
    wanted = rows if only is None else int(np.count_nonzero(only))
    if not wanted:
        return np.zeros(rows, np.int32), [np.zeros(0, np.intp) for _ in parts]
    most = max(_DENSE, 8 * wanted)
    digits: list[tuple[Ints, int]] = []
    meaning: list[list[Ints]] = []
    for part in parts:
        if len(digits) > 1 and math.prod(number for _, number in (*digits, part)) > most:
            codes, used = _number_digits(digits, only, most)
            digits, meaning = [(codes, len(used))], [_meant(used, digits, meaning)]
        digits.append(part)
        meaning.append([np.arange(part[1])])
    codes, used = _number_digits(digits, only, most)
    return codes, _meant(used, digits, meaning)


def _combine_few(parts: Sequence[list[int]], only: list[bool] | None) -> tuple[Ints, list[Ints]]:
    rows = list(zip(*parts, strict=True))
    wanted = rows if only is None else [row for row, is_wanted in zip(rows, only, strict=True) if is_wanted]
    used = sorted(set(wanted))
    place = {row: i for i, row in enumerate(used)}
    codes = [place[row] if only is None or only[i] else 0 for i, row in enumerate(rows)]
    columns = zip(*used, strict=True) if used else [()] * len(parts)
    return np.array(codes, np.int32), [np.array(column, np.intp) for column in columns]


def _number_digits(digits: Sequence[tuple[Ints, int]], only: Bools | None, most: int) -> tuple[Ints, Ints]:
    """Return codes of the numbers that some digits make, and the distinct ones by code, in order if they are few."""
    rows, size = len(digits[0][0]), math.prod(number for _, number in digits)
    told = [digit for digit in digits if digit[1] > 1] or digits[:1]
    if size > most:
        keys = _made_of(told, slice(None))
        codes = np.zeros(rows, np.intp)
        wanted = slice(None) if only is None else only
        codes[wanted], used = pd.factorize(keys[wanted])
        return codes, used
    present = np.zeros(size, np.bool_)
    keys = np.empty(rows, np.int32 if size <= np.iinfo(np.int32).max else np.int64)
    slices = [slice(start, start + SLICE) for start in range(0, rows, SLICE)]
    for some in slices:
        made = _made_of(told, some)
        keys[some] = made
        present[made if only is None else made[only[some]]] = True
    used = np.flatnonzero(present)
    code = np.zeros(size, np.int32)
    code[used] = np.arange(len(used), dtype=np.int32)
    codes = np.empty(rows, np.int32)
    for some in slices:
        codes[some] = code.take(keys[some])
        if only is not None:
            codes[some] *= only[some]
    return codes, used


def _made_of(digits: Sequence[tuple[Ints, int]], rows: slice) -> Ints:
    """Return the numbers that have the codes of some rows as digits."""
    made: Ints = digits[0][0][rows].astype(np.intp)
    for codes, number in digits[1:]:
        made *= number
        made += codes[rows]
    return made


def _meant(used: Ints, digits: Sequence[tuple[Ints, int]], meaning: Sequence[list[Ints]]) -> list[Ints]:
    """Return, for the numbers that are used, what their digits stand for."""
    found: list[Ints] = []
    for (_, number), columns in zip(reversed(digits), reversed(meaning), strict=True):
        used, at = np.divmod(used, number)
        found[:0] = [column.take(at) for column in columns]
    return found


@attrs.frozen
class Values:
    """A column of values as numbers.

    Args:
        number: NaN where there is none.
        comparator: 0 for exact, else 1 + position in `COMPARATORS`.
        problem: code of the problem met in reading, 0 for none.
        notes: bit mask.
        alternative: second readings, or None where no row has one.
        written: text found behind the number, encoded.
        flag: the laboratory's own flag found beside the number, encoded.
    """

    number: Floats
    comparator: Ints
    problem: Ints
    notes: Ints
    alternative: Floats | None
    written: Encoded
    flag: Encoded

    def take(self, codes: Ints) -> Values:
        """Return the values at these positions."""
        codes = codes.astype(np.intp, copy=False)
        return Values(
            number=self.number.take(codes),
            comparator=self.comparator.take(codes),
            problem=self.problem.take(codes),
            notes=self.notes.take(codes),
            alternative=None if self.alternative is None else self.alternative.take(codes),
            written=self.written.take(codes),
            flag=self.flag.take(codes),
        )


def read_values(column: pd.Series[Any], decimal: str | None) -> Values:
    """Read a column of values, each distinct one once."""
    rows = len(column)
    if _is_plain_number(column):
        number = column.to_numpy(np.float64, na_value=np.nan, copy=True)
        problem = np.zeros(rows, np.uint8)
        problem[np.isnan(number)] = PROBLEM_CODE["missing_value"]
        infinite = np.isinf(number)
        problem[infinite] = PROBLEM_CODE["not_numeric"]
        number[infinite] = np.nan
        nothing = Encoded(np.zeros(rows, np.int8), [None])
        return Values(
            number=number,
            comparator=np.zeros(rows, np.uint8),
            problem=problem,
            notes=np.zeros(rows, np.uint64),
            alternative=None,
            written=nothing,
            flag=nothing,
        )
    if rows > _FEW and _mostly_distinct_text(column):
        return _read_many(column, decimal)
    return read_encoded(encode(column, rows), decimal)


def read_encoded(column: Encoded, decimal: str | None) -> Values:
    """Read an encoded column of values."""
    if len(column.distinct) > _FEW:
        return _read_many(pd.Series(column.distinct, dtype=object), decimal).take(column.codes)
    return _read_few(column.distinct, decimal).take(column.codes)


def _mostly_distinct_text(column: pd.Series[Any]) -> bool:
    """Return whether a sample over the whole column shows text that hardly repeats."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    sample = column.iloc[:: max(1, len(column) // _SAMPLE)]
    texts = [value for value in sample.tolist() if isinstance(value, str)]
    return len(texts) > len(sample) // 2 and len(set(texts)) > len(texts) // 2


def _read_many(column: pd.Series[Any], decimal: str | None) -> Values:
    """Read many values that hardly repeat: plain numbers at once, only the rest by distinct text."""
    number, plain = _plain_numbers(column, decimal)
    rest = np.flatnonzero(~plain)
    encoded = encode(column.iloc[rest], len(rest))
    read = _read_few(encoded.distinct, decimal).take(encoded.codes)
    number[rest] = read.number
    rows = len(column)
    return Values(
        number=number,
        comparator=_spread(read.comparator, rest, rows),
        problem=_spread(read.problem, rest, rows),
        notes=_spread(read.notes, rest, rows),
        alternative=None if read.alternative is None else _spread(read.alternative, rest, rows, np.nan),
        written=Encoded(_spread(read.written.codes, rest, rows), read.written.distinct),
        flag=Encoded(_spread(read.flag.codes, rest, rows), read.flag.distinct),
    )


def _spread(part: Any, rows: Ints, size: int, empty: float = 0) -> Any:
    whole = np.full(size, empty, part.dtype)
    whole[rows] = part
    return whole


def _plain_numbers(column: pd.Series[Any], decimal: str | None) -> tuple[Floats, Bools]:
    """Return the numbers of the texts that are nothing but digits and a point, and which those are.

    `values.parse` reads such a text as the same number without any note, unless a decimal comma was asked for.
    """
    if decimal == ",":
        return np.full(len(column), np.nan), np.zeros(len(column), np.bool_)
    texts = _arrow_texts(column)
    if texts is None:
        match = re.compile(PLAIN, re.ASCII).fullmatch
        read = [float(text) if isinstance(text, str) and match(text) else np.nan for text in column.tolist()]
        number = np.array(read, np.float64)
        return number, ~np.isnan(number)
    import pyarrow.compute as pc

    plain = pc.fill_null(pc.match_substring_regex(texts, f"^{PLAIN}$"), fill_value=False)
    number = pc.cast(pc.if_else(plain, texts, None), "float64")
    number = number.to_numpy(zero_copy_only=False)  # of chunks, `np.array` would give a view that cannot be written
    return np.array(number, np.float64), np.array(plain, np.bool_)


def _arrow_texts(column: pd.Series[Any]) -> Any:
    """Return the column as Arrow text, or None where PyArrow is missing or not everything is text."""
    try:
        import pyarrow as pa
    except ImportError:
        return None
    try:
        texts = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError):
        return None
    return texts if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type) else None


def _is_plain_number(column: pd.Series[Any]) -> bool:
    kind = getattr(column.dtype, "kind", "O")
    return kind in "iuf" and pd.api.types.is_numeric_dtype(column.dtype)


_read_text = functools.lru_cache(maxsize=1 << 16)(read_value)


def _read_few(distinct: Sequence[Any], decimal: str | None) -> Values:
    """Read values one by one."""
    parsed = [
        _read_text(value, decimal) if type(value) is str and len(value) <= MAX_LENGTH else read_value(value, decimal)
        for value in distinct
    ]
    second = np.array([np.nan if p.alternative is None else p.alternative for p in parsed], np.float64)
    return Values(
        number=np.array([np.nan if p.number is None else p.number for p in parsed], np.float64),
        comparator=np.array([COMPARATOR_CODE[p.comparator] if p.comparator else 0 for p in parsed], np.uint8),
        problem=np.array([PROBLEM_CODE[p.problem] if p.problem else 0 for p in parsed], np.uint8),
        notes=np.array([NOTE_BIT["number_cleaned"] if p.notes else 0 for p in parsed], np.uint64),
        alternative=None if np.isnan(second).all() else second,
        written=_coded([p.unit_text for p in parsed]),
        flag=_coded([p.flag for p in parsed]),
    )


def _coded(texts: Sequence[str | None]) -> Encoded:
    codes = {text: i for i, text in enumerate(dict.fromkeys([None, *texts]))}
    return Encoded(np.array([codes[text] for text in texts], np.int32), list(codes))
