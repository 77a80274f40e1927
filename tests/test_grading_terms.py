"""Terms of supporting analytes: potassium, albumin, creatinine and phosphate, on and beside every limit, in every standard."""

from __future__ import annotations

import pandas as pd
import pytest

import labinterp as li
from contract_helpers import both, row
from labinterp.ranges import gradings, shipped

CTCAE = ("ctcae/4.03", "ctcae/5.0", "ctcae/6.0")
POTASSIUM = [
    (2.49, 4),
    (2.5, 3),
    (2.99, 3),
    (3.0, 2),
    (3.49, 2),
    (3.5, 0),
    (5.1, 0),
    (5.11, 1),
    (5.5, 1),
    (5.51, 2),
    (6.0, 2),
    (6.01, 3),
    (7.0, 3),
    (7.01, 4),
]
ALBUMIN = [(19.9, 3), (20, 2), (29.9, 2), (30, 1), (34.9, 1), (35, 0), (55, 0)]
OF_UPPER = [(100, 0), (101, 1), (150, 1), (151, 2), (300, 2), (301, 3), (600, 3), (601, 4)]
TERMS = {
    **{(s, "potassium", "mmol/L", 3.5, 5.1, 50, None): POTASSIUM for s in CTCAE},
    **{(s, "albumin", "g/L", 35, 50, 50, None): ALBUMIN for s in (*CTCAE, "daids/2.1")},
    **{(s, "albumin", "g/dL", 3.5, 5.0, 50, None): [(v / 10, g) for v, g in ALBUMIN] for s in (*CTCAE, "daids/2.1")},
    **{(s, "creatinine", "umol/L", 50, 100, 50, 1000): OF_UPPER for s in ("ctcae/5.0", "ctcae/6.0")},
    ("ctcae/4.03", "creatinine", "umol/L", 50, 100, 50, 1000): OF_UPPER,
    ("ctcae/4.03", "creatinine", "umol/L", 50, 400, 50, 100): [(100, 0), (101, 1), (150, 1), (151, 2), (300, 2), (301, 3), (1200, 3), (2401, 4)],
    ("ctcae/5.0", "creatinine", "umol/L", 50, 400, 50, 100): [(150, 0), (151, 2), (300, 2), (301, 3), (2400, 3), (2401, 4)],
    ("ctcae/6.0", "creatinine", "umol/L", 50, 400, 50, 100): [(150, 0), (301, 0), (400, 0), (401, 1), (601, 2)],
    ("ctcae/6.0", "creatinine", "umol/L", 50, 400, 50, 40): [(60, 0), (61, 2), (120, 2), (121, 3), (2401, 4)],
    ("daids/2.1", "creatinine", "umol/L", 50, 100, 50, 1000): [(109, 0), (110, 1), (130, 1), (131, 2), (180, 2), (181, 3), (349, 3), (350, 4)],
    ("daids/2.1", "creatinine", "umol/L", 50, 400, 50, 100): [(129, 0), (130, 2), (149, 2), (150, 3), (199, 3), (200, 4)],
    ("daids/2.1", "potassium", "mmol/L", 3.5, 5.1, 50, None): [(1.99, 4), (2.0, 3), (2.5, 2), (3.0, 1), (3.39, 1), (3.4, 0), (5.59, 0), (5.6, 1), (6.0, 2), (6.5, 3), (6.99, 3), (7.0, 4)],
    ("daids/2.1", "phosphate", "mmol/L", 0.8, 1.5, 50, None): [(0.31, 4), (0.32, 3), (0.45, 2), (0.64, 2), (0.65, 1), (0.79, 1), (0.8, 0)],
    ("daids/2.1", "phosphate", "mg/dL", 2.5, 4.5, 50, None): [(0.99, 4), (1.0, 3), (1.4, 2), (1.99, 2), (2.0, 1), (2.49, 1), (2.5, 0)],
    ("daids/2.1", "phosphate", "mmol/L", 0.8, 1.5, 10, None): [(0.47, 4), (0.48, 3), (0.81, 2), (0.97, 1), (1.12, 1), (1.13, 0)],
    ("daids/2.1", "phosphate", "mg/dL", 2.5, 4.5, 0.5, None): [(1.49, 4), (1.5, 3), (2.5, 2), (3.5, 1), (4.49, 1), (4.5, 0)],
    ("ctcae/4.03", "phosphate", "mg/dL", 2.7, 4.5, 50, None): [(0.99, 4), (1.0, 3), (1.99, 3), (2.0, 2), (2.49, 2), (2.5, 1), (2.69, 1), (2.7, 0)],
    ("ctcae/4.03", "phosphate", "mmol/L", 0.85, 1.5, 50, None): [(0.29, 4), (0.3, 3), (0.59, 3), (0.6, 2), (0.79, 2), (0.8, 1), (0.84, 1), (0.85, 0)],
}  # fmt: skip


@pytest.mark.parametrize("case", TERMS, ids=str)
def test_terms_grade_on_and_beside_every_limit(case):
    """Each term has the grades that its standard prints, on both faces, with its own limits of normal and baseline."""
    standard, analyte, unit, low, high, age, baseline = case
    ends = {"reference_low": low, "reference_high": high, "baseline": baseline}
    rows = [row(analyte, value, unit, **ends) for value, _ in TERMS[case]]
    found = both(rows, li.Patient(age=age), ranges=[], grading=standard)
    assert [(item.result.value, item.grade) for item in found.interpretations] == TERMS[case]


