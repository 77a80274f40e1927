"""What one result and one panel come to."""

from __future__ import annotations

import math
from decimal import Decimal

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.kernel.limits import Bounds
from labinterp.reading.analytes import analytes

ADULT = li.Patient(age=54, sex="female")


def one(test, value, unit=None, patient=ADULT, *, ranges="us", options=None, **fields):
    report = li.interpret([li.LabResult(test, value, unit, **fields)], patient, ranges=ranges, **(options or {}))
    assert len(report.interpretations) == 1
    return report.interpretations[0]


def test_contract_example_prints_what_its_comments_say():
    """The example of the contract gives the finding, the steps and the conversion that it promises."""
    report = li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
            li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("albumin", 4.1, "g/dL"),
        ],
        li.Patient(age=54, sex="female"),
        ranges="us",
    )
    assert report.findings[0].code == "hypocalcemia"
    assert report.findings[0].upstream == ("vitamin_d_deficiency",)
    assert all(step.statement and step.observation and step.citations for step in report.findings[0].pathways[0].steps)
    assert li.convert(1.8, "mg/dL", "mmol/L", analyte="magnesium") == 0.7405883563052871


@pytest.mark.parametrize(
    ("test", "value", "unit", "problem"),
    [
        ("1,25-dihydroxyvitamin D", 40, "pg/mL", "unknown_test"),
        ("Magnesium, Urine", 4, "mg/dL", "unknown_test"),
        ("99999-9 Magnesium", 2, "mg/dL", "unknown_test"),
        ("prealbumin", 20, "mg/dL", "unknown_test"),
        ("", 2, "mg/dL", "unknown_test"),
        ("magnesium", None, "mg/dL", "missing_value"),
        ("magnesium", "", "mg/dL", "missing_value"),
        ("magnesium", math.nan, "mg/dL", "missing_value"),
        ("magnesium", "QNS", "mg/dL", "not_numeric"),
        ("magnesium", "hemolyzed", "mg/dL", "not_numeric"),
        ("magnesium", math.inf, "mg/dL", "not_numeric"),
        ("magnesium", "١٫٨", "mg/dL", "not_numeric"),
        ("magnesium", "1.8 hemolyzed", "mg/dL", "not_numeric"),
        ("magnesium", "1.8 - 2.2", "mg/dL", "not_numeric"),
        ("vitamin_b12", "1,234", "pg/mL", "ambiguous_number"),
        ("magnesium", -1, "mg/dL", "negative_value"),
        ("magnesium", 0, "mg/dL", "implausible_value"),
        ("magnesium", 200, "mg/dL", "implausible_value"),
        ("magnesium", 2.0, None, "missing_unit"),
        ("magnesium", 2.0, "  ", "missing_unit"),
        ("magnesium", 2.0, "furlongs", "unknown_unit"),
        ("magnesium", 2.0, "9**9**9", "unknown_unit"),
        ("vitamin_d", 20, "meq/L", "incompatible_unit"),
        ("magnesium", "1.8 mg/dL", "mmol/L", "unknown_unit"),
    ],
)
def test_every_problem_has_its_code_and_no_flag(test, value, unit, problem):
    """What cannot be read, converted or judged has a problem and neither flag nor level."""
    item = one(test, value, unit)
    assert item.problem == problem
    assert (item.flag, item.level, item.band, item.value) == (None, None, None, None)


def test_specimen_other_than_blood_is_a_problem():
    """A urine magnesium is no serum magnesium, whatever the test is called."""
    assert one("magnesium", 2.0, "mg/dL", specimen="urine").problem == "unsuitable_specimen"
    assert one("calcium_ionized", 1.2, "mmol/L", specimen="whole blood").problem != "unsuitable_specimen"


def test_unknown_age_is_told_from_no_range():
    """Where only adults are covered and the age is unknown there is no range, with the hint to assume an adult."""
    report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")])
    (problem,) = report.problems
    assert problem.code == "no_reference_range"
    assert "assume_adult=True" in problem.suggestion
    assert report.interpretations[0].value == pytest.approx(0.4526, abs=1e-4)
    item = one("magnesium", 1.1, "mg/dL", None, options={"assume_adult": True})
    assert (item.flag, item.notes) == ("L", ("range_without_age",))
    child = li.interpret([li.LabResult("albumin", 4.1, "g/dL")], li.Patient(age=7), assume_adult=True)
    assert child.problems[0].code == "no_reference_range"


