"""The public contract, beside its sections: grading."""

from __future__ import annotations

import pytest

import labinterp as li
from contract_helpers import ADULT, both, row, single

CTCAE = {  # analyte, unit -> rising (value, grade), limits and just beyond them, with normal limits low, high
    ("magnesium", "mg/dL", 1.6, 2.6): [(0.69, 4), (0.7, 3), (0.89, 3), (0.9, 2), (1.19, 2), (1.2, 1), (1.59, 1), (1.6, 0), (2.6, 0), (2.61, 1), (3.0, 1), (3.01, 3), (8.0, 3), (8.01, 4)],
    ("magnesium", "mmol/L", 0.7, 1.0): [(0.29, 4), (0.3, 3), (0.38, 3), (0.39, 3), (0.4, 2), (0.49, 2), (0.5, 1), (0.69, 1), (0.7, 0), (1.0, 0), (1.01, 1), (1.23, 1), (1.24, 3), (3.30, 3), (3.31, 4)],
    ("calcium_adjusted", "mg/dL", 8.6, 10.2): [(5.99, 4), (6.0, 3), (6.99, 3), (7.0, 2), (7.99, 2), (8.0, 1), (8.59, 1), (8.6, 0), (10.2, 0), (10.3, 1), (11.5, 1), (11.51, 2), (12.5, 2), (12.51, 3), (13.5, 3), (13.51, 4)],
    ("calcium_adjusted", "mmol/L", 2.2, 2.6): [(1.49, 4), (1.5, 3), (1.74, 3), (1.75, 2), (1.99, 2), (2.0, 1), (2.19, 1), (2.2, 0), (2.6, 0), (2.61, 1), (2.9, 1), (2.91, 2), (3.1, 2), (3.11, 3), (3.4, 3), (3.41, 4)],
    ("calcium_ionized", "mmol/L", 1.12, 1.23): [(0.79, 4), (0.8, 3), (0.89, 3), (0.9, 2), (0.99, 2), (1.0, 1), (1.11, 1), (1.12, 0), (1.23, 0), (1.24, 1), (1.5, 1), (1.51, 2), (1.6, 2), (1.61, 3), (1.8, 3), (1.81, 4)],
}  # fmt: skip
DAIDS = {
    ("calcium_adjusted", "mg/dL", 8.6, 10.2, 50): [(6.09, 4), (6.1, 3), (6.99, 3), (7.0, 2), (7.79, 2), (7.8, 1), (8.39, 1), (8.4, 0), (10.5, 0), (10.6, 1), (11.49, 1), (11.5, 2), (12.49, 2), (12.5, 3), (13.49, 3), (13.5, 4)],
    ("calcium_adjusted", "mmol/L", 2.2, 2.6, 50): [(1.52, 4), (1.53, 3), (1.74, 3), (1.75, 2), (1.94, 2), (1.95, 1), (2.09, 1), (2.10, 0), (2.64, 0), (2.65, 1), (2.87, 1), (2.88, 2), (3.12, 2), (3.13, 3), (3.37, 3), (3.38, 4)],
    ("calcium_adjusted", "mg/dL", 8.6, 10.2, "3 d"): [(5.49, 4), (5.5, 3), (5.99, 3), (6.0, 2), (6.49, 2), (6.5, 1), (7.49, 1), (7.5, 0), (11.49, 0), (11.5, 1), (12.39, 1), (12.4, 2), (12.89, 2), (12.9, 3), (13.49, 3), (13.5, 4)],
    ("calcium_ionized", "mmol/L", 1.12, 1.23, 50): [(0.79, 4), (0.8, 3), (0.9, 2), (1.0, 1), (1.11, 1), (1.12, 0), (1.23, 0), (1.24, 1), (1.49, 1), (1.5, 2), (1.59, 2), (1.6, 3), (1.79, 3), (1.8, 4)],
    ("magnesium", "meq/L", 1.4, 2.2, 50): [(0.59, 4), (0.6, 3), (0.89, 3), (0.9, 2), (1.19, 2), (1.2, 1), (1.39, 1), (1.4, 0)],
    ("magnesium", "mmol/L", 0.7, 1.1, 50): [(0.29, 4), (0.30, 3), (0.44, 3), (0.445, 3), (0.45, 2), (0.59, 2), (0.60, 1), (0.69, 1), (0.70, 0)],
}  # fmt: skip


@pytest.mark.parametrize("standard", ["ctcae/4.03", "ctcae/5.0", "ctcae/6.0"])
@pytest.mark.parametrize("case", CTCAE, ids=lambda case: f"{case[0]}-{case[1]}")
def test_ctcae_grades_on_and_beside_every_limit(standard, case):
    """CTCAE's boundary values belong to the milder grade, in the unit system reported; the three versions agree."""
    analyte, unit, low, high = case
    rows = [row(analyte, value, unit, reference_low=low, reference_high=high) for value, _ in CTCAE[case]]
    found = both(rows, ranges=[], grading=standard)
    assert [(i.result.value, i.grade) for i in found.interpretations] == CTCAE[case]


