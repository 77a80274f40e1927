"""Faults seen in other software and in published tables, each of which must not happen here."""

from __future__ import annotations

import pandas as pd
import pytest

import labinterp as li
from labinterp.ranges.library import shipped
from labinterp.reading.analytes import analytes

ADULT = li.Patient(age=50, sex="female", pregnancy="none")


def one(test, value, unit=None, *, options=None, **fields):
    """Return the interpretation of one result, the same by both faces."""
    report = li.interpret([li.LabResult(test, value, unit, **fields)], ADULT, **(options or {}))
    frame = pd.DataFrame(
        [{"test": test, "value": value, "unit": unit, **fields, "age": 50, "sex": "female", "pregnancy": "none"}]
    )
    row = li.interpret_frame(frame, **(options or {})).results.iloc[0]
    found = report.interpretations[0]
    for name in ("analyte", "value", "flag", "level", "grade", "problem"):
        seen, expected = row[name], getattr(found, name)
        assert (pd.isna(seen) and expected is None) or seen == expected, name
    return found


def convert(value, unit, to, analyte):
    return li.convert(value, unit, to, analyte=analyte)


# --- units and factors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["62292-8", "1989-3"])
def test_the_molar_masses_of_d2_and_d3_are_not_added(code):
    """20 ng/mL of 25(OH)D is 49.92 nmol/L, not the 24.6 that the sum of two molar masses gives."""
    assert one(code, 20, "ng/mL").value == pytest.approx(49.920, abs=5e-4)


@pytest.mark.parametrize("analyte", ["magnesium", "calcium", "calcium_adjusted", "calcium_ionized"])
def test_milliequivalents_of_divalent_ions_are_half_millimoles(analyte):
    """An mEq/L of magnesium or calcium is 0.5 mmol/L, never 1."""
    assert convert(2, "mEq/L", "mmol/L", analyte) == 1
    assert convert(1, "meq/L", "mg/dL", "magnesium") == pytest.approx(1.21525, rel=1e-9)
    assert convert(1, "meq/L", "mg/dL", "calcium") == pytest.approx(2.0039, rel=1e-9)
    assert convert(4, "mEq/L", "mmol/L", "potassium") == 4


@pytest.mark.parametrize(
    ("value", "unit", "to", "analyte", "expected"),
    [
        (180, "ng/L", "pmol/L", "vitamin_b12", 132.805), (350, "pg/mL", "pmol/L", "vitamin_b12", 258.232),
        (1, "mg/L", "umol/L", "homocysteine", 7.397544), (1, "ng/mL", "nmol/L", "methylmalonic_acid", 8.468118),
        (1, "ng/mL", "nmol/L", "folate", 2.265519), (1, "mg/dL", "umol/L", "creatinine", 88.4017),
        (1, "mg/dL", "mmol/L", "magnesium", 0.411437976), (1, "mg/dL", "mmol/L", "calcium", 0.249513449),
        (1, "nmol/mL", "umol/L", "homocysteine", 1), (1, "nmol/L", "mmol/L", "vitamin_d", 1e-6),
        (1, "nmol/L", "pmol/L", "vitamin_b12", 1000), (1, "pg/mL", "ng/L", "vitamin_b12", 1), (1, "ug/L", "ng/mL", "folate", 1),
        (1, "g/dL", "g/L", "albumin", 10), (10, "mg/L", "mg/dL", "magnesium", 1),
    ],
)  # fmt: skip
def test_factors_are_those_of_the_molar_masses(value, unit, to, analyte, expected):
    """Factors that others lack, round or get wrong by powers of ten are exact here."""
    assert convert(value, unit, to, analyte) == pytest.approx(expected, rel=5e-6)


def test_ten_to_the_minus_nine_moles_are_nanomoles():
    """`10-9 mol/l` is nmol/L and never umol/L; or it is refused."""
    found = one("vitamin_d", 60, "10-9 mol/l")
    assert found.problem == "unknown_unit" or found.value == 60


@pytest.mark.parametrize("text", ["1.1 x 10^9", "1.1x10^9", "1.1 × 10^9", "1.1e9", "1.1*10^9"])
def test_a_power_of_ten_is_not_dropped(text):
    """`1.1 x 10^9` is never read as 1.1."""
    found = one("magnesium", text, "mmol/L")
    assert found.problem in ("implausible_value", "not_numeric")
    assert found.value is None


def test_mmoll_is_no_megamole():
    """`MMOLL` and `MMOL/L` are mmol/L."""
    for unit in ("MMOLL", "MMOL/L"):
        assert one("magnesium", 0.8, unit).value == 0.8


def test_a_decimal_comma_is_not_a_thousands_separator_in_magnesium():
    """`1,8 mg/dL` is 1.8 and never 18."""
    assert one("magnesium", "1,8", "mg/dL").value == pytest.approx(0.7405883563, rel=1e-9)
    assert one("magnesium", "1,8 mg/dL").flag == "N"


