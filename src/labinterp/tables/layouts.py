"""Tables of known layouts, told by name or by their columns → the `labinterp` layout.

Whatever the layout, one row comes out per row that goes in, with the same index and in the same order; a wide table
alone gives a row per result. Which column means what is data, in `knowledge/layouts.toml`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp._data import knowledge
from labinterp.arguments import checked_text
from labinterp.errors import LabInterpError, LayoutError
from labinterp.reading import analytes, units
from labinterp.tables import people, wide
from labinterp.tables.columns import Cells, Reader, choose, distinct, objects, settled
from labinterp.tables.headings import Names, fold
from labinterp.tables.sources import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS: Final = (
    "test", "value", "unit", "loinc", "patient_id", "collected_at", "specimen", "reference_low", "reference_high",
    "reference_range", "age", "sex", "birth_date", "pregnancy", "method", "reported_flag", "note",
)  # fmt: skip
"""The columns of the `labinterp` layout. `note` holds codes such as `unit_conflict`, joined by `;`."""

LONG: Final = "labinterp"
WIDE: Final = "labinterp-wide"
_RESULT: Final = ("value", "unit", "reference_low", "reference_high", "reference_range")


@attrs.frozen
class Layout:
    """What is known of one layout; see `knowledge/layouts.toml`."""

    name: str
    title: str
    needs: tuple[tuple[str, ...], ...]
    missing: frozenset[str]
    beside: Mapping[str, tuple[str, ...]]
    results: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, list[Any]]
    void: tuple[Mapping[str, Any], ...]

    def lacks(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the needed columns that are not among these casefolded ones, alternatives joined by ` or `."""
        given = set(columns)
        return tuple(" or ".join(names) for names in self.needs if not given.intersection(names))


@functools.cache
def layouts() -> Mapping[str, Layout]:
    """Return the known layouts by name, in the order in which they are tried.

    Example:
        >>> list(layouts())[:3]
        ['labinterp', 'mimic-iv', 'mimic-iii']
    """
    return {
        entry["name"]: Layout(
            name=entry["name"],
            title=entry["title"],
            needs=tuple((need,) if isinstance(need, str) else tuple(need) for need in entry["needs"]),
            missing=frozenset(entry.get("missing", ())),
            beside={table: tuple(names) for table, names in entry.get("beside", {}).items()},
            results=tuple(entry.get("results", ())),
            columns=entry.get("columns", {}),
            void=tuple(entry.get("void", ())),
        )
        for entry in knowledge("layouts.toml")["layout"]
    }


def recognize(columns: Iterable[object]) -> str:
    """Tell a layout by its columns, whatever their case.

    Raises:
        LayoutError: if they fit none; says what the nearest layout (`nearest`) lacks (`missing`).

    Example:
        >>> recognize(["USUBJID", "LBTEST", "LBORRES", "LBORRESU", "LBDTC"])
        'sdtm-lb'
    """
    columns = list(columns)
    given = {fold(column) for column in columns}
    known = [layout for layout in layouts().values() if layout.needs]
    for layout in known:
        if not layout.lacks(given):
            return layout.name
    if wide.headings(columns):
        return WIDE
    nearest = max(known, key=lambda layout: 1 - len(layout.lacks(given)) / len(layout.needs))
    if len(nearest.lacks(given)) == len(nearest.needs):
        nearest = layouts()[LONG]
    raise _lacking(nearest, nearest.lacks(given), "the columns fit no known layout; the nearest, ")


def _lacking(layout: Layout, lacks: tuple[str, ...], start: str) -> LayoutError:
    return LayoutError(f"{start}{layout.name}, lacks {', '.join(lacks)}", nearest=layout.name, missing=lacks)


def to_labinterp(
    frame: pd.DataFrame,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    **tables: Any,
) -> pd.DataFrame:
    """Turn a frame in any known layout into the `labinterp` layout.

    Args:
        frame: the table; it is not changed. One that is in the `labinterp` layout already is not copied either.
        layout: name of the layout, or `"auto"` to tell it by the columns.
        columns: which of your columns is which of ours, as in `{"value": "RESULT_NUM"}`; wins over the layout.
        tables: the tables beside, such as `d_labitems=`, `patients=`, `person=`, `concept=` or `dm=`: frames, paths,
            text or bytes.

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
    checked_text(layout, "layout")
    given = {fold(column) for column in frame.columns}
    if layout == "auto":
        layout = LONG if not layouts()[LONG].lacks(given | set(chosen)) else recognize(frame.columns)
    found = layouts().get(layout)
    if found is None:
        raise LayoutError("there is no layout of that name", hint=f"Known are {', '.join(layouts())}")
    lacks = [need for need in found.lacks(given | set(chosen)) if not set(need.split(" or ")) & set(chosen)]
    if lacks and not {"test", "value", "unit"} <= set(chosen):
        raise _lacking(found, tuple(lacks), "the table as ")
    if found.name == LONG:
        return _long(names, chosen)
    beside = _tables(found, tables)
    reader = Reader(names, beside, knowledge("layouts.toml")["maps"], found.missing)
    out = _wide(reader, found) if found.name == WIDE else _convert(reader, found)
    rows = out["input_row"].to_numpy() if found.name == WIDE else None
    for ours, position in chosen.items():
        column = frame.iloc[:, position].array
        out[ours] = column if rows is None else column.take(rows)
    return out


def checked_columns(columns: Any) -> Mapping[str, Any]:
    """Return a mapping of our columns to the user's, whose names may be of any kind that a table has.

    Raises:
        TypeError: if it is no mapping of texts.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(isinstance(ours, str) for ours in columns):
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
        position = names.position(str(theirs))
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