@pytest.mark.parametrize("case", DAIDS, ids=lambda case: f"{case[0]}-{case[1]}-{case[4]}")
def test_daids_grades_on_and_beside_every_limit(case):
    """DAIDS bands are closed below and open above, in the unit system reported, by age under and over 7 days."""
    analyte, unit, low, high, age = case
    rows = [row(analyte, value, unit, reference_low=low, reference_high=high) for value, _ in DAIDS[case]]
    found = both(rows, li.Patient(age=age), ranges=[], grading="daids/2.1")
    assert [(i.result.value, i.grade) for i in found.interpretations] == DAIDS[case]


def test_daids_needs_the_age_where_the_two_scales_differ():
    """Without an age DAIDS gives a calcium grade only where newborns and others have the same."""
    rows = [
        row("calcium_adjusted", value, "mg/dL", reference_low=8.6, reference_high=10.2)
        for value in (5.0, 6.2, 8.0, 9.0, 14)
    ]
    graded = both(rows, li.Patient(), ranges=[], grading="daids/2.1").interpretations
    assert [i.grade for i in graded] == [4, None, None, 0, 4]


def test_the_same_sample_has_the_grade_of_the_unit_it_was_reported_in():
    """0.38 mmol/L is grade 3 and the same sample as 0.924 mg/dL is grade 2."""
    assert single("magnesium", 0.38, "mmol/L", grading="ctcae/5.0").grade == 3
    assert single("magnesium", 0.924, "mg/dL", grading="ctcae/5.0").grade == 2


def test_an_empty_first_grade_is_no_grade_one():
    """Where the lower limit of normal lies under grade 1's own limit, nothing is grade 1."""
    rows = [
        row("magnesium", v, "mg/dL", reference_low=1.1, reference_high=2.6) for v in (0.89, 1.0, 1.1, 1.15, 1.2, 1.3)
    ]
    grades = [i.grade for i in both(rows, ranges=[], grading="ctcae/5.0").interpretations]
    assert grades[0] == 3
    assert grades[1] == 2
    assert 1 not in grades


@pytest.mark.parametrize(("value", "grade"), [(0.29, 4), (0.35, 3), (0.45, 2), (0.6, None), (0.9, None)])
def test_a_one_sided_range_still_permits_the_grades_that_need_no_limit(value, grade):
    """A missing lower limit of normal leaves grades 2 to 4, and neither 0 nor 1."""
    found = single("magnesium", value, "mmol/L", ranges=[], grading="ctcae/5.0", reference_high=1.0)
    assert found.grade == grade


@pytest.mark.parametrize(
    ("value", "grade"), [(0.29, 4), (0.35, 3), (0.45, 2), (0.6, None), (0.9, None), (4.0, 4), (2.0, 3)]
)
def test_without_any_range_the_grades_that_need_no_limit_are_given(value, grade):
    """Grades 2 to 4 need no limit of normal, so they are given where there is no range at all."""
    found = single("magnesium", value, "mmol/L", ranges=[], grading="ctcae/5.0")
    assert (found.problem, found.flag, found.grade) == ("no_reference_range", None, grade)


@pytest.mark.parametrize("unit", [None, "furlong"])
def test_no_unit_no_grade(unit):
    """A value without a usable unit has no grade."""
    assert single("magnesium", 0.3, unit, grading="ctcae/5.0").grade is None


def test_uncorrected_calcium_is_noted_when_it_is_graded():
    """CTCAE wants corrected calcium: total calcium without albumin says that it was not corrected."""
    found = single("calcium", 7.5, "mg/dL", grading="ctcae/5.0")
    assert found.grade == 2
    assert "uncorrected_calcium" in found.notes


def test_total_calcium_with_albumin_is_graded_as_adjusted():
    """Total calcium of 7.5 mg/dL with albumin of 2.8 g/dL is 8.46 adjusted, which is grade 1."""
    report = both([("calcium", 7.5, "mg/dL"), ("albumin", 2.8, "g/dL")], grading="ctcae/5.0")
    assert report.interpretations[0].grade == 1
    assert "uncorrected_calcium" not in report.interpretations[0].notes


def test_an_analyte_outside_the_standard_has_no_grade():
    """Vitamin D, B12 and homocysteine have no grade in CTCAE."""
    for test, value, unit in [("vitamin_d", 8, "ng/mL"), ("vitamin_b12", 100, "pg/mL"), ("homocysteine", 40, "umol/L")]:
        assert single(test, value, unit, grading="ctcae/5.0").grade is None


def test_daids_has_no_high_magnesium():
    """DAIDS grades low magnesium alone: a high value excludes the low grades and can have no other."""
    assert single("magnesium", 3.0, "mmol/L", grading="daids/2.1").grade in (0, None)


def test_a_censored_value_is_graded_only_where_all_it_stands_for_agrees():
    """`<0.3` can only be grade 4; `<0.4` can be 3 or 4 and has no grade."""
    assert single("magnesium", "<0.3", "mmol/L", grading="ctcae/5.0").grade == 4
    assert single("magnesium", "<0.4", "mmol/L", grading="ctcae/5.0").grade is None


def test_grading_takes_standards_alone():
    """A profile is no grading, and the error says which gradings there are."""
    with pytest.raises(li.ReferenceSetNotFound, match=r"ctcae/5\.0"):
        li.interpret([], ADULT, grading="us")