def test_no_editions_leaves_only_the_range_on_the_result():
    """With `ranges=[]` a result is judged by its own range or not at all."""
    assert one("magnesium", 1.1, "mg/dL", ranges=[]).problem == "no_reference_range"
    assert one("magnesium", 1.1, "mg/dL", ranges=[], reference_low=1.6, reference_high=2.6).flag == "L"


@pytest.mark.parametrize(
    ("value", "low", "high", "flag", "note"),
    [
        (1.6, 1.6, 2.6, "N", None),
        (2.6, 1.6, 2.6, "N", None),
        (2.61, 1.6, 2.6, "H", None),
        (2.0, 0, 0, "N", "reported_range_unusable"),
        (2.0, 2.6, 1.6, "N", "reported_range_unusable"),
        (2.0, "see note", 2.6, "N", "reported_range_unusable"),
        (1.0, 1.6, None, "L", "reported_range_one_sided"),
        (2.0, 1.6, None, "IND", "reported_range_one_sided"),
        (2.0, None, 2.6, "IND", "reported_range_one_sided"),
        (3.0, None, 2.6, "H", "reported_range_one_sided"),
        ("2.0", "1,6", "2,6", "N", None),
    ],
)
def test_range_that_came_with_the_result_wins_or_says_why_not(value, low, high, flag, note):
    """The laboratory's own range decides while it is usable; a range with one end never makes the open side normal."""
    item = one("magnesium", value, "mg/dL", reference_low=low, reference_high=high)
    assert item.flag == flag
    assert (item.range_id == "reported") is (note != "reported_range_unusable")
    if note:
        assert note in item.notes
    off = one("magnesium", value, "mg/dL", reference_low=low, reference_high=high, options={"reported_ranges": False})
    assert off.range_id.startswith("abim/")


@pytest.mark.parametrize("analyte", sorted({*analytes()} - {"parathyroid_hormone"}))
@pytest.mark.parametrize("end", [{"reference_low": 0}, {"reference_low": "0.0"}, {"reference_high": "99999999"}])
def test_an_end_that_limits_nothing_makes_nothing_normal(analyte, end):
    """A lower end of 0 and an upper one that nobody reaches add nothing to what the other end says."""
    about = analytes()[analyte]
    ordinary = Bounds.of(about.ordinary)
    other = {"reference_high" if "reference_low" in end else "reference_low": (ordinary.low + ordinary.high) / 2}
    for value in (ordinary.low, ordinary.high, Bounds.of(about.soft).high):
        both, alone = (one(analyte, value, about.canonical_unit, **ends) for ends in ({**other, **end}, other))
        assert both.flag == alone.flag


def test_one_sided_range_is_whole_where_the_open_side_is_harmless():
    """Homocysteine below 15 is normal by a range of `<15`: nothing abnormal lies below."""
    assert one("homocysteine", 10, "umol/L", reference_high="<15").flag == "N"
    assert one("homocysteine", 15, "umol/L", reference_high="<15").flag == "H"
    assert one("homocysteine", 15, "umol/L", reference_high=15).flag == "N"


@pytest.mark.parametrize(
    ("value", "flag"),
    [("<1.2", "L"), ("<2.0", "IND"), ("<3", "IND"), (">2.0", "IND"), (">2.6", "H"), (">=2.6", "IND"), ("<=1.6", "IND"),
     ("<1.6", "L"), ("> 3", "H"), ("≤1.5", "L")],
)  # fmt: skip
def test_censored_value_has_a_flag_only_if_all_it_can_stand_for_have_it(value, flag):
    """`<1.2` is low whatever it is; `<2.0` may be low or normal, so it is indeterminate, never normal."""
    item = one("magnesium", value, "mg/dL")
    assert item.flag == flag
    assert "censored" in item.notes


def test_far_side_of_a_censored_value_is_kept_as_its_mildest_level():
    """Homocysteine above 50 is certainly raised although how far is unknown: no flag, but the level and the finding."""
    report = li.interpret([li.LabResult("homocysteine", ">50", "umol/L")], ADULT)
    assert report.interpretations[0].flag == "IND"
    assert report.interpretations[0].level == "high"
    assert [finding.code for finding in report.findings] == ["hyperhomocysteinemia"]


def test_unknown_sex_is_consulted_both_ways():
    """Creatinine between the limits of women and men is indeterminate while the sex is unknown."""
    results = {
        sex: one("creatinine", 1.2, "mg/dL", li.Patient(age=50, sex=sex)).flag for sex in ("female", "male", None)
    }
    assert results == {"female": "H", "male": "N", None: "IND"}


