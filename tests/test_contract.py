"""The public contract, clause by clause, through both faces, written from the contract and not from the code."""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
import math
import pickle
import threading
import warnings
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pint
import pytest

import labinterp as li
from labinterp import errors
from labinterp.units import accepted

ADULT = li.Patient(age=50, sex="female", pregnancy="none")
CANARY = "73.4517"
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
    "problem",
    "suspected_unit",
]
RESULT_COLUMNS = [
    "patient_id", "collected_at", "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level",
    "band", "grade", "problem", "notes", "suspected_unit",
]  # fmt: skip
FINDING_COLUMNS = [
    "patient_id", "panel", "finding", "status", "severity", "evidence", "upstream", "suggested_tests", "explanation",
]  # fmt: skip
PATHWAY_COLUMNS = ["patient_id", "panel", "finding", "pathway", "kind", "support", "broken_at", "explanation"]


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
            assert none_of_missing(found[column]) == getattr(interpretation, column), column
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


# --- section 1: words ----------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("analyte", CANONICAL)
def test_every_analyte_key_has_the_canonical_unit_of_the_contract(analyte):
    """Every analyte of the contract is known by key and comes out in its canonical UCUM unit, unchanged."""
    found = single(analyte, ORDINARY[analyte], CANONICAL[analyte], reference_low=0.001, reference_high=10000)
    assert (found.analyte, found.unit, found.value) == (analyte, CANONICAL[analyte], ORDINARY[analyte])


FINDINGS = {
    "hypomagnesemia": ("magnesium_deficiency", [("magnesium", 1.2, "mg/dL")]),
    "hypermagnesemia": ("magnesium_excess", [("magnesium", 3.1, "mg/dL")]),
    "hypocalcemia": ("hypocalcemia", [("calcium_ionized", 1.0, "mmol/L")]),
    "hypercalcemia": ("hypercalcemia", [("calcium_ionized", 1.5, "mmol/L")]),
    "vitamin-d-deficiency": ("vitamin_d_deficiency", [("vitamin_d", 20, "nmol/L")]),
    "vitamin-d-insufficiency": ("vitamin_d_insufficiency", [("vitamin_d", 40, "nmol/L")]),
    "vitamin-d-excess": ("vitamin_d_excess", [("vitamin_d", 160, "nmol/L")]),
    "vitamin-b12-deficiency": ("vitamin_b12_deficiency", [("vitamin_b12", 120, "pg/mL")]),
    "vitamin-b12-elevated": ("vitamin_b12_elevated", [("vitamin_b12", 1500, "pg/mL")]),
    "hyperhomocysteinemia": ("hyperhomocysteinemia", [("homocysteine", 22, "umol/L")]),
}


@pytest.mark.parametrize("code", FINDINGS)
def test_every_finding_code_reports_its_state(code):
    """Each finding code of the contract reports the state that the contract names beside it."""
    state, rows = FINDINGS[code]
    report = both(rows)
    found = finding(report, code)
    assert found.state == state
    assert found.status == report.states[state] == "present"


@pytest.mark.parametrize("code", ["hypermagnesemia", "hypercalcemia", "vitamin-d-excess", "vitamin-b12-elevated"])
def test_excess_states_have_no_pathway_to_fasciculation(code):
    """No pathway leads from an excess to fasciculation."""
    assert finding(both(FINDINGS[code][1]), code).pathways == ()


@pytest.mark.parametrize(
    ("level_of", "code", "absent"),
    [(20, "vitamin-d-deficiency", "vitamin-d-insufficiency"), (40, "vitamin-d-insufficiency", "vitamin-d-deficiency")],
)
def test_vitamin_d_has_one_finding_for_low_and_another_for_borderline(level_of, code, absent):
    """Low 25(OH)D is deficiency and borderline is insufficiency, never both."""
    assert code in codes(both([("vitamin_d", level_of, "nmol/L")]))
    assert absent not in codes(both([("vitamin_d", level_of, "nmol/L")]))


def test_every_state_has_one_of_the_four_statuses():
    """`Report.states` maps every state of the contract to one of four statuses."""
    report = both([("magnesium", 0.8, "mmol/L")])
    assert {state for state, _ in FINDINGS.values()} <= set(report.states)
    assert set(report.states.values()) <= {"present", "possible", "excluded", "undetermined"}
    assert report.states["hypocalcemia"] == "undetermined"
    assert report.states["magnesium_deficiency"] == "excluded"


@pytest.mark.parametrize(
    ("value", "flag", "level"),
    [(1.5, "L", "low"), (1.6, "N", "normal"), (2.6, "N", "normal"), (2.7, "H", "high")],
)
def test_flags_are_fhir_codes_and_both_ends_of_an_interval_are_normal(value, flag, level):
    """A reference interval has both ends inside, and its sides are L and H."""
    found = single("magnesium", value, "mg/dL")
    assert (found.flag, found.level) == (flag, level)


@pytest.mark.parametrize(
    ("value", "flag"),
    [(0.9, "LL"), (0.91, "L"), (4.99, "H"), (5.0, "HH"), (2.0, "N")],
)
def test_double_flags_come_from_critical_limits_alone(value, flag):
    """LL and HH are given only where an edition of critical limits is asked for, on the side that it prints."""
    assert single("magnesium", value, "mg/dL", ranges=["us", "ohsu/critical"]).flag == flag
    assert single("magnesium", value, "mg/dL").flag == flag[:1]


# --- section 2: importing it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0.74, Decimal("0.74"), "0.74", "0,74", "\uff10\uff0e\uff17\uff14", "0.740", " 0.74 "]
)
def test_a_value_may_be_a_number_a_decimal_or_a_text(value):
    """A number, a Decimal and a text with either decimal sign or full-width digits are the same value."""
    found = single("magnesium", value, "mmol/L")
    assert (found.value, found.flag, found.problem) == (0.74, "N", None)


def test_a_value_may_be_a_quantity_of_any_registry():
    """A pint Quantity of a registry of the caller's own is read with its unit."""
    registry = pint.UnitRegistry()
    report = li.interpret([li.LabResult("magnesium", registry.Quantity(1.8, "mg/dL"))], ADULT)
    assert report.interpretations[0].value == pytest.approx(0.7405883563, rel=1e-9)
    assert report.interpretations[0].flag == "N"


@pytest.mark.parametrize(
    ("text", "sign", "flag"), [("<8", "<", "L"), ("≥ 150", ">=", "H"), ("<= 10", "<=", "L"), ("> 80", ">", "H")]
)
def test_a_comparator_is_kept_and_noted(text, sign, flag):
    """A censored value keeps its comparator, is noted as censored and has a flag where all it stands for agrees."""
    found = single("vitamin_d", text, "ng/mL")
    assert (found.comparator, found.flag) == (sign, flag)
    assert "censored" in found.notes


def test_convert_gives_the_number_of_the_contract():
    """`convert` gives the contract's example to the last bit."""
    assert li.convert(1.8, "mg/dL", "mmol/L", analyte="magnesium") == 0.7405883563052871


def test_one_interpretation_per_result_in_input_order():
    """Every result has its interpretation, in order, whatever came of it."""
    rows = [
        ("magnesium", 0.8, "mmol/L"),
        ("nonsense", 1, "x"),
        ("calcium", None, "mmol/L"),
        ("magnesium", 0.3, "mmol/L"),
    ]
    report = both(rows)
    assert [i.result.test for i in report.interpretations] == [r[0] for r in rows]
    assert [i.problem for i in report.interpretations] == [None, "unknown_test", "missing_value", None]
    assert [p.result_index for p in report.problems] == [1, 2]
    assert all(problem.message and problem.suggestion for problem in report.problems)


def test_either_a_flag_or_a_problem():
    """A result has a flag or a problem, and never both or neither."""
    rows = [
        ("magnesium", value, unit)
        for value in (0.8, "<0.5", ">2", "x", None, -1, 1e6, "1,234", math.nan, math.inf, 0)
        for unit in ("mmol/L", "mg/dL", None, "furlong", "g", "pg/mL")
    ]
    for found in both(rows).interpretations:
        assert (found.flag is None) != (found.problem is None)
        assert (found.flag is None) == (found.level is None)


def test_on_problem_raise_raises_the_fitting_error():
    """`on_problem="raise"` raises the error class that fits the first problem."""
    cases = {
        errors.UnknownTestError: ("nonsense", 1, "mg/dL"),
        errors.ValueParseError: ("magnesium", "hemolyzed", "mg/dL"),
        errors.UnknownUnitError: ("magnesium", 1, "furlong"),
        errors.IncompatibleUnitError: ("albumin", 40, "mmol/L"),
    }
    for error, (test, value, unit) in cases.items():
        with pytest.raises(error) as caught:
            li.interpret([li.LabResult(test, value, unit)], ADULT, on_problem="raise")
        assert caught.value.result_index == 0


def test_ranges_may_be_a_profile_an_edition_a_path_a_set_or_a_list(tmp_path):
    """Every kind of `ranges` that the contract names is taken, and a list asks its members in order."""
    own = tmp_path / "own.toml"
    own.write_text(
        'schema = 1\nid = "own/1"\ntitle = "Own"\nsource = [{ id = "s", citation = "Own handbook." }]\n'
        '[[range]]\nid = "mg"\nanalyte = "magnesium"\nsource = { id = "s", locator = "page 1" }\n'
        'evidence = "primary"\nnormal = { from = { "mmol/L" = "0.90" }, up_to = { "mmol/L" = "1.00" } }\n',
        encoding="utf-8",
    )
    cases = {
        "us": ("N", "abim/2026-01"), "norip/tate-2016": ("N", "norip/tate-2016"), str(own): ("L", "own/1"),
    }  # fmt: skip
    for spec, (flag, edition) in cases.items():
        found = single("magnesium", 0.8, "mmol/L", ranges=spec)
        assert (found.flag, found.range_id.partition("#")[0]) == (flag, edition)
    assert single("magnesium", 0.8, "mmol/L", ranges=own).flag == "L"
    assert single("magnesium", 0.8, "mmol/L", ranges=[own, "us"]).flag == "L"
    assert single("magnesium", 0.8, "mmol/L", ranges=["us", own]).flag == "N"
    assert single("magnesium", 0.8, "mmol/L", ranges=li.reference_set("us")).flag == "N"


