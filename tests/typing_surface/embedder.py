"""A program of somebody else, checked against the installed package by strict type checkers; never run."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, assert_type

import labinterp as li
import labinterp.pandas

if TYPE_CHECKING:
    import pandas as pd


def scalar() -> li.Report:
    """Interpret, look at everything, and write it down."""
    results = [
        li.LabResult("magnesium", "1,1", "mg/dL", collected_at="2026-01-01", specimen="serum", method="XB", id="1"),
        li.LabResult("calcium", Decimal("9.4"), "mg/dL", reference_low=8.6, reference_high=10.2),
    ]
    presentation = li.Presentation(symptoms=("cramps",), triggers=("caffeine",), course="transient")
    report = li.interpret(
        results,
        li.Patient(age=54, sex="female", pregnancy="none"),
        ranges=["nice-ng239/2024", "us"],
        grading="ctcae/5.0",
        presentation=presentation,
        default_units={"magnesium": "mg/dL"},
        on_problem="collect",
    )
    assert_type(report.findings, tuple[li.Finding, ...])
    for item in report.interpretations:
        assert_type(item.value, float | None)
        assert_type(item.flag, str | None)
        assert_type(item.notes, tuple[str, ...])
    for finding in report.findings:
        for pathway in finding.pathways:
            assert_type(pathway.broken_at, str | None)
            for step in pathway.steps:
                print(step.statement, [citation.text for citation in step.citations])
    for problem in report.problems:
        assert_type(problem.result_index, int)
    assert_type(report.states["hypocalcemia"], str)
    return li.Report.from_json(report.to_json())


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Interpret a table, directly and by the accessor's class."""
    report = li.interpret_frame(frame, ranges="uk", panel="30D", delta=True)
    assert_type(report, li.FrameReport)
    assert_type(labinterp.pandas.LabinterpAccessor(frame).interpret(ranges="us"), li.FrameReport)
    return report.findings


def rest() -> float:
    """Use what remains."""
    first, second = li.LabResult("calcium", 9.2, "mg/dL"), li.LabResult("calcium", 2.2, "mmol/L")
    change = li.change(first, second, z=1.645, cva=1.0)
    assert_type(change, li.Change)
    assert_type(change.reference_change_value, tuple[float, float] | None)
    if not li.verify(scalar()).ok:
        raise SystemExit
    for edition in li.reference_set("us").editions:
        print(edition.id)
    try:
        return li.convert(1.8, "mg/dL", "mmol/L", analyte="magnesium")
    except (li.UnknownUnitError, li.IncompatibleUnitError) as error:
        assert_type(error.hint, str)
    except li.LabInterpError as error:
        print(error)
    return 0.0
