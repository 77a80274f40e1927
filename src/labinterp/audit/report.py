"""The answer of an audit: frames, and what to mend first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.audit import suspects as suspecting
from labinterp.audit.collect import OTHER, Collector, Counted
from labinterp.reading import analytes

if TYPE_CHECKING:
    from collections.abc import Sequence

QUANTILES: Final = (0.025, 0.25, 0.5, 0.75, 0.975)


def _rows(frame: pd.DataFrame) -> str:
    return f"<{len(frame)} rows>"


@attrs.frozen
class AuditReport:
    """What a data set would come to.

    Args:
        tests: a row per distinct test, specimen and unit: `test`, `specimen`, `unit`, `analyte`, `problem`,
            `not_covered` (known to be another test), `rows`, `did_you_mean` (a question, never an answer).
        units: a row per place, analyte and unit: rows, quantiles in the canonical unit, shares.
        numbers: a row per form of value text, every number in it as `9`: `form`, `problem`, `rows`.
        ranges: a row per form of range: `form`, `usable`, `rows`.
        specimens: `specimen`, `analyte`, `unsuitable`, `rows`.
        suspects: groups that another unit or analyte explains better.
        coverage: `analyte`, `age`, `sex`, `reason`, `rows` of what no range covers.
        summary: counts of the whole.
    """

    tests: pd.DataFrame = attrs.field(repr=_rows)
    units: pd.DataFrame = attrs.field(repr=_rows)
    numbers: pd.DataFrame = attrs.field(repr=_rows)
    ranges: pd.DataFrame = attrs.field(repr=_rows)
    specimens: pd.DataFrame = attrs.field(repr=_rows)
    suspects: pd.DataFrame = attrs.field(repr=_rows)
    coverage: pd.DataFrame = attrs.field(repr=_rows)
    summary: dict[str, int] = attrs.field(repr=False)


def report_of(collector: Collector, by: Sequence[str]) -> AuditReport:
    """Return the report of what a collector has seen."""
    found = _groups(collector)
    return AuditReport(
        tests=_tests(collector),
        units=_units(collector, by),
        numbers=_frame(collector.numbers, ("form", "problem")),
        ranges=_frame(collector.ranges, ("form", "usable")),
        specimens=_frame(collector.specimens, ("specimen", "analyte", "unsuitable")),
        suspects=_suspects(suspecting.find(found), by),
        coverage=_frame(collector.uncovered, ("analyte", "age", "sex", "reason")),
        summary={
            "rows": collector.rows,
            "rows_without_age": collector.without_age,
            "rows_without_sex": collector.without_sex,
            "panels_with_total_calcium": collector.calcium_panels,
            "panels_with_total_calcium_without_albumin": collector.calcium_without_albumin,
        },
    )


def _frame(counted: Counted, names: tuple[str, ...]) -> pd.DataFrame:
    rows = [(*key, count) for key, count in counted.rows.most_common()]
    if counted.further:
        rows.append((OTHER, *(None,) * (len(names) - 1), counted.further))
    return pd.DataFrame(rows, columns=[*names, "rows"])


def _tests(collector: Collector) -> pd.DataFrame:
    frame = _frame(collector.tests, ("test", "specimen", "unit", "analyte", "problem", "not_covered"))
    unknown = frame["problem"].eq("unknown_test") & ~frame["not_covered"].eq(True)  # noqa: FBT003 - a comparison
    meant = {test: ", ".join(analytes.suggestions(test)) or None for test in frame.loc[unknown, "test"].dropna().unique()}
    frame["did_you_mean"] = frame["test"].where(unknown).map(meant)
    return frame


def _groups(collector: Collector) -> list[suspecting.Group]:
    return [
        suspecting.Group(
            key[:-2],
            key[-2],
            key[-1],
            held.values,
            float(held.range_middles.quantiles([0.5])[0]) if held.range_middles.count * 2 >= held.rows else None,
        )
        for key, held in collector.units.items()
    ]


def _units(collector: Collector, by: Sequence[str]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for key, held in collector.units.items():
        quantiles = np.exp(held.values.quantiles(QUANTILES))
        digits = held.decimals.most_common(1)
        means = [total / count for count, total in held.months.values() if count]
        rows.append(
            {
                **dict(zip(by, key[:-2], strict=True)),
                "analyte": key[-2],
                "unit": key[-1],
                "rows": held.rows,
                **{f"q{share * 100:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
                "canonical_unit": analytes.analyte(key[-2]).canonical_unit,
                "censored": held.censored / held.rows,
                "cleaned": held.cleaned / held.rows,
                "beyond_ordinary": held.beyond_ordinary / held.rows,
                "beyond_hard": held.beyond_hard / held.rows,
                "decimals": digits[0][0] if digits and digits[0][0] >= 0 else None,
                "monthly_drift": math.exp(max(means) - min(means)) - 1 if len(means) > 1 else None,
                "flags_compared": held.flags_compared,
                "flagged_by_laboratory": held.flagged_there / held.flags_compared if held.flags_compared else None,
                "flagged_here": held.flagged_here / held.flags_compared if held.flags_compared else None,
            }
        )
    names = [*by, "analyte", "unit", "rows", *(f"q{share * 100:g}" for share in QUANTILES), "canonical_unit"]
    frame = pd.DataFrame(rows, columns=None if rows else names)
    return frame.sort_values(["analyte", "rows"], ascending=[True, False], ignore_index=True) if rows else frame


def _suspects(found: list[suspecting.Suspect], by: Sequence[str]) -> pd.DataFrame:
    rows = [
        (
            *one.group.by,
            one.group.analyte,
            one.group.unit,
            one.unit,
            None if one.analyte == one.group.analyte else one.analyte,
            one.group.values.count,
            one.share,
            one.evidence,
            one.check,
        )
        for one in found
    ]
    names = ["analyte", "unit", "suspected_unit", "suspected_analyte", "rows", "share", "evidence", "check"]
    return pd.DataFrame(rows, columns=[*by, *names])
