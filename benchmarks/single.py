"""One panel, its report as JSON and as a page, and a small frame."""

from __future__ import annotations

import json
import time

import pandas as pd
import pint

import labinterp as li
from benchmarks.timing import Row, compare

MASSES = {"magnesium": 24.305, "calcium": 40.078, "vitamin_d": 400.64, "vitamin_b12": 1355.37, "homocysteine": 135.18}
PANEL = [
    ("magnesium", 1.9, "mg/dL", "mmol/L"),
    ("calcium", 9.1, "mg/dL", "mmol/L"),
    ("vitamin_d", 18.0, "ng/mL", "nmol/L"),
    ("vitamin_b12", 420.0, "pg/mL", "pmol/L"),
    ("homocysteine", 1.6, "mg/L", "umol/L"),
]


def measure() -> list[Row]:
    """Compare one panel with five conversions by pint, its report with its data, a page and a small frame with 2 ms."""
    results = [li.LabResult(test, value, unit) for test, value, unit, _ in PANEL]
    patient = li.Patient(age=50, sex="female")
    registry = pint.UnitRegistry()
    masses = {key: registry.Quantity(mass, "g/mol") for key, mass in MASSES.items()}

    def five() -> None:
        for test, value, unit, to in PANEL:
            registry.Quantity(value, unit).to(to, "chemistry", mw=masses[test])

    report = li.interpret(results, patient)
    data = report.to_dict()
    small = pd.DataFrame([{"test": t, "value": str(v), "unit": u, "age": "50"} for t, v, u, _ in PANEL])
    return [
        compare(
            "interpret, five analytes / five pint conversions with a context",
            lambda: li.interpret(results, patient),
            five,
            goal=0.04,
            loops=200,
            key="panel",
        ),
        compare(
            "Report.to_json / json.dumps of its data",
            report.to_json,
            lambda: json.dumps(data),
            goal=1.5,
            loops=100,
            key="json",
        ),
        compare("Report.to_html / 2 ms", report.to_html, _two_ms, goal=1.0, loops=20, key="html"),
        compare(
            "interpret_frame, five rows / 2 ms",
            lambda: li.interpret_frame(small),
            _two_ms,
            goal=1.0,
            loops=20,
            key="frame small",
        ),
    ]


def _two_ms() -> None:
    time.sleep(0.002)
