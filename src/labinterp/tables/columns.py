"""From the columns of any known layout to those of the `labinterp` layout, as `knowledge/layouts.toml` says.

Whole columns at a time: what depends on a cell's content is worked out once per distinct content. The user's frame is
only read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.errors import LayoutError
from labinterp.reading import beside, names_and_units
from labinterp.reading import values as values_
from labinterp.reading.cells import as_shown
from labinterp.tables.rows import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from labinterp.tables.headings import Names

Source = str | dict[str, Any]

_SECONDS: Final = {"D": 86_400, "m": 60, "s": 1}
_REPRESENTABLE: Final = 8.5e9
"""Seconds either side of a date that pandas can surely represent."""

_TIME_OF_DAY: Final = re.compile(r"[0-9]{1,2}[:.h][0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?: ?[AaPp]\.?[Mm]\.?)?")
_MIDNIGHT: Final = re.compile(r"[ T]00:00(?::00(?:\.0{1,9})?)?\Z")
"""What a date has behind it where it was kept as a time."""


@attrs.frozen(eq=False)
class Cells:
    """A column and where it has nothing."""

    content: Any = attrs.field(repr=False)
    missing: np.ndarray[Any, np.dtype[np.bool_]] = attrs.field(repr=False)


def distinct(column: Any) -> tuple[np.ndarray[Any, np.dtype[np.intp]], list[Any]]:
    """Return, per row, the position of its content in the list of distinct contents; -1 for NaN and None."""
    try:
        codes, uniques = pd.factorize(column)
    except TypeError:
        raise LayoutError(
            "a column holds lists or tables instead of single values", hint="Flatten the table first"
        ) from None
    return codes, np.asarray(uniques, dtype=object).tolist()


def per_distinct(column: Any, function: Callable[[Any], Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Apply a function to every distinct content; None stays None."""
    codes, uniques = distinct(column)
    answers = np.empty(len(uniques) + 1, dtype=object)
    answers[:-1] = [function(unique) for unique in uniques]
    return np.asarray(answers[codes], dtype=object)


def per_pair(function: Callable[[Any, Any], Any], first: Any, second: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Apply a function to every distinct pair of contents of two columns; NaN is None."""
    (ones, contents), (others, other_contents) = distinct(first), distinct(second)
    contents, other_contents = [*contents, None], [*other_contents, None]
    count, width = len(contents), len(other_contents)
    pairs, at = np.unique(ones % count * width + others % width, return_inverse=True)
    answers = np.empty(len(pairs), dtype=object)
    for i, pair in enumerate(pairs.tolist()):
        answers[i] = function(contents[pair // width], other_contents[pair % width])
    return np.asarray(answers[at.reshape(-1)], dtype=object)


def objects(column: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return a column as an array of Python objects that may be written to."""
    if isinstance(column, np.ndarray) and column.dtype == object:
        return column.copy()
    return np.array(pd.Series(column).astype(object), dtype=object)


def array_of(content: Any) -> Any:
    """Return the contents of a column without an index."""
    return content.array if isinstance(content, pd.Series) else content


def with_texts(frame: pd.DataFrame, positions: Iterable[int]) -> pd.DataFrame:
    """Return a frame in which the lists of some columns are texts divided by `;`; it is the same where none are."""
    lists = [at for at in positions if any(map(_is_list, _sample(frame.iloc[:, at])))]
    if not lists:
        return frame
    out, titles = frame.copy(deep=False), frame.columns
    out.columns = pd.RangeIndex(len(titles))
    for at in lists:
        out[at] = pd.Series([_list_text(value) for value in objects(frame.iloc[:, at])], frame.index, dtype=object)
    out.columns = titles
    return out


def _sample(column: pd.Series[Any]) -> Iterable[Any]:
    text = isinstance(column.dtype, pd.StringDtype | pd.CategoricalDtype) or column.dtype.kind != "O"
    return () if text else column


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset | np.ndarray)


def _list_text(value: Any) -> Any:
    return ";".join(map(str, value)) if _is_list(value) else value