def test_soft_implausible_value_makes_its_state_possible_at_most():
    """A magnesium of 0.05 mmol/L is judged, doubted, and no more than possible."""
    report = li.interpret([li.LabResult("magnesium", 0.05, "mmol/L")], ADULT)
    assert report.interpretations[0].flag == "LU"
    assert "soft_implausible" in report.interpretations[0].notes
    assert report.findings[0].status == "possible"


def test_suspected_unit_is_named_and_never_applied():
    """25(OH)D in a wrong unit and magnesium beyond the possible name a unit that would fit."""
    item = one("magnesium", 20, "mmol/L")
    assert item.problem == "implausible_value"
    assert item.suspected_unit == "mg/L"


@pytest.mark.parametrize(
    "value", ["1,8", "1.8", 1.8, Decimal("1.8"), "１．８", "1.80", pint.UnitRegistry()("1.8 mg/dl")]
)
def test_one_value_in_many_forms(value):
    """A number, a Decimal, a text, full-width digits and a Quantity of any registry are one value."""
    unit = None if hasattr(value, "units") else "mg/dL"
    assert one("magnesium", value, unit).value == pytest.approx(0.7405883563, rel=1e-9)


def test_adjusted_calcium_is_judged_by_the_range_of_its_total():
    """Low total calcium with low albumin is normal after adjustment, by the range that came with it."""
    report = li.interpret(
        [
            li.LabResult("calcium", 2.05, "mmol/L", reference_low=2.2, reference_high=2.6),
            li.LabResult("albumin", 30, "g/L"),
        ],
        ADULT,
    )
    assert report.interpretations[0].flag == "L"
    assert "uncorrected_calcium" not in report.interpretations[0].notes
    assert report.states["hypocalcemia"] == "excluded"


@pytest.mark.parametrize(
    ("albumin", "status"), [(30, "excluded"), (25, "excluded"), (24.9, "possible"), (None, "possible")]
)
def test_albumin_outside_its_span_does_not_adjust(albumin, status):
    """Below 25 g/L the formula is not valid: total calcium alone makes hypocalcemia possible at most."""
    results = [li.LabResult("calcium", 2.0, "mmol/L")]
    if albumin is not None:
        results.append(li.LabResult("albumin", albumin, "g/L"))
    report = li.interpret(results, ADULT, ranges="us")
    assert report.states["hypocalcemia"] == status
    assert ("uncorrected_calcium" in report.interpretations[0].notes) is (status == "possible")


def test_ionized_calcium_decides():
    """Measured ionized calcium outweighs total and adjusted calcium."""
    report = li.interpret(
        [li.LabResult("calcium", 7.0, "mg/dL"), li.LabResult("calcium_ionized", 1.18, "mmol/L")], ADULT
    )
    assert report.states["hypocalcemia"] == "excluded"


def test_latest_result_of_an_analyte_counts():
    """Of two results the later one by collection time counts, whatever their order; of equals the last one."""
    low = li.LabResult("magnesium", 1.1, "mg/dL", collected_at="2026-01-01")
    normal = li.LabResult("magnesium", 2.0, "mg/dL", collected_at="2026-02-01")
    assert li.interpret([normal, low], ADULT).states["magnesium_deficiency"] == "excluded"
    same = li.LabResult("magnesium", 1.1, "mg/dL", collected_at="2026-02-01")
    assert li.interpret([normal, same], ADULT).states["magnesium_deficiency"] == "present"


def test_age_at_collection_comes_from_the_birth_date():
    """The birth date decides about the age at collection: a partition begins on the birthday itself."""
    patient = li.Patient(birth_date="2008-03-01")
    flags = [one("albumin", 4.1, "g/dL", patient, collected_at=day).problem for day in ("2026-02-28", "2026-03-01")]
    assert flags == ["no_reference_range", None]


def test_flag_of_the_laboratory_is_compared():
    """A laboratory flag on the other side of normal is noted; an agreeing or unknown one is not."""
    assert "flag_disagrees" in one("magnesium", 1.1, "mg/dL", reported_flag="N").notes
    assert "flag_disagrees" in one("magnesium", 2.0, "mg/dL", reported_flag="abnormal").notes
    assert "flag_disagrees" not in one("magnesium", 1.1, "mg/dL", reported_flag="LOW").notes
    assert "flag_disagrees" not in one("magnesium", 1.1, "mg/dL", reported_flag="see note").notes