def test_no_editions_at_all():
    """`ranges=[]` means no editions: the normalized value is given, and no flag but by the range on the result."""
    found = single("magnesium", 1.8, "mg/dL", ranges=[])
    assert (found.problem, found.flag) == ("no_reference_range", None)
    assert found.value == pytest.approx(0.7405883563, rel=1e-9)
    assert single("magnesium", 1.8, "mg/dL", ranges=[], reference_low=1.6, reference_high=2.6).flag == "N"


def test_a_reported_range_wins_while_reported_ranges_is_true():
    """The range that came with the result is used before any edition, and not where that is switched off."""
    fields = {"reference_low": 1.9, "reference_high": 2.6}
    found = single("magnesium", 1.8, "mg/dL", **fields)
    assert (found.flag, found.range_id) == ("L", "reported")
    assert single("magnesium", 1.8, "mg/dL", reported_ranges=False, **fields).flag == "N"


@pytest.mark.parametrize(("value", "flag"), [(1.6, "N"), (2.6, "N"), (1.59, "L"), (2.61, "H")])
def test_a_reported_range_is_inclusive_and_in_the_results_own_unit(value, flag):
    """Both ends of a reported range are inside, compared in the unit of the result."""
    assert single("magnesium", value, "mg/dL", ranges=[], reference_low="1.6", reference_high="2,6").flag == flag


@pytest.mark.parametrize(("low", "high"), [(0, 0), ("0", "0"), (2.6, 1.6), ("a", "b"), (-5, -1)])
def test_an_unusable_reported_range_is_noted_and_passed_over(low, high):
    """0-0, upside-down and unreadable ranges are noted, and the editions answer."""
    found = single("magnesium", 1.8, "mg/dL", reference_low=low, reference_high=high)
    assert "reported_range_unusable" in found.notes
    assert (found.flag, found.range_id) == ("N", "abim/2026-01#magnesium-adult")
    alone = single("magnesium", 1.8, "mg/dL", reference_low=low, reference_high=high, ranges=[])
    assert (alone.flag, alone.problem) == (None, "no_reference_range")


@pytest.mark.parametrize(
    ("fields", "value", "flag"),
    [
        ({"reference_low": 1.6}, 1.5, "L"),
        ({"reference_low": 1.6}, 2.0, "not N"),
        ({"reference_high": 2.6}, 2.7, "H"),
        ({"reference_high": 2.6}, 2.0, "not N"),
    ],
)
def test_a_one_sided_range_calls_nothing_normal_beyond_what_it_says(fields, value, flag):
    """With one end alone the abnormal side that it names is flagged, and the open side is not called normal."""
    found = single("magnesium", value, "mg/dL", ranges=[], **fields)
    assert found.flag != "N" if flag == "not N" else found.flag == flag
    assert any("one_sided" in note or "reported_range" in note for note in found.notes)


def test_unknown_age_needs_assume_adult():
    """Where an edition covers adults alone an unknown age is `no_reference_range`, with the hint that would help."""
    for patient in (None, li.Patient(), li.Patient(sex="female")):
        report = both([("magnesium", 1.2, "mg/dL")], patient)
        assert report.interpretations[0].problem == "no_reference_range"
        assert "assume_adult=True" in report.problems[0].suggestion
        found = both([("magnesium", 1.2, "mg/dL")], patient, assume_adult=True).interpretations[0]
        assert found.flag == "L"
        assert "range_without_age" in found.notes


def test_assume_adult_changes_nothing_where_the_age_is_known():
    """A known age is used, whatever is assumed."""
    child = li.Patient(age=8, sex="male")
    assert single("magnesium", 1.2, "mg/dL", child, assume_adult=True).problem == "no_reference_range"
    assert "range_without_age" not in single("magnesium", 1.2, "mg/dL", assume_adult=True).notes


def test_an_unknown_sex_consults_every_partition():
    """With unknown sex a flag is given only where both partitions agree, else IND."""
    patient = li.Patient(age=50, pregnancy="none")
    flags = [single("creatinine", v, "mg/dL", patient).flag for v in (0.4, 0.6, 0.9, 1.2, 1.4)]
    assert flags == ["L", "IND", "N", "IND", "H"]


def test_an_unknown_pregnancy_consults_every_partition_of_a_pregnancy_profile():
    """With unknown pregnancy a flag is given only where all trimesters and none agree, else IND."""
    patient = li.Patient(age=30, sex="female")
    flags = [single("calcium", v, "mg/dL", patient, ranges="pregnancy-us").flag for v in (8.0, 8.5, 8.9, 9.5, 11.0)]
    assert flags == ["L", "IND", "N", "IND", "H"]


def test_the_age_at_collection_comes_from_the_birth_date():
    """A birth date and a collection time give the age that picks the partition."""
    born = li.Patient(birth_date=dt.date(2000, 1, 2))
    rows = [row("magnesium", 1.2, "mg/dL", collected_at=when) for when in ("2018-01-01", "2018-01-02T08:00")]
    assert [i.problem for i in both(rows, born).interpretations] == ["no_reference_range", None]


@pytest.mark.parametrize("bad", ["", "usa", "nice-ng239/2025", "us@2020-13-01", 7, None])
def test_an_unknown_range_name_is_an_error(bad):
    """What names no profile, edition or file raises `ReferenceSetNotFound`, a LookupError."""
    for call in (
        lambda: li.interpret([li.LabResult("magnesium", 1, "mg/dL")], ADULT, ranges=bad),
        lambda: li.interpret_frame(pd.DataFrame({"test": ["Mg"], "value": [1], "unit": ["mg/dL"]}), ranges=bad),
    ):
        with pytest.raises(li.ReferenceSetNotFound) as caught:
            call()
        assert isinstance(caught.value, LookupError)


def test_interpret_is_pure():
    """Nothing that was passed is changed, and the same input gives the same report."""
    results = [li.LabResult("magnesium", "1,2", "mg/dL"), li.LabResult("calcium", 9, "mg/dL")]
    units = {"magnesium": "mg/dL"}
    before = copy.deepcopy((results, units))
    first = li.interpret(results, ADULT, default_units=units)
    assert (results, units) == before
    assert li.interpret(results, ADULT, default_units=units) == first


def test_no_report_can_change_another():
    """What a report holds can't be changed, so that no report changes another of the same settings."""
    report = li.interpret([], ADULT, default_units={"magnesium": "mg/dL"})
    for mapping in (
        report.states,
        report.provenance.settings,
        report.provenance.settings["default_units"],
        report.guidance.benign_triggers,
    ):
        with pytest.raises(TypeError):
            mapping["decimal"] = ","
    assert isinstance(hash(report), int)
    again = li.Report.from_json(report.to_json())
    assert again == report
    with pytest.raises(TypeError):
        again.states["hypocalcemia"] = "present"


def test_interpret_is_thread_safe():
    """Threads that interpret at the same time under different ranges give the answers of one thread."""
    work = [
        (r, u, v) for r in ("us", "uk", "nordic", "anz") for u in accepted("magnesium") for v in (0.5, 0.7, 1.9, 3.0)
    ]
    expected = [li.interpret([li.LabResult("magnesium", v, u)], ADULT, ranges=r) for r, u, v in work]
    wrong = []

    def run():
        for (r, u, v), want in zip(work, expected, strict=True):
            if li.interpret([li.LabResult("magnesium", v, u)], ADULT, ranges=r) != want:
                wrong.append((r, u, v))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_classes_are_frozen_and_have_the_fields_of_the_contract():
    """The report's classes are immutable and carry every field that the contract names."""
    report = both([("magnesium", 1.2, "mg/dL"), ("vitamin_d", 20, "nmol/L")])
    fields = [
        (report, "interpretations findings states problems provenance"),
        (
            report.interpretations[0],
            "result analyte comparator value unit low high range_id flag level band grade problem notes suspected_unit",
        ),
        (
            report.findings[0],
            "code title status severity evidence pathways upstream suggested_tests caveats accompanying_symptoms matched_symptoms codings",
        ),
        (report.findings[0].pathways[0], "id kind support steps"),
        (report.findings[0].pathways[0].steps[0], "source target statement observation citations"),
    ]
    for item, names in fields:
        for name in names.split():
            assert hasattr(item, name)
        with pytest.raises(AttributeError):
            setattr(item, names.split()[0], None)


# --- grading -------------------------------------------------------------------------------------------------------

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


# --- section 3: what a result can come to --------------------------------------------------------------------------

