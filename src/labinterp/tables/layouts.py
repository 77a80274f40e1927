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

from labinterp._data import knowledge
from labinterp.arguments import checked_text
from labinterp.errors import LayoutError
from labinterp.reading import flags, groups, reported_range, statuses, units, values
from labinterp.reading.naming import same_unit
from labinterp.tables import headings, people, wide
from labinterp.tables.columns import (
    Cells,
    ColumnReader,
    cells,
    choose,
    distinct,
    key_text,
    objects,
    per_distinct,
    settled,
    timed,
    with_texts,
)
from labinterp.tables.headings import Names, fold
from labinterp.tables.records import TOLD
from labinterp.tables.sources import read_table
from labinterp.tables.text import ABOVE, BELOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from labinterp.reading.analytes import TestMap

COLUMNS: Final = (
    "test", "value", "unit", "loinc", "patient_id", "collected_at", "specimen", "reference_low", "reference_high",
    "reference_range", "age", "sex", "birth_date", "pregnancy", "method", "reported_flag", "note", "symptoms",
    "triggers", "course", "baseline",
)  # fmt: skip
"""The columns of the `labinterp` layout. `note` holds codes such as `unit_conflict`, joined by `;`."""

LONG: Final = "labinterp"
WIDE: Final = "labinterp-wide"
_FEW: Final = 2
FIRST: Final = 40
"""How many rows may tell by their values that a table needs no column of units."""
UNUSED: Final = "labinterp_unused_columns"
"""Where the `attrs` of a frame in the `labinterp` layout name the columns that make no difference."""
READ_AS: Final = "labinterp_layout"
"""Where they name the layout in which the table came."""
_OUR_NOTES: Final = frozenset({"id", "input_row"})
"""Columns of tables that `read` made, which tell rows apart and nothing about results."""
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


@attrs.frozen
class ColumnChoices:
    """What a caller says of a table's columns.

    Args:
        columns: our column → theirs.
        has_units: whether units are given elsewhere, so that a table needs no column of them.
        tests: the caller's own names of tests.
    """

    columns: Mapping[str, Any] = attrs.field(factory=dict)
    has_units: bool = False
    tests: TestMap | None = None


@functools.cache
def _maps() -> Mapping[str, Mapping[str, str]]:
    """Return the maps of `layouts.toml`, and the codes of data models that `analytes.toml` gives by way of LOINC."""
    codes = knowledge("analytes.toml")["codes"]
    loinc = {"mimic_loinc": codes["mimic-iv"], "omop_loinc": codes["omop"]}
    return {**knowledge("layouts.toml")["maps"], **loinc}


def recognize(columns: Iterable[object], choices: ColumnChoices | None = None) -> str:
    """Tell a layout by its columns, whatever their case and, for results one in a row, their language.

    Args:
        columns: names of the columns.
        choices: what the caller says of columns.

    Returns:
        The name of the layout.

    Raises:
        LayoutError: if they fit none; says what was understood (`found`), what is missing (`missing`), what was
            probably meant (`guesses`), and the layout that is nearly there (`nearest`).

    Example:
        >>> recognize(["USUBJID", "LBTEST", "LBORRES", "LBORRESU", "LBDTC"])
        'sdtm-lb'
        >>> recognize(["Parameter", "Ergebnis", "Einheit", "Referenzbereich"])
        'labinterp'
    """
    columns, choices = list(columns), choices or ColumnChoices()
    found = _recognized(columns, choices)
    if found is None:
        raise _unknown(columns, choices)
    return found


def _recognized(columns: list[object], choices: ColumnChoices) -> str | None:
    given = {fold(column) for column in columns}
    own = given | set(choices.columns) | ({"unit"} if choices.has_units else set())
    if not layouts()[LONG].lacks(own):
        return LONG
    for layout in _known():
        if not layout.lacks(given):
            return layout.name
    meant = headings.meanings(columns)
    own |= {"unit"} if _unit_of_values(columns, {**meant, **_own_positions(columns)}, choices) else set()
    own |= _of_halves(columns)
    if not layouts()[LONG].lacks(own | set(meant)):
        return LONG
    return WIDE if wide.headings(columns, choices.tests) else None


def _known() -> list[Layout]:
    return [layout for layout in layouts().values() if layout.needs and layout.name != LONG]


