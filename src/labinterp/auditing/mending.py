"""What to mend first in a data set, and files drafted for the user to complete."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.formulas import Rows
from labinterp.words.faces import line
from labinterp.words.labels import spaced
from labinterp.words.numbers import counted
from labinterp.words.problems import problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

_MADE_WRONG: Final = 2
_NOT_MADE: Final = 1
_LONGEST: Final = 60


@attrs.frozen
class Mend:
    """One thing that is worth mending.

    Args:
        what: is wrong, in words.
        how: to mend it.
        rows: how many rows it is about.
    """

    what: str
    how: str
    rows: int


def first(tables: Mapping[str, pd.DataFrame], summary: Mapping[str, Any], by: Sequence[str]) -> list[Mend]:
    """Return everything that is worth mending: what makes wrong answers first, then what makes none, by rows."""
    found = [
        *((_MADE_WRONG, mend) for mend in _suspects(tables["suspects"], by)),
        *((_NOT_MADE, mend) for mend in _units(tables["units"])),
        *((_NOT_MADE, mend) for mend in _tests(tables["tests"])),
        *((_NOT_MADE, mend) for mend in _values(summary)),
        *((_NOT_MADE, mend) for mend in _people(tables["coverage"])),
    ]
    found.sort(key=lambda each: (-each[0], -each[1].rows))
    return [mend for _, mend in found]


def _counted(rows: int) -> str:
    return counted(rows, "row")


def _suspects(suspects: pd.DataFrame, by: Sequence[str]) -> Iterator[Mend]:
    for row in suspects.to_dict("records"):
        rows = round(row["rows"] * row["share"])
        place = ", ".join(f"{name} {str(row[name])[:_LONGEST]}" for name in by)
        like = row["suspected_unit"] if row["suspected_analyte"] is None else row["suspected_analyte"]
        where = f" at {place}" if place else ""
        known = {"analyte": row["analyte"], "unit": row["unit"], "place": where, "other": like}
        yield Mend(line("mend", "suspect", rows=_counted(rows), **known), row["check"], rows)


def _units(units: pd.DataFrame) -> Iterator[Mend]:
    unread = units[units["problem"].notna()]
    for (analyte, problem), group in unread.groupby(["analyte", "problem"], sort=True):
        told, rows = problems()[str(problem)], int(group["rows"].sum())
        yield Mend(f"{_counted(rows)} of {analyte} {told['rows']}", told["mend"], rows)


def _tests(tests: pd.DataFrame) -> Iterator[Mend]:
    unread = tests[(tests["problem"] == "unknown_test") & ~tests["not_covered"].astype(bool)]
    for test, group in unread.groupby("test", sort=False, dropna=False):
        rows, meant = int(group["rows"].sum()), group["did_you_mean"].iloc[0]
        how = line("mend", "did_you_mean", names=meant) if isinstance(meant, str) else line("mend", "tests")
        name = line("mend", "nameless")
        if isinstance(test, str):
            name = line("mend", "named", name=repr(test[:_LONGEST]))
        yield Mend(line("mend", "test", rows=_counted(rows), name=name), how, rows)


def _values(summary: Mapping[str, Any]) -> Iterator[Mend]:
    units = {"missing_unit", "unknown_unit", "incompatible_unit"}
    for problem, told in problems().items():
        rows = summary["problems"].get(problem, 0)
        if rows and "mend" in told and problem not in units:
            yield Mend(f"{_counted(rows)} {told['rows']}", told["mend"], rows)
    if summary["bad_rows"]:
        rows = summary["bad_rows"]
        yield Mend(line("mend", "bad_rows", rows=_counted(rows)), line("mend", "bad_rows_how"), rows)


def _people(coverage: pd.DataFrame) -> Iterator[Mend]:
    for reason, group in coverage.groupby("reason", sort=False):
        rows = int(group["rows"].sum())
        unaged = int(group.loc[group["age"] == "unknown", "rows"].sum())
        how = line("mend", "age" if unaged * 2 > rows else "ranges")
        yield Mend(line("mend", "covered", rows=_counted(rows), reason=spaced(str(reason))), how, rows)


def tests_draft(tests: pd.DataFrame) -> str:
    """Return a CSV of the names that were not understood, most frequent first."""
    out = io.StringIO()
    writer = Rows(out)
    writer.write(["test", "analyte", "did_you_mean", "rows"])
    unread = tests[(tests["problem"] == "unknown_test") & ~tests["not_covered"].astype(bool) & tests["test"].notna()]
    rows = [
        (str(test), group["did_you_mean"].iloc[0], int(group["rows"].sum())) for test, group in unread.groupby("test")
    ]
    for test, meant, count in sorted(rows, key=lambda row: (-row[2], row[0])):
        writer.write([test, "", meant if isinstance(meant, str) else "", count])
    return out.getvalue()


def default_units_draft(units: pd.DataFrame) -> str:
    """Return a TOML of the analytes that came without a unit, with the units that came with their other rows."""
    lines = [
        f"# {line('mend', 'draft')}",
        "",
    ]
    lines.append("[default_units]")
    without = units[units["problem"] == "missing_unit"]
    for analyte, group in without.groupby("analyte", sort=True):
        known = units[(units["analyte"] == analyte) & units["problem"].isna()].groupby("unit")["rows"].sum()
        others = ", ".join(f"{rows:,} in {unit}" for unit, rows in known.sort_values(ascending=False).items())
        rows = _counted(int(group["rows"].sum()))
        lines.append(f"# {line('mend', 'draft_unit', rows=rows, others=others or line('mend', 'none'))}")
        lines.append(f"# {analyte} = {json.dumps('')}")
    return "\n".join(lines) + "\n"
