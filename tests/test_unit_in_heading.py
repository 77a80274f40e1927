"""A unit in the heading of the values of a long table."""

import pandas as pd
import pytest

import labinterp as li

TABLES = [
    "Test,Result (mg/dL),Date,Age\nMagnesium,1.1,2024-01-02,50\nCalcium,7.2,2024-01-02,50\n",
    "Parameter;Ergebnis [mg/dl];Alter\nMagnesium;1,1;50\nCalcium;7,2;50\n",
    "test,value (mg/dL),unit,age\nMagnesium,1.1,,50\nCalcium,7.2,mg/dL,50\n",
]


@pytest.mark.parametrize("text", TABLES)
def test_a_unit_in_the_heading_of_the_values_is_that_of_every_row(text, tmp_path):
    """`Result (mg/dL)` beside a column of tests says the unit of all rows, in memory and in streams."""
    table = li.interpret_frame(li.read(text)).results
    assert table["flag"].str[0].tolist() == ["L", "L"]
    (tmp_path / "a.csv").write_text(text)
    li.interpret_files(tmp_path / "a.csv", tmp_path / "out")
    streamed = pd.read_parquet(tmp_path / "out" / "results")
    for name in ("analyte", "value", "flag"):
        assert streamed[name].tolist() == table[name].tolist()


def test_the_unit_of_a_row_comes_before_that_of_the_heading():
    """A row that has a unit of its own keeps it; one without a known unit in the heading is not guessed."""
    frame = pd.DataFrame({"test": ["Mg", "Mg"], "value (mg/dL)": ["1.9", "0.8"], "unit": [None, "mmol/L"], "age": 50})
    assert li.interpret_frame(frame).results["flag"].tolist() == ["N", "N"]
    other = frame.rename(columns={"value (mg/dL)": "value (fasting)"})
    assert li.interpret_frame(other).results["problem"].tolist()[0] == "missing_unit"