def fitting(columns: Sequence[object], layout: str, choices: ColumnChoices) -> str | None:
    """Return the name of the layout that columns have; None where they lack some that it needs.

    Args:
        columns: what may be names of columns.
        layout: name of a layout, or `auto`.
        choices: what the caller says of columns.

    Example:
        >>> fitting(["Test", "Result", "Unit"], "auto", ColumnChoices()), fitting(["Report"], "auto", ColumnChoices())
        ('labinterp', None)
    """
    if not {fold(theirs) for theirs in choices.columns.values()} <= {fold(column) for column in columns}:
        return None
    if layout == "auto":
        return _recognized(list(columns), choices)
    try:
        return _layout(columns, layout, choices).name
    except LayoutError:
        return None


def units_in_values(
    columns: Iterable[object], rows: Iterable[Sequence[Any]], layout: str, choices: ColumnChoices
) -> bool:
    """Say whether a long table needs no column of units, for its first values have them, as in `1.4 mg/dL`.

    Args:
        columns: their names.
        rows: the first ones.
        layout: name of the layout, or `auto`.
        choices: what the caller says of columns.
    """
    columns = list(columns)
    if choices.has_units or fitting(columns, layout, choices) is not None:
        return False
    if fitting(columns, layout, attrs.evolve(choices, has_units=True)) != LONG:
        return False
    meant = {**headings.meanings(columns), **_own_positions(columns)}
    mapped = choices.columns.get("value")
    at = meant["value"] if mapped is None else [fold(column) for column in columns].index(fold(mapped))
    written = (values.parse_text(row[at]).unit_text for row in rows if at < len(row) and isinstance(row[at], str))
    return any(unit is not None and units.resolve(unit).code is not None for unit in written)


