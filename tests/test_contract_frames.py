"""The public contract, section 4: frames."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import labinterp as li
from contract_helpers import none_of_missing

RESULT_COLUMNS = [
    "patient_id", "collected_at", "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level",
    "band", "grade", "problem", "notes", "suspected_unit",
]  # fmt: skip
FINDING_COLUMNS = [
    "patient_id", "panel", "finding", "status", "severity", "evidence", "upstream", "suggested_tests", "explanation",
]  # fmt: skip
PATHWAY_COLUMNS = ["patient_id", "panel", "finding", "pathway", "kind", "support", "broken_at", "explanation"]


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
    pairs = (
        (none_of_missing(patient), support)
        for patient, support in zip(chains["patient_id"], chains["support"], strict=True)
    )
    return list(dict.fromkeys(pairs))


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
