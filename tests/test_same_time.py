"""Several results of one test, taken of one patient at one time: a normal one never hides an abnormal one."""

from __future__ import annotations

import hypothesis
import pandas as pd
import pytest
from hypothesis import strategies as st

import labinterp as li
from engines_helpers import assert_same

ADULT = {"age": 50}
LOW, NORMAL, HIGH = "0.5", "0.85", "1.6"


def magnesium(value, **more):
    return {"test": "magnesium", "value": value, "unit": "mmol/L", "collected_at": "2026-01-05", **more}


def found(rows):
    report = li.interpret(rows, ADULT)
    table = pd.DataFrame([{"patient_id": "p", **ADULT, **row} for row in rows])
    framed = li.interpret_frame(table, panel="patient").findings
    assert [*framed["finding"]] == [finding.code for finding in report.findings]
    assert [*framed["status"]] == [finding.status for finding in report.findings]
    return report


@pytest.mark.parametrize("order", [(LOW, NORMAL), (NORMAL, LOW), (LOW, NORMAL, NORMAL), ("<0.9", LOW)])
def test_the_abnormal_one_counts(order):
    """Whatever their order, the abnormal one of several results of one time makes the finding."""
    assert found([magnesium(value) for value in order]).findings[0].code == "hypomagnesemia"


@pytest.mark.parametrize("second", [HIGH, "<0.9"])
def test_what_points_both_ways_or_is_not_decided_settles_nothing(second):
    """Low beside high is not settled, and a result that is not decided excludes nothing beside a normal one."""
    first = LOW if second == HIGH else NORMAL
    for rows in ([magnesium(first), magnesium(second)], [magnesium(second), magnesium(first)]):
        report = found(rows)
        assert report.findings == ()
        assert report.states["magnesium_deficiency"] == "undetermined"


def test_a_corrected_one_counts_alone():
    """What its source calls corrected stands in place of the others of its time."""
    for rows in (
        [magnesium(LOW), magnesium(NORMAL, note="corrected")],
        [magnesium(NORMAL, note="corrected"), magnesium(LOW)],
    ):
        report = found(rows)
        assert report.findings == ()
        assert report.states["magnesium_deficiency"] == "excluded"
    assert found([magnesium(NORMAL), magnesium(LOW, note="corrected")]).findings[0].code == "hypomagnesemia"
    twice = [magnesium(value, note="corrected") for value in (LOW, NORMAL)]
    assert found(twice).findings[0].code == "hypomagnesemia"


def test_a_later_one_still_counts_before_an_earlier_one():
    """Of different times the latest counts, whatever the others say."""
    rows = [magnesium(LOW), magnesium(NORMAL, collected_at="2026-01-06")]
    assert found(rows).findings == ()
    assert found([*rows, magnesium(LOW, collected_at="2026-01-06")]).findings[0].code == "hypomagnesemia"


def test_one_result_that_is_there_twice_is_one():
    """A calcium that an export repeats is adjusted by its albumin; one of two that differ is not."""
    calcium = {"test": "calcium", "value": "2.0", "unit": "mmol/L"}
    albumin = {"test": "albumin", "value": "25", "unit": "g/L"}
    assert li.interpret([calcium, calcium, albumin], ADULT).interpretations[1].adjusted == pytest.approx(2.3)
    other = {**calcium, "value": "2.01"}
    assert all(each.adjusted is None for each in li.interpret([calcium, other, albumin], ADULT).interpretations)


@pytest.mark.parametrize("status", ["C", "Corrected", "Korrigiert"])
def test_a_column_of_states_says_which_is_corrected(status, tmp_path):
    """Frame and files take the corrected result of a table, wherever it stands."""
    head = "Patient ID,Date,Test,Result,Unit,Age,Result Status\n"
    lines = [f"1,2026-01-05,Mg,{NORMAL},mmol/L,50,{status}\n", f"1,2026-01-05,Mg,{LOW},mmol/L,50,F\n"]
    for place, text in enumerate((head + "".join(lines), head + "".join(reversed(lines)))):
        report = li.interpret_frame(li.read(text))
        assert report.findings.empty
        assert sorted(report.results["notes"]) == ["", "corrected"]
        path = tmp_path / "in.csv"
        path.write_text(text, encoding="utf-8")
        li.interpret_files(path, tmp_path / f"out{place}")
        assert_same(tmp_path / f"out{place}", report)


def test_a_corrected_observation_counts_alone():
    """FHIR's `corrected` and `amended` say so too."""
    from service_client import observation

    first = observation("2601-3", 0.5, "mmol/L", id="a")
    second = observation("2601-3", 0.85, "mmol/L", id="b", status="corrected")
    for entries in ([first, second], [second, first]):
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in entries]}
        assert li.interpret_frame(li.read(bundle), assume_adult=True).findings.empty


VALUES = {
    "magnesium": ("0.5", "0.85", "1.6", "<0.9"),
    "calcium": ("1.8", "2.3", "2.35", "3.1"),
    "albumin": ("25", "41", "x"),
}
ROW = st.sampled_from(sorted(VALUES)).flatmap(
    lambda test: st.fixed_dictionaries(
        {
            "test": st.just(test),
            "value": st.sampled_from(VALUES[test]),
            "unit": st.just("g/L" if test == "albumin" else "mmol/L"),
            "note": st.sampled_from([None, None, "corrected"]),
            "reported_flag": st.sampled_from([None, None, "LL"]),
            "collected_at": st.sampled_from(["2026-01-05", "2026-01-05", "2026-01-06", None, "junk"]),
        }
    )
)


@hypothesis.given(rows=st.lists(ROW, min_size=2, max_size=7))
@hypothesis.settings(max_examples=150, deadline=None)
def test_one_panel_and_many_agree(rows):
    """One patient's report and the table agree on which of several results count."""
    report = li.interpret(rows, ADULT)
    framed = li.interpret_frame(pd.DataFrame([{"patient_id": "p", **ADULT, **row} for row in rows]), panel="patient")
    assert [*framed.findings["finding"]] == [finding.code for finding in report.findings]
    assert [*framed.results["notes"].astype(object).fillna("")] == [";".join(i.notes) for i in report.interpretations]