# --- codes and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "value", "unit", "canonical", "flag"),
    [
        ("2601-3", 1.8, "mg/dL", 0.740588, "N"), ("2000-8", 9.4, "mg/dL", 2.345426, "N"), ("19123-9", 1.00, "mmol/L", 1.0, "N"),
        ("2601-3", 1.6, "mEq/L", 0.8, "N"), ("14635-7", 60000, "pmol/L", 60, "N"), ("17861-6", 2.3, "mmol/L", 2.3, "N"),
    ],
)  # fmt: skip
def test_a_code_of_the_other_property_does_not_change_the_unit(code, value, unit, canonical, flag):
    """Molar codes on mass results and the reverse: the unit decides, and the conflict is noted where there is one."""
    found = one(code, value, unit)
    assert found.value == pytest.approx(canonical, rel=1e-6)
    assert found.flag == flag
    assert ("loinc_unit_conflict" in found.notes) == (unit != "pmol/L")


def test_the_deprecated_code_of_mimic_is_vitamin_b12_and_says_so():
    """2170-9 is read as vitamin B12 with a note, or refused; never silently."""
    found = one("2170-9", 300, "pg/mL")
    assert found.problem == "unknown_test" or "deprecated_code" in found.notes


@pytest.mark.parametrize("code", ["5683-8", "20646-6", "32615-7", "18281-6", "17820-2", "52957-8"])
def test_codes_that_others_took_for_our_analytes_are_refused(code):
    """Manganese is no magnesium, homocystine no homocysteine, protein-corrected calcium no adjusted calcium."""
    assert one(code, 5, "umol/L").problem == "unknown_test"


@pytest.mark.parametrize(("name", "code"), [("CA 125", "19123-9"), ("Vitamin D", "18281-6")])
def test_a_name_and_a_code_of_different_things_are_never_silent(name, code):
    """A code with a name of something else is refused or noted."""
    report = li.interpret([li.LabResult(name, 5, "mg/dL", loinc=code)], ADULT)
    found = report.interpretations[0]
    assert found.problem == "unknown_test" or "loinc_name_conflict" in found.notes


@pytest.mark.parametrize("unit", ["nmol/L", "mmol/L"])
def test_the_ph_adjusted_code_with_a_wrong_example_unit_is_refused_in_any_unit(unit):
    """53138-4, whose example unit in LOINC 2.67 is an error, is another quantity and refused."""
    assert one("53138-4", 1.2, unit).problem == "unknown_test"


def test_plausibility_is_checked_for_every_analyte():
    """No analyte is without hard limits."""
    for key, analyte in analytes().items():
        assert analyte.hard is not None, key
        assert one(key, 1e12, analyte.canonical_unit).problem == "implausible_value"


# --- ranges --------------------------------------------------------------------------------------------------------


def limits(edition, analyte):
    return [
        (band.level, band.lower, band.upper)
        for entry in shipped().edition(edition).entries
        if entry.analyte == analyte
        for band in entry.bands
    ]


def test_vitamin_d_range_of_thirty_to_sixty_is_in_nanograms():
    """ABIM's 30-60 is ng/mL: 35 ng/mL is inside, 35 nmol/L is low, by both."""
    assert one("vitamin_d", 35, "ng/mL", options={"ranges": "abim/2026-01"}).flag == "N"
    assert one("vitamin_d", 35, "nmol/L", options={"ranges": "abim/2026-01"}).flag == "L"
    assert one("vitamin_d", 140, "nmol/L", options={"ranges": "abim/2026-01"}).flag == "N"


def test_vitamin_b12_range_of_two_to_eight_hundred_is_in_picograms():
    """ABIM's 200-800 is pg/mL: 250 pg/mL and 190 pmol/L are inside, 130 pmol/L is low, 700 pmol/L is high."""
    flags = [
        one("vitamin_b12", v, u, options={"ranges": "abim/2026-01"}).flag
        for v, u in [(250, "pg/mL"), (190, "pmol/L"), (130, "pmol/L"), (700, "pmol/L")]
    ]
    assert flags == ["N", "N", "L", "H"]


def test_magnesium_range_of_abim_is_in_milligrams():
    """ABIM's 1.6-2.6 is mg/dL and not mEq/L: 1.6 mEq/L, which is 1.94 mg/dL, is normal, and 2.4 mEq/L is high."""
    assert one("magnesium", 1.6, "mEq/L").flag == "N"
    assert one("magnesium", 1.4, "mEq/L").flag == "N"
    assert one("magnesium", 2.4, "mEq/L").flag == "H"


def test_a_folate_range_that_is_mislabelled_in_nanograms_per_liter_is_doubted():
    """Folate of 3.9 ng/L in its range of 3.9-26.8 ng/L names a unit that would fit, and decides about nothing."""
    report = li.interpret([li.LabResult("folate", 10, "ng/L", reference_low=3.9, reference_high=26.8)], ADULT)
    found = report.interpretations[0]
    assert "soft_implausible" in found.notes
    assert found.suspected_unit is not None
    assert report.states["folate_deficiency"] in ("undetermined", "possible")


