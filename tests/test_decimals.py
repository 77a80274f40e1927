"""Numbers that can be read in two ways: what `decimal=` settles, and what the table shows of it."""

import json

import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from labinterp.batch.signs import Signs, sign_of

ROWS = [("vitamin_b12", "1,234", "pg/mL"), ("magnesium", "0,74", "mmol/L"), ("calcium", "2,31", "mmol/L")]
FRAME = pd.DataFrame(ROWS, columns=["test", "value", "unit"]).assign(patient_id=["a", "a", "b"], age=50)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("7.9", "."),
        ("7,9", ","),
        ("0.735", "."),
        ("1,234", None),
        ("1234,5", ","),
        ("1.234.567", None),
        (7.9, None),
        ("<0,7", ","),
    ],
)
def test_a_sign_is_shown_where_it_can_only_be_the_decimal_one(text, sign):
    """Three digits behind one to three others show nothing."""
    assert sign_of(text) == sign


@pytest.mark.parametrize("scattered", [False, True])
def test_summaries_say_what_decimal_would_settle(tmp_path, scattered, capsys):
    """Frame, stream and command line say how many rows `decimal=` settles and which sign the other numbers show."""
    frame = FRAME.iloc[[0, 2, 1]] if scattered else FRAME
    frame.to_csv(tmp_path / "a.csv", index=False)
    expected = Signs(1, 0, 2)
    assert li.interpret_frame(frame).decimals == expected
    assert expected.suggests == ","
    manifest = li.interpret_files(tmp_path / "a.csv", tmp_path / "out")
    assert manifest.signs.rows == 1
    assert manifest.signs.suggests == ","
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["decimals"]["suggests"] == ","
    shown = " ".join(run(capsys, "interpret", tmp_path / "a.csv")[1].split())
    assert "decimal= would settle 1 row" in shown
    assert li.interpret_frame(frame, decimal=",").decimals == Signs()


def test_decimal_settles_ranges_that_can_be_read_in_two_ways():
    """A range `1.000-2.000` of B12 is one to two, or one to two thousand, as `decimal=` says."""
    for decimal, low in ((",", 1000.0), (".", 1.0)):
        row = {"test": "vitamin_b12", "value": "1500", "unit": "pg/mL", "age": 50}
        for ends in ({"reference_range": "1.000-2.000"}, {"reference_low": "1.000", "reference_high": "2.000"}):
            found = li.interpret([{**row, **ends}], decimal=decimal).interpretations[0]
            table = li.interpret_frame(pd.DataFrame([{**row, **ends}]), decimal=decimal).results.iloc[0]
            assert found.range_id == table["range_id"]
            assert (found.range_id == "reported") or decimal == "."
            if found.range_id == "reported":
                assert found.low == pytest.approx(li.convert(low, "pg/mL", "pmol/L", analyte="vitamin_b12"))


def test_strict_passes_over_tests_that_are_not_covered(tmp_path, capsys):
    """A row of ferritin is a problem and no fault of the table: `--strict` passes it over, and the summary counts it."""
    path = tmp_path / "a.csv"
    rows = [("magnesium", "2.0", "mg/dL", 50), ("Ferritin", "50", "ng/mL", 50)]
    pd.DataFrame(rows, columns=["test", "value", "unit", "age"]).to_csv(path, index=False)
    assert run(capsys, "interpret", path, "--strict")[0] == 0
    assert run(capsys, "interpret", path, "--strict", "-o", tmp_path / "out")[0] == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["not_covered"] == 1
    path.write_text(path.read_text() + "no such test,5,mg/dL,50\n")
    assert run(capsys, "interpret", path, "--strict")[0] == 4