def first_rows(frame: pd.DataFrame) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table that may tell by their values that it needs no column of units."""
    yield from frame.head(FIRST).itertuples(index=False, name=None)


def _unknown(columns: list[object], choices: ColumnChoices) -> LayoutError:
    """Say of columns that fit no layout what was understood of them, and what is missing."""
    given = {fold(column) for column in columns}
    nearly = [layout for layout in _known() if len(layout.lacks(given)) == 1 and len(layout.needs) > _FEW]
    if nearly:
        return _lacking(nearly[0], nearly[0].lacks(given), "the columns fit no known layout; the nearest, ")
    meant = {**headings.meanings(columns), **_own_positions(columns)}
    found = {**{ours: str(columns[at]) for ours, at in meant.items()}, **choices.columns}
    given = set(found) | ({"unit"} if choices.has_units else set())
    missing = layouts()[LONG].lacks(given)
    rest = [column for at, column in enumerate(columns) if at not in meant.values()]
    guesses = {need: near for need in missing if (near := headings.guess(need.split(" or ")[0], rest)) is not None}
    understood = ", ".join(f"{theirs} as {ours}" for ours, theirs in found.items())
    said = f"; understood are {understood}" if understood else "; none of them is understood"
    meaning = "".join(f"; {theirs} probably means {ours.split(' or ')[0]}" for ours, theirs in guesses.items())
    example = {need.split(" or ")[0]: guesses.get(need, "YOUR COLUMN") for need in missing}
    return LayoutError(
        f"the columns fit no known layout{said}; missing is {', '.join(missing)}{meaning}",
        hint=f"Map your columns with `columns={example}`"
        + (
            ", or say the units with `default_units`" if missing == ("unit",) else ", or name the layout with `layout=`"
        ),
        nearest=LONG,
        missing=missing,
        found=found,
        guesses={need.split(" or ")[0]: near for need, near in guesses.items()},
        example=example,
    )


def _unit_of_values(
    columns: Sequence[object], at: Mapping[str, int], choices: ColumnChoices | None = None
) -> str | None:
    """Return the unit in the heading of the values of a long table, such as `Result (mg/dL)`, if it is one."""
    mapped = None if choices is None else choices.columns.get("value")
    name = mapped if mapped is not None else columns[at["value"]] if "value" in at else ""
    unit = headings.split_unit(str(name))[1]
    return unit if unit is not None and units.resolve(unit).code is not None else None


def _of_halves(columns: Iterable[object]) -> set[str]:
    """Return our columns that values in range and values out of range make; the unit where there is a range."""
    columns = list(columns)
    if headings.halves(columns) is None:
        return set()
    return {"value", "unit"} if "reference_range" in headings.meanings(columns) else {"value"}


def _own_positions(columns: Iterable[object]) -> dict[str, int]:
    folded = [fold(column) for column in columns]
    return {ours: folded.index(ours) for ours in COLUMNS if ours in folded}


def _lacking(layout: Layout, lacks: tuple[str, ...], start: str) -> LayoutError:
    return LayoutError(f"{start}{layout.name}, lacks {', '.join(lacks)}", nearest=layout.name, missing=lacks)


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
        found = _layout(frame.columns, layout, attrs.evolve(here, columns=chosen))
    except LayoutError:
        if not units_in_values(frame.columns, first_rows(frame), layout, here):
            raise
        here = attrs.evolve(here, has_units=True)
        found = _layout(frame.columns, layout, attrs.evolve(here, columns=chosen))
    unused = (*frame.attrs.get(UNUSED, ()), *unused_columns(frame.columns, found.name, here))
    marks: dict[Hashable, Any] = {name: frame.attrs[name] for name in (READ_AS, ABOVE, BELOW) if name in frame.attrs}
    marks = {READ_AS: found.name, **marks, UNUSED: tuple(dict.fromkeys(unused))}
    if found.name == LONG:
        return _marked(_long(names, chosen, has_units=here.has_units), marks)
    beside = _tables(found, {**checked_beside(beside), **tables})
    reader = ColumnReader(names, beside, _maps(), found.missing)
    out = _wide(reader, tests) if found.name == WIDE else _convert(reader, found)
    rows = out["input_row"].to_numpy() if found.name == WIDE else None
    if found.name != WIDE:
        _tell_specimen(out, names, _at(list(frame.columns), _referenced(found)))
    for ours, position in chosen.items():
        column = frame.iloc[:, position].array
        out[ours] = column if rows is None else column.take(rows)
    return _marked(out, marks)


def _marked(out: pd.DataFrame, marks: Mapping[Hashable, Any]) -> pd.DataFrame:
    """Put on a frame what is said of the table that it comes from."""
    out.attrs = {**out.attrs, **marks}
    return out


def _layout(columns: Iterable[object], layout: str, choices: ColumnChoices) -> Layout:
    """Return the layout that is named, or told by the columns."""
    columns = list(columns)
    if layout == "auto":
        layout = recognize(columns, choices)
    found = layouts().get(layout)
    if found is None:
        raise LayoutError("there is no layout of that name", hint=f"Known are {', '.join(layouts())}")
    given = {fold(column) for column in columns} | set(choices.columns)
    if found.name == LONG:
        meant = headings.meanings(columns)
        has_unit = choices.has_units or _unit_of_values(columns, {**meant, **_own_positions(columns)}, choices)
        given |= set(meant) | ({"unit"} if has_unit else set()) | _of_halves(columns)
    lacks = [need for need in found.lacks(given) if not set(need.split(" or ")) & set(choices.columns)]
    if lacks and not {"test", "value", "unit"} <= set(choices.columns):
        raise _lacking(found, tuple(lacks), "the table as ")
    return found


def used_columns(columns: Iterable[object], layout: str, choices: ColumnChoices) -> tuple[str, ...]:
    """Return the columns that a layout reads, in order; the others make no difference.

    Args:
        columns: their names.
        layout: its name, not `auto`.
        choices: what the caller says of them.
    """
    columns = list(columns)
    mapped = {fold(name) for name in choices.columns.values()}
    if layout == LONG:
        frame = pd.DataFrame(columns=pd.Index(columns, dtype=object))
        own = _own_names(
            Names(frame), _positions(columns, choices), {**layouts()[LONG].columns, **layouts()[LONG].results[0]}
        )
        wanted = {fold(columns[at]) for at in own.values()} | {"comparator"} | _clock(columns, own, own.values())
    elif layout == WIDE:
        others = headings.meanings(columns)
        at = wide.used(columns, choices.tests) | {others[ours] for ours in wide.WHOLE_ROW if ours in others}
        wanted = {fold(columns[i]) for i in at} | set(wide.WHOLE_ROW)
        wanted |= _clock(columns, {**others, **_own_positions(columns)}, at)
    else:
        wanted = _referenced(layouts()[layout])
        wanted |= {fold(columns[at]) for at in headings.groups(columns, _at(columns, wanted))}
    if layout in (LONG, WIDE):
        wanted |= {fold(columns[at]) for at in headings.statuses(columns)}
    if layout == LONG:
        wanted |= {fold(columns[at]) for at in headings.halves(columns) or ()}
        wanted |= {fold(columns[at]) for at in headings.groups(columns, own.values())}
        wanted |= set() if "reported_flag" in choices.columns else {fold(columns[at]) for at in headings.flags(columns)}
    if layout == WIDE:
        wanted |= {fold(columns[at]) for at in headings.groups(columns, at)}
    return tuple(str(name) for name in columns if fold(name) in wanted or fold(name) in mapped)


def _at(columns: Sequence[object], wanted: set[str]) -> list[int]:
    return [position for position, column in enumerate(columns) if fold(column) in wanted]


def unused_columns(columns: Iterable[object], layout: str, choices: ColumnChoices) -> tuple[str, ...]:
    """Return the columns that make no difference to the answer, in order."""
    columns = tuple(columns)
    if choices.columns or not all(type(column) is str for column in columns):
        return _unused_columns(columns, layout, choices)
    return _unused_of_names(columns, layout, choices.tests, has_units=choices.has_units)


@functools.lru_cache(maxsize=128)
def _unused_of_names(
    columns: tuple[str, ...], layout: str, tests: TestMap | None, *, has_units: bool
) -> tuple[str, ...]:
    return _unused_columns(columns, layout, ColumnChoices(has_units=has_units, tests=tests))


def _unused_columns(columns: tuple[object, ...], layout: str, choices: ColumnChoices) -> tuple[str, ...]:
    layout = _layout(columns, layout, choices).name
    used = {fold(name) for name in used_columns(columns, layout, choices)}
    return tuple(str(name) for name in columns if fold(name) not in used and fold(name) not in _OUR_NOTES)


def _clock(columns: list[object], found: Mapping[str, int], taken: Iterable[int]) -> set[str]:
    """Return the name of the column that holds the times of day to the dates of collection, folded, or nothing."""
    at = headings.clock(columns, taken) if "collected_at" in found else None
    return set() if at is None else {fold(columns[at])}


def _positions(columns: list[object], choices: ColumnChoices) -> dict[str, int]:
    texts = [str(column) for column in columns]
    return {ours: texts.index(str(theirs)) for ours, theirs in choices.columns.items() if str(theirs) in texts}


def _referenced(layout: Layout) -> set[str]:
    """Return every column that a layout speaks of, casefolded."""
    names: set[str] = {name for need in layout.needs for name in need}

    def collect(item: Any) -> None:
        if isinstance(item, str):
            names.update(item.split(" | "))
        elif isinstance(item, list):
            for part in item:
                collect(part)
        else:
            for key in ("column", "key", "unit_in", "time_in"):
                collect(item.get(key, []))

    for group in (layout.columns, *layout.results):
        for source in group.values():
            collect(source)
    for entry in layout.void:
        collect(entry["column"])
    return {fold(name) for name in names}


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
    names = _whole(names, chosen)
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
        reader = ColumnReader(names, {}, _maps(), layouts()[LONG].missing)
        value, operators = reader.first(group["value"]), reader.first([group["comparator"]])
        if value is not None and operators is not None:
            out["value"] = _array(settled(value, None, operators).content)
    _tell_time(out, names, found)
    _tell_states(out, names)
    _weigh_flags(out, names, found.get("reported_flag"), chosen)
    _tell_flags(out, names)
    _tell_specimen(out, names, found.values())
    unit = _unit_of_values(list(names.frame.columns), found)
    if unit is not None:
        out["unit"] = _filled(out["unit"], unit) if "unit" in out else unit
    if has_units and "unit" not in out:
        out["unit"] = None
    return out


def _whole(names: Names, chosen: Mapping[str, int]) -> Names:
    """Return a table whose values stand in one column where they stood in two, in range and out of range.

    What is out of range is so by the laboratory, and has its flag. Where no column is one of units, the unit is that
    behind the range; a range that then holds what is said to be out of it may be in another unit, and is left out.
    """
    titles = list(names.frame.columns)
    found = headings.halves(titles)
    if found is None or "value" in chosen:
        return names
    reader = ColumnReader(names, {}, _maps(), layouts()[LONG].missing)
    inside, outside = map(reader.cells_at, found)
    meant = {**headings.meanings(titles), **_own_positions(titles), **chosen}
    out = names.frame.copy(deep=False)
    out["value"] = _array(settled(outside, inside, None).content)
    flags = np.full(len(out), None, dtype=object)
    if "reported_flag" in meant:
        flags = objects(reader.cells_at(meant["reported_flag"]).content)
    blank = pd.isna(pd.Series(flags, dtype=object)).to_numpy(dtype=bool)
    flags[blank & ~outside.missing] = "abnormal"
    if "reported_flag" in meant:
        out.isetitem(meant["reported_flag"], flags)
    else:
        out["reported_flag"] = flags
    if "unit" not in meant and "reference_range" in meant:
        ranges = names.frame.iloc[:, meant["reference_range"]]
        out["unit"] = per_distinct(ranges, reported_range.unit_of)
        out.isetitem(meant["reference_range"], _without_contradicted(ranges, outside))
    return Names(out, names.title)


def _without_contradicted(ranges: Any, outside: Cells) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return ranges without those that hold the value that is said to be out of them."""
    kept, said = objects(ranges), objects(outside.content)
    for row in np.flatnonzero(~outside.missing).tolist():
        number = values.parse_text(str(said[row])).number
        if number is not None and reported_range.holds(kept[row], float(number)):
            kept[row] = None
    return kept


