"""Which of the layouts of `knowledge/layouts.toml` the columns of a table have, and which columns that layout reads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import pandas as pd

from labinterp._data import knowledge
from labinterp.errors import LayoutError
from labinterp.reading import names_and_units, units, values
from labinterp.tables import headings, wide
from labinterp.tables.headings import Names, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
_OUR_NOTES: Final = frozenset({"id", "input_row"})
"""Columns of tables that `read` made, which tell rows apart and nothing about results."""


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


@functools.cache
def maps() -> Mapping[str, Mapping[str, str]]:
    """Return the maps of `layouts.toml`, and the codes of data models that `analytes.toml` gives by way of LOINC."""
    codes = knowledge("analytes.toml")["codes"]
    loinc = {"mimic_loinc": codes["mimic-iv"], "omop_loinc": codes["omop"]}
    return {**knowledge("layouts.toml")["maps"], **loinc}


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
    own |= {"unit"} if unit_of_values(columns, {**meant, **own_positions(columns)}, choices) else set()
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
        return layout_of(columns, layout, choices).name
    except LayoutError:
        return None


def units_in_values(
    columns: Iterable[object], rows: Iterable[Sequence[Any]], layout: str, choices: ColumnChoices
) -> bool:
    """Say whether a long table needs no column of units, for its first values or tests have them, as in `1.4 mg/dL`.

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
    meant = {**headings.meanings(columns), **own_positions(columns)}
    folded, mapped = [fold(column) for column in columns], choices.columns
    at, name = (folded.index(fold(mapped[ours])) if ours in mapped else meant.get(ours) for ours in ("value", "test"))
    return any(
        _has_unit(row, at, lambda text: values.parse_text(text).unit_text)
        or _has_unit(row, name, names_and_units.unit_of)
        for row in rows
    )


def _has_unit(row: Sequence[Any], at: int | None, read: Callable[[str], str | None]) -> bool:
    cell = row[at] if at is not None and at < len(row) else None
    return isinstance(cell, str) and units.resolve(read(cell)).code is not None


def first_rows(frame: pd.DataFrame) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table that may tell by their values that it needs no column of units."""
    yield from frame.head(FIRST).itertuples(index=False, name=None)


def _unknown(columns: list[object], choices: ColumnChoices) -> LayoutError:
    """Say of columns that fit no layout what was understood of them, and what is missing."""
    given = {fold(column) for column in columns}
    nearly = [layout for layout in _known() if len(layout.lacks(given)) == 1 and len(layout.needs) > _FEW]
    if nearly:
        return _lacking(nearly[0], nearly[0].lacks(given), "the columns fit no known layout; the nearest, ")
    meant = {**headings.meanings(columns), **own_positions(columns)}
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


def unit_of_values(
    columns: Sequence[object], at: Mapping[str, int], choices: ColumnChoices | None = None
) -> str | None:
    """Return the unit in the heading of the values of a long table, such as `Result (mg/dL)`, if it is one."""
    mapped = None if choices is None else choices.columns.get("value")
    name = mapped if mapped is not None else columns[at["value"]] if "value" in at else ""
    unit = names_and_units.split_unit(str(name))[1]
    return unit if unit is not None and units.resolve(unit).code is not None else None


def _of_halves(columns: Iterable[object]) -> set[str]:
    """Return our columns that values in range and values out of range make; the unit where there is a range."""
    columns = list(columns)
    if headings.halves(columns) is None:
        return set()
    return {"value", "unit"} if "reference_range" in headings.meanings(columns) else {"value"}


def own_positions(columns: Iterable[object]) -> dict[str, int]:
    """Return our columns that stand under their own names, with their positions."""
    folded = [fold(column) for column in columns]
    return {ours: folded.index(ours) for ours in COLUMNS if ours in folded}


def _lacking(layout: Layout, lacks: tuple[str, ...], start: str) -> LayoutError:
    return LayoutError(f"{start}{layout.name}, lacks {', '.join(lacks)}", nearest=layout.name, missing=lacks)


def layout_of(columns: Iterable[object], layout: str, choices: ColumnChoices) -> Layout:
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
        has_unit = choices.has_units or unit_of_values(columns, {**meant, **own_positions(columns)}, choices)
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
        own = own_names(
            Names(frame), _positions(columns, choices), {**layouts()[LONG].columns, **layouts()[LONG].results[0]}
        )
        wanted = {fold(columns[at]) for at in own.values()} | {"comparator"} | _clock(columns, own, own.values())
    elif layout == WIDE:
        others = headings.meanings(columns)
        at = wide.used(columns, choices.tests) | {others[ours] for ours in wide.WHOLE_ROW if ours in others}
        wanted = {fold(columns[i]) for i in at} | set(wide.WHOLE_ROW)
        wanted |= _clock(columns, {**others, **own_positions(columns)}, at)
    else:
        wanted = referenced(layouts()[layout])
        wanted |= {fold(columns[at]) for at in headings.groups(columns, positions_of(columns, wanted))}
    if layout in (LONG, WIDE):
        wanted |= {fold(columns[at]) for at in headings.statuses(columns)}
    if layout == LONG:
        wanted |= {fold(columns[at]) for at in headings.halves(columns) or ()}
        wanted |= {fold(columns[at]) for at in headings.groups(columns, own.values())}
        if "value" in own and "value" not in choices.columns:
            wanted |= {fold(columns[at]) for at in headings.operators(columns, own.values())}
            wanted |= {fold(columns[at]) for at in headings.written(columns, own["value"])}
        if "reported_flag" not in choices.columns:
            wanted |= {fold(columns[at]) for at in (*headings.flags(columns), *headings.nameless(columns))}
    if layout == WIDE:
        wanted |= {fold(columns[at]) for at in headings.groups(columns, at)}
    return tuple(str(name) for name in columns if fold(name) in wanted or fold(name) in mapped)


def positions_of(columns: Sequence[object], wanted: set[str]) -> list[int]:
    """Return the positions of columns whose folded names are wanted."""
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
    layout = layout_of(columns, layout, choices).name
    used = {fold(name) for name in used_columns(columns, layout, choices)}
    return tuple(str(name) for name in columns if fold(name) not in used and fold(name) not in _OUR_NOTES)


def _clock(columns: list[object], found: Mapping[str, int], taken: Iterable[int]) -> set[str]:
    """Return the name of the column that holds the times of day to the dates of collection, folded, or nothing."""
    at = headings.clock(columns, taken) if "collected_at" in found else None
    return set() if at is None else {fold(columns[at])}


def _positions(columns: list[object], choices: ColumnChoices) -> dict[str, int]:
    texts = [str(column) for column in columns]
    return {ours: texts.index(str(theirs)) for ours, theirs in choices.columns.items() if str(theirs) in texts}


def referenced(layout: Layout) -> set[str]:
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


def own_names(names: Names, chosen: Mapping[str, int], sources: Mapping[str, Any]) -> dict[str, int]:
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