NEAR_MISSES = [
    "1,25-OH D", "1,25-dihydroxyvitamin D", "1,25(OH)2D", "Calcitriol", "1,25 VITAMIN D", "Magnesium, Urine", "Urine Magnesium",
    "Magnesium, RBC", "RBC magnesium", "homocystine", "HOMOCYSTINE", "URINE CYSTINE/HOMOCYSTINE", "prealbumin", "Pre-albumin",
    "Vitamin D2", "25-Hydroxyvitamin D2", "Calcium Oxalate Crystals", "24 hr Calcium", "Calcium, Urine", "% Ionized Calcium",
    "BODYFLUID CALCIUM", "B12 AND FOLATE SCREEN", "B12 binding capacity", "Mg Ionized", "IMg2+", "Ionized Magnesium",
    "Manganese", "Manganese, serum", "Transcobalamin II", "Urine calcium", "Calcium/Creatinine ratio", "Microalbumin", "CA 125",
    "Ca-I adj pH7.4", "Ionized calcium pH 7.4", "Creatinine clearance", "eGFR", "RBC folate", "", "   ",
]  # fmt: skip
REFUSED_CODES = [
    "62290-2", "1649-3", "14566-4", "2236-8", "26746-8", "2597-3", "2600-5", "55937-7", "51950-4", "59148-7", "18281-6",
    "34907-6", "47597-0", "57333-7", "59472-1", "59473-9", "19072-8", "47598-8", "53138-4", "53139-2", "53140-0", "54366-0",
    "13959-2", "32341-0", "3030-4", "2171-7", "15052-4", "72157-1", "20646-6", "2430-7", "30035-0", "33937-4", "32615-7",
    "58859-0", "54301-7", "5683-8", "2283-0", "14731-4", "17820-2", "52957-8", "99999-9", "14866-4",
]  # fmt: skip
CODES = {
    "magnesium": "19123-9 2601-3", "calcium": "17861-6 2000-8 49765-1 1996-8", "calcium_adjusted": "29265-6 46099-8",
    "calcium_ionized": "1995-0 1994-3 12180-6 17863-2 17864-0 38230-9 47596-2 34581-9 41645-3 41644-6 41646-1 59470-5 59471-3",
    "vitamin_d": "62292-8 68438-1 1989-3 14635-7", "vitamin_b12": "2132-9 14685-2 16695-9",
    "holotranscobalamin": "72160-5", "homocysteine": "13965-9 2428-1", "methylmalonic_acid": "13964-2 2629-4",
    "albumin": "1751-7 61151-7 61152-5 2862-1", "parathyroid_hormone": "2731-8 14866-8", "phosphate": "2777-1 14879-1",
    "folate": "2284-8 14732-2", "creatinine": "2160-0 14682-9", "potassium": "2823-3",
}  # fmt: skip
NAMES = {
    "magnesium": ["Magnesium", "MAGNESIUM", "Serum Magnesium", "Plasma Magnesium", "S Magnesium", "Magnesium, Total", "MAG", "MG", "Mg", "Mg2+", "Mg++", "Magnésium", "Magnésio", "Magnes"],
    "calcium": ["Calcium", "Calcium, Total", "Total Calcium", "CALCIUM ARSENAZO", "Ca", "CA", "CAL", "Ca2+", "Ca++", "Kalzium", "S-Ca", "fS-Kalsium"],
    "calcium_adjusted": ["Corrected Calcium", "CORRECTED CALCIUM", "Adjusted calcium", "Calcium corrected for albumin", "Albumin-korrigiertes Calcium", "Albuminkorrigeret"],
    "calcium_ionized": ["Free Calcium", "Calcium, Ionized", "Ionised calcium", "IONISED CALCIUM [WHOLE B]", "iCa", "Ca-I", "CaI", "ionic calcium", "kalsium ionisoitunut"],
    "vitamin_d": ["25-Hydroxyvitamin D", "Vitamin D, 25-Hydroxy", "Vitamin D (25-OH)", "25-OH Vitamin D", "25-OH VITAMIN D", "25(OH)D", "25OHD", "25-OH Vit D Total", "Calcidiol", "Calcifediol", "25 hydroxycholecalciferol", "VITAMIN_D3_25_0H_RIA", "25HDN", "Vitamin D, Total"],
    "vitamin_b12": ["Vitamin B12", "Vitamin B-12", "Vit B12", "B12", "Serum B12", "Cobalamin", "Cbl", "Cyanocobalamin", "s-b12-vit", "p-b12-vit", "Vitamine B12"],
    "holotranscobalamin": ["Active B12", "Holotranscobalamin", "Holo-TC", "Holo-TC-II", "TC2"],
    "homocysteine": ["Homocysteine", "Homocysteine, Plasma", "Homocysteine (total)", "tHcy", "HCY", "Hcys", "Homocystein", "Homozystein", "Homocisteína"],
    "methylmalonic_acid": ["Methylmalonic Acid", "MMA", "Methylmalonate", "Metylmalonsyre"],
}  # fmt: skip


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_are_unknown_tests(name):
    """A name that only resembles an analyte is an unknown test and never lands on it."""
    found = single(name, 5, "mg/dL")
    assert (found.problem, found.analyte, found.value) == ("unknown_test", None, None)


@pytest.mark.parametrize("code", REFUSED_CODES)
def test_codes_of_other_quantities_are_unknown_tests(code):
    """A LOINC code of another quantity is an unknown test."""
    assert single(code, 5, "mg/dL").problem == "unknown_test"


@pytest.mark.parametrize("code", REFUSED_CODES[:6])
def test_a_foreign_code_decides_whatever_name_stands_beside_it(code):
    """A code that is given and isn't ours decides over the name beside it."""
    report = li.interpret([li.LabResult("Magnesium", 1.8, "mg/dL", loinc=code)], ADULT)
    assert report.interpretations[0].problem == "unknown_test"


@pytest.mark.parametrize(("analyte", "code"), [(a, c) for a, cs in CODES.items() for c in cs.split()])
def test_every_code_of_the_facts_is_known(analyte, code):
    """Every LOINC code that belongs to an analyte means it."""
    assert single(code, ORDINARY[analyte], CANONICAL[analyte]).analyte == analyte


@pytest.mark.parametrize(("analyte", "name"), [(a, n) for a, ns in NAMES.items() for n in ns])
def test_every_name_of_the_facts_is_known(analyte, name):
    """Every name that was seen for an analyte means it."""
    assert single(name, ORDINARY[analyte], CANONICAL[analyte]).analyte == analyte


@pytest.mark.parametrize("specimen", ["urine", "CSF", "red cells", "stool", "saliva", "dialysate"])
def test_other_specimens_are_unsuitable(specimen):
    """A specimen other than serum, plasma or whole blood is refused."""
    assert single("magnesium", 1.8, "mg/dL", specimen=specimen).problem == "unsuitable_specimen"


@pytest.mark.parametrize("specimen", [None, "", "serum", "Serum", "SER", "plasma", "PLASMA"])
def test_serum_and_plasma_are_suitable(specimen):
    """Serum, plasma and an unnamed specimen are interpreted."""
    assert single("magnesium", 1.8, "mg/dL", specimen=specimen).flag == "N"


def test_whole_blood_is_suitable_for_ionized_calcium():
    """Ionized calcium is measured in whole blood."""
    assert single("calcium_ionized", 1.2, "mmol/L", specimen="whole blood").flag == "N"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "missing_value"), ("", "missing_value"), ("  ", "missing_value"), (math.nan, "missing_value"),
        ("NEG", "not_numeric"), ("QNS", "not_numeric"), ("hemolyzed", "not_numeric"), ("see comment", "not_numeric"),
        (math.inf, "not_numeric"), (-math.inf, "not_numeric"), ("inf", "not_numeric"), ("nan", "not_numeric"),
        ("١٫٨", "not_numeric"), ("१.८", "not_numeric"), ("1.8.2", "not_numeric"), ("1.6-2.6", "not_numeric"),
        (True, "not_numeric"), ([1], "not_numeric"), ("0x10", "not_numeric"), ("1e400", "not_numeric"), ("1_8", "not_numeric"),
    ],
)  # fmt: skip
def test_what_is_no_number_has_its_problem(value, problem):
    """Empty values are missing; words, other scripts' digits and infinities are not numeric; NaN is one of the two."""
    found = single("magnesium", value, "mg/dL")
    either = value == "nan" or (isinstance(value, float) and math.isnan(value))
    assert found.problem in ({"missing_value", "not_numeric"} if either else {problem})
    assert found.flag is None


@pytest.mark.parametrize(("decimal", "value"), [(".", 1234.0), (",", 1.234)])
def test_an_ambiguous_number_is_settled_by_decimal_alone(decimal, value):
    """`1,234` with two plausible readings is ambiguous, and `decimal=` decides."""
    assert single("vitamin_b12", "1,234", "pmol/L").problem == "ambiguous_number"
    found = single("vitamin_b12", "1,234", "pmol/L", decimal=decimal)
    assert found.value == value


def test_a_comma_with_one_plausible_reading_is_read():
    """`0,74`, and `1,234` where only one reading is possible, are read and noted as cleaned."""
    found = single("magnesium", "1,234", "mmol/L")
    assert (found.value, found.problem) == (1.234, None)
    assert "number_cleaned" in found.notes