def test_loinc_code_and_unit_in_conflict_are_noted_and_the_unit_decides():
    """A mass code with a molar unit is read by its unit."""
    item = one("19123-9", 1.0, "mmol/L")
    assert item.value == 1.0
    assert "loinc_unit_conflict" in item.notes


def test_raise_stops_at_the_first_problem():
    """With `on_problem="raise"` the first problem is an exception that names the result, not its value."""
    with pytest.raises(li.UnknownUnitError, match="result 1") as caught:
        li.interpret(
            [li.LabResult("magnesium", 2.0, "mg/dL"), li.LabResult("calcium", 77.125, "furlongs")], ADULT,
            on_problem="raise",
        )  # fmt: skip
    assert caught.value.result_index == 1
    assert "77.125" not in str(caught.value)


def test_default_units_speak_for_results_without_one():
    """A unit said for the batch is used where the result has none, and noted."""
    item = one("magnesium", 1.1, options={"default_units": {"magnesium": "mg/dL"}})
    assert (item.flag, item.notes) == ("L", ("default_unit_used",))
    with pytest.raises(li.UnknownUnitError):
        one("magnesium", 1.1, options={"default_units": {"magnesium": "furlongs"}})
    with pytest.raises(li.UnknownTestError):
        one("magnesium", 1.1, options={"default_units": {"manganese": "mg/dL"}})


@settings(max_examples=300)
@given(
    st.sampled_from(["magnesium", "calcium", "vitamin_d", "vitamin_b12", "homocysteine", "albumin", "calcium_ionized"]),
    st.floats(0.2, 900),
    st.floats(0.2, 900),
    st.sampled_from(["us", "uk", "nordic", "endocrine-society/2011", "nam/2011", "nice-ng239/2024"]),
)
def test_classification_is_monotone(analyte, one_value, other, ranges):
    """Of two values of one analyte the smaller one never has the higher level."""
    order = ["very_low", "low", "borderline_low", "normal", "borderline_high", "high", "very_high"]
    unit = analytes()[analyte].canonical_unit
    small, large = sorted((one_value, other))
    levels = [one(analyte, value, unit, ranges=ranges).level for value in (small, large)]
    ranks = [order.index(level) for level in levels if level in order]
    assert ranks == sorted(ranks)


def test_methods_that_matter_are_said_once():
    """Unknown assays of vitamin B12, homocysteine and 25(OH)D are said once for the report."""
    report = li.interpret([li.LabResult("B12", 300, "pg/mL"), li.LabResult("B12", 310, "pg/mL")], ADULT)
    assert sum("the method was not sent" in note for note in report.notes) == 1
    known = li.interpret([li.LabResult("B12", 300, "pg/mL", method="ECLIA")], ADULT)
    assert not any("the method was not sent" in note for note in known.notes)


def test_nothing_that_may_be_logged_shows_values_or_ids():
    """`repr` of results, patients, interpretations, findings and reports holds no value, attribute or id."""
    report = li.interpret(
        [li.LabResult("magnesium", "1.0625", "mg/dL", id="MRN-12345")],
        li.Patient(age=54.375, id="MRN-12345"),
        presentation=li.Presentation(symptoms=["cramps"]),
    )
    parts = [report, report.patient, report.presentation, *report.findings, *report.interpretations]
    text = " ".join(map(repr, [*parts, *(item.result for item in report.interpretations), *report.problems]))
    for secret in ("1.0625", "MRN", "54.375", "0.437"):
        assert secret not in text


def test_entry_bound_to_a_method_answers_for_that_method_alone():
    """Limits of an LC-MS/MS assay judge its results and those of unknown assay, not those of an immunoassay."""
    ranges = ["mayo/vitamin-d", "nam/2011"]
    ids = [one("vitamin_d", 22, "ng/mL", ranges=ranges, method=method).range_id for method in (None, "LCMSMS", "ECLIA")]
    assert [range_id.split("#")[0] for range_id in ids] == ["mayo/vitamin-d", "mayo/vitamin-d", "nam/2011"]


def test_unit_said_in_two_ways_is_not_known():
    """Where the source's two unit columns disagree, the value is not read by either."""
    item = one("magnesium", 2.0, "mg/dL", note="unit_conflict")
    assert (item.problem, item.notes) == ("unknown_unit", ("unit_conflict",))


def test_evidence_keeps_the_comparator():
    """A finding that rests on `<1.2` says so, wherever its evidence is shown."""
    report = li.interpret([li.LabResult("magnesium", "<1.2", "mg/dL")], ADULT)
    assert report.findings[0].evidence[0].comparator == "<"
