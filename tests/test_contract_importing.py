"""The public contract, section 2: importing it."""

from __future__ import annotations

import copy
import datetime as dt
import math
import threading
from decimal import Decimal

import pandas as pd
import pint
import pytest

import labinterp as li
from contract_helpers import ADULT, both, row, single
from labinterp import errors
from labinterp.reading.units import accepted


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
        "us": ("N", "abim/2026-01b"), "norip/tate-2016": ("N", "norip/tate-2016"), str(own): ("L", "own/1"),
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
    assert (found.flag, found.range_id) == ("N", "abim/2026-01b#magnesium-adult")
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
    assert single("albumin", 4.1, "g/dL", child, assume_adult=True).problem == "no_reference_range"
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
    rows = [row("albumin", 4.1, "g/dL", collected_at=when) for when in ("2018-01-01", "2018-01-02T08:00")]
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