@pytest.mark.parametrize("bad", [";", "", "comma", 1])
def test_an_unknown_decimal_sign_is_an_error(bad):
    """`decimal=` takes a point or a comma and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011 - any child that is a ValueError
        li.interpret([li.LabResult("magnesium", "1,2", "mg/dL")], ADULT, decimal=bad)


def test_a_negative_value_is_a_problem():
    """A value below zero is negative, in every unit."""
    assert single("magnesium", -0.8, "mmol/L").problem == "negative_value"
    assert single("magnesium", "\u22120.8", "mmol/L").problem == "negative_value"


HARD = [
    ("magnesium", 0, 12.01, "mmol/L"), ("calcium", 0.49, 7.51, "mmol/L"), ("calcium_ionized", 0.19, 5.01, "mmol/L"),
    ("vitamin_d", 0, 4001, "nmol/L"), ("vitamin_b12", 0, 300001, "pg/mL"), ("holotranscobalamin", 0, 5001, "pmol/L"),
    ("homocysteine", 0, 1001, "umol/L"), ("methylmalonic_acid", 0, 1000001, "nmol/L"), ("albumin", 4.9, 80.1, "g/L"),
]  # fmt: skip
SOFT = [
    ("magnesium", (0.19, 0.2), (5, 5.01), "mmol/L"), ("calcium", (0.99, 1.0), (5, 5.01), "mmol/L"),
    ("calcium_ionized", (0.49, 0.5), (2.5, 2.51), "mmol/L"), ("vitamin_d", (4.9, 5), (500, 501), "nmol/L"),
    ("vitamin_b12", (49, 51), (9999, 10001), "pg/mL"), ("homocysteine", (0.99, 1), (150, 151), "umol/L"),
]  # fmt: skip


@pytest.mark.parametrize(("analyte", "low", "high", "unit"), HARD)
def test_beyond_the_hard_limits_is_implausible(analyte, low, high, unit):
    """A value beyond the hard limits is implausible and has neither flag nor level."""
    for value in (low, high):
        found = single(analyte, value, unit)
        assert (found.problem, found.flag) == ("implausible_value", None)


@pytest.mark.parametrize(("analyte", "low", "high", "unit"), SOFT)
def test_beyond_the_soft_limits_is_noted(analyte, low, high, unit):
    """A value between the hard and the soft limits is interpreted with a note; one on the soft limit has none."""
    for value, soft in ((low[0], True), (low[1], False), (high[0], False), (high[1], True)):
        found = single(analyte, value, unit)
        assert found.problem is None
        assert ("soft_implausible" in found.notes) == soft


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "suspect"),
    [
        ("magnesium", 18, "mmol/L", {"mg/L"}),
        ("calcium", 9.4, "mmol/L", {"mg/dL"}),
        ("albumin", 4.1, "g/L", {"g/dL"}),
        ("calcium", 2.3, "mg/dL", {"mmol/L"}),
        ("magnesium", 800, "mmol/L", {"umol/L"}),
    ],
)
def test_an_implausible_value_names_the_unit_that_would_fit_and_is_not_re_read(analyte, value, unit, suspect):
    """`suspected_unit` names a unit in which the number would be ordinary, and nothing is converted by it."""
    found = single(analyte, value, unit)
    assert found.suspected_unit in suspect
    assert found.problem == "implausible_value" or "soft_implausible" in found.notes


def test_a_state_that_rests_on_a_soft_implausible_value_is_at_most_possible():
    """A doubtful value makes a state possible at most, and excludes nothing."""
    low = both([("magnesium", 0.15, "mmol/L")])
    assert codes(low) == {"hypomagnesemia": "possible"}
    assert low.states["magnesium_excess"] in ("possible", "undetermined")
    high = both([("calcium_ionized", 2.8, "mmol/L")])
    assert codes(high) == {"hypercalcemia": "possible"}
    assert "present" not in high.states.values()


@pytest.mark.parametrize("blank", [None, "", "  ", math.nan])
def test_a_missing_unit_is_never_guessed(blank):
    """A result without a unit is not interpreted, however ordinary its number is."""
    assert single("magnesium", 2.0, blank).problem == "missing_unit"


def test_default_units_let_the_caller_say_it():
    """`default_units` fills a missing unit, is noted, and yields to a unit that is there."""
    units = {"magnesium": "mg/dL"}
    found = single("magnesium", 1.2, None, default_units=units)
    assert found.flag == "L"
    assert single("magnesium", 0.8, "mmol/L", default_units=units).flag == "N"
    assert single("calcium", 9.4, None, default_units=units).problem == "missing_unit"


@pytest.mark.parametrize(
    ("analyte", "unit", "problem"),
    [
        ("magnesium", "furlong", "unknown_unit"), ("magnesium", "mmol/L/ph74", "unknown_unit"), ("magnesium", "9**9**9", "unknown_unit"),
        ("magnesium", "mmol", "unknown_unit"), ("albumin", "mmol/L", "incompatible_unit"), ("vitamin_d", "meq/L", "incompatible_unit"),
        ("holotranscobalamin", "pg/mL", "incompatible_unit"), ("potassium", "mg/dL", "incompatible_unit"),
    ],
)  # fmt: skip
def test_unknown_and_incompatible_units(analyte, unit, problem):
    """A spelling outside the table is unknown; a unit of the table that can't measure the analyte is incompatible."""
    found = single(analyte, 2, unit)
    assert (found.problem, found.value, found.flag) == (problem, None, None)


DIRTY_UNITS = {
    "mg/dL": ["mg/dL", "mg/dl", "MG/DL", "mg%", "mg/100mL", "mg/dL^mg/dL^A400"],
    "meq/L": ["mEq/L", "meq/L", "MEQ/L", "meg/l", "meq per l"],
    "mmol/L": ["mmol/L", "mmol/l", "MMOL/L", "MMOLL", "mM", "mmo/l", "mmmol/l", "mmol/l (total)"],
    "umol/L": ["µmol/L", "μmol/L", "umol/l", "ymol/l", "mcmol/L", "micromol/L", "umole/l", "Âµmol/l"],
}


@pytest.mark.parametrize(("code", "spelling"), [(c, s) for c, ss in DIRTY_UNITS.items() for s in ss])
def test_spellings_seen_in_the_wild_mean_their_unit(code, spelling):
    """Every spelling that laboratories were seen to send means its UCUM unit."""
    value = {"mg/dL": 1.8, "meq/L": 1.6, "mmol/L": 0.8, "umol/L": 800}[code]
    assert single("magnesium", value, spelling).value == pytest.approx(
        li.convert(value, code, "mmol/L", analyte="magnesium"), rel=1e-12
    )


@pytest.mark.parametrize(
    ("spelling", "value", "nmol"),
    [
        ("10-9 mol/l", 60, 60),
        ("nmol/l", 60, 60),
        ("nmoles/ml", 0.06, 60),
        ("ng per ml", 24, 59.90415),
        ("ng/ml", 24, 59.90415),
        ("µg/L", 24, 59.90415),
    ],
)
def test_vitamin_d_units_seen_in_the_wild(spelling, value, nmol):
    """Spellings of the units of 25(OH)D mean what they say, 10-9 mol/l being nmol/L; or they are refused."""
    found = single("vitamin_d", value, spelling)
    if found.problem is None:
        assert found.value == pytest.approx(nmol, rel=1e-6)
    else:
        assert found.problem in ("unknown_unit", "incompatible_unit")


def test_a_code_never_proves_the_unit():
    """Where LOINC code and unit disagree the unit decides, the conflict is noted, and nothing is converted silently."""
    found = single("19123-9", 1.00, "mmol/L", reference_low=0.70, reference_high=1.05)
    assert (found.value, found.flag) == (1.0, "N")
    assert "loinc_unit_conflict" in found.notes
    half = single("2601-3", 2.0, "mEq/L")
    assert half.value == 1.0


def test_no_reference_range_still_gives_the_value():
    """Where nothing covers the analyte the normalized value is there, and no limits."""
    found = single("potassium", 4.2, "meq/L")
    assert (found.problem, found.value, found.unit, found.low, found.high, found.range_id) == (
        "no_reference_range",
        4.2,
        "mmol/L",
        None,
        None,
        None,
    )


def test_the_withdrawn_categories_are_no_reference_range():
    """The Endocrine Society's 2024 edition has no categories, so it answers `no_reference_range`."""
    found = single("vitamin_d", 15, "ng/mL", ranges="endocrine-society/2024")
    assert (found.problem, found.value) == ("no_reference_range", pytest.approx(37.44, abs=0.001))
    assert single("vitamin_d", 25, "ng/mL", ranges="endocrine-society/2011").level == "borderline_low"


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("<1.6", "L"),
        ("<1.5", "L"),
        ("<=1.6", "IND"),
        ("<1.7", "IND"),
        (">2.6", "H"),
        (">=2.6", "IND"),
        (">2.5", "IND"),
        (">1.0", "IND"),
        ("<3", "IND"),
        (">3", "H"),
    ],
)
def test_a_censored_value_has_a_flag_only_where_all_it_stands_for_agrees(text, flag):
    """A censored value has the flag of every value that it can stand for, or IND."""
    found = single("magnesium", text, "mg/dL")
    assert found.flag == flag
    assert found.level == {"L": "low", "H": "high", "IND": "indeterminate"}[flag]


@pytest.mark.parametrize(
    ("value", "unit", "band"),
    [
        (19.99, "ng/mL", "borderline_low"), (20, "ng/mL", "normal"), (49.99, "nmol/L", "borderline_low"), (50, "nmol/L", "normal"),
        (12, "ng/mL", "borderline_low"), (11.99, "ng/mL", "low"), (30, "nmol/L", "borderline_low"), (29.99, "nmol/L", "low"),
        (50, "ng/mL", "normal"), (50.01, "ng/mL", "high"), (125, "nmol/L", "normal"), (125.1, "nmol/L", "high"),
        (20, "ug/L", "normal"), (12, "ug/L", "borderline_low"),
    ],
)  # fmt: skip
def test_vitamin_d_is_compared_in_the_unit_of_the_published_limit(value, unit, band):
    """20 ng/mL is sufficient though it is 49.92 nmol/L: each unit has the limit that its source prints for it."""
    assert single("vitamin_d", value, unit).level == band


