"""Tables of known layouts, told by name or by their columns → the `labinterp` layout.

Whatever the layout, one row comes out per row that goes in, with the same index and in the same order; a wide table
alone gives a row per result. Which column means what is data, in `knowledge/layouts.toml`.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.arguments import checked_text
from labinterp.errors import LayoutError
from labinterp.reading import statuses
from labinterp.reading.naming import same_unit
from labinterp.tables import headings, neighbors, people, wide
from labinterp.tables.columns import (
    Cells,
    ColumnReader,
    array_of,
    choose,
    key_text,
    per_distinct,
    per_pair,
    settled,
    timed,
    with_texts,
)
from labinterp.tables.headings import Names, fold
from labinterp.tables.recognition import (
    COLUMNS,
    LONG,
    WIDE,
    ColumnChoices,
    Layout,
    first_rows,
    layout_of,
    layouts,
    maps,
    own_names,
    positions_of,
    recognize,
    referenced,
    unit_of_values,
    units_in_values,
    unused_columns,
)
from labinterp.tables.records import TOLD
from labinterp.tables.sources import read_table
from labinterp.tables.text import ABOVE, BELOW

if TYPE_CHECKING:
    from labinterp.reading.analytes import TestMap

__all__ = ["READ_AS", "UNUSED", "checked_beside", "checked_columns", "recognize", "to_labinterp"]

UNUSED: Final = "labinterp_unused_columns"
"""Where the `attrs` of a frame in the `labinterp` layout name the columns that make no difference."""
READ_AS: Final = "labinterp_layout"
"""Where they name the layout in which the table came."""
_RESULT: Final = ("value", "unit", "reference_low", "reference_high", "reference_range")


def to_labinterp(
    frame: pd.DataFrame,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    *,
    beside: Mapping[str, Any] | None = None,
    has_units: bool = False,
    tests: TestMap | None = None,
    **tables: Any,
) -> pd.DataFrame:
    """Turn a frame in any known layout into the `labinterp` layout.

    Args:
        frame: the table; it is not changed. One that is in the `labinterp` layout already is not copied either.
        layout: name of the layout, or `"auto"` to tell it by the columns.
        columns: which of your columns is which of ours, as in `{"value": "RESULT_NUM"}`; wins over the layout.
        beside: the tables beside by name, such as `{"d_labitems": "D_LABITEMS.csv"}`: frames, paths, text or bytes.
        has_units: whether units are given elsewhere, so that the table needs no column of them.
        tests: the caller's own names of tests, for the columns of a wide table.
        tables: the tables beside as keywords, such as `d_labitems=`, `patients=`, `person=`, `concept=` or `dm=`.

    Returns:
        A frame with the same index and row order. Missing is NaN, None or, where it came so, empty text.

    Raises:
        LayoutError: if no layout fits, or a column or table is missing, unknown or there twice.

    Example:
        >>> frame = pd.DataFrame({"ANALYTE": ["magnesium"], "RESULT": ["<0.5"], "UNITS": ["mmol/L"]})
        >>> to_labinterp(frame, columns={"test": "ANALYTE", "value": "RESULT", "unit": "UNITS"}).loc[0, "value"]
        '<0.5'
    """
    names = Names(frame)
    chosen = _own_columns(names, checked_columns(columns))
    told = [chosen.get(name, names.position(name)) for name in TOLD]
    frame = with_texts(frame, [position for position in told if position is not None])
    names = Names(frame)
    checked_text(layout, "layout")
    here = ColumnChoices(columns or {}, has_units, tests)
    try:
        found = layout_of(frame.columns, layout, attrs.evolve(here, columns=chosen))
    except LayoutError:
        if not units_in_values(frame.columns, first_rows(frame), layout, here):
            raise
        here = attrs.evolve(here, has_units=True)
        found = layout_of(frame.columns, layout, attrs.evolve(here, columns=chosen))
    again = frame.attrs.get(neighbors.WRITTEN, ())
    untouched = (name for name in unused_columns(frame.columns, found.name, here) if name not in again)
    unused = (*frame.attrs.get(UNUSED, ()), *untouched)
    marks: dict[Hashable, Any] = {name: frame.attrs[name] for name in (READ_AS, ABOVE, BELOW) if name in frame.attrs}
    marks = {READ_AS: found.name, **marks, UNUSED: tuple(dict.fromkeys(unused))}
    if found.name == LONG:
        return _marked(_long(names, chosen, has_units=here.has_units), marks)
    beside = _tables(found, {**checked_beside(beside), **tables})
    reader = ColumnReader(names, beside, maps(), found.missing)
    out = _wide(reader, tests) if found.name == WIDE else _convert(reader, found)
    rows = out["input_row"].to_numpy() if found.name == WIDE else None
    if found.name != WIDE:
        neighbors.tell_specimen(out, names, positions_of(list(frame.columns), referenced(found)))
    for ours, position in chosen.items():
        column = frame.iloc[:, position].array
        out[ours] = column if rows is None else column.take(rows)
    return _marked(out, marks)


def _marked(out: pd.DataFrame, marks: Mapping[Hashable, Any]) -> pd.DataFrame:
    """Put on a frame what is said of the table that it comes from."""
    out.attrs = {**out.attrs, **marks}
    return out


def checked_beside(beside: Any) -> dict[str, Any]:
    """Return the tables beside by name, without those that are None.

    Raises:
        TypeError: if it is no mapping of texts.
    """
    if beside is None:
        return {}
    if not isinstance(beside, Mapping) or not all(isinstance(name, str) for name in beside):
        raise TypeError("beside is no mapping of names to tables, such as {'patients': 'patients.csv'}")
    return {name: table for name, table in beside.items() if table is not None}


def checked_columns(columns: Any) -> Mapping[str, Any]:
    """Return a mapping of our columns to the user's, whose names may be of any kind that a table has.

    Raises:
        TypeError: if it is no mapping of texts.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(
        isinstance(ours, str) and isinstance(theirs, Hashable) for ours, theirs in columns.items()
    ):
        raise TypeError("columns is no mapping of our columns to yours, such as {'value': 'RESULT'}")
    return columns


