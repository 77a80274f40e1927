"""`labinterp.impact`: what choosing other ranges changes in one's own data."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.errors import ReferenceSetNotFound
from labinterp.impact import ABSENT, impact


def table(*rows, **columns):
    frame = pd.DataFrame(rows, columns=["patient_id", "test", "value", "unit"])
    return frame.assign(age=50, **columns)


def test_nothing_changes_from_a_set_to_itself():
    """The same ranges on both sides change nothing."""
    found = impact(table(("A", "magnesium", 1.1, "mg/dL"), ("B", "calcium", "x", "mg/dL")), "us", "us")
    assert (found.results, found.results_changed, found.panels_changed) == (2, 0, 0)
    assert (found.result_changes, found.finding_changes) == ((), ())
    assert found.findings_before == found.findings_after == 1


def test_changes_are_counted_by_kind():
    """Results are counted by analyte and level, findings by kind with panels and patients."""
    frame = table(
        ("A", "vitamin D", 40, "nmol/L"),
        ("A", "vitamin D", 41, "nmol/L"),
        ("B", "vitamin D", 42, "nmol/L"),
        ("C", "vitamin D", 10, "nmol/L"),
        collected_at=["2026-01-01", "2026-02-01", "2026-01-01", "2026-01-01"],
    )
    found = impact(frame, "nam/2011", "sacn/2016")
    assert [(each.before, each.after, each.results) for each in found.result_changes] == [
        ("borderline_low", "indeterminate", 3)
    ]
    change = found.finding_changes[0]
    assert (change.finding, change.kind, change.after) == ("vitamin-d-insufficiency", "gone", ABSENT)
    assert (change.panels, change.patients, found.panels_changed) == (3, 2, 3)


def test_turned_round_new_and_gone_change_places():
    """From B to A is the mirror of from A to B."""
    frame = table(("A", "vitamin D", 40, "nmol/L"), ("B", "vitamin B12", 300, "ng/L"))
    there, back = impact(frame, "us", "sacn/2016"), impact(frame, "sacn/2016", "us")
    assert {(c.finding, c.kind, c.before, c.after) for c in there.finding_changes} == {
        (c.finding, {"new": "gone", "gone": "new"}.get(c.kind, c.kind), c.after, c.before) for c in back.finding_changes
    }
    assert {(c.analyte, c.before, c.after) for c in there.result_changes} == {
        (c.analyte, c.after, c.before) for c in back.result_changes
    }


def test_a_range_that_is_lost_is_a_change():
    """A result that no longer has a range is counted with its problem."""
    found = impact(table(("A", "magnesium", 1.1, "mg/dL")), "us", "nam/2011")
    assert [(each.before, each.after) for each in found.result_changes] == [("low", "no_reference_range")]


def test_critical_limits_are_told_apart():
    """A result that becomes critical is a change even where its level stays."""
    found = impact(table(("A", "magnesium", 0.3, "mmol/L")), "us", ["us", "ohsu/critical"])
    assert [each.after for each in found.result_changes] == ["critically low"]


def test_reported_ranges_are_left_out_unless_asked_for():
    """A range on the row would hide the change; `reported_ranges=True` lets it."""
    frame = table(("A", "magnesium", 1.1, "mg/dL"), reference_low=1.0, reference_high=2.0)
    assert impact(frame, "us", "nam/2011").results_changed == 1
    assert impact(frame, "us", "nam/2011", reported_ranges=True).results_changed == 0


def test_rows_without_a_patient_count_each():
    """Rows without a patient are panels, and patients, of their own."""
    frame = table((None, "vitamin D", 40, "nmol/L"), (None, "vitamin D", 40, "nmol/L"))
    change = impact(frame, "nam/2011", "sacn/2016").finding_changes[0]
    assert (change.panels, change.patients) == (2, 2)


def test_answer_holds_counts_alone():
    """Neither `to_dict`, nor `to_frame`, nor `repr` holds a value or an id; all of it is JSON."""
    found = impact(table(("MRN-7", "vitamin D", 43.21, "nmol/L")), "nam/2011", "sacn/2016")
    for text in (json.dumps(found.to_dict()), found.to_frame().to_csv(), repr(found)):
        assert "MRN-7" not in text
        assert "43.21" not in text
    assert found.to_frame()["count"].sum() == 2
    assert impact(table(), "us", "uk").to_frame().empty


def test_unknown_ranges_are_refused():
    """A name that is not known is an error, as everywhere."""
    with pytest.raises(ReferenceSetNotFound):
        impact(table(("A", "magnesium", 1.1, "mg/dL")), "us", "nowhere")


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", None]),
            st.sampled_from(["magnesium", "calcium", "vitamin D", "vitamin B12", "nothing"]),
            st.floats(0.1, 400) | st.sampled_from(["<8", "QNS", None]),
            st.sampled_from(["mmol/L", "mg/dL", "ng/mL", "nmol/L", "pmol/L", None]),
        ),
        max_size=12,
    )
)
def test_counts_agree_with_the_frames(rows):
    """Whatever the data, the counts are those of the two answers compared row by row."""
    frame = table(*rows)
    found = impact(frame, "us", "uk")
    one, two = (li.interpret_frame(frame, ranges=ranges, reported_ranges=False) for ranges in ("us", "uk"))
    pairs = zip(
        *(
            r.results[["flag", "level", "problem"]].astype(object).fillna("").itertuples(index=False)
            for r in (one, two)
        ),
        strict=True,
    )
    assert found.results == len(frame)
    assert found.results_changed == sum(a != b for a, b in pairs)
    keys = [set(r.findings[["patient_id", "panel", "finding"]].astype(str).itertuples(index=False)) for r in (one, two)]
    counted = {kind: sum(c.panels for c in found.finding_changes if c.kind == kind) for kind in ("new", "gone")}
    assert counted == {"new": len(keys[1] - keys[0]), "gone": len(keys[0] - keys[1])}
