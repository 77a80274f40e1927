"""Tables as laboratories, portals and trackers export them: `tests/field/tables`, on every reader of tables."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from engines_helpers import cells, read_parts
from labinterp.tables import headings
from service_client import Client

FOLDER = Path(__file__).parent / "field" / "tables"
TABLES = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))["table"]


def summary(results):
    rows = results[["analyte", "flag", "problem"]].astype(object)
    return [f"{row.analyte} {row.problem if pd.isna(row.flag) else row.flag}" for row in rows.itertuples()]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["file"])
def test_a_table_of_the_field_is_read(table, tmp_path):
    """Whole, as a frame and in pieces down to a row each, a table comes to what a professional would read in it."""
    options = table.get("options", {})
    has_units = "default_units" in options
    read = li.read(FOLDER / table["file"], has_units=has_units)
    assert summary(li.interpret_frame(read, **options).results) == table["expect"]
    manifest = li.interpret_files(FOLDER / table["file"], tmp_path / "out", **options)
    assert summary(read_parts(tmp_path / "out", "results")) == table["expect"]
    li.interpret_files(FOLDER / table["file"], tmp_path / "rows", block_bytes=1, **options)
    assert summary(read_parts(tmp_path / "rows", "results")) == table["expect"]
    assert manifest.bad_rows == 0
    assert list(manifest.inputs[0].unused_columns) == table.get("unused", [])
    assert manifest.inputs[0].lines_above == table.get("lines_above", 0)


def test_every_file_is_spoken_of():
    """No table lies there without its expectation."""
    assert {table["file"] for table in TABLES} == {path.name for path in FOLDER.iterdir()} - {"expected.toml"}


@pytest.mark.parametrize("ours", ["reference_range", "reference_low", "reference_high", "reported_flag", "specimen"])
def test_what_can_make_a_result_abnormal_is_read_in_every_language(ours):
    """Where values are read in a language, so is what the laboratory says of them; unread, it would be passed over in silence."""
    columns = headings.knowledge("headings.toml")["columns"]
    assert columns["value"].keys() <= columns[ours].keys()


def test_a_heading_means_one_thing():
    """No heading means two of our columns, whatever its language."""
    seen = {}
    for ours, languages in headings.knowledge("headings.toml")["columns"].items():
        for words in languages.values():
            for word in words:
                assert headings.key_of(word), word
                assert seen.setdefault(headings.key_of(word), ours) == ours, word


def test_an_unknown_table_says_what_was_understood_and_meant():
    """The error lists what was understood, what is missing and what was probably meant, and keeps them as data."""
    with pytest.raises(
        li.LayoutError, match=r"Test Name as test.*missing is value; valeu probably means value"
    ) as caught:
        li.read("Test Name,valeu,Units\nMg,1,mg/dL\n")
    error = caught.value
    assert error.found == {"test": "Test Name", "unit": "Units"}
    assert (error.missing, error.guesses) == (("value",), {"value": "valeu"})
    assert "columns={'value': 'valeu'}" in str(error)
    with pytest.raises(li.LayoutError, match=r"missing is unit.*default_units"):
        li.read("Parameter;Ergebnis\nMagnesium;0,8\n")
    with pytest.raises(li.LayoutError) as caught:
        li.read("Messung;Bemerkung;Ort\nMagnesium;0,8;x\n")
    assert caught.value.nearest == "labinterp"


def test_a_column_that_is_there_twice_is_refused():
    """`Value` beside `value` is an error, and `columns=` with the exact name settles it."""
    table = "test,Value,value,unit\nMg,1,2,mg/dL\n"
    with pytest.raises(li.LayoutError, match="more than one column named value"):
        li.read(table)
    assert li.read(table, columns={"value": "Value"}).loc[0, "value"] == "1"


def test_columns_without_use_are_named():
    """A frame's report names the columns that made no difference."""
    frame = pd.DataFrame({"Test": ["Mg"], "Result": ["0.5"], "Unit": ["mmol/L"], "Age": [50], "Ward": ["3"]})
    assert li.interpret_frame(frame).unused_columns == ("Ward",)
    wide = pd.DataFrame({"Age": [50], "Magnesium (mmol/L)": [0.5], "Ward": ["3"]})
    assert li.interpret_frame(wide).unused_columns == ("Ward",)


def test_rows_as_mappings_are_a_table():
    """A list of dicts is a table, with headings of any language."""
    rows = [{"Parameter": "Magnesium", "Wert": 0.5, "Einheit": "mmol/L", "Alter": 50}]
    assert li.interpret_frame(rows).results["flag"].tolist() == ["L"]
    assert li.read(rows).loc[0, "test"] == "Magnesium"