def _tell_time(out: pd.DataFrame, names: Names, found: Mapping[str, int]) -> None:
    """Put the time of day that stands in a column of its own behind the dates of collection."""
    at = headings.clock(names.frame.columns, found.values()) if "collected_at" in found else None
    if at is not None:
        reader = ColumnReader(names, {}, _maps(), layouts()[LONG].missing)
        out["collected_at"] = timed(reader.cells_at(found["collected_at"]), reader.cells_at(at))


def _tell_states(out: pd.DataFrame, names: Names, rows: Any = None) -> None:
    """Leave out the values of results of which a column says that they do not hold.

    Args:
        out: results.
        names: the table that they come from.
        rows: by result, the position of its row there; None where they are the same rows.
    """
    found = headings.statuses(names.frame.columns)
    if not found:
        return
    notes = objects(out["note"]) if "note" in out else np.full(len(out), None, dtype=object)
    for at in found:
        said = per_distinct(names.frame.iloc[:, at], statuses.note_of)
        fixed = per_distinct(names.frame.iloc[:, at], _correction)
        said, fixed = (said, fixed) if rows is None else (said[rows], fixed[rows])
        if (said != None).any():  # noqa: E711 - an array of objects
            out["value"] = _left_out(out["value"], notes, said)
        _add_notes(notes, fixed)
    out["note"] = notes


