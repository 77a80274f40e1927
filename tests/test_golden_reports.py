"""Golden answers for the example panels, so that every change of output shows in the diff.

Set LABINTERP_UPDATE_GOLDEN=1 to write them anew, and read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li

HERE = Path(__file__).parent
PANELS = HERE.parent / "examples" / "data" / "panels.csv"


def compare(name, text):
    path = HERE / "golden" / name
    if os.environ.get("LABINTERP_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def summary(answer):
    """One line per row, finding and pathway, numbers to nine digits."""
    lines = []
    results = answer.results.astype(object).where(answer.results.notna(), None)
    for row in results.to_dict("records"):
        numbers = {key: float(f"{row[key]:.9g}") for key in ("value", "low", "high") if row[key] is not None}
        lines.append(json.dumps({key: value for key, value in {**row, **numbers}.items() if value not in (None, "")}))
    for frame in (answer.findings, answer.pathways):
        rows = frame.astype(object).where(frame.notna(), None).drop(columns="explanation")
        lines += [json.dumps(row) for row in rows.to_dict("records")]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("ranges", ["us", "uk", "nordic"])
def test_answers_for_the_example_panels_are_the_golden_ones(ranges):
    """Flags, findings and pathways of every example patient are those under version control."""
    frame = pd.read_csv(PANELS, dtype=str, keep_default_na=False)
    answer = li.interpret_frame(frame, ranges=ranges, grading="ctcae/6.0")
    compare(f"panels-{ranges}.jsonl", summary(answer))


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