@pytest.mark.parametrize(
    ("value", "unit", "level", "band"),
    [
        (179, "ng/L", "low", "confirmed deficiency"), (180, "ng/L", "borderline_low", "indeterminate"),
        (350, "ng/L", "borderline_low", "indeterminate"), (351, "ng/L", "normal", "deficiency unlikely"),
        (132, "pmol/L", "low", "confirmed deficiency"), (133, "pmol/L", "borderline_low", "indeterminate"),
        (258, "pmol/L", "borderline_low", "indeterminate"), (259, "pmol/L", "normal", "deficiency unlikely"),
        (132.9, "pmol/L", "low", "confirmed deficiency"), (180, "pg/mL", "borderline_low", "indeterminate"),
        (350, "pg/mL", "borderline_low", "indeterminate"), (350.1, "pg/mL", "normal", "deficiency unlikely"),
    ],
)  # fmt: skip
def test_nice_limits_of_vitamin_b12_in_each_printed_unit(value, unit, level, band):
    """NICE's limits in ng/L and pmol/L are each used for results in that unit, on the side that NICE prints."""
    found = single("vitamin_b12", value, unit, ranges="uk")
    assert (found.level, found.band, found.range_id.partition("#")[0]) == (level, band, "nice-ng239/2024")


@pytest.mark.parametrize(
    ("value", "level"), [(24.9, "low"), (25, "borderline_low"), (70, "borderline_low"), (70.1, "normal")]
)
def test_nice_limits_of_active_b12(value, level):
    """NICE's limits of holotranscobalamin are strict below 25 and above 70."""
    assert single("holotranscobalamin", value, "pmol/L", ranges="uk").level == level


def test_a_value_on_a_converted_limit_is_on_the_limit():
    """A limit converted into another accepted unit lies on the limit, within 1e-9 of it and not within 1e-8."""
    for unit in accepted("magnesium"):
        for limit, outside, flag in ((1.6, 1 - 1e-8, "L"), (2.6, 1 + 1e-8, "H")):
            value = li.convert(limit, "mg/dL", unit, analyte="magnesium")
            near = (value,) if unit == "mg/dL" else (value, value * (1 - 5e-10), value * (1 + 5e-10))
            assert [single("magnesium", x, unit).flag for x in near] == ["N"] * len(near), (unit, limit)
            assert single("magnesium", value * outside, unit).flag == flag


@pytest.mark.parametrize(
    ("value", "band", "level"),
    [
        (14.9, "normal", "normal"),
        (15, "moderate", "high"),
        (29.9, "moderate", "high"),
        (30, "intermediate", "high"),
        (99.9, "intermediate", "high"),
        (100, "severe", "very_high"),
    ],
)
def test_homocysteine_bands_are_closed_below(value, band, level):
    """The bands of homocysteine begin on 15, 30 and 100."""
    found = single("homocysteine", value, "umol/L")
    assert (found.band, found.level) == (band, level)


def test_the_laboratorys_own_flag_is_compared():
    """A reported flag on another side is noted and changes nothing; one on the same side is not noted."""
    assert "flag_disagrees" in single("magnesium", 1.8, "mg/dL", reported_flag="L").notes
    for same in ("L", "LL", "low", "LU"):
        assert "flag_disagrees" not in single("magnesium", 1.2, "mg/dL", reported_flag=same).notes