def _own_columns(names: Names, columns: Mapping[str, str]) -> dict[str, int]:
    """Return the positions of the columns that the user mapped."""
    chosen = {}
    for ours, theirs in columns.items():
        if ours not in COLUMNS:
            turned = " (keys are our columns, values yours)" if theirs in COLUMNS else ""
            raise LayoutError(
                f"`columns` has a key that is no column of the labinterp layout{turned}",
                hint=f"Keys: {', '.join(COLUMNS)}",
            )
        position = names.position(str(theirs), exact=True)
        if position is None:
            raise LayoutError(f"the column given for {ours} is not in the table", hint="Check `columns`", column=ours)
        chosen[ours] = position
    return chosen


def _tables(layout: Layout, tables: Mapping[str, Any]) -> dict[str, Names]:
    given = {name: table for name, table in tables.items() if table is not None}
    unknown = sorted(set(given) - set(layout.beside))
    if unknown:
        raise LayoutError(
            f"{layout.name} has no table {', '.join(unknown)} beside it",
            hint=f"It takes {', '.join(layout.beside) or 'none'}",
        )
    return {name: Names(read_table(table), f"the table {name}") for name, table in given.items()}


def _long(names: Names, chosen: Mapping[str, int], *, has_units: bool) -> pd.DataFrame:
    """Return the frame under our names, its data not copied."""
    names = neighbors.whole(names, chosen)
    group = layouts()[LONG].results[0]
    found = own_names(names, chosen, {**layouts()[LONG].columns, **group})
    titles = [str(column) for column in names.frame.columns]
    renamed: dict[int, str] = {}
    for ours, position in found.items():
        renamed.setdefault(position, ours)
    for position, title in enumerate(titles):
        spare = f"{title} (not used)" if fold(title) in COLUMNS else title
        titles[position] = renamed.get(position, spare)
    out = names.frame.copy(deep=False)
    if titles != list(names.frame.columns):
        out.columns = pd.Index(titles)
    for ours, position in found.items():
        if renamed[position] != ours:
            out[ours] = names.frame.iloc[:, position].array
    if "value" not in chosen and "value" in found:
        neighbors.tell_values(out, names, found)
    neighbors.tell_time(out, names, found)
    neighbors.tell_states(out, names)
    neighbors.weigh_flags(out, names, found.get("reported_flag"), chosen)
    neighbors.tell_flags(out, names)
    neighbors.tell_specimen(out, names, found.values())
    unit = unit_of_values(list(names.frame.columns), found)
    if unit is not None:
        neighbors.fill(out, "unit", np.full(len(out), unit, dtype=object))
    if has_units and "unit" not in out:
        out["unit"] = None
    return out


def _convert(reader: ColumnReader, layout: Layout) -> pd.DataFrame:
    length = len(reader.names.frame)
    found = {
        ours: column
        for ours, sources in layout.columns.items()
        if (column := reader.first(sources, test=ours == "test")) is not None
    }
    notes = np.full(length, "", dtype=object)
    found |= {name: column for name, column in _results(reader, layout, notes).items() if column is not None}
    people.settle(found, length)
    _void(reader, layout, found, notes)
    nothing = Cells(np.full(length, None, dtype=object), np.ones(length, dtype=bool))
    out = {name: found.get(name, nothing) for name in COLUMNS if name in found or name in ("test", "value", "unit")}
    data = {name: array_of(column.content) for name, column in out.items()}
    if (notes != "").any():
        notes[notes == ""] = None
        data["note"] = notes
    return pd.DataFrame(data, index=reader.names.frame.index)


