"""Every limit of every grading, in every unit that it is printed in: just below, on and just above, in both faces."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import labinterp as li
from labinterp.ranges import shipped
from labinterp.reading import units
from labinterp.reading.analytes import analytes

EDITIONS = [
    edition for name in shipped().ids() if (edition := shipped().edition(name)).grades and edition.extends is None
]
OLD_ENOUGH = {None: 40.5, "low": 3 / 365.25, "high": 7.5 / 365.25}
ADULT = li.Patient(age=54, sex="female")
CASES = [
    pytest.param(edition, analyte, age, unit, id=f"{edition.id}-{analyte}-{age}-{unit}")
    for edition in EDITIONS
    for analyte in dict.fromkeys(entry.analyte for entry in edition.grades)
    for age in sorted({group(entry) for entry in edition.grades if entry.analyte == analyte}, key=str)
    for unit in next(entry for entry in edition.grades if entry.analyte == analyte).units
] if (group := lambda entry: "low" if entry.partition.age_high else "high" if entry.partition.age_low else None) else []  # fmt: skip


def scales(edition, analyte, age):
    return [entry for entry in edition.grades if entry.analyte == analyte and group(entry) == age]


def limits_of_normal(entries, unit):
    """Limits of normal of a laboratory, between the mildest grades on both sides."""
    low = [float(band.lower[unit]) * 1.1 for entry in entries for band in entry.bands if band.upper == "LLN"]
    high = [float(band.upper[unit]) * 0.9 for entry in entries for band in entry.bands if band.lower == "ULN"]
    return (low or [None])[0], (high or [None])[0]


def values(entries, unit, normal):
    ends = [end for entry in entries for band in entry.bands for end in (band.lower, band.upper)]
    numbers = {float(end[unit]) for end in ends if end is not None and not isinstance(end, str)} | set(normal) - {None}
    scale = units.scale(entries[0].analyte, unit)
    hard = analytes()[entries[0].analyte].hard
    near = {math.nextafter(number, to) for number in numbers for to in (-math.inf, number, math.inf)}
    return sorted(number for number in near if hard.holds(number * scale.mul / scale.div))


def expected(entries, unit, value, normal):
    """What the text of a standard says, band by band and without the kernel; None where it needs a limit not known."""
    words = {"LLN": normal[0], "ULN": normal[1]}
    unknown = False
    for entry in entries:
        for band in entry.bands:
            low, high = (
                words[end] if isinstance(end, str) else None if end is None else float(end[unit])
                for end in (band.lower, band.upper)
            )
            if (isinstance(band.lower, str) and low is None) or (isinstance(band.upper, str) and high is None):
                unknown = True
                continue
            above = low is None or value > low or (value == low and band.lower_inclusive)
            below = high is None or value < high or (value == high and band.upper_inclusive)
            if above and below:
                return band.grade
    return None if unknown else 0


def both_faces(edition, analyte, unit, numbers, age, normal):
    """Grades of each number, one by one and as a table; they are the same."""
    patient = li.Patient(age=OLD_ENOUGH[age])
    ends = {"reference_low": normal[0], "reference_high": normal[1]}
    one = [
        li.interpret([li.LabResult(analyte, number, unit, **ends)], patient, ranges=[], grading=edition.id)
        .interpretations[0]
        .grade
        for number in numbers
    ]
    frame = pd.DataFrame({"test": analyte, "value": numbers, "unit": unit, "age": patient.age, **ends})
    grades = li.interpret_frame(frame, ranges=[], grading=edition.id).results["grade"]
    assert [None if pd.isna(grade) else int(grade) for grade in grades] == one
    return one


@pytest.mark.parametrize(("edition", "analyte", "age", "unit"), CASES)
def test_value_on_a_limit_has_the_grade_that_the_standard_prints(edition, analyte, age, unit):
    """A result just below, on or just above a limit has the printed grade, by the range that came with it alone."""
    entries = scales(edition, analyte, age)
    normal = limits_of_normal(entries, unit)
    numbers = values(entries, unit, normal)
    found = both_faces(edition, analyte, unit, numbers, age, normal)
    assert found == [expected(entries, unit, number, normal) for number in numbers]
    assert {grade for grade in found if grade} >= {band.grade for entry in entries for band in entry.bands} - {None}


@pytest.mark.parametrize(("edition", "analyte", "age", "unit"), CASES)
def test_without_limits_of_normal_the_graver_grades_stay(edition, analyte, age, unit):
    """Without a range a grade that rests on numbers alone is given, and one that needs LLN or ULN is not."""
    entries = scales(edition, analyte, age)
    numbers = values(entries, unit, (None, None))
    found = both_faces(edition, analyte, unit, numbers, age, (None, None))
    assert found == [expected(entries, unit, number, (None, None)) for number in numbers]
    assert {2, 3, 4} <= set(found) or (analyte == "magnesium" and {3, 4} <= set(found))


@pytest.mark.parametrize("edition", [edition for edition in EDITIONS if edition.id.startswith("ctcae")], ids=str)
@pytest.mark.parametrize("analyte", ["magnesium", "calcium_adjusted", "calcium_ionized"])
def test_a_low_limit_of_normal_leaves_grade_1_empty(edition, analyte):
    """Where LLN lies below the limit of grade 2, nothing has grade 1, and the other grades are as printed."""
    entries = scales(edition, analyte, None)
    unit = "mmol/L"
    second = next(
        band for entry in entries if entry.direction == "low" for band in entry.bands if band.upper != "LLN"
        and band.grade == 2
    )  # fmt: skip
    normal = (float(second.lower[unit]) * 1.01, None)
    numbers = values(entries, unit, normal)
    found = both_faces(edition, analyte, unit, numbers, None, normal)
    assert found == [expected(entries, unit, number, normal) for number in numbers]
    on_the_limit = found[numbers.index(float(second.upper[unit]))]
    assert on_the_limit != 1


def grade(test, value, unit, grading, *, patient=ADULT, **more):
    return (
        li.interpret([li.LabResult(test, value, unit, **more)], patient, ranges=[], grading=grading)
        .interpretations[0]
        .grade
    )


def test_standards_place_the_same_number_on_different_sides():
    """11.5 mg/dL of calcium is grade 1 by CTCAE and grade 2 by DAIDS, as each prints it."""
    result = ("calcium_adjusted", 11.5, "mg/dL")
    assert grade(*result, "ctcae/5.0", reference_low=8.6, reference_high=10.2) == 1
    assert grade(*result, "daids/2.1", reference_low=8.6, reference_high=10.2) == 2


def test_a_sample_is_graded_in_the_unit_reported():
    """The limits of the two unit systems are no conversions: one sample can have two grades."""
    assert grade("magnesium", 0.38, "mmol/L", "ctcae/5.0") == 3
    assert grade("magnesium", 0.924, "mg/dL", "ctcae/5.0") == 2
    assert grade("magnesium", 380, "umol/L", "ctcae/5.0") == 3
    assert grade("magnesium", 0.76, "meq/L", "ctcae/5.0") == 3
    assert grade("magnesium", 0.9, None, "ctcae/5.0") is None


def test_age_decides_within_seven_days():
    """DAIDS grades calcium by its own limits under seven days; an unknown age has a grade where both agree."""
    result = ("calcium_adjusted", 7.4, "mg/dL", "daids/2.1")
    assert grade(*result, patient=li.Patient(age=6.9 / 365.25)) == 1
    assert grade(*result, patient=li.Patient(age=7 / 365.25)) == 2
    born = li.Patient(birth_date="2026-01-01")
    assert grade(*result, patient=born, collected_at="2026-01-05") == 1
    assert grade(*result, patient=born, collected_at="2026-01-09") == 2
    assert grade(*result, patient=li.Patient()) is None
    assert grade("calcium_adjusted", 5.0, "mg/dL", "daids/2.1", patient=li.Patient()) == 4


def test_one_end_of_a_range_serves_its_side():
    """A range with an upper end alone permits grade 1 on the high side, and still none on the low side."""
    assert grade("magnesium", 2.7, "mg/dL", "ctcae/5.0", reference_high=2.6) == 1
    assert grade("magnesium", 1.3, "mg/dL", "ctcae/5.0", reference_high=2.6) is None
    assert grade("magnesium", 1.3, "mg/dL", "ctcae/5.0", reference_low=1.6) == 1


def test_a_censored_result_has_a_grade_where_every_value_has_it():
    """A result known to lie below or above a limit is graded only where that leaves one grade."""
    ends = {"reference_low": 1.6, "reference_high": 2.6}
    assert grade("magnesium", "<0.5", "mg/dL", "ctcae/5.0", **ends) == 4
    assert grade("magnesium", "<1.0", "mg/dL", "ctcae/5.0", **ends) is None
    assert grade("magnesium", ">8.0", "mg/dL", "ctcae/5.0", **ends) == 4


def test_what_a_standard_does_not_grade_has_no_grade():
    """An analyte without a term, and high magnesium in DAIDS, stay without a grade above 0."""
    assert grade("vitamin_d", 5, "ng/mL", "ctcae/6.0") is None
    assert grade("magnesium", 9, "mg/dL", "daids/2.1") == 0


def calcium(**more):
    results = [li.LabResult("calcium", 7.4, "mg/dL", **more), li.LabResult("albumin", 2.8, "g/dL", **more)]
    frame = pd.DataFrame(
        {"patient_id": "A", "test": ["calcium", "albumin"], "value": [7.4, 2.8], "unit": ["mg/dL", "g/dL"], "age": 54}
    )
    return results, frame


@pytest.mark.parametrize("ranges", ["us", []], ids=["us", "none"])
def test_total_calcium_is_graded_as_adjusted_or_noted(ranges):
    """With an albumin the adjusted calcium is graded; without one the grade is noted to be uncorrected."""
    results, frame = calcium()
    adjusted = li.interpret(results, ADULT, ranges=ranges, grading="ctcae/5.0").interpretations[0]
    table = li.interpret_frame(frame, ranges=ranges, grading="ctcae/5.0").results.iloc[0]
    assert adjusted.grade == (1 if ranges else None)
    assert ("graded_as_adjusted" in adjusted.notes) is bool(ranges)
    assert table["notes"] == ";".join(adjusted.notes)
    assert (None if pd.isna(table["grade"]) else table["grade"]) == adjusted.grade
    alone = li.interpret(results[:1], ADULT, ranges=ranges, grading="ctcae/5.0").interpretations[0]
    assert alone.grade == 2
    assert "uncorrected_calcium" in alone.notes
    table = li.interpret_frame(frame[:1], ranges=ranges, grading="ctcae/5.0").results.iloc[0]
    assert (table["grade"], table["notes"]) == (2, ";".join(alone.notes))


def test_a_grade_without_a_range_is_no_flag():
    """Without any range a grade stands beside the problem, and nothing is called low or normal."""
    report = li.interpret([li.LabResult("magnesium", 1.0, "mg/dL")], ADULT, ranges=[], grading="ctcae/5.0")
    item = report.interpretations[0]
    assert (item.grade, item.flag, item.level, item.problem) == (2, None, None, "no_reference_range")
    assert not report.findings
    assert li.verify(report).ok


def test_a_report_says_once_that_grades_are_laboratory_derived():
    """Standards ask of symptoms too; a report with grades says so once, and one without does not."""
    results = [li.LabResult("magnesium", 1.0, "mg/dL"), li.LabResult("calcium", 7.4, "mg/dL")]
    said = [note for note in li.interpret(results, ADULT, grading="ctcae/6.0").notes if "laboratory-derived" in note]
    assert len(said) == 1
    assert "ctcae/6.0" in said[0]
    assert not any("laboratory-derived" in note for note in li.interpret(results, ADULT).notes)


def test_each_direction_has_its_own_grade():
    """A value that is too low has grade 0 as too high, and a direction whose limit is not known has none."""
    ends = {"reference_low": 1.6, "reference_high": 2.6}
    rows = [(0.8, ends), (5.0, ends), (2.0, ends), (0.8, {}), (2.0, {}), (2.7, {"reference_high": 2.6}), ("<0.5", ends)]
    results = [li.LabResult("magnesium", value, "mg/dL", **more) for value, more in rows]
    found = li.interpret(results, ADULT, ranges=[], grading="ctcae/5.0").interpretations
    assert [(item.grade_low, item.grade_high, item.grade) for item in found] == [
        (3, 0, 3), (0, 3, 3), (0, 0, 0), (3, None, 3), (None, None, None), (None, 1, 1), (4, 0, 4),
    ]  # fmt: skip


def test_grades_of_directions_stand_where_a_grading_is_asked(tmp_path):
    """Tables and streams have both columns beside the grade with a grading, and neither without one."""
    frame = pd.DataFrame({"patient_id": "A", "test": "magnesium", "value": [0.3, 2.0], "unit": "mmol/L", "age": 54})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    plain, graded = li.interpret_frame(frame).results, li.interpret_frame(frame, grading="ctcae/5.0").results
    at = graded.columns.get_loc("grade")
    assert graded.columns[at : at + 3].tolist() == ["grade", "grade_low", "grade_high"]
    assert graded.drop(columns=["grade_low", "grade_high"]).columns.equals(plain.columns)
    li.interpret_files(tmp_path / "rows.csv", tmp_path / "out", grading="ctcae/5.0")
    streamed = pd.read_parquet(tmp_path / "out" / "results")
    assert streamed[["grade", "grade_low", "grade_high"]].to_numpy().tolist() == [[3, 3, 0], [3, 0, 3]]
    assert graded[["grade", "grade_low", "grade_high"]].to_numpy().tolist() == [[3, 3, 0], [3, 0, 3]]


def test_multiples_for_a_low_baseline_need_the_lower_limit_of_normal():
    """A grade that holds for a baseline below normal alone is not given where the lower limit is not known."""
    result = li.LabResult("creatinine", 80, "umol/L", reference_high=104, baseline=30)
    item = li.interpret([result], ADULT, ranges=[], grading="ctcae/6.0").interpretations[0]
    assert (item.grade, "grade_needs_limit" in item.notes) == (None, True)
    whole = li.LabResult("creatinine", 80, "umol/L", reference_low=45, reference_high=104, baseline=30)
    assert li.interpret([whole], ADULT, ranges=[], grading="ctcae/6.0").interpretations[0].grade == 2