def test_a_range_with_a_lower_limit_of_zero_is_a_range():
    """A lower limit of 0 is a limit: MMA of 0.2 in 0-0.4 umol/L is normal, 0.5 is high, and 0 does not raise."""
    fields = {"reference_low": 0, "reference_high": 0.4}
    assert one("methylmalonic_acid", 0.2, "umol/L", **fields).flag == "N"
    assert one("methylmalonic_acid", 0.5, "umol/L", **fields).flag == "H"
    assert one("methylmalonic_acid", 0, "umol/L", **fields).problem == "implausible_value"


def test_a_missing_lower_limit_is_not_zero():
    """With an upper limit alone a low value is not low, and not normal either."""
    found = one("magnesium", 0.8, "mmol/L", reference_high=1.0, options={"ranges": []})
    assert found.flag not in ("L", "N")


def test_a_range_in_another_unit_is_not_trusted():
    """A reported range that carries a unit of its own other than the result's is not compared in the result's unit."""
    found = one("magnesium", 1.8, "mg/dL", reference_low="0.70 mmol/L", reference_high="1.05 mmol/L")
    assert found.flag == "N"


def test_two_units_of_the_published_magnesium_ranges_are_kept_apart():
    """Laposata's limits in mg/dL and mmol/L, which are no conversions of each other, are each used in their unit."""
    options = {"ranges": "laposata/ehrapy-2026"}
    assert one("magnesium", 0.62, "mmol/L", options=options).flag == "N"
    assert one("magnesium", 1.5, "mg/dL", options=options).flag == "N"
    assert one("magnesium", 0.615, "mmol/L", options=options).flag == "L"


def test_ionized_calcium_of_pregnancy_is_in_millimoles():
    """A transcription prints umol/L for calcium; 1.2 mmol/L of ionized calcium is normal in the third trimester."""
    patient = li.Patient(age=30, sex="female", pregnancy="trimester_3")
    report = li.interpret([li.LabResult("calcium_ionized", 1.2, "mmol/L")], patient, ranges="pregnancy-us")
    assert report.interpretations[0].flag == "N"


def test_parkviews_mixed_units_are_not_carried():
    """No shipped edition prints magnesium's critical limits in mEq/L beside a range in mg/dL."""
    for edition in shipped().editions():
        kinds = {entry.kind: set(entry.units) for entry in edition.entries if entry.analyte == "magnesium"}
        if "critical_limit" in kinds:
            assert "meq/L" not in kinds["critical_limit"]


# --- grading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.44, 0.445, 0.4499])
def test_daids_has_no_gap_below_its_second_grade(value):
    """DAIDS magnesium between 0.44 and 0.45 mmol/L is grade 3, where a peer has a gap."""
    assert one("magnesium", value, "mmol/L", options={"grading": "daids/2.1"}).grade == 3


def test_daids_calls_the_lower_limit_its_own_and_not_the_laboratorys():
    """8.4 mg/dL has no DAIDS grade although the laboratory's lower limit is 8.6."""
    options = {"grading": "daids/2.1", "ranges": []}
    found = one("calcium_adjusted", 8.4, "mg/dL", reference_low=8.6, reference_high=10.2, options=options)
    assert (found.grade, found.flag) == (0, "L")


def test_the_same_limit_belongs_to_other_grades_in_other_standards():
    """11.5 mg/dL of calcium is grade 1 by CTCAE and grade 2 by DAIDS."""
    fields = {"reference_low": 8.6, "reference_high": 10.2}
    grades = [
        one("calcium_adjusted", 11.5, "mg/dL", **fields, options={"grading": g}).grade
        for g in ("ctcae/5.0", "daids/2.1")
    ]
    assert grades == [1, 2]


def test_a_grade_on_a_limit_does_not_depend_on_binary_fractions():
    """Values on limits that binary fractions cannot hold have the grade of the limit, without rounding others onto it."""
    fields = {"reference_low": 0.7, "reference_high": 1.0}
    values = [(0.3, 3), (0.1 + 0.2, 3), (0.29999, 4), (0.4, 2), (0.39999, 3), (1.23, 1), (1.23001, 3)]
    for value, grade in values:
        assert one("magnesium", value, "mmol/L", **fields, options={"grading": "ctcae/5.0"}).grade == grade


def test_a_corrected_calcium_of_the_size_of_an_ionized_one_is_doubted():
    """A "Corrected Calcium" of 1.3 mmol/L is grade 4 by its name, and does not pass as an ionized calcium."""
    found = one("Corrected Calcium", 1.3, "MMOLL", options={"grading": "ctcae/5.0"})
    assert (found.analyte, found.grade, found.flag) == ("calcium_adjusted", 4, "LU")


def test_unadjusted_calcium_of_phadjusted_unit_is_refused():
    """`mmol/l/ph74` marks another quantity and is no unit of ours."""
    assert one("calcium_ionized", 1.2, "mmol/l/ph74").problem == "unknown_unit"
