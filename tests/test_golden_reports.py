"""Golden answers for the example panels, so that every change of output shows in the diff: one profile in full, two as differences.

Set LABINTERP_UPDATE_GOLDEN=1 to write them anew, and read the diff.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from golden_text import compare, difference

PANELS = Path(__file__).parents[1] / "examples" / "data" / "panels.csv"


def summary(ranges):
    """Every row, finding and pathway of the example panels as name → fields, numbers to nine digits."""
    frame = pd.read_csv(PANELS, dtype=str, keep_default_na=False)
    answer = li.interpret_frame(frame, ranges=ranges, grading="ctcae/6.0")
    results = answer.results.astype(object).where(answer.results.notna(), None)
    table = {}
    for number, row in enumerate(results.to_dict("records"), 1):
        numbers = {key: float(f"{row[key]:.9g}") for key in ("value", "low", "high") if row[key] is not None}
        fields = {key: value for key, value in {**row, **numbers}.items() if value not in (None, "")}
        table[f"row {number}"] = fields
    for frame, keys in (answer.findings, ["finding"]), (answer.pathways, ["finding", "pathway"]):
        rows = frame.astype(object).where(frame.notna(), None).drop(columns="explanation")
        for row in rows.to_dict("records"):
            name = " ".join(str(row.pop(key)) for key in ["patient_id", "panel", *keys])
            table[f"panel {name}"] = row
    return table


def test_answers_for_the_example_panels_are_the_golden_ones():
    """Flags, findings and pathways of every example patient by the profile `us` are those under version control."""
    lines = (json.dumps({"of": name, **fields}) for name, fields in summary("us").items())
    compare("panels-us.jsonl", "\n".join(lines) + "\n")


@pytest.mark.parametrize("ranges", ["uk", "nordic"])
def test_what_another_profile_answers_otherwise_is_the_golden_difference(ranges):
    """What the other profiles answer otherwise than `us` is what the file under version control says."""
    compare(f"panels-{ranges}.diff", difference(summary("us"), summary(ranges)))


def test_whole_report_is_the_golden_one():
    """A report in full, with every sentence and citation, is the one under version control, versions aside."""
    report = li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", "<10", "ng/mL"),
            li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("albumin", 4.1, "g/dL"),
            li.LabResult("magnesium", "1.1", "mg/dL"),
            li.LabResult("B12", 150, "pg/mL"),
            li.LabResult("potassium", "hemolyzed", "mmol/L"),
        ],
        li.Patient(age=54, sex="female"),
        presentation=li.Presentation(["fasciculation", "cramps"], ["caffeine"], "persistent"),
    )
    data = report.to_dict()
    data["provenance"] = sorted(data["provenance"])
    compare("report.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def test_report_survives_json_and_is_verified():
    """What `to_json` wrote is read back as the same report, and made again without a difference."""
    report = li.interpret([li.LabResult("magnesium", "1,1", "mg/dL")], li.Patient(age=50), grading="daids/2.1")
    again = li.Report.from_json(report.to_json())
    assert again.to_dict() == report.to_dict()
    assert li.verify(again).ok
    tampered = report.to_json().replace('"flag": "L"', '"flag": "N"')
    assert li.verify(li.Report.from_json(tampered)).differences == ("interpretations[0].flag: differs",)
