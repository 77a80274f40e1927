"""One panel, and the peers that convert row by row."""

from __future__ import annotations

import numpy as np
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
    """Compare one panel, and a small frame, with five conversions by pint."""
    results = [li.LabResult(test, value, unit) for test, value, unit, _ in PANEL]
    patient = li.Patient(age=50, sex="female")
    registry = pint.UnitRegistry()
    masses = {key: registry.Quantity(mass, "g/mol") for key, mass in MASSES.items()}

    def five() -> None:
        for test, value, unit, to in PANEL:
            registry.Quantity(value, unit).to(to, "chemistry", mw=masses[test])

    small = pd.DataFrame([{"test": t, "value": str(v), "unit": u, "age": "50"} for t, v, u, _ in PANEL])
    return [
        compare(
            "interpret, five analytes / five pint conversions with a context",
            lambda: li.interpret(results, patient),
            five,
            goal=0.05,
            loops=200,
        ),
        compare("interpret_frame, five rows / 2 ms", lambda: li.interpret_frame(small), _two_ms, goal=1.0, loops=20),
    ]


def _two_ms() -> None:
    import time

    time.sleep(0.002)


def peers(rows: int = 20_000) -> list[Row]:
    """Compare rows a second with what pip can install: conversion alone, which is less than we do."""
    frame = pd.DataFrame({"test": "magnesium", "unit": "mg/dL", "age": 50, "value": np.linspace(0.8, 3.0, rows)})
    registry = pint.UnitRegistry()
    mass = registry.Quantity(24.305, "g/mol")
    found = []

    def ours() -> None:
        li.interpret_frame(frame)

    def by_row() -> None:
        for value in frame["value"].tolist():
            (registry.Quantity(value, "mg/dL") / mass).to("mmol/L")

    def by_context() -> None:
        for value in frame["value"].tolist():
            registry.Quantity(value, "mg/dL").to("mmol/L", "chemistry", mw=mass)

    found.append(compare(f"interpret_frame / pint arithmetic row by row, {rows} rows", ours, by_row, runs=3))
    found.append(compare(f"interpret_frame / pint context row by row, {rows} rows", ours, by_context, runs=3))
    found += _optional(frame, ours)
    return found


def _optional(frame: pd.DataFrame, ours) -> list[Row]:  # noqa: ANN001 - a function without arguments
    found = []
    try:
        import pint_pandas  # noqa: F401 - registers the dtype

        def with_pint_pandas() -> None:
            column = frame["value"].astype("pint[mg/dL]")
            (column.pint.quantity / pint.get_application_registry().Quantity(24.305, "g/mol")).to("mmol/L")

        found.append(compare("interpret_frame / pint-pandas, one unit a column", ours, with_pint_pandas, runs=3))
    except ImportError:
        print("pint-pandas is not installed: left out")
    try:
        import labunits

        convert = getattr(labunits, "convert", None)
        if convert is not None:

            def with_labunits() -> None:
                for value in frame["value"].tolist()[:2000]:
                    convert(value, "mg/dL", "mmol/L", "magnesium")

            found.append(compare("interpret_frame, all rows / labunits, 2000 rows", ours, with_labunits, runs=3))
    except (ImportError, TypeError, ValueError, LookupError) as error:
        print(f"labunits is left out: {type(error).__name__}")
    return found