def test_tables_beside_are_given_to_every_face(tmp_path):
    """`beside=` names tables for files and frames as for `read`."""
    labs = "subject_id,itemid,charttime,value,valueuom\n7,1,2150-01-01 00:00:00,0.5,mmol/L\n"
    items = "itemid,label,fluid\n1,Magnesium,Blood\n"
    (tmp_path / "labs.csv").write_text(labs)
    (tmp_path / "D_ITEMS.csv").write_text(items)
    beside = {"d_labitems": tmp_path / "D_ITEMS.csv"}
    li.interpret_files(tmp_path / "labs.csv", tmp_path / "out", beside=beside, assume_adult=True)
    frame = li.read(labs, beside={"d_labitems": items})
    raw = pd.read_csv(tmp_path / "labs.csv")
    expected = ["magnesium L"]
    assert summary(read_parts(tmp_path / "out", "results")) == expected
    assert summary(li.interpret_frame(frame, assume_adult=True).results) == expected
    assert summary(li.interpret_frame(raw, beside=beside, assume_adult=True).results) == expected
    with pytest.raises(li.LayoutError, match="no table person beside"):
        li.interpret_files(tmp_path / "labs.csv", tmp_path / "no", beside={"person": items})


CLOCKS = [
    "Patient ID,Date,Time,Test,Result,Units\n1,2026-01-13,20:00,Mg,0.5,mmol/L\n1,2026-01-13,08:00,Mg,0.9,mmol/L\n",
    "MRN,Collection Date,Collection Time,Test,Result,Units\n1,1/13/2026,8:00 PM,Mg,0.5,mmol/L\n1,1/13/2026,8:00 AM,Mg,0.9,mmol/L\n",
    "Patient ID,Date,Time,Magnesium (mmol/L)\n1,13.01.2026,20:00,0.5\n1,13.01.2026,08:00,0.9\n",
    "Fallnummer;Datum;Uhrzeit;Test;Wert;Einheit\n1;13.01.2026;20:00;Mg;0,5;mmol/l\n1;13.01.2026;08:00;Mg;0,9;mmol/l\n",
    "patient_id,collected_at,time,test,value,unit\n1,2026-01-13 00:00:00,20:00,Mg,0.5,mmol/L\n1,2026-01-13,08:00,Mg,0.9,mmol/L\n",
]


@pytest.mark.parametrize("text", CLOCKS)
def test_a_time_of_day_in_a_column_of_its_own_tells_the_latest_result(tmp_path, text):
    """Of two results of a day the later one counts, though it stands first and its time in another column."""
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    read = li.read(path)
    report = li.interpret_frame(read, panel="patient", assume_adult=True)
    assert [*report.findings["finding"]] == ["hypomagnesemia"]
    assert report.unused_columns == ()
    apart = li.interpret_frame(read, assume_adult=True)
    assert apart.results["collected_at"].nunique() == 2
    li.interpret_files(path, tmp_path / "out", assume_adult=True)
    for name in ("results", "findings"):
        assert cells(read_parts(tmp_path / "out", name)) == cells(getattr(apart, name))


def test_a_time_that_is_none_leaves_the_date():
    """A column of times that holds something else, or a date that has a time, changes nothing."""
    text = "Patient ID,Date,Time,Test,Result,Units\n1,2026-01-13 07:00,20:00,Mg,0.5,mmol/L\n1,2026-01-13,fasting,Mg,0.9,mmol/L\n"
    assert [*li.read(text)["collected_at"]] == ["2026-01-13 07:00", "2026-01-13"]


def test_a_heading_of_times_of_day_means_nothing_but_a_time():
    """What may head times of day heads no other of our columns than the time of collection."""
    assert set(headings.meanings(headings.knowledge("headings.toml")["clock"]["words"])) == {"collected_at"}


ABOVE = "Laboratory report\nReport generated: 2026-01-05\n\n"
ROWS = "Test,Result,Unit,Age\nMagnesium,1.1,mg/dL,55\n"
BELOW = '\n(1 row affected)\n"Printed by: a clerk"\n*** END ***'


def test_lines_above_and_below_a_table_are_counted_and_said(tmp_path, capsys):
    """The command line says how many lines are no part of the table, and every face reads what is."""
    path = tmp_path / "a.csv"
    path.write_text(ABOVE + ROWS + BELOW, encoding="utf-8")
    said = ["a.csv: 2 lines above the column names passed over", "a.csv: 3 lines below the last row passed over"]
    _, out, err = run(capsys, "interpret", path)
    assert [line in err for line in said] == [True, True]
    assert "Hypomagnesemia" in out
    _, _, err = run(capsys, "interpret", path, "-o", tmp_path / "out")
    assert said[0] in err
    manifest = li.interpret_files(path, tmp_path / "files")
    assert (manifest.rows_in, manifest.rows_out, manifest.bad_rows) == (4, 1, 3)
    answer = Client().interpret(ABOVE + ROWS + BELOW, "text/csv").json()
    assert [row["flag"] for row in answer["results"]] == ["L"]
    assert li.audit(path).tests["test"].tolist() == ["Magnesium"]


@pytest.mark.parametrize("end", ["Vitamin B12\n", "7\n", '"\n', "END\n", "P12345", "Mg,0.5\n", "a note\nMg,0.5\n"])
def test_what_may_be_a_row_is_no_remark_below_the_table(end):
    """A value, a test, a word, or a row that lacks cells is refused and never passed over."""
    with pytest.raises(li.InputError):
        li.read(ROWS + end)


