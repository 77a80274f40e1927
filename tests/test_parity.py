"""One kernel, two faces: the scalar face and the frame face give the same answer."""

from __future__ import annotations

import math

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.batch.answers import evidence_text
from strategies import AGES, PREGNANCIES, SEXES, rows

COLUMNS = (
    "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level", "band", "grade", "problem",
    "suspected_unit",
)  # fmt: skip


def same(scalar, cell):
    if scalar is None:
        return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))
    return scalar == cell


@st.composite
def panels(draw):
    person = {"age": draw(AGES), "sex": draw(SEXES), "pregnancy": draw(PREGNANCIES)}
    return [{**row, **person} for row in draw(st.lists(rows(), min_size=1, max_size=7))]


OPTIONS = st.fixed_dictionaries(
    {
        "ranges": st.sampled_from(["us", "uk", "nordic", "nam/2011", ["mayo/vitamin-d", "us"], [], "pregnancy-us"]),
        "grading": st.sampled_from([None, "ctcae/5.0", "daids/2.1"]),
        "reported_ranges": st.booleans(),
        "assume_adult": st.booleans(),
        "decimal": st.sampled_from([None, ",", "."]),
        "default_units": st.sampled_from([None, {"magnesium": "mg/dL", "calcium": "mmol/L"}]),
        "reference_albumin": st.sampled_from([None, 42.0]),
    }
)


def check(panels, options):
    table = pd.DataFrame(
        [
            {**row, "patient_id": f"p{i}", "collected_at": "2026-01-01"}
            for i, panel in enumerate(panels)
            for row in panel
        ]
    )
    frame = li.interpret_frame(table, **options)
    records = frame.results.astype(object).to_dict("records")
    position = 0
    for i, panel in enumerate(panels):
        report = li.interpret(
            [
                li.LabResult(
                    row["test"], row["value"], row["unit"], specimen=row["specimen"], collected_at="2026-01-01",
                    reference_low=row["reference_low"], reference_high=row["reference_high"],
                    reported_flag=row["reported_flag"], method=row["method"], note=row["note"],
                    loinc=row["loinc"],
                )
                for row in panel
            ],
            li.Patient(**{key: panel[0][key] for key in ("age", "sex", "pregnancy")}),
            **options,
        )  # fmt: skip
        for item in report.interpretations:
            record = records[position]
            position += 1
            for name in COLUMNS:
                assert same(getattr(item, name), record[name]), (name, record)
            assert ";".join(item.notes) == record["notes"]
        found = frame.findings[frame.findings["patient_id"] == f"p{i}"].astype(object)
        assert found["finding"].tolist() == [finding.code for finding in report.findings]
        assert found["status"].tolist() == [finding.status for finding in report.findings]
        assert found["severity"].tolist() == [finding.severity for finding in report.findings]
        assert found["evidence"].tolist() == [evidence_text(finding.evidence) for finding in report.findings]
        assert found["explanation"].tolist() == [finding.explanation for finding in report.findings]
        paths = frame.pathways[frame.pathways["patient_id"] == f"p{i}"].astype(object)
        expected = [(f.code, p.id, p.support) for f in report.findings for p in f.pathways]
        assert list(zip(paths["finding"], paths["pathway"], paths["support"], strict=True)) == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(panels(), min_size=1, max_size=4), OPTIONS)
def test_scalar_and_frame_agree_on_dirty_panels(panels, options):
    """Row by row and finding by finding, the frame says what the scalar face says."""
    check(panels, options)
