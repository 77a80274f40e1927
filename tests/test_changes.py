"""Two results of one patient, one by one and in frames."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp import changes
from labinterp._data import knowledge
from labinterp.batch.delta import DELTA_COLUMNS
from labinterp.codes import PROBLEMS
from labinterp.reading import analytes
from strategies import DIRTY_TESTS, DIRTY_UNITS, DIRTY_VALUES

# What the cited figures come to, two-sided 95 %.
LIMITS = [
    ("calcium", None, -5.39, 5.70),
    ("albumin", None, -7.76, 8.42),
    ("vitamin_b12", None, -27.1, 37.1),
    ("vitamin_b12", 4.3, -23.4, 30.5),
    ("homocysteine", None, -20.5, 25.7),
    ("methylmalonic_acid", None, -20.0, 25.0),
]
UNITS = {"calcium": "mmol/L", "albumin": "g/L", "vitamin_b12": "pmol/L"} | {
    "homocysteine": "umol/L",
    "methylmalonic_acid": "nmol/L",
}
USUAL = {"calcium": 2.3, "albumin": 42, "vitamin_b12": 300, "homocysteine": 9, "methylmalonic_acid": 200}


def pair(test="calcium", before=2.3, after=2.4, unit="mmol/L", **fields):
    return li.LabResult(test, before, unit, **fields), li.LabResult(test, after, unit, **fields)


@pytest.mark.parametrize(("analyte", "cva", "low", "high"), LIMITS)
def test_reference_change_value_is_that_of_the_cited_figures(analyte, cva, low, high):
    """The reference change value is log-normal, from the cited CVI and CVA, at z = 1.96."""
    answer = li.change(*pair(analyte, USUAL[analyte], USUAL[analyte], UNITS[analyte]), cva=cva)
    digits = 2 if analyte in ("calcium", "albumin") else 1
    assert tuple(round(end, digits) for end in answer.reference_change_value) == (low, high)
    assert answer.exceeds is False
    assert answer.percent == 0
    assert answer.z == 1.96
    assert {"fokkema-2006"} < {citation.id for citation in answer.citations}


def test_published_one_sided_value_is_met():
    """With z = 1.645 and a small CVA the published homocysteine value of -16.2 and 19.4 % is met within half a percent."""
    low, high = changes.reference_change_value(7.4, 1.0, z=1.645)
    assert low == pytest.approx(-16.2, abs=0.5)
    assert high == pytest.approx(19.4, abs=0.5)


def test_change_beyond_the_reference_change_value_exceeds_it():
    """A fall of calcium by 6 % exceeds what variation explains, one by 5 % does not."""
    assert li.change(*pair(after=2.3 * 0.94)).exceeds is True
    assert li.change(*pair(after=2.3 * 0.95)).exceeds is False


def test_units_are_normalized_before_arithmetic():
    """Results in two units are compared in the canonical unit, by exact factors."""
    answer = li.change(li.LabResult("Ca", "9,2", "mg/dL"), li.LabResult("17861-6", 2.295523728, "mmol/L"))
    assert answer.unit == "mmol/L"
    assert answer.difference == pytest.approx(0, abs=1e-8)
    assert answer.percent == pytest.approx(0, abs=1e-6)


def test_vitamin_d_has_no_reference_change_value():
    """25(OH)D is not in a steady state: the difference is given, whether it exceeds anything is not."""
    answer = li.change(*pair("vitamin_d", 20, 40, "ng/mL"))
    assert answer.problem == "not_in_steady_state"
    assert answer.exceeds is None
    assert answer.reference_change_value is None
    assert answer.percent == pytest.approx(100)
    assert [citation.id for citation in answer.citations] == ["cavalier-2021"]


def test_analyte_without_checked_figures_has_no_reference_change_value():
    """Where no checked figure of biological variation is at hand, none is made up."""
    answer = li.change(*pair("magnesium", 0.8, 0.9))
    assert (answer.problem, answer.exceeds, answer.citations) == ("no_variation_data", None, ())
    assert answer.percent == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("previous", "current", "problem"),
    [
        (("calcium", 2.3, "mmol/L"), ("magnesium", 0.8, "mmol/L"), "different_analytes"),
        (("calcium", 2.3, "mmol/L"), ("calcium_ionized", 1.2, "mmol/L"), "different_analytes"),
        (("calcium", "<1.5", "mmol/L"), ("calcium", 2.3, "mmol/L"), "censored_value"),
        (("calcium", 2.3, "mmol/L"), ("calcium", "QNS", "mmol/L"), "not_numeric"),
        (("calcium", 2.3, None), ("calcium", 2.3, "mmol/L"), "missing_unit"),
        (("calcium", 2.3, "mmol/L"), ("calcium", 230, "mmol/L"), "implausible_value"),
        (("1,25-OH vitamin D", 40, "pg/mL"), ("calcium", 2.3, "mmol/L"), "unknown_test"),
    ],
)
def test_what_cannot_be_compared_is_refused(previous, current, problem):
    """Other analytes, censored and unreadable results are refused by code and sentence, without arithmetic."""
    answer = li.change(li.LabResult(*previous), li.LabResult(*current))
    assert answer.problem == problem
    assert answer.message.endswith(".")
    assert (answer.difference, answer.percent, answer.exceeds) == (None, None, None)


def test_different_methods_are_not_compared():
    """Results by two known methods are not comparable; an unknown one is noted; spelling does not matter."""
    first, second = pair()
    other = li.LabResult("calcium", 2.4, "mmol/L", method="Arsenazo III")
    assert li.change(li.LabResult("calcium", 2.3, "mmol/L", method="NM-BAPTA"), other).problem == "different_methods"
    assert "method_unknown" in li.change(first, other).notes
    assert "method_unknown" in li.change(first, second).notes
    same = li.LabResult("calcium", 2.3, "mmol/L", method="arsenazo  iii ")
    assert "method_unknown" not in li.change(same, other).notes
    assert li.change(same, other).problem is None


@pytest.mark.parametrize(("earlier", "later"), [("2026-02-01", "2026-01-01"), ("2026-01-01", "2026-01-01")])
def test_order_of_times_is_held(earlier, later):
    """A previous result that was not collected before the current one is refused."""
    first = li.LabResult("calcium", 2.3, "mmol/L", collected_at=earlier)
    second = li.LabResult("calcium", 2.4, "mmol/L", collected_at=later)
    assert li.change(first, second).problem == "times_not_in_order"
    assert "time_unknown" in li.change(first, li.LabResult("calcium", 2.4, "mmol/L")).notes


def test_desirable_cva_is_noted_and_ones_own_wins():
    """Where CVA is no measured figure the answer says so; the laboratory's own takes its place."""
    results = pair("homocysteine", 9, 10, "umol/L")
    assert "cva_desirable" in li.change(*results).notes
    own = li.change(*results, cva=2.0)
    assert "cva_desirable" not in own.notes
    assert own.cva == 2.0


