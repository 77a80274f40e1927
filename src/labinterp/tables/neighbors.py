"""What other columns say of a result: how its value was written, its time of day, its state, flags, another fluid."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.reading import beside, flags, groups, reported_range, statuses, values
from labinterp.tables import headings
from labinterp.tables.columns import (
    Cells,
    ColumnReader,
    array_of,
    cells,
    objects,
    per_distinct,
    per_pair,
    settled,
    timed,
)
from labinterp.tables.headings import Names
from labinterp.tables.recognition import LONG, layouts, maps, own_positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WRITTEN: Final = "labinterp_written"
"""Where the `attrs` of a frame name the columns that say how values were written, whose headings tell it no more."""


def own_reader(names: Names) -> ColumnReader:
    """Return a reader of the cells of a table in our own layout."""
    return ColumnReader(names, {}, maps(), layouts()[LONG].missing)


def tell_values(out: pd.DataFrame, names: Names, found: Mapping[str, int]) -> None:
    """Take what other columns say of the values: how they were written, and their comparators.

    Args:
        out: results.
        names: the table that they come from.
        found: positions of our columns there.
    """
    columns, reader = list(names.frame.columns), own_reader(names)
    texts = headings.written(columns, found["value"])
    own = reader.first([layouts()[LONG].results[0]["comparator"]])
    said = [_said(names, at, _comparator) for at in headings.operators(columns, found.values())]
    operators = [] if own is None else [own]
    operators += [Cells(each, np.array([one is None for one in each], dtype=bool)) for each in said]
    if not texts and not operators:
        return
    if texts:
        out.attrs = {**out.attrs, WRITTEN: tuple(str(columns[at]) for at in texts)}
    value = reader.cells_at(found["value"])
    for at in texts:
        value = settled(value, reader.cells_at(at), None)
    for each in operators:
        value = settled(value, None, each)
    out["value"] = array_of(value.content)


def _comparator(content: Any) -> str | None:
    """Return the comparator that a cell says; None where it says anything else."""
    said = beside.operator_of(content)
    return None if said == beside.UNKNOWN else said


def whole(names: Names, chosen: Mapping[str, int]) -> Names:
    """Return a table whose values stand in one column where they stood in two, in range and out of range.

    What is out of range is so by the laboratory, and has its flag. Where no column is one of units, the unit is that
    behind the range; a range that then holds what is said to be out of it may be in another unit, and is left out.
    """
    titles = list(names.frame.columns)
    found = headings.halves(titles)
    if found is None or "value" in chosen:
        return names
    reader = own_reader(names)
    inside, outside = map(reader.cells_at, found)
    meant = {**headings.meanings(titles), **own_positions(titles), **chosen}
    out = names.frame.copy(deep=False)
    out["value"] = array_of(settled(outside, inside, None).content)
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


def tell_time(out: pd.DataFrame, names: Names, found: Mapping[str, int]) -> None:
    """Put the time of day that stands in a column of its own behind the dates of collection."""
    at = headings.clock(names.frame.columns, found.values()) if "collected_at" in found else None
    if at is not None:
        reader = own_reader(names)
        out["collected_at"] = timed(reader.cells_at(found["collected_at"]), reader.cells_at(at))


def tell_states(out: pd.DataFrame, names: Names, rows: Any = None) -> None:
    """Leave out the values of results of which a column says that they do not hold.

    Args:
        out: results.
        names: the table that they come from.
        rows: by result, the position of its row there; None where they are the same rows.
    """
    found = headings.statuses(names.frame.columns)
    if not found:
        return
    notes = _contents(out, "note")
    for at in found:
        said, fixed = (_said(names, at, function, rows) for function in (statuses.note_of, correction))
        if (said != None).any():  # noqa: E711 - an array of objects
            out["value"] = left_out(out["value"], notes, said)
        add_notes(notes, fixed)
    out["note"] = notes


def weigh_flags(out: pd.DataFrame, names: Names, main: int | None, chosen: Mapping[str, int]) -> None:
    """Let the foremost flag of a result count where several columns may have one, or 1 stands for abnormal.

    Args:
        out: results.
        names: the table that they come from.
        main: position of the column of flags; the others count where they hold nothing but a flag.
        chosen: the columns that the caller names; a column of flags among them is the only one.
    """
    found = headings.flags(names.frame.columns)
    several = len(found.keys() | {main} - {None}) > 1
    nameless = headings.nameless(names.frame.columns)
    if "reported_flag" in chosen or not (several or any(found.values()) or nameless):
        return
    every = {**({} if main is None else {main: frozenset[str]()}), **found}
    said = [_said(names, at, functools.partial(_flag, yes=yes, alone=at != main)) for at, yes in every.items()]
    said += [_said(names, at, _flag_without_heading) for at in nameless]
    out["reported_flag"] = functools.reduce(functools.partial(per_pair, _foremost), said)


def _flag(content: Any, *, yes: frozenset[str], alone: bool) -> str | None:
    """Return a content of a column of flags as text; None where it is no flag, and should be one alone."""
    text = "" if content is None else str(content).strip()
    if text.casefold() in yes:
        return "abnormal"
    if not text or (yes and text.casefold() in headings.yes_or_no()):
        return None
    return text if not alone or flags.is_flag(text) else None


def _flag_without_heading(content: Any) -> str | None:
    """Return a content of a column without a name where it is a flag, and no sign of an empty cell."""
    text = content.strip() if isinstance(content, str) else ""
    return text if text.casefold() not in values.MISSING_MARKERS and flags.is_flag(text) else None


def _foremost(*given: str | None) -> str | None:
    return flags.foremost(flag for flag in given if flag is not None)


def tell_flags(out: pd.DataFrame, names: Names) -> None:
    """Take what a column of states says as a flag, such as `Low`, where the result has none."""
    fill(out, "reported_flag", *(_said(names, at, statuses.flag_of) for at in headings.statuses(names.frame.columns)))


def tell_specimen(out: pd.DataFrame, names: Names, taken: Iterable[int], rows: Any = None) -> None:
    """Take the specimen of a result that has none from the name of its order or group, where it says another fluid."""
    found = headings.groups(names.frame.columns, taken)
    fill(out, "specimen", *(_said(names, at, groups.other_fluid, rows) for at in found))


def fill(out: pd.DataFrame, name: str, *said: Any) -> None:
    """Put what is said of results into a column where it says nothing itself.

    Args:
        out: results.
        name: of the column, which is made where something is said and it is not there.
        said: by source and result; the first that says something counts.
    """
    first = functools.reduce(lambda one, other: np.where(one == None, other, one), said, None)  # noqa: E711 - an array
    if first is None or not (first != None).any():  # noqa: E711 - as above
        return
    told = _contents(out, name)
    blank = cells(pd.Series(told, dtype=object), values.MISSING_MARKERS).missing & (first != None)  # noqa: E711 - as above
    told[blank] = first[blank]
    out[name] = told


def _contents(out: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    return objects(out[name]) if name in out else np.full(len(out), None, dtype=object)


def _said(names: Names, at: int, function: Callable[[Any], Any], rows: Any = None) -> Any:
    """Return what the column at a position says of each result, as a function reads it."""
    said = per_distinct(names.frame.iloc[:, at], function)
    return said if rows is None else said[rows]


def correction(status: Any) -> str | None:
    """Return the note of a result whose state is that of a corrected one."""
    return "corrected" if statuses.is_corrected(status) else None


def left_out(value: Any, notes: Any, said: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return values without those of which something is said, and put that among the notes of their rows."""
    add_notes(notes, said)
    values = objects(value)
    values[said != None] = None  # noqa: E711 - an array of objects
    return values


def add_notes(notes: Any, said: Any) -> None:
    """Put what is said of rows among their notes, in place."""
    hit = said != None  # noqa: E711 - an array of objects
    notes[hit] = [
        ";".join(note for note in pair if isinstance(note, str) and note)
        for pair in zip(notes[hit].tolist(), said[hit].tolist(), strict=True)
    ]