def one(test, value, unit, grading, **more):
    return both([row(test, value, unit, **more)], ranges=[], grading=grading).interpretations[0]


@pytest.mark.parametrize(
    ("test", "value", "unit", "grading", "note"),
    [
        ("vitamin_d", 50, "nmol/L", "ctcae/6.0", "grade_not_defined"),
        ("phosphate", 0.5, "mmol/L", "ctcae/5.0", "grade_not_defined"),
        ("potassium", 3.4, "mmol/L", "ctcae/5.0", "grade_needs_limit"),
        ("creatinine", 90, "umol/L", "ctcae/5.0", "grade_needs_limit"),
        ("potassium", "<2.8", "mmol/L", "ctcae/5.0", "grade_undecided"),
    ],
)
def test_a_missing_grade_has_a_reason(test, value, unit, grading, note):
    """Where there is no grade a note says why."""
    found = one(test, value, unit, grading)
    assert found.grade is None
    assert note in found.notes


@pytest.mark.parametrize("standard", [*CTCAE, "daids/2.1"])
def test_no_baseline_is_guessed(standard):
    """Without a baseline creatinine has a grade only where no baseline could make it worse."""
    ends = {"reference_low": 50, "reference_high": 100}
    for value in (60, 100, 120, 200):
        found = one("creatinine", value, "umol/L", standard, **ends)
        assert found.grade is None
        assert "grade_needs_baseline" in found.notes
    assert one("creatinine", 700, "umol/L", standard, **ends).grade == 4
    for unread in ("<50", "?", 0, -1, "1,234"):
        assert one("creatinine", 120, "umol/L", standard, baseline=unread, **ends).grade is None


def test_a_missing_upper_limit_leaves_what_the_baseline_settles():
    """DAIDS grade 4 by the baseline holds whatever the upper limit of normal is; milder grades do not."""
    assert one("creatinine", 210, "umol/L", "daids/2.1", baseline=100).grade == 4
    found = one("creatinine", 160, "umol/L", "daids/2.1", baseline=100)
    assert found.grade is None
    assert found.notes == ("grade_needs_limit",)


FLAGGED = pd.DataFrame(
    {
        "patient_id": ["A", "A", "A", "B", "C", "C"],
        "test": "creatinine",
        "value": [0.7, 2.0, 176.8, 1.0, 0.7, 0.8],
        "unit": ["mg/dL", "mg/dL", "umol/L", "mg/dL", "mg/dL", "mg/dL"],
        "reference_low": [0.6, 0.6, 53, 0.6, 0.6, 0.6],
        "reference_high": [1.2, 1.2, 106, 1.2, 1.2, 1.2],
        "ABLFL": ["Y", None, None, None, "Y", "Y"],
        "age": 50,
    }
)


def test_a_flag_names_the_baseline_of_a_patient():
    """A flagged result is the baseline of its patient's others, in any unit; two that differ are none."""
    found = li.interpret_frame(FLAGGED, grading="ctcae/5.0", baseline="ABLFL")
    assert found.results["grade"].astype(object).where(found.results["grade"].notna(), None).tolist() == [
        0, 2, 2, None, None, None,
    ]  # fmt: skip
    assert found.results["notes"].tolist()[3:] == ["grade_needs_baseline"] * 3
    assert found.unused_columns == ()


def test_streams_take_the_value_of_a_baseline_and_refuse_its_flag(tmp_path):
    """A column of baselines grades a stream as a table; a flag, whose row may lie elsewhere, is an error."""
    frame = FLAGGED.drop(columns="ABLFL").assign(baseline=[0.7, 0.7, 61.9, 1.0, None, None])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    li.interpret_files(tmp_path / "rows.csv", tmp_path / "out", grading="ctcae/5.0")
    streamed = pd.read_parquet(tmp_path / "out" / "results")["grade"]
    tabled = li.interpret_frame(frame, grading="ctcae/5.0").results["grade"]
    assert streamed.fillna(-1).tolist() == tabled.fillna(-1).tolist() == [0, 2, 2, 0, -1, -1]
    FLAGGED.rename(columns={"ABLFL": "baseline"}).to_csv(tmp_path / "flags.csv", index=False)
    with pytest.raises(li.InputError, match="flag marks baselines"):
        li.interpret_files(tmp_path / "flags.csv", tmp_path / "out2", grading="ctcae/5.0")


def test_a_grading_takes_what_extends_it():
    """A standard's name stands for its edition and those that add terms; every one of these is cited in the report."""
    for standard in (*CTCAE, "daids/2.1"):
        editions = gradings(standard).editions
        assert [edition.id for edition in editions] == [standard, f"{standard}-supporting"]
        assert editions[1].extends in shipped().ids()
    report = li.interpret([li.LabResult("potassium", 3.1, "mmol/L")], grading="ctcae/6.0")
    assert {"ctcae/6.0", "ctcae/6.0-supporting"} <= {edition.id for edition in report.provenance.editions}
    assert li.verify(report).ok