def _weigh_flags(out: pd.DataFrame, names: Names, main: int | None, chosen: Mapping[str, int]) -> None:
    """Let the foremost flag of a result count where several columns may have one, or 1 stands for abnormal.

    Args:
        out: results.
        names: the table that they come from.
        main: position of the column of flags; the others count where they hold nothing but a flag.
        chosen: the columns that the caller names; a column of flags among them is the only one.
    """
    found = headings.flags(names.frame.columns)
    if "reported_flag" in chosen or (len(found.keys() | {main} - {None}) < _FEW and not any(found.values())):
        return
    every = {**({} if main is None else {main: frozenset[str]()}), **found}
    said = [
        per_distinct(names.frame.iloc[:, at], functools.partial(_flag, yes=yes, alone=at != main))
        for at, yes in every.items()
    ]
    out["reported_flag"] = [flags.foremost(each for each in row if each is not None) for row in zip(*said, strict=True)]


def _flag(content: Any, *, yes: frozenset[str], alone: bool) -> str | None:
    """Return a content of a column of flags as text; None where it is no flag, and should be one alone."""
    text = "" if content is None else str(content).strip()
    if text.casefold() in yes:
        return "abnormal"
    if not text or (yes and text.casefold() in headings.yes_or_no()):
        return None
    return text if not alone or flags.is_flag(text) else None


def _tell_flags(out: pd.DataFrame, names: Names) -> None:
    """Take what a column of states says as a flag, such as `Low`, where the result has none."""
    found = headings.statuses(names.frame.columns)
    if not found:
        return
    told = objects(out["reported_flag"]) if "reported_flag" in out else np.full(len(out), None, dtype=object)
    for at in found:
        said = per_distinct(names.frame.iloc[:, at], statuses.flag_of)
        blank = cells(pd.Series(told, dtype=object), values.MISSING_MARKERS).missing & (said != None)  # noqa: E711 - an array of objects
        told[blank] = said[blank]
    if (told != None).any():  # noqa: E711 - as above
        out["reported_flag"] = told