def test_only_so_many_lines_are_remarks():
    """Beyond fifty lines it is no remark but something else; a table of remarks alone has no rows."""
    with pytest.raises(li.InputError):
        li.read(ROWS + "a remark\n" * 51)
    assert len(li.read(ROWS + "a remark\n" * 50)) == 1
    assert len(li.read(ROWS.splitlines()[0] + "\n(0 rows affected)\n")) == 0
    assert len(li.read(ROWS + "Magnesium,1.1,mg/dL,55\n" * 4_000 + "(4001 rows)")) == 4_001


@pytest.mark.parametrize(
    "text",
    [
        "Magnesium,1.1,mg/dL\nTest,Result,Unit\nCalcium,9.1,mg/dL\n",
        "Magnesium,pending,mg/dL\nCalcium,9.1,mg/dL\n",
        "LAB0123,1.1,mg/dL\nTest,Result,Unit\nCalcium,9.1,mg/dL\n",
    ],
)
def test_a_row_of_results_is_never_passed_over_nor_taken_for_column_names(text):
    """Rows above the column names, or in their place, are refused."""
    with pytest.raises(li.LayoutError, match="rows of results where its column names should be"):
        li.read(text)


def test_column_names_that_lack_something_are_found_below_a_title():
    """The error speaks of the line that is understood best, and not of the title."""
    with pytest.raises(li.LayoutError, match=r"Test as test, Result as value.*missing is unit"):
        li.read("Report of May\nTest,Result,Range\nMagnesium,1.1,1.7-2.4\n")
    mapped = li.read("Report of May\nPrüfung,Befundwert,Maß\nMg,1.1,mg/dL\n", columns=MAPPED)
    assert mapped[["test", "value", "unit"]].to_numpy().tolist() == [["Mg", "1.1", "mg/dL"]]
    assert li.read("Report\nTest,Result,Unit\nMg,1.1,mg/dL\n", layout="labinterp")["test"].tolist() == ["Mg"]
    with pytest.raises(li.LayoutError, match="lacks"):
        li.read("Report\nTest,Result\nMg,1.1\n", layout="labinterp")


MAPPED = {"test": "Prüfung", "value": "Befundwert", "unit": "Maß"}


def test_a_broken_quote_in_a_title_harms_nothing():
    """What is above the column names need not be a table."""
    assert li.read('Report of "May" "\nTest,Result,Unit\nMg,1.1,mg/dL\n')["test"].tolist() == ["Mg"]


def test_states_that_are_no_text_say_nothing():
    """A column of states may hold numbers and blanks."""
    frame = pd.DataFrame(
        {"Test": ["Mg"] * 3, "Result": [0.85] * 3, "Unit": "mmol/L", "Status": [1, None, "F"], "Age": 50}
    )
    results = li.interpret_frame(frame).results
    assert results["flag"].tolist() == ["N"] * 3
    wide = pd.DataFrame({"Magnesium (mmol/L)": [0.85, 0.85], "Status": ["F", "X"], "Age": 50})
    assert summary(li.interpret_frame(wide).results) == ["magnesium N", "magnesium missing_value"]


def test_a_value_with_its_unit_is_no_column_name():
    """A table without column names whose rows are names and values with units is refused, and loses no row."""
    with pytest.raises(li.LayoutError, match="starts with values"):
        li.read("Magnesium,0.62 mmol/L\nCalcium,2.3 mmol/L\n")


def test_units_in_values_are_seen_on_every_face(tmp_path):
    """A frame, and one with a column that the caller names, need no column of units either; values without units do."""
    frame = pd.DataFrame({"Test": ["Mg", "Mg"], "Befund": ["0.5 mmol/L", None], "Age": 50})
    assert li.interpret_frame(frame, columns={"value": "Befund"}).results["flag"].tolist()[0] == "L"
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    assert li.read(path, columns={"value": "Befund"})["value"].tolist()[0] == "0.5 mmol/L"
    manifest = li.interpret_files(path, tmp_path / "out", columns={"value": "Befund"})
    assert manifest.problems == {"missing_value": 1}
    with pytest.raises(li.LayoutError, match="missing is unit"):
        li.read("Test,Result\nMg,0.5\nMg,0.6 of it\n")


def test_a_column_of_flags_that_the_caller_names_is_the_only_one():
    """Other columns of flags make no difference then."""
    frame = pd.DataFrame(
        {"Test": ["Mg"], "Result": ["0.85"], "Unit": "mmol/L", "Flag": "L", "Abnormal": "N", "Age": 50}
    )
    assert li.interpret_frame(frame).results["flag"].tolist() == ["IND"]
    assert li.interpret_frame(frame, columns={"reported_flag": "Abnormal"}).results["flag"].tolist() == ["N"]
    numbers = pd.DataFrame({"Test": ["Mg"] * 2, "Result": 0.85, "Unit": "mmol/L", "Abnormal": [1.0, None], "Age": 50})
    assert li.interpret_frame(numbers).results["flag"].tolist() == ["IND", "N"]
