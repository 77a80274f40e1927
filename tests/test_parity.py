"""One kernel, two faces: the scalar face and the frame face give the same answer."""

from __future__ import annotations

import math

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.batch.findings import evidence_text
from strategies import AGES, PREGNANCIES, SEXES, rows

COLUMNS = (
    "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level", "band", "grade",
    "grade_low", "grade_high", "problem", "suspected_unit",
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


def check(panels, options, panel="collection"):
    table = pd.DataFrame(
        [
            {"collected_at": "2026-01-01", **row, "patient_id": f"p{i}"}
            for i, panel in enumerate(panels)
            for row in panel
        ]
    )
    frame = li.interpret_frame(table, panel=panel, **options)
    records = frame.results.astype(object).to_dict("records")
    position = 0
    for i, members in enumerate(panels):
        report = li.interpret(
            [
                li.LabResult(
                    row["test"], row["value"], row["unit"], specimen=row["specimen"],
                    collected_at=row.get("collected_at", "2026-01-01"),
                    reference_low=row["reference_low"], reference_high=row["reference_high"],
                    reference_range=row.get("reference_range"),
                    reported_flag=row["reported_flag"], method=row["method"], note=row["note"],
                    loinc=row["loinc"],
                )
                for row in members
            ],
            li.Patient.as_sent(**{key: members[0][key] for key in ("age", "sex", "pregnancy")}),
            **options,
        )  # fmt: skip
        for item in report.interpretations:
            record = records[position]
            position += 1
            for name in COLUMNS:
                assert same(getattr(item, name), record.get(name)), (name, record)
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(panels(), min_size=1, max_size=4), OPTIONS)
def test_scalar_and_frame_agree_on_dirty_panels(panels, options):
    """Row by row and finding by finding, the frame says what the scalar face says."""
    check(panels, options)


TIMES = st.sampled_from(
    [None, "2026-01-01", "05.03.2026", "03/04/2026", "04/03/2026", "2026-04-03 08:00", "13/04/2026", "2026", "soon", ""]
)


@st.composite
def dated(draw):
    """Several results of few analytes, so that the order of their times matters."""
    tests = draw(st.lists(st.sampled_from(["Mg", "calcium", "albumin", "25(OH)D"]), min_size=1, max_size=2))
    person = {"age": "54", "sex": "F", "pregnancy": None}
    units = {"Mg": "mmol/L", "calcium": "mmol/L", "albumin": "g/L", "25(OH)D": "nmol/L"}
    values = {
        "Mg": ["0.3", "0.9", "<0.9", "1.4", "0.15"],
        "calcium": ["1.7", "2.3", "2.9"],
        "albumin": ["20", "30", "44", "56"],
        "25(OH)D": ["12", "45", "90", "700"],
    }
    plain = dict.fromkeys(("reference_low", "reference_high", "specimen", "method", "note", "loinc", "reported_flag"))
    return [
        {
            **plain,
            **person,
            "test": test,
            "unit": units[test],
            "value": draw(st.sampled_from(values[test])),
            "collected_at": draw(TIMES),
        }
        for test in draw(st.lists(st.sampled_from([*tests, "calcium", "albumin"]), min_size=1, max_size=6))
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(dated(), min_size=1, max_size=3), st.sampled_from(["us", "uk", []]), st.sampled_from([None, "ctcae/5.0"])
)
def test_scalar_and_frame_agree_on_which_result_counts(panels, ranges, grading):
    """Readable, unreadable, vague and missing times of one patient come to the same findings on both faces."""
    check(panels, {"ranges": ranges, "grading": grading}, "patient")


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.3, 0.9, 1.4, 0.15]), st.sampled_from(["03/04/2026", "04/05/2026", "soon", "2026"])
        ),
        min_size=2,
        max_size=4,
    )
)
def test_without_readable_times_nothing_abnormal_is_excluded(drawn):
    """Where nobody can say which result is the latest, none excludes what another one shows."""
    results = [li.LabResult("magnesium", value, "mmol/L", collected_at=when) for value, when in drawn]
    states = li.interpret(results, li.Patient(age=54)).states
    values = [value for value, _ in drawn]
    assert states["magnesium_deficiency"] != "excluded" or min(values) > 0.7
    assert states["magnesium_excess"] != "excluded" or max(values) < 1.2
    if min(values) == 0.3 and max(values) < 1.2:
        assert states["magnesium_deficiency"] == "present"
