"""What the tests of the contract share; these go through both faces, and are written from the contract and not from the code."""

from __future__ import annotations

import pandas as pd

import labinterp as li

ADULT = li.Patient(age=50, sex="female", pregnancy="none")
CANARY_ID = "patient-canary-4711"

FLAG_COLUMNS = [
    "analyte",
    "comparator",
    "value",
    "unit",
    "low",
    "high",
    "range_id",
    "flag",
    "level",
    "band",
    "grade",
    "grade_low",
    "grade_high",
    "problem",
    "suspected_unit",
]

CANONICAL = {
    "magnesium": "mmol/L", "calcium": "mmol/L", "calcium_adjusted": "mmol/L", "calcium_ionized": "mmol/L",
    "vitamin_d": "nmol/L", "vitamin_b12": "pmol/L", "homocysteine": "umol/L", "albumin": "g/L",
    "holotranscobalamin": "pmol/L", "methylmalonic_acid": "nmol/L", "parathyroid_hormone": "pmol/L",
    "phosphate": "mmol/L", "folate": "nmol/L", "creatinine": "umol/L", "potassium": "mmol/L",
}  # fmt: skip
ORDINARY = {
    "magnesium": 0.8, "calcium": 2.3, "calcium_adjusted": 2.3, "calcium_ionized": 1.2, "vitamin_d": 75, "vitamin_b12": 300,
    "homocysteine": 9, "albumin": 42, "holotranscobalamin": 90, "methylmalonic_acid": 150, "parathyroid_hormone": 4,
    "phosphate": 1.1, "folate": 15, "creatinine": 80, "potassium": 4.2,
}  # fmt: skip


def row(test, value, unit=None, **fields):
    return {"test": test, "value": value, "unit": unit, **fields}


def none_of_missing(value):
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) else value


def both(rows, patient=ADULT, **options):
    """Interpret the same panel through both faces, hold them equal, and return the scalar report."""
    rows = [row(*r) if isinstance(r, tuple) else r for r in rows]
    patient = patient or li.Patient()
    report = li.interpret([li.LabResult(**r) for r in rows], patient, **options)
    frame = pd.DataFrame(rows, dtype=object)
    for name in ("age", "sex", "birth_date", "pregnancy"):
        frame[name] = pd.Series([getattr(patient, name)] * len(rows), dtype=object)
    frame["patient_id"] = "p"
    before = frame.copy(deep=True)
    answer = li.interpret_frame(frame, **options)
    pd.testing.assert_frame_equal(frame, before)
    assert len(answer.results) == len(rows) == len(report.interpretations)
    for interpretation, (_, found) in zip(report.interpretations, answer.results.iterrows(), strict=True):
        for column in FLAG_COLUMNS:
            assert none_of_missing(found.get(column)) == getattr(interpretation, column), column
        assert tuple(filter(None, found["notes"].split(";"))) == interpretation.notes
    assert answer.findings["finding"].tolist() == [finding.code for finding in report.findings]
    assert answer.findings["status"].tolist() == [finding.status for finding in report.findings]
    assert answer.findings["upstream"].tolist() == [";".join(finding.upstream) for finding in report.findings]
    assert answer.findings["suggested_tests"].tolist() == [";".join(f.suggested_tests) for f in report.findings]
    assert answer.pathways["support"].tolist() == [p.support for f in report.findings for p in f.pathways]
    return report


def single(test, value, unit=None, patient=ADULT, **options):
    fields = {name: options.pop(name) for name in list(options) if name in li.LabResult.__match_args__ + FIELDS}
    return both([row(test, value, unit, **fields)], patient, **options).interpretations[0]


FIELDS = ("collected_at", "specimen", "reference_low", "reference_high", "method", "reported_flag")


def finding(report, code):
    found = [item for item in report.findings if item.code == code]
    assert len(found) == 1, [item.code for item in report.findings]
    return found[0]


def codes(report):
    return {item.code: item.status for item in report.findings}


def supports(item):
    return {pathway.support for pathway in item.pathways}