def _results(reader: ColumnReader, layout: Layout, notes: Any) -> dict[str, Cells | None]:
    """Read value, unit and range, row by row from the first group that has both a value and a unit."""
    length = len(notes)
    groups: list[dict[str, Cells | None]] = []
    for entry in layout.results:
        group = {name: reader.first(entry.get(name, [])) for name in _RESULT}
        group["value"] = _value(reader, entry, group["value"], group["unit"])
        groups.append(group)
    rows = _rows_of_groups(groups, length)
    for i, entry in enumerate(layout.results):
        if "unit_again" in entry:
            unit, again = groups[i]["unit"], reader.first([entry["unit_again"]])
            if unit is not None and again is not None:
                notes[_disagree(unit, again) & (rows == i)] = "unit_conflict"
    return {name: choose([group[name] for group in groups], rows, length) for name in _RESULT}


def _value(reader: ColumnReader, entry: Mapping[str, Any], value: Cells | None, unit: Cells | None) -> Cells | None:
    """Return the value of a group with what its text and its operator say of it."""
    operators = reader.first([entry["comparator"]]) if "comparator" in entry else None
    text = reader.first(entry["text"]) if "text" in entry else None
    if value is None:
        value, text = text, None
    if value is None:
        return None
    other = reader.first([entry["text_unit"]]) if "text_unit" in entry else None
    same = True if unit is None or other is None else ~_disagree(unit, other)
    value = settled(value, text, operators, same)
    elsewhere = reader.first(entry["text_elsewhere"]) if "text_elsewhere" in entry else None
    return settled(value, elsewhere, None, same_unit=False)


def _rows_of_groups(groups: list[dict[str, Cells | None]], length: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    rows = np.full(length, -1, dtype=np.intp)
    for needed in (("value", "unit"), ("value",)):
        for i, group in enumerate(groups):
            here = rows < 0
            for name in needed:
                column = group[name]
                here &= False if column is None else ~column.missing
            rows[here] = i
    return np.maximum(rows, 0)


def _disagree(unit: Cells, again: Cells) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say in which rows two columns name different units."""
    hit = per_pair(_differ, unit.content, again.content).astype(bool)
    return np.asarray(hit & ~unit.missing & ~again.missing, dtype=bool)


def _differ(unit: Any, again: Any) -> bool:
    return unit is not None and again is not None and not same_unit(str(unit), str(again))


def _void(reader: ColumnReader, layout: Layout, found: dict[str, Cells], notes: Any) -> None:
    """Leave out the values of results that do not hold."""
    for entry in layout.void:
        column = reader.names.column(entry["column"])
        if column is None or "value" not in found:
            continue
        said = per_distinct(column, functools.partial(_reason, entry))
        if (said != None).any():  # noqa: E711 - an array of objects
            values = neighbors.left_out(found["value"].content, notes, said)
            found["value"] = Cells(values, found["value"].missing | (said != None))  # noqa: E711 - as above
        if entry.keys() == {"column"}:
            neighbors.add_notes(notes, per_distinct(column, neighbors.correction))


def _reason(entry: Mapping[str, Any], content: Any) -> str | None:
    """Return the note of a row that an entry of `void` leaves out, empty where it has none; None for any other row."""
    if "values" in entry:
        return entry.get("note", "") if key_text(content) in entry["values"] else None
    if "unless" in entry:
        return None if key_text(content) in entry["unless"] else entry.get("note", "")
    return statuses.note_of(content)


def _wide(reader: ColumnReader, tests: TestMap | None) -> pd.DataFrame:
    titles = list(reader.names.frame.columns)
    if not wide.headings(titles, tests):
        raise LayoutError(
            "no column is headed as one of results", hint="Head them as in 'magnesium (mg/dL)'", column="analyte (unit)"
        )
    meant, taken = headings.meanings(titles), wide.used(titles, tests)
    others: dict[str, Cells] = {}
    for ours in wide.WHOLE_ROW:
        at = reader.names.position(ours)
        at = meant.get(ours) if at is None else at
        if at is not None and at not in taken:
            others[ours] = reader.cells_at(at)
            taken.add(at)
    clock = headings.clock(titles, taken) if "collected_at" in others else None
    if clock is not None:
        day = others["collected_at"]
        others["collected_at"] = attrs.evolve(day, content=timed(day, reader.cells_at(clock)))
    out = wide.to_long(reader.names.frame, others, tests)
    rows = out["input_row"].to_numpy()
    neighbors.tell_states(out, reader.names, rows)
    neighbors.tell_specimen(out, reader.names, taken, rows)
    return out