def _long(names: Names, chosen: Mapping[str, int]) -> pd.DataFrame:
    """Return the frame under our names, its data not copied."""
    group = layouts()[LONG].results[0]
    found = _own_names(names, chosen, {**layouts()[LONG].columns, **group})
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
    if "value" not in chosen and names.position(group["comparator"]["column"]) is not None:
        reader = Reader(names, {}, knowledge("layouts.toml")["maps"], layouts()[LONG].missing)
        value, operators = reader.first(group["value"]), reader.first([group["comparator"]])
        if value is not None and operators is not None:
            out["value"] = _array(settled(value, None, operators).content)
    return out


def _own_names(names: Names, chosen: Mapping[str, int], sources: Mapping[str, Any]) -> dict[str, int]:
    """Return the positions of our columns: as mapped by the user, else by their own names."""
    found = dict(chosen)
    for ours in COLUMNS:
        positions = (names.position(source) for source in sources[ours] if ours not in found)
        position = next((position for position in positions if position is not None), None)
        if position is not None:
            found[ours] = position
    return found


def _convert(reader: Reader, layout: Layout) -> pd.DataFrame:
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
    data = {name: _array(column.content) for name, column in out.items()}
    if (notes != "").any():
        notes[notes == ""] = None
        data["note"] = notes
    return pd.DataFrame(data, index=reader.names.frame.index)


def _array(values: Any) -> Any:
    return values.array if isinstance(values, pd.Series) else values


def _results(reader: Reader, layout: Layout, notes: Any) -> dict[str, Cells | None]:
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


def _value(reader: Reader, entry: Mapping[str, Any], value: Cells | None, unit: Cells | None) -> Cells | None:
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
    """Say in which rows two columns name different units; judged once per distinct pair."""
    (codes, uniques), (others, other_uniques) = distinct(unit.content), distinct(again.content)
    pairs, at = np.unique(codes * (len(other_uniques) + 1) + others, return_inverse=True)
    firsts, seconds = np.divmod(pairs, len(other_uniques) + 1)
    differ = [
        bool(i >= 0 and 0 <= j < len(other_uniques) and not _same_unit(str(uniques[i]), str(other_uniques[j])))
        for i, j in zip(firsts.tolist(), seconds.tolist(), strict=True)
    ]
    hit = np.asarray(differ, dtype=bool)[at.reshape(-1)]
    return np.asarray(hit & ~unit.missing & ~again.missing, dtype=bool)


@functools.lru_cache(maxsize=4096)
def _same_unit(first: str, second: str) -> bool:
    """Say whether two spellings are one unit, as `ng/mL` and `ug/L` are."""
    if first.strip().casefold() == second.strip().casefold():
        return True
    one, other = units.resolve(first).code, units.resolve(second).code
    if one is None or other is None or one == other:
        return one is not None and one == other
    for analyte in analytes.analytes():
        try:
            return units.exact_factor(analyte, one) == units.exact_factor(analyte, other)
        except LabInterpError:
            continue
    return False


def _void(reader: Reader, layout: Layout, found: dict[str, Cells], notes: Any) -> None:
    """Leave out the values of results that do not hold."""
    for entry in layout.void:
        column = reader.names.column(entry["column"])
        if column is None or "value" not in found:
            continue
        codes, uniques = distinct(column)
        hit = np.array([fold(unique) in entry["values"] for unique in uniques] + [False])[codes]
        if not hit.any():
            continue
        values = objects(found["value"].content)
        values[hit] = None
        found["value"] = Cells(values, found["value"].missing | hit)
        if "note" in entry:
            notes[hit] = [f"{note};{entry['note']}" if note else entry["note"] for note in notes[hit]]


def _wide(reader: Reader, layout: Layout) -> pd.DataFrame:
    if not wide.headings(reader.names.frame.columns):
        raise LayoutError(
            "no column is headed as one of results", hint="Head them as in 'magnesium (mg/dL)'", column="analyte (unit)"
        )
    others = {ours: column for ours, sources in layout.columns.items() if (column := reader.first(sources)) is not None}
    return wide.to_long(reader.names.frame, others)