@pytest.mark.parametrize("z", [0, -1, math.nan, math.inf, 11, "1.96", True, None])
def test_z_that_cannot_be_one_is_refused(z):
    """The number z is above 0 and up to 10."""
    with pytest.raises(li.InputError, match="z is no number"):
        li.change(*pair(), z=z)


@pytest.mark.parametrize("cva", [-1, math.nan, 101, "2"])
def test_cva_that_cannot_be_one_is_refused(cva):
    """CVA is a number of percent."""
    with pytest.raises(li.InputError, match="cva is no number"):
        li.change(*pair(), cva=cva)


def test_what_is_no_result_is_a_type_error():
    """Anything but two results is refused by name of the argument."""
    with pytest.raises(TypeError, match="current is no LabResult"):
        li.change(pair()[0], {"test": "calcium"})


def test_repr_shows_no_value_and_it_pickles():
    """A change can be logged and sent to another process."""
    answer = li.change(*pair(before=2.3125, after=2.4625))
    assert "2.3125" not in repr(answer)
    assert "0.15" not in repr(answer)
    assert "6.4" not in repr(answer)
    assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301 - our own bytes


def test_every_figure_has_source_and_evidence():
    """Every row of the data has a known source, an evidence tag of a checked figure, and an analyte of ours."""
    data = knowledge("variation.toml")
    sources = {source["id"] for source in data["source"]}
    rows = [*data["variation"], *data["refused"]]
    for row in rows:
        assert row["source"]["id"] in sources
        assert row["evidence"] in ("primary", "secondary")
        assert row["analyte"] in analytes.analytes()
    for row in data["variation"]:
        assert row["cva_basis"] in ("measured", "desirable")
        if row["cva_basis"] == "desirable":
            assert float(row["cva"]) == pytest.approx(float(row["cvi"]) / 2)
    assert len({row["analyte"] for row in rows}) == len(rows)
    assert {row["source"]["id"] for row in rows} | {"fokkema-2006"} == sources


@given(st.floats(0, 60), st.floats(0, 60), st.floats(0.5, 3))
def test_reference_change_value_is_symmetric_in_logarithms(cvi, cva, z):
    """Up by the upper limit and down by the lower one ends where it began; more variation never narrows the limits."""
    low, high = changes.reference_change_value(cvi, cva, z=z)
    assert (1 + low / 100) * (1 + high / 100) == pytest.approx(1)
    wider = changes.reference_change_value(cvi, cva + 1, z=z)
    assert wider[0] <= low <= 0 <= high <= wider[1]