def key_text(value: Any) -> str:
    """Return a key as it is compared: `50960`, `50960.0` and `"50960"` are one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_shown(str(value)).strip().casefold()


def cells(column: Any, markers: frozenset[str]) -> Cells:
    """Read cells as a spreadsheet shows them, and find those with nothing: NaN, None, blanks and `markers`."""
    series = _series(column)
    if not (pd.api.types.is_object_dtype(series.dtype) or pd.api.types.is_string_dtype(series.dtype)):
        if isinstance(series.dtype, pd.CategoricalDtype):
            column, series = objects(column), series.astype(object)
        elif pd.api.types.is_numeric_dtype(series.dtype) and any(marker.isdigit() for marker in markers):
            numbers = [float(marker) for marker in markers if marker.isdigit()]
            return Cells(column, (series.isna() | series.isin(numbers)).to_numpy(dtype=bool))
        else:
            return Cells(column, series.isna().to_numpy(dtype=bool))
    codes, uniques = distinct(series)
    shown = [_shown(unique) for unique in uniques]
    if any(now is not before for now, before in zip(shown, uniques, strict=True)):
        column = np.array([*shown, None], dtype=object)[codes]
    empty = np.ones(len(uniques) + 1, dtype=bool)
    empty[:-1] = [isinstance(text, str) and text.strip().casefold() in markers for text in shown]
    return Cells(column, empty[codes])


def _shown(content: Any) -> Any:
    return as_shown(content) if isinstance(content, str) else content


def _series(column: Any) -> pd.Series[Any]:
    """Return a column as a series; an array of objects stays one, where pandas would make text of it."""
    return (
        pd.Series(column, dtype=object)
        if isinstance(column, np.ndarray) and column.dtype == object
        else pd.Series(column)
    )


@attrs.frozen(eq=False)
class ColumnReader:
    """What the sources of a layout are read from.

    Args:
        names: the user's table.
        tables: the tables beside it.
        maps: the maps of `layouts.toml`.
        missing: the layout's own texts for a missing value, casefolded.
    """

    names: Names
    tables: Mapping[str, Names]
    maps: Mapping[str, Mapping[str, str]]
    missing: frozenset[str]

    def first(self, sources: Sequence[Source], *, test: bool = False) -> Cells | None:
        """Return, row by row, the first of the sources that is not missing; None if no source exists.

        Args:
            sources: as in `layouts.toml`.
            test: whether this is the name of the test, where `NA` is a name (of sodium) and not missing.
        """
        markers = self.missing | ({""} if test else values_.MISSING_MARKERS)
        found: Cells | None = None
        for source in sources:
            if found is not None and not found.missing.any():
                break
            column = self._read(source, markers)
            if column is None:
                continue
            following = cells(column, markers)
            found = following if found is None else _filled(found, following)
        return None if found is None else _blanked(found)

    def cells_at(self, position: int) -> Cells:
        """Return a column by its position."""
        return _blanked(cells(self.names.frame.iloc[:, position], self.missing | values_.MISSING_MARKERS))

    def _read(self, source: Source, markers: frozenset[str]) -> Any:
        """Return the column of one source, or None if it does not exist here."""
        if isinstance(source, str):
            return self.names.column(source)
        look = self._beside(source) if "beside" in source else self.names.column
        column = look(source.get("take") or source["column"]) if look else None
        if look is None or column is None:
            return None
        if "since" in source:
            return _dated(column, source)
        function = self._function(source, markers)
        if function is not None:
            return per_distinct(column, lambda content: function(_shown(content)))
        for name, join in (("unit_in", " "), ("time_in", "T")):
            other = look(source[name]) if name in source else None
            if other is not None:
                return _joined(cells(column, markers), cells(other, markers), join)
        return column

    def _function(self, source: dict[str, Any], markers: frozenset[str]) -> Callable[[Any], Any] | None:
        """Return what is done to every distinct content of a source."""
        if "part" in source:
            at = 0 if source["part"] == "name" else 1
            return lambda text: names_and_units.split_heading(str(text))[at]
        if source.get("only") == "censored":
            return beside.censored_start
        return _mapper(self.maps[source["map"]], markers) if "map" in source else None

    def _beside(self, source: dict[str, Any]) -> Callable[[str], Any] | None:
        """Return a function that looks columns of the table beside up by our key."""
        table, keys = self.tables.get(source["beside"]), self.names.column(source["key"])
        if table is None or keys is None:
            return None
        theirs = table.column(source["on"])
        if theirs is None:
            raise LayoutError(f"{table.title} has no column {source['on']}", hint="Give the table as it was exported")
        chosen = np.array(theirs.notna(), dtype=bool)
        for name, wanted in source.get("where", {}).items():
            condition = table.column(name)
            if condition is not None:
                chosen &= (condition == wanted).to_numpy(dtype=bool)
        theirs_codes, theirs_keys = distinct(theirs[chosen])
        index = pd.Index([key_text(key) for key in theirs_keys], dtype=object)
        rows = np.flatnonzero(chosen)[np.unique(theirs_codes, return_index=True)[1]]
        if len(theirs_keys) < len(theirs_codes) or not index.is_unique:
            _refuse_conflicts(table, theirs_codes, np.flatnonzero(chosen), source)
            unique = ~index.duplicated()
            index, rows = index[unique], rows[unique]
        codes, uniques = distinct(keys)
        at = np.append(index.get_indexer(pd.Index([key_text(key) for key in uniques], dtype=object)), -1)[codes]

        def look(name: str) -> Any:
            column = table.column(name)
            if column is None:
                return None
            return np.array([*objects(column)[rows], None], dtype=object)[at]

        return look


def _refuse_conflicts(table: Names, codes: Any, rows: Any, source: dict[str, Any]) -> None:
    take = table.column(source["take"])
    if take is None:
        return
    contents = distinct(take.iloc[rows])[0]
    if len(np.unique(np.column_stack([codes, contents]), axis=0)) > len(np.unique(codes)):
        raise LayoutError(
            f"{table.title} says different things of one {source['on']} in {source['take']}",
            hint=f"Keep one row per {source['on']}",
            column=source["take"],
        )


def _filled(first: Cells, following: Cells) -> Cells:
    fill = first.missing & ~following.missing
    if not fill.any():
        return first
    if fill.all():
        return following
    values = objects(first.content)
    values[fill] = objects(following.content)[fill]
    return Cells(values, first.missing & ~fill)


def _blanked(found: Cells) -> Cells:
    """Put None where a text or number only stood for a missing value."""
    if (found.missing & ~_series(found.content).isna().to_numpy(dtype=bool)).any():
        values = objects(found.content)
        values[found.missing] = None
        return Cells(values, found.missing)
    return found


def choose(groups: Sequence[Cells | None], rows: np.ndarray[Any, np.dtype[np.intp]], length: int) -> Cells | None:
    """Return, row by row, the cell of the group that `rows` names."""
    used = np.unique(rows)
    if len(used) == 1 or not length:
        return groups[int(used[0]) if length else 0]
    values, missing = np.empty(length, dtype=object), np.ones(length, dtype=bool)
    for i in used:
        group = groups[int(i)]
        if group is not None:
            here = rows == i
            values[here], missing[here] = objects(group.content)[here], group.missing[here]
    return Cells(values, missing)


def settled(value: Cells, text: Cells | None, operators: Cells | None, same_unit: Any = True) -> Cells:
    """Return the values of results that came as numbers, as text and with operators; each distinct three once.

    Args:
        value: numbers, or text where there is nothing else.
        text: the same results as text.
        operators: their comparators, `?` for one that is not known.
        same_unit: where the text is in the unit of the number.
    """
    more = [cells for cells in (text, operators) if cells is not None and not cells.missing.all()]
    if not more:
        return value
    length = len(value.missing)
    nothing = np.ones(length, dtype=bool)
    parts = [
        value,
        *(
            Cells(np.full(length, None, dtype=object), nothing) if cells is None else cells
            for cells in (text, operators)
        ),
    ]
    coded = [distinct(_known(cells)) for cells in parts]
    shared = np.broadcast_to(np.asarray(same_unit, dtype=bool), (length,))
    key = shared.astype(np.int64)
    for codes, uniques in coded:
        key = pd.factorize(key * (len(uniques) + 1) + codes + 1)[0]
    first = np.empty(int(key.max(initial=-1)) + 1, dtype=np.intp)
    first[key[::-1]] = np.arange(length)[::-1]
    answers = np.empty(len(first), dtype=object)
    for k, row in enumerate(first.tolist()):
        number, written, operator = (None if codes[row] < 0 else uniques[codes[row]] for codes, uniques in coded)
        answers[k] = beside.value_of(number, written, operator, same_unit=bool(shared[row]))
    found = answers[key]
    return Cells(found, np.array([answer is None for answer in answers], dtype=bool)[key])


def _known(cells: Cells) -> Any:
    """Return a column as objects, None where it has nothing."""
    content = objects(cells.content)
    content[cells.missing] = None
    return content


def _mapper(table: Mapping[str, str], markers: Iterable[str]) -> Callable[[Any], str | None]:
    otherwise = table.get("*", "")

    def look(content: Any) -> str | None:
        key = key_text(content)
        if key in markers and key not in table:
            return None
        answer = table.get(key, otherwise)
        if answer == "comparator":
            return beside.operator_of(content)
        return str(content) if answer == "*" else answer or None

    return look


def _dated(column: Any, source: dict[str, Any]) -> Any:
    """Turn counts since a date into times; what is no such count stays as it is."""
    series = pd.Series(column)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return column
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    limit = min(source.get("below", np.inf), _REPRESENTABLE / _SECONDS[source["step"]])
    count = np.abs(numbers) < limit
    if not count.any():
        return column
    seconds = np.where(count, numbers, 0.0) * _SECONDS[source["step"]]
    times = pd.Series(np.datetime64(source["since"], "s") + np.rint(seconds).astype("timedelta64[s]"))
    if (count | series.isna().to_numpy(dtype=bool)).all():
        return times.where(count)
    mixed = objects(series)
    mixed[count] = objects(times)[count]
    return mixed


def timed(day: Cells, clock: Cells) -> Any:
    """Put the time of day of a second column behind the dates of the first, where that has none itself.

    Example:
        >>> list(timed(cells(["13.01.2024", "2024-01-13 07:00"], ()), cells(["8:30", "9:30"], ())))
        ['13.01.2024 8:30', '2024-01-13 07:00']
    """
    times = per_distinct(pd.Series(clock.content).where(~clock.missing), _clock)
    days = per_distinct(pd.Series(day.content).where(~day.missing), _day)
    rows = np.flatnonzero([one is not None and other is not None for one, other in zip(days, times, strict=True)])
    if not len(rows):
        return day.content
    values = objects(day.content)
    values[rows] = [f"{one} {other}" for one, other in zip(days[rows], times[rows], strict=True)]
    return values


def _clock(value: Any) -> str | None:
    text = str(as_text(value)).strip()
    return text if _TIME_OF_DAY.fullmatch(text) else None


def _day(value: Any) -> str | None:
    text = _MIDNIGHT.sub("", str(as_text(value)).strip())
    return text if ":" not in text and any(map(str.isdigit, text)) else None


def _joined(first: Cells, second: Cells, join: str) -> Any:
    """Put the text of a second column behind that of the first, where both are there."""
    codes, uniques = distinct(pd.Series(second.content).where(~second.missing))
    behind = np.append(np.array([f"{join}{str(unique).strip()}" for unique in uniques], dtype=object), "")[codes]
    if join == "T":
        rows = ~first.missing & (behind != "")
        whole_day = per_distinct(first.content, lambda day: isinstance(day, str) and len(day.strip()) == 10)  # noqa: PLR2004 - yyyy-mm-dd
        rows &= whole_day == True  # noqa: E712 - an array of objects
    else:
        rows = ~first.missing & (behind != "")
    if not rows.any():
        return first.content
    values = objects(first.content)
    values[rows] = [as_text(value) for value in values[rows].tolist()] + behind[rows]
    return values