def _tell_specimen(out: pd.DataFrame, names: Names, taken: Iterable[int], rows: Any = None) -> None:
    """Take the specimen of a result that has none from the name of its order or group, where it says another fluid."""
    said = np.full(len(out), None, dtype=object)
    for at in headings.groups(names.frame.columns, taken):
        other = per_distinct(names.frame.iloc[:, at], groups.other_fluid)
        other = other if rows is None else other[rows]
        said = np.where(said == None, other, said)  # noqa: E711 - an array of objects
    if not (said != None).any():  # noqa: E711 - as above
        return
    told = objects(out["specimen"]) if "specimen" in out else np.full(len(out), None, dtype=object)
    blank = cells(pd.Series(told, dtype=object), values.MISSING_MARKERS).missing
    told[blank] = said[blank]
    out["specimen"] = told


def _correction(status: Any) -> str | None:
    return "corrected" if statuses.is_corrected(status) else None


def _filled(column: pd.Series[Any], unit: str) -> Any:
    """Return a column of units in which the heading of the values says what a row does not."""
    blank = cells(column, values.MISSING_MARKERS).missing
    if not blank.any():
        return column
    filled = objects(column)
    filled[blank] = unit
    return filled


def _own_names(names: Names, chosen: Mapping[str, int], sources: Mapping[str, Any]) -> dict[str, int]:
    """Return the positions of our columns: as mapped by the user, else by their own names."""
    found = dict(chosen)
    for ours in COLUMNS:
        positions = (names.position(source) for source in sources[ours] if ours not in found)
        position = next((position for position in positions if position is not None), None)
        if position is not None:
            found[ours] = position
    for ours, position in headings.meanings(names.frame.columns).items():
        if ours in COLUMNS and ours not in found and position not in found.values():
            found[ours] = position
    if "test" not in found and "loinc" in found:
        found["test"] = found["loinc"]
    return found


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
    data = {name: _array(column.content) for name, column in out.items()}
    if (notes != "").any():
        notes[notes == ""] = None
        data["note"] = notes
    return pd.DataFrame(data, index=reader.names.frame.index)


def _array(values: Any) -> Any:
    return values.array if isinstance(values, pd.Series) else values


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
    """Say in which rows two columns name different units; judged once per distinct pair."""
    (codes, uniques), (others, other_uniques) = distinct(unit.content), distinct(again.content)
    pairs, at = np.unique(codes * (len(other_uniques) + 1) + others, return_inverse=True)
    firsts, seconds = np.divmod(pairs, len(other_uniques) + 1)
    differ = [
        bool(i >= 0 and 0 <= j < len(other_uniques) and not same_unit(str(uniques[i]), str(other_uniques[j])))
        for i, j in zip(firsts.tolist(), seconds.tolist(), strict=True)
    ]
    hit = np.asarray(differ, dtype=bool)[at.reshape(-1)]
    return np.asarray(hit & ~unit.missing & ~again.missing, dtype=bool)


def _void(reader: ColumnReader, layout: Layout, found: dict[str, Cells], notes: Any) -> None:
    """Leave out the values of results that do not hold."""
    for entry in layout.void:
        column = reader.names.column(entry["column"])
        if column is None or "value" not in found:
            continue
        said = per_distinct(column, functools.partial(_reason, entry))
        if (said != None).any():  # noqa: E711 - an array of objects
            values = _left_out(found["value"].content, notes, said)
            found["value"] = Cells(values, found["value"].missing | (said != None))  # noqa: E711 - as above
        if entry.keys() == {"column"}:
            _add_notes(notes, per_distinct(column, _correction))


def _reason(entry: Mapping[str, Any], content: Any) -> str | None:
    """Return the note of a row that an entry of `void` leaves out, empty where it has none; None for any other row."""
    if "values" in entry:
        return entry.get("note", "") if key_text(content) in entry["values"] else None
    if "unless" in entry:
        return None if key_text(content) in entry["unless"] else entry.get("note", "")
    return statuses.note_of(content)


def _left_out(value: Any, notes: Any, said: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return values without those of which something is said, and put that among the notes of their rows."""
    _add_notes(notes, said)
    values = objects(value)
    values[said != None] = None  # noqa: E711 - an array of objects
    return values


def _add_notes(notes: Any, said: Any) -> None:
    """Put what is said of rows among their notes, in place."""
    hit = said != None  # noqa: E711 - an array of objects
    notes[hit] = [
        ";".join(note for note in pair if isinstance(note, str) and note)
        for pair in zip(notes[hit].tolist(), said[hit].tolist(), strict=True)
    ]


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
    _tell_states(out, reader.names, rows)
    _tell_specimen(out, reader.names, taken, rows)
    return out