@given(st.floats(1.2, 4.5), st.floats(1.2, 4.5))
def test_unit_does_not_decide(before, after):
    """Whether a change exceeds is the same in mmol/L and in mg/dL, but for rounding on the limit."""
    first = li.change(*pair(before=before, after=after))
    second = li.change(*pair(before=before * 4.0078, after=after * 4.0078, unit="mg/dL"))
    assert second.percent == pytest.approx(first.percent, abs=1e-6)
    if min(abs(first.percent - end) for end in first.reference_change_value) > 1e-6:
        assert first.exceeds == second.exceeds


@settings(max_examples=150)
@given(
    st.tuples(DIRTY_TESTS, DIRTY_VALUES, DIRTY_UNITS),
    st.tuples(DIRTY_TESTS, DIRTY_VALUES, DIRTY_UNITS),
    st.sampled_from([None, ".", ","]),
)
def test_answer_or_problem(previous, current, decimal):
    """Of any two results, either it is known whether the change exceeds, or a known problem says why not."""
    answer = li.change(li.LabResult(*previous), li.LabResult(*current), decimal=decimal)
    assert (answer.exceeds is None) == (answer.problem is not None)
    assert answer.problem is None or answer.problem in (*PROBLEMS, *knowledge("variation.toml")["problems"])
    assert set(answer.notes) <= set(knowledge("variation.toml")["notes"])


FRAME_ROWS = st.lists(
    st.fixed_dictionaries({
        "test": st.sampled_from(["calcium", "Ca", "vitamin_d", "magnesium", "homocysteine", "nonsense"]),
        "value": st.sampled_from([2.3, "2,1", "<2", "9.2", 9, "QNS", "31", None]),
        "unit": st.sampled_from(["mmol/L", "mg/dL", "umol/L", "ng/mL", None]),
        "patient_id": st.sampled_from(["a", "b", None]),
        "collected_at": st.sampled_from(["2026-01-01", "2026-01-02T08:00", "2026-01-03", "someday", None]),
        "method": st.sampled_from([None, "A", " a ", "B"]),
    }),
    min_size=1,
    max_size=12,
)  # fmt: skip


def previous_by_hand(rows, values, i):
    """Return the row that `delta` should compare row i with, by plain search."""
    times = [row["collected_at"] if row["collected_at"] != "someday" else None for row in rows]
    if values[i] is None or rows[i]["patient_id"] is None or times[i] is None:
        return None
    best = None
    for j, row in enumerate(rows):
        same = row["patient_id"] == rows[i]["patient_id"] and values[j] is not None and values[j] == values[i]
        earlier = times[j] is not None and times[j] < times[i]
        if same and earlier and (best is None or times[j] >= times[best]):
            best = j
    return best


@settings(max_examples=200)
@given(FRAME_ROWS)
def test_frame_says_what_the_scalar_face_says(rows):
    """Every row of `interpret_frame(delta=True)` is `change` of the row before it and itself."""
    results = li.interpret_frame(pd.DataFrame(rows), delta=True).results
    found = results.astype(object).where(results.notna(), None).to_dict("records")
    series = [row["analyte"] if row["value"] is not None else None for row in found]
    for i, (row, out) in enumerate(zip(rows, found, strict=True)):
        j = previous_by_hand(rows, series, i)
        if j is None:
            assert [out[name] for name in DELTA_COLUMNS] == [None] * 5
            continue
        fields = ("test", "value", "unit", "collected_at", "method")
        first, second = ({name: r[name] for name in fields} for r in (rows[j], row))
        answer = li.change(li.LabResult(**first), li.LabResult(**second))
        assert (out["delta"], out["delta_percent"]) == (answer.difference, answer.percent)
        assert out["delta_exceeds"] == answer.exceeds
        assert out["delta_problem"] == answer.problem
        assert out["previous_value"] == (None if answer.difference is None else found[j]["value"])


def test_delta_is_added_on_request_alone():
    """Without `delta=True` the results have the contract's columns, and the columns come with their types."""
    frame = pd.DataFrame({"test": "calcium", "value": [9.2, 9.3], "unit": "mg/dL", "patient_id": "a"})
    frame["collected_at"] = ["2026-01-02", "2026-01-01"]
    assert not set(DELTA_COLUMNS) & set(li.interpret_frame(frame).results)
    results = li.interpret_frame(frame, delta=True).results
    assert results[["previous_value", "delta", "delta_percent"]].dtypes.eq(np.float64).all()
    assert results["delta_exceeds"].dtype == "boolean"
    assert results["delta"].notna().tolist() == [True, False]
    empty = li.interpret_frame(frame.iloc[:0], delta=True).results
    assert list(empty.columns) == list(results.columns)