# --- section 7: clinical behaviour ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "status", "evidence"),
    [
        ([("calcium_ionized", 1.0, "mmol/L"), ("calcium_adjusted", 2.3, "mmol/L"), ("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium_ionized"),
        ([("calcium_ionized", 1.2, "mmol/L"), ("calcium_adjusted", 1.9, "mmol/L"), ("calcium", 1.9, "mmol/L"), ("albumin", 40, "g/L")], "excluded", None),
        ([("calcium_adjusted", 1.9, "mmol/L"), ("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium_adjusted"),
        ([("calcium_adjusted", 2.3, "mmol/L"), ("calcium", 1.9, "mmol/L"), ("albumin", 40, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 28, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium"),
        ([("calcium", 2.2, "mmol/L"), ("albumin", 50, "g/L")], "present", "calcium"),
        ([("calcium", 2.0, "mmol/L")], "possible", "calcium"),
        ([("calcium", 2.3, "mmol/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 18, "g/L")], "possible", "calcium"),
        ([("calcium", 2.3, "mmol/L"), ("albumin", 18, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", "<20", "g/L")], "possible", "calcium"),
        ([("calcium", 2.0, "mmol/L"), ("albumin", "QNS", "g/L")], "possible", "calcium"),
        ([("calcium_ionized", "QNS", "mmol/L"), ("calcium", 2.0, "mmol/L")], "possible", "calcium"),
    ],
)  # fmt: skip
def test_calcium_is_resolved_in_the_order_of_the_contract(rows, status, evidence):
    """Ionized decides, else adjusted, else total with albumin, else unadjusted total, which is possible at most."""
    report = both(rows)
    assert report.states["hypocalcemia"] == status
    if evidence:
        assert finding(report, "hypocalcemia").evidence[0].analyte == evidence


@pytest.mark.parametrize("albumin", [None, ("albumin", 18, "g/L"), ("albumin", 24.9, "g/L"), ("albumin", 58, "g/L")])
def test_unadjusted_total_calcium_is_noted(albumin):
    """Without an albumin inside the formula's span total calcium is judged unadjusted and says so."""
    rows = [("calcium", 2.0, "mmol/L"), *([albumin] if albumin else [])]
    report = both(rows)
    assert "uncorrected_calcium" in report.interpretations[0].notes
    assert codes(report)["hypocalcemia"] == "possible"


@pytest.mark.parametrize("ranges", ["us", "uk", "nordic", "anz"])
@pytest.mark.parametrize(("albumin", "adjusted"), [(24.9, False), (25, True), (45, True), (55.1, False), (60, False)])
def test_the_formula_has_a_valid_span_also_where_albumin_has_no_range(ranges, albumin, adjusted):
    """Outside the formula's span calcium stays unadjusted, whether or not the profile has a range for albumin."""
    report = both([("calcium", 2.75, "mmol/L"), ("albumin", albumin, "g/L")], ranges=ranges)
    assert ("uncorrected_calcium" not in report.interpretations[0].notes) == adjusted
    assert adjusted or report.states["hypercalcemia"] == "possible"


def test_a_quantity_and_another_unit_beside_it_are_a_conflict():
    """A Quantity with another unit beside it says its unit in two ways, and is not read in either."""
    quantity = pint.UnitRegistry().Quantity
    for value, unit, problem in [
        (quantity(0.8, "mmol/L"), "mg/dL", "unknown_unit"),
        (quantity(1.8, "mg/dL"), "mg/dL", None),
        (quantity(1.8, "meter"), None, "unknown_unit"),
    ]:
        report = li.interpret([li.LabResult("magnesium", value, unit)], ADULT)
        again = li.Report.from_json(report.to_json()).interpretations[0].result
        for result in (report.interpretations[0].result, again):
            assert li.interpret([result], ADULT).interpretations[0].problem == problem


def test_the_note_is_absent_where_albumin_corrects():
    """With a valid albumin total calcium carries no such note."""
    assert (
        "uncorrected_calcium" not in both([("calcium", 2.0, "mmol/L"), ("albumin", 40, "g/L")]).interpretations[0].notes
    )


def test_unadjusted_normal_calcium_excludes_with_the_caveat_that_albumin_would_confirm():
    """Normal total calcium alone excludes hypocalcemia; a finding that rests on that says that albumin would confirm."""
    report = both([("calcium", 2.3, "mmol/L"), ("vitamin_d", 20, "nmol/L")])
    assert report.states["hypocalcemia"] == "excluded"
    low_d = finding(report, "vitamin-d-deficiency")
    assert any("albumin would confirm" in caveat for caveat in low_d.caveats)
    assert "albumin" in low_d.suggested_tests


@pytest.mark.parametrize(
    ("unit", "calcium", "albumin", "grams", "low", "high", "state"),
    [
        ("mmol/L", 2.05, 30, "g/L", 2.24, 2.6, "present"), ("mmol/L", 2.05, 30, "g/L", 2.25, 2.6, "excluded"),
        ("mg/dL", 7.9, 4.1, "g/dL", 7.83, 10.2, "present"), ("mg/dL", 7.9, 4.1, "g/dL", 7.82, 10.2, "excluded"),
    ],
)  # fmt: skip
def test_an_adjusted_value_is_judged_by_the_range_that_its_total_calcium_came_with(
    unit, calcium, albumin, grams, low, high, state
):
    """Total calcium adjusted at 0.02 and 40 g/L, or 0.8 and 4.0 g/dL, is compared with the total's own range."""
    low = low + 0.02 if unit == "mmol/L" and state == "present" else low
    report = both(
        [row("calcium", calcium, unit, reference_low=low, reference_high=high), ("albumin", albumin, grams)], ranges=[]
    )
    assert report.states["hypocalcemia"] == state


def test_the_reference_albumin_is_settable_on_every_face():
    """Another reference albumin moves the adjusted value: 2.10 with albumin 40 is 2.20 at 45."""
    rows = [row("calcium", 2.10, "mmol/L", reference_low=2.15, reference_high=2.55), ("albumin", 40, "g/L")]
    assert both(rows, ranges=[]).states["hypocalcemia"] == "present"
    assert both(rows, ranges=[], reference_albumin=45).states["hypocalcemia"] == "excluded"
    assert li.adjusted_calcium(2.10, "mmol/L", 40, "g/L", reference_albumin=45) == pytest.approx(2.20)
    assert li.adjusted_calcium(2.10, "mmol/L", 30, "g/L", slope=0.025) == pytest.approx(2.35)
    assert li.adjusted_calcium(8.0, "mg/dL", 3.0, "g/dL") == pytest.approx(8.8)


def test_low_vitamin_d_with_low_calcium_is_supported_and_upstream():
    """Low 25(OH)D with low calcium: its pathway is supported, and hypocalcemia names it upstream."""
    report = both([("vitamin_d", 20, "nmol/L"), ("calcium_ionized", 1.0, "mmol/L")])
    assert supports(finding(report, "vitamin-d-deficiency")) == {"supported"}
    assert finding(report, "hypocalcemia").upstream == ("vitamin_d_deficiency",)


@pytest.mark.parametrize(
    "calcium",
    [
        [("calcium_ionized", 1.2, "mmol/L")],
        [("calcium_adjusted", 2.3, "mmol/L")],
        [("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")],
    ],
)
@pytest.mark.parametrize(("value", "code"), [(20, "vitamin-d-deficiency"), (40, "vitamin-d-insufficiency")])
def test_low_vitamin_d_with_normal_calcium_is_interrupted_at_hypocalcemia(calcium, value, code):
    """A valid normal calcium interrupts the chain of vitamin D at hypocalcemia."""
    item = finding(both([("vitamin_d", value, "nmol/L"), *calcium]), code)
    assert supports(item) == {"interrupted"}
    assert {pathway.broken_at for pathway in item.pathways} == {"hypocalcemia"}
    step = next(step for step in item.pathways[0].steps if step.target == "hypocalcemia")
    assert step.observation == "contradicted"


@pytest.mark.parametrize(("value", "code"), [(20, "vitamin-d-deficiency"), (40, "vitamin-d-insufficiency")])
def test_low_vitamin_d_without_calcium_is_possible_and_asks_for_calcium_with_albumin(value, code):
    """Without calcium the chain of vitamin D is possible, and calcium with albumin comes first."""
    item = finding(both([("vitamin_d", value, "nmol/L")]), code)
    assert supports(item) == {"possible"}
    assert item.suggested_tests[:2] == ("calcium", "albumin")
    step = next(step for step in item.pathways[0].steps if step.target == "hypocalcemia")
    assert step.observation == "unmeasured"


def test_low_vitamin_d_with_unadjusted_low_calcium_is_possible():
    """Where hypocalcemia is only possible, so is the chain through it."""
    report = both([("vitamin_d", 20, "nmol/L"), ("calcium", 2.0, "mmol/L")])
    assert supports(finding(report, "vitamin-d-deficiency")) == {"possible"}


@pytest.mark.parametrize(
    "rows",
    [
        [("vitamin_d", v, "nmol/L"), *more]
        for v in (10, 20, 40)
        for more in (
            [],
            [("calcium_ionized", 1.0, "mmol/L")],
            [("calcium", 2.3, "mmol/L")],
            [("magnesium", 0.4, "mmol/L")],
        )
    ],
)
def test_vitamin_d_acts_through_calcium_only(rows):
    """Every pathway of vitamin D is indirect and has hypocalcemia on it."""
    for item in both(rows).findings:
        if item.code.startswith("vitamin-d-"):
            assert item.pathways
            for pathway in item.pathways:
                assert pathway.kind == "indirect"
                assert "hypocalcemia" in [step.target for step in pathway.steps]


def test_low_magnesium_has_direct_pathways_and_one_through_parathyroid_hormone():
    """Low magnesium alone: its direct pathways are supported, the one through hypocalcemia is open."""
    item = finding(both([("magnesium", 0.4, "mmol/L")]), "hypomagnesemia")
    direct = [p for p in item.pathways if p.kind == "direct"]
    indirect = [p for p in item.pathways if p.kind == "indirect"]
    assert len(direct) >= 2
    assert {p.support for p in direct} == {"supported"}
    assert [p.support for p in indirect] == ["possible"]
    targets = [step.target for step in indirect[0].steps]
    assert any("parathyroid" in target for target in targets[: targets.index("hypocalcemia")])
    assert item.suggested_tests[:2] == ("calcium", "albumin")


@pytest.mark.parametrize(("calcium", "support"), [(1.0, "supported"), (1.2, "interrupted")])
def test_the_indirect_pathway_of_magnesium_follows_calcium(calcium, support):
    """Low magnesium's chain through hypocalcemia is supported by low and interrupted by normal calcium."""
    item = finding(both([("magnesium", 0.4, "mmol/L"), ("calcium_ionized", calcium, "mmol/L")]), "hypomagnesemia")
    assert {p.kind: p.support for p in item.pathways} == {"direct": "supported", "indirect": support}


@pytest.mark.parametrize(("vitamin_d", "state"), [(20, "vitamin_d_deficiency"), (40, "vitamin_d_insufficiency")])
def test_magnesium_is_named_upstream_before_vitamin_d(vitamin_d, state):
    """With low calcium, low magnesium is upstream before vitamin D, in whatever order they were sent."""
    rows = [("vitamin_d", vitamin_d, "nmol/L"), ("calcium_ionized", 1.0, "mmol/L"), ("magnesium", 0.4, "mmol/L")]
    for order in (rows, rows[::-1]):
        assert finding(both(order), "hypocalcemia").upstream == ("magnesium_deficiency", state)


def test_upstream_holds_states_that_are_present_or_possible_alone():
    """A cause that was measured and is normal is not upstream."""
    report = both([("calcium_ionized", 1.0, "mmol/L"), ("magnesium", 0.8, "mmol/L"), ("vitamin_d", 80, "nmol/L")])
    assert finding(report, "hypocalcemia").upstream == ()


BORDERLINE = ("vitamin_b12", 220, "ng/L")
NORMAL_B12 = ("vitamin_b12", 600, "ng/L")
MMA_HIGH, MMA_OK = ("methylmalonic_acid", 600, "nmol/L"), ("methylmalonic_acid", 150, "nmol/L")
HCY_HIGH, HCY_OK = ("homocysteine", 25, "umol/L"), ("homocysteine", 9, "umol/L")
HOLO_LOW, HOLO_OK = ("holotranscobalamin", 20, "pmol/L"), ("holotranscobalamin", 100, "pmol/L")
CREA_HIGH = row("creatinine", 200, "umol/L", reference_low=50, reference_high=100)
CREA_OK = row("creatinine", 80, "umol/L", reference_low=50, reference_high=100)
FOLATE_LOW = row("folate", 3, "nmol/L", reference_low=8, reference_high=45)
FOLATE_OK = row("folate", 20, "nmol/L", reference_low=8, reference_high=45)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([("vitamin_b12", 150, "ng/L")], "present"),
        ([("vitamin_b12", 150, "ng/L"), MMA_OK], "present"),
        ([BORDERLINE], "possible"),
        ([BORDERLINE, MMA_HIGH], "present"),
        ([BORDERLINE, MMA_HIGH, CREA_OK], "present"),
        ([BORDERLINE, HOLO_LOW], "present"),
        ([BORDERLINE, HOLO_OK], "possible"),
        ([BORDERLINE, HCY_HIGH, CREA_OK, FOLATE_OK], "present"),
        ([BORDERLINE, HCY_HIGH, CREA_HIGH, FOLATE_OK], "possible"),
        ([BORDERLINE, HCY_HIGH, CREA_OK, FOLATE_LOW], "possible"),
        ([BORDERLINE, HCY_OK], "possible"),
        ([NORMAL_B12], "excluded"),
        ([NORMAL_B12, MMA_OK], "excluded"),
        ([NORMAL_B12, HCY_OK], "excluded"),
    ],
)  # fmt: skip
def test_vitamin_b12_deficiency_follows_the_table_of_the_contract(rows, status):
    """Low is present, borderline is present on functional grounds alone, borderline alone is possible."""
    report = both(rows, ranges="uk")
    assert report.states["vitamin_b12_deficiency"] == status
    if status in ("present", "possible"):
        item = finding(report, "vitamin-b12-deficiency")
        assert supports(item) == {"supported" if status == "present" else "possible"}


def test_borderline_vitamin_b12_alone_asks_for_methylmalonic_acid_first():
    """Borderline B12 alone suggests MMA before anything else."""
    item = finding(both([BORDERLINE], ranges="uk"), "vitamin-b12-deficiency")
    assert item.suggested_tests[0] == "methylmalonic_acid"


def test_normal_b12_with_raised_homocysteine_is_hyperhomocysteinemia():
    """Raised homocysteine with normal B12 names folate, renal and thyroid causes; the B12 pathway is possible at most."""
    report = both([NORMAL_B12, HCY_HIGH], ranges="uk")
    assert "vitamin-b12-deficiency" not in {c for c, s in codes(report).items() if s == "present"}
    item = finding(report, "hyperhomocysteinemia")
    assert item.status == "present"
    said = " ".join((*item.caveats, item.explanation)).casefold()
    assert "folate" in said
    assert "renal" in said or "kidney" in said
    assert "thyroid" in said
    assert supports(item) <= {"possible"}
    assert "methylmalonic_acid" in item.suggested_tests


def test_normal_mma_interrupts_the_b12_pathway_of_raised_homocysteine():
    """With normal MMA and normal B12, raised homocysteine does not support a lack of B12."""
    report = both([NORMAL_B12, HCY_HIGH, MMA_OK], ranges="uk")
    assert supports(finding(report, "hyperhomocysteinemia")) <= {"interrupted"}


def test_homocysteine_is_a_marker_and_never_a_step():
    """No step of any pathway starts or ends at homocysteine."""
    for rows in ([BORDERLINE, HCY_HIGH], [NORMAL_B12, HCY_HIGH], [("vitamin_b12", 150, "ng/L"), HCY_HIGH], [HCY_HIGH]):
        for item in both(rows, ranges="uk").findings:
            for pathway in item.pathways:
                for step in pathway.steps:
                    assert "homocystein" not in step.source + step.target


def test_every_step_has_a_statement_citations_and_a_strength():
    """Each edge of each pathway is cited and graded, and pathways are simple paths that end at fasciculation."""
    rows = [
        ("magnesium", 0.4, "mmol/L"),
        ("calcium_ionized", 1.0, "mmol/L"),
        ("vitamin_d", 20, "nmol/L"),
        ("vitamin_b12", 150, "ng/L"),
    ]
    report = both(rows)
    assert len(report.findings) == 4
    for item in report.findings:
        assert item.pathways
        for pathway in item.pathways:
            nodes = [pathway.steps[0].source, *(step.target for step in pathway.steps)]
            assert nodes[-1] == "fasciculation"
            assert nodes[0] == item.state
            assert len(set(nodes)) == len(nodes)
            for step, after in zip(pathway.steps, pathway.steps[1:], strict=False):
                assert step.target == after.source
            for step in pathway.steps:
                assert step.statement
                assert step.citations
                assert all(citation.text for citation in step.citations)
                assert step.strength in ("strong", "moderate", "weak")
                assert step.observation in ("confirmed", "contradicted", "unmeasured", "unobservable")


def test_the_chain_of_vitamin_b12_says_that_it_is_weakly_evidenced():
    """The B12-to-fasciculation chain says so of itself, in the pathway and in the finding."""
    item = finding(both([("vitamin_b12", 120, "pg/mL")]), "vitamin-b12-deficiency")
    assert "weakly evidenced" in item.explanation
    assert all("weak" in pathway.explanation and pathway.strength == "weak" for pathway in item.pathways)


def test_guidance_is_part_of_every_reports_data():
    """Symptoms, benign triggers, the advice to see a clinician and the disclaimer are in every report, also empty ones."""
    for rows in ([("magnesium", 0.4, "mmol/L")], [("magnesium", 0.8, "mmol/L")]):
        data = json.dumps(both(rows).to_dict()).casefold()
        for word in ("stress", "caffeine", "exercise", "fatigue", "clinician", "no diagnosis", "persist", "ninds"):
            assert word in data, word
    assert {"fatigue", "weakness", "cramps"} <= set(
        finding(both([("magnesium", 0.4, "mmol/L")]), "hypomagnesemia").accompanying_symptoms
    )
    assert {"numbness", "tingling"} <= set(
        finding(both([("calcium_ionized", 1.0, "mmol/L")]), "hypocalcemia").accompanying_symptoms
    )
    assert {"bone_pain", "weakness"} <= set(
        finding(both([("vitamin_d", 20, "nmol/L")]), "vitamin-d-deficiency").accompanying_symptoms
    )


def test_a_presentation_matches_symptoms():
    """Symptoms that the patient names are matched with those that accompany a finding."""
    results = [li.LabResult("vitamin_b12", 120, "pg/mL")]
    told = li.Presentation(
        symptoms=("fasciculation", "numbness", "balance_problems", "fatigue"),
        triggers=("caffeine",),
        course="persistent",
    )
    item = li.interpret(results, ADULT, presentation=told).findings[0]
    assert set(item.matched_symptoms) == {"numbness", "balance_problems", "fatigue"}
    alone = li.interpret(results, ADULT, presentation=li.Presentation(symptoms=("fasciculation",))).findings[0]
    assert alone.matched_symptoms == ()
    assert any("broader picture" in caveat for caveat in alone.caveats)


@pytest.mark.parametrize(
    "symptom",
    ["fasciculation", "cramps", "numbness", "tingling", "bone_pain", "weakness", "fatigue", "balance_problems"],
)
def test_the_symptoms_of_the_contract_are_known(symptom):
    """Every symptom key that the contract names is taken."""
    li.interpret([], ADULT, presentation=li.Presentation(symptoms=(symptom,)))


@pytest.mark.parametrize(
    "claim",
    [
        "F1",
        "F2",
        "F3",
        "F4",
        "M1",
        "M2",
        "M3",
        "M4",
        "M5",
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
        "D1",
        "D2",
        "D3",
        "D4",
        "D5",
        "D6",
        "B1",
        "B2",
        "B3",
        "B4",
        "B5",
        "X1",
        "X2",
        "X3",
    ],
)
def test_every_claim_of_the_source_document_is_explained(claim):
    """Each claim of the source document can be explained by its id, is cited, and names where it shows."""
    found = li.explain(claim)
    assert found.text
    assert found.citations
    assert found.related


# --- provenance, round trip, verify --------------------------------------------------------------------------------


def full_report():
    return li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", Decimal(9), "ng/mL", collected_at=dt.date(2026, 1, 2), id="x1"),
            li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2, collected_at="2026-01-02T08:00:00"),
            li.LabResult("albumin", 4.1, "g/dL", specimen="serum", method="BCG"),
            li.LabResult("magnesium", "<0.5", "mmol/L"), li.LabResult("nonsense", math.nan, None),
            li.LabResult("potassium", math.inf, "mmol/L"),
        ],
        li.Patient(age=54, sex="female", id=CANARY_ID, birth_date=dt.date(1971, 5, 6)),
        grading="ctcae/5.0",
        presentation=li.Presentation(symptoms=("cramps",), course="persistent"),
        decimal=",",
        default_units={"magnesium": "mmol/L"},
    )  # fmt: skip


def test_a_report_round_trips_through_json():
    """`from_json(to_json())` is the same report, and its JSON is plain JSON."""
    report = full_report()
    text = report.to_json()
    json.loads(text, parse_constant=pytest.fail)
    again = li.Report.from_json(text)
    assert again.to_json() == text
    assert again.findings == report.findings
    assert again.states == report.states
    assert again.provenance == report.provenance
    assert json.loads(json.dumps(report.to_dict())) == json.loads(text)


ODD = [
    math.inf, -math.inf, math.nan, Decimal("NaN"), Decimal("Infinity"), Decimal("0.80"), Fraction(4, 5), True, [1], b"0.8", "0,8",
    "<0.5", pd.NA, pd.NaT, dt.date(2020, 1, 1), 0.8 + 0j, 10**400, pint.UnitRegistry().Quantity(8, "g/m^3"),
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{type(value).__name__}-{value}"[:24])
def test_whatever_was_interpreted_is_read_back_and_verifies(value):
    """A report of any value that `interpret` takes can be written, read back and verified."""
    report = li.interpret([li.LabResult("magnesium", value, "mmol/L" if not hasattr(value, "units") else None)], ADULT)
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()


@pytest.mark.parametrize(
    "age", [54, 54.5, "54", "6 mo", Decimal(54), Fraction(109, 2), math.inf, math.nan, -3, True, "old", None]
)
@pytest.mark.parametrize("pregnancy", [None, "none", True, "trimester_2"])
def test_whatever_a_patient_holds_is_read_back_and_verifies(age, pregnancy):
    """A report of any patient that `interpret` takes can be written, read back and verified."""
    patient = li.Patient(age=age, sex="female", pregnancy=pregnancy, birth_date=dt.date(1970, 1, 1))
    report = li.interpret([li.LabResult("magnesium", 0.5, "mmol/L")], patient)
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()


def test_provenance_names_versions_and_hashes():
    """Provenance holds the version of library and knowledge, and id and SHA-256 of every edition."""
    provenance = full_report().provenance
    assert provenance.library_version == li.__version__
    assert provenance.knowledge_version
    editions = {edition.id: edition.sha256 for edition in provenance.editions}
    assert {"abim/2026-01", "nam/2011", "ctcae/5.0"} <= set(editions)
    assert all(len(sha) == 64 and int(sha, 16) >= 0 for sha in editions.values())


def test_verify_finds_no_difference_in_a_report_and_one_in_a_changed_one():
    """`verify` recomputes a report from its own inputs and says what differs."""
    report = full_report()
    assert li.verify(report).ok
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()
    data = json.loads(report.to_json())
    data["interpretations"][0]["flag"] = "N"
    data["states"]["hypocalcemia"] = "excluded"
    found = li.verify(li.Report.from_json(json.dumps(data)))
    assert not found.ok
    assert len(found.differences) >= 2


def test_reports_and_results_pickle_and_copy():
    """A report survives pickling and copying."""
    report = full_report()
    assert pickle.loads(pickle.dumps(report)).to_json() == report.to_json()  # noqa: S301 - our own bytes
    assert copy.deepcopy(report).to_json() == report.to_json()


def test_editions_in_force_on_a_day():
    """`us@date` and `reference_sets(on=)` pick what was in force on that day."""
    found = {item.id.partition("@")[0] for item in li.reference_sets(on="2022-06-01")}
    assert "abim/2021" in found
    assert "abim/2026-01" not in found
    assert "nice-ng239/2024" not in found
    assert "nos-ros/2018" in found
    assert "endocrine-society/2011" in found
    now = {item.id for item in li.reference_sets()}
    assert "endocrine-society/2011" not in now
    assert "abim/2026-01" in now
    assert single("magnesium", 1.2, "mg/dL", ranges="us@2022-06-01").range_id.startswith("abim/2021#")
    early = li.interpret([li.LabResult("magnesium", 1.2, "mg/dL")], ADULT, ranges="us@2020-01-01")
    assert {edition.id for edition in early.provenance.editions}.isdisjoint({"abim/2021", "abim/2026-01"})


# --- section 4: frames ---------------------------------------------------------------------------------------------


def frame_of(**columns):
    base = {
        "test": ["magnesium", "calcium", "vitamin_d"],
        "value": ["0,4", 2.0, "<10"],
        "unit": ["mmol/L", "mmol/L", "nmol/L"],
    }
    return pd.DataFrame({**base, "age": 50, **columns})


def test_the_columns_of_all_three_frames():
    """Results, findings and pathways have the contract's columns in the contract's order."""
    answer = li.interpret_frame(frame_of(patient_id="a", collected_at="2026-01-01"))
    assert answer.results.columns.tolist() == RESULT_COLUMNS
    assert answer.findings.columns.tolist() == FINDING_COLUMNS
    assert answer.pathways.columns.tolist() == PATHWAY_COLUMNS
    empty = li.interpret_frame(frame_of().iloc[:0])
    assert empty.results.columns.tolist() == RESULT_COLUMNS
    assert empty.findings.columns.tolist() == FINDING_COLUMNS
    assert empty.pathways.columns.tolist() == PATHWAY_COLUMNS
    assert len(empty.results) == len(empty.findings) == len(empty.pathways) == 0


@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
def test_numbers_are_float64_and_texts_categorical(rows):
    """`value`, `low` and `high` are float64 in the canonical unit; text columns are categorical, also in an empty frame."""
    found = li.interpret_frame(frame_of().iloc[rows]).results
    for column in ("value", "low", "high"):
        assert found[column].dtype == "float64"
    for column in (
        "analyte",
        "comparator",
        "unit",
        "range_id",
        "flag",
        "level",
        "band",
        "problem",
        "notes",
        "suspected_unit",
    ):
        assert isinstance(found[column].dtype, pd.CategoricalDtype), column


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 7], name="dup"), pd.Index(["c", "a", "b"]), pd.Index([3, 1, 2]),
        pd.MultiIndex.from_tuples([("x", 1), ("x", 1), ("y", 2)], names=["site", "n"]),
        pd.DatetimeIndex(["2026-01-03", "2026-01-01", "2026-01-02"], tz="UTC"), pd.Index([None, 1.5, math.nan], dtype=object),
    ],
)  # fmt: skip
def test_index_and_order_are_kept(index):
    """Whatever the index, the results have it, in order."""
    found = li.interpret_frame(frame_of().set_axis(index)).results
    pd.testing.assert_index_equal(found.index, index)
    assert found["analyte"].tolist() == ["magnesium", "calcium", "vitamin_d"]


def test_other_columns_may_be_mapped_and_extra_columns_do_no_harm():
    """`columns=` maps the caller's names, and foreign columns are passed over."""
    frame = pd.DataFrame(
        {"TEST": ["magnesium"], "RESULT_NUM": [0.4], "U": ["mmol/L"], "AGE_Y": [50], "flag": ["zzz"], "level": [1]}
    )
    found = li.interpret_frame(
        frame, columns={"test": "TEST", "value": "RESULT_NUM", "unit": "U", "age": "AGE_Y"}
    ).results
    assert found["flag"].tolist() == ["L"]
    with pytest.raises(li.LayoutError):
        li.interpret_frame(frame, columns={"test": "TEST", "value": "NOT THERE", "unit": "U"})
    with pytest.raises(li.LayoutError):
        li.interpret_frame(pd.DataFrame({"a": [1]}))


PANELS = pd.DataFrame(
    {
        "patient_id": ["a", "a", "a", "b", "b", None, None],
        "collected_at": ["2026-01-01", "2026-01-01", "2026-01-20", "2026-01-01", "2026-03-01", "2026-01-01", "2026-01-01"],
        "test": ["calcium", "albumin", "vitamin_d", "calcium_ionized", "vitamin_d", "calcium_ionized", "vitamin_d"],
        "value": [2.0, 40, 20, 1.0, 20, 1.0, 20],
        "unit": ["mmol/L", "g/L", "nmol/L", "mmol/L", "nmol/L", "mmol/L", "nmol/L"],
        "age": 50,
    }
)  # fmt: skip


def supports_of(panel):
    answer = li.interpret_frame(PANELS, panel=panel)
    chains = answer.pathways[answer.pathways["finding"] == "vitamin-d-deficiency"]
    return [
        (none_of_missing(patient), support)
        for patient, support in zip(chains["patient_id"], chains["support"], strict=True)
    ]


def test_panels_are_collections_patients_or_look_backs():
    """What a collection, a patient and a look-back of 30 days see together; rows without a patient are alone."""
    assert supports_of("collection") == [("a", "possible"), ("b", "possible"), (None, "possible")]
    assert supports_of("patient") == [("a", "supported"), ("b", "supported"), (None, "possible")]
    assert supports_of("30D") == [("a", "supported"), ("b", "possible"), (None, "possible")]
    assert supports_of("10D") == [("a", "possible"), ("b", "possible"), (None, "possible")]


def test_a_look_back_sees_earlier_results_alone():
    """A collection never sees a result from after it."""
    answer = li.interpret_frame(
        PANELS.assign(collected_at=["2026-01-20"] * 2 + ["2026-01-01"] + list(PANELS["collected_at"][3:])), panel="30D"
    )
    chains = answer.pathways[
        (answer.pathways["finding"] == "vitamin-d-deficiency") & (answer.pathways["patient_id"] == "a")
    ]
    assert "possible" in chains["support"].tolist()


@pytest.mark.parametrize("panel", ["", "week", "D30", "-3D", 30, None])
def test_an_unknown_panel_is_an_error(panel):
    """A panel that is neither a word of the contract nor a look-back is refused."""
    with pytest.raises((li.LabInterpError, TypeError, ValueError)):
        li.interpret_frame(PANELS, panel=panel)


def test_the_latest_result_of_an_analyte_counts_for_the_patient():
    """With one panel per patient the latest result of each analyte decides."""
    frame = pd.DataFrame(
        {
            "patient_id": "a",
            "collected_at": ["2026-02-01", "2026-01-01"],
            "test": "magnesium",
            "value": [0.8, 0.4],
            "unit": "mmol/L",
            "age": 50,
        }
    )
    assert li.interpret_frame(frame, panel="patient").findings.empty
    assert li.interpret_frame(frame).findings["finding"].tolist() == ["hypomagnesemia"]


# --- section 6: errors ---------------------------------------------------------------------------------------------

ERRORS = {
    "UnknownTestError": LookupError, "ValueParseError": ValueError, "ReferenceSetError": ValueError,
    "ReferenceSetNotFound": LookupError, "LayoutError": ValueError, "UnknownUnitError": (LookupError, ValueError),
    "IncompatibleUnitError": (ValueError, TypeError), "UnknownNodeError": LookupError, "MissingExtraError": ImportError,
    "InputError": ValueError, "ReportError": ValueError,
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_is_also_the_fitting_builtin_pickles_and_ends_with_a_hint(name):
    """Every error is a LabInterpError and a builtin, keeps its data, pickles, and ends with a hint."""
    kind = getattr(li, name)
    assert issubclass(kind, li.LabInterpError)
    assert issubclass(kind, ERRORS[name])
    error = kind("something is wrong", hint="Do this", analyte="magnesium")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert str(again) == str(error)
    assert str(again).endswith("Do this")
    assert again.analyte == "magnesium"
    assert str(kind("something is wrong")).strip() != "something is wrong"


def raised(call):
    try:
        call()
    except li.LabInterpError as error:
        return error
    return None


def test_no_message_log_warning_or_repr_holds_a_value_or_an_id(caplog):
    """A canary value and a canary id show in no message, log record, warning or repr."""
    texts = []
    patient = li.Patient(age=50, id=CANARY_ID)
    rows = [
        ("magnesium", CANARY, "mmol/L"),
        ("magnesium", CANARY, "furlong"),
        ("zzz", CANARY, "mg/dL"),
        ("calcium", f"x{CANARY}", "mg/dL"),
        ("vitamin_d", float(CANARY), "ng/mL"),
        ("magnesium", "-" + CANARY, "mg/dL"),
        ("vitamin_b12", CANARY, ""),
    ]
    results = [li.LabResult(*r, id=CANARY_ID) for r in rows]
    frame = pd.DataFrame([{"test": t, "value": v, "unit": u, "patient_id": CANARY_ID, "age": 50} for t, v, u in rows])
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        report = li.interpret(results, patient)
        answer = li.interpret_frame(frame)
        texts += [
            repr(report),
            str(report),
            repr(patient),
            repr(answer),
            repr(results),
            repr(report.interpretations),
            repr(report.problems),
            repr(report.findings),
        ]
        texts += [p.message + p.suggestion for p in report.problems]
        texts += [f.explanation + "".join(f.caveats) for f in report.findings]
        texts += [str(raised(lambda r=r: li.interpret([r], patient, on_problem="raise"))) for r in results]
        calls = [
            lambda: li.convert(CANARY, "furlong", "mg/dL", analyte="magnesium"), lambda: li.convert(f"x{CANARY}", "mg/dL", "mmol/L", analyte="magnesium"),
            lambda: li.adjusted_calcium(CANARY, "mmol/L", 40, "g/L"), lambda: li.Report.from_json('{"patient": "' + CANARY_ID + '"'),
            lambda: li.Report.from_json('{"patient": "' + CANARY_ID + '"}'), lambda: li.read(f"PID|1||{CANARY_ID}|{CANARY}"),
        ]  # fmt: skip
        texts += [str(raised(call)) + repr(raised(call)) for call in calls]
    texts += [record.getMessage() for record in caplog.records] + [str(item.message) for item in warned]
    for text in texts:
        assert CANARY not in text
        assert CANARY_ID not in text


# --- the shipped ranges --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["us", "uk", "nordic", "anz", "canada", "pregnancy-us"])
def test_every_profile_answers_for_an_adult(profile):
    """Each profile of the contract and the issue exists and judges magnesium and 25(OH)D of an adult."""
    assert single("magnesium", 0.8, "mmol/L", ranges=profile).flag == "N"
    assert single("vitamin_d", 20, "nmol/L", ranges=profile).flag == "L"


def test_descriptive_ranges_cannot_stand_in_a_list():
    """An edition that only describes a population can't be mixed in with those that decide."""
    with pytest.raises(li.ReferenceSetError):
        li.interpret([], ADULT, ranges=["abbassi-ghanavati/2009-descriptive", "us"])
