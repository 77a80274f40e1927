"""Typed lines: where a name ends, and that nothing in a line is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import labinterp as li
from labinterp.errors import InputError
from labinterp.reading import analytes
from labinterp.reading.lines import MAX_LENGTH, looks_typed, read_line, read_lines

LINES = {
    "Mg 1.1 mg/dL": ("Mg", "1.1", "mg/dL"),
    "Ca 7,9 mg/dL": ("Ca", "7,9", "mg/dL"),
    "25(OH)D 9 ng/mL": ("25(OH)D", "9", "ng/mL"),
    "25OHD <8 ng/mL": ("25OHD", "<8", "ng/mL"),
    "25OHD 9ng/mL": ("25OHD", "9", "ng/mL"),
    "vitamin B12 200 pg/mL": ("vitamin B12", "200", "pg/mL"),
    "Vitamin B 12 200 pg/mL": ("Vitamin B 12", "200", "pg/mL"),
    "Vit. D3 25-OH 12,5 nmol/l": ("Vit. D3 25-OH", "12,5", "nmol/l"),
    "Vitamin D 25 OH 30 ng/mL": ("Vitamin D 25 OH", "30", "ng/mL"),
    "Vitamin D 1,25 dihydroxy 40 pg/mL": ("Vitamin D 1,25 dihydroxy", "40", "pg/mL"),
    "17861-6 7,9 mg/dL": ("17861-6", "7,9", "mg/dL"),
    "CA 125 30 U/mL": ("CA 125", "30", "U/mL"),
    "Mg: 1.1 mg/dL": ("Mg", "1.1", "mg/dL"),
    "Mg=1.1 mg/dL": ("Mg", "1.1", "mg/dL"),
    "Mg<0.5 mmol/L": ("Mg", "<0.5", "mmol/L"),
    "B12 > 2000 pg/mL": ("B12", "> 2000", "pg/mL"),
    "B12 1 234 pg/mL": ("B12", "1 234", "pg/mL"),
    "Vitamin B12 menor que 150 pg/mL": ("Vitamin B12", "menor que 150", "pg/mL"),
    "Magnesium\t0,74\tmmol/l": ("Magnesium", "0,74", "mmol/l"),
    "Calcium (Serum) 9,1 mg / dL": ("Calcium (Serum)", "9,1", "mg / dL"),
    "- Mg 1.1 mg/dL,": ("Mg", "1.1", "mg/dL"),
    "2. Mg 1.1 mg/dL": ("Mg", "1.1", "mg/dL"),
    "Ferritin 30 ng/mL": ("Ferritin", "30", "ng/mL"),
    "Mg 1.1": ("Mg", "1.1", None),
    "Mg 1.1 foo": ("Mg", "1.1", "foo"),
    "Mg hemolyzed": ("Mg", "hemolyzed", None),
    "Mg - mg/dL": ("Mg", "-", "mg/dL"),
}


@pytest.mark.parametrize("line", LINES)
def test_line_is_split_where_the_name_is_known(line):
    """Name, value and unit of a typed line are told apart, whatever digits and signs the name holds."""
    found = read_line(line)
    assert (found["test"], found["value"], found.get("unit")) == LINES[line]


@pytest.mark.parametrize(
    ("behind", "more"),
    [
        ("(200-900)", {"reference_range": "(200-900)"}),
        ("200 - 900 L", {"reference_range": "200 - 900", "reported_flag": "L"}),
        ("L 200–900", {"reference_range": "200–900", "reported_flag": "L"}),
        ("Ref: > 200", {"reference_range": "Ref: > 200"}),
        ("[200-900] 2026-03-02", {"reference_range": "[200-900]", "collected_at": "2026-03-02"}),
    ],
)
def test_range_flag_and_date_are_read_behind_the_unit(behind, more):
    """Behind the unit a range, a flag and a date are read in any order."""
    assert read_line(f"B12 250 pg/mL {behind}") == {"test": "B12", "value": "250", "unit": "pg/mL", **more}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "no result"),
        ("Mg", "no value"),
        ("foo", "neither a known name nor a value"),
        ("1.1 mg/dL", "name of the test is missing"),
        ("hello world 5", "where the name of the test ends"),
        ("Calcium 9.5 mg/dL Albumin 4 g/dL", "is not understood"),
        ("Calcium 9.5 mg/dL pending review of 3 samples", "is not understood"),
        ("Mg " + "1" * MAX_LENGTH, "characters"),
        ("Mg 1.1 " + "L " * 60, "words"),
    ],
)
def test_line_that_cannot_be_read_whole_is_refused(line, words):
    """What is not understood is refused with a reason and the form that is, and nothing of the line is repeated."""
    with pytest.raises(InputError, match=words) as caught:
        read_line(line)
    assert "NAME VALUE UNIT" in str(caught.value)
    assert "9.5" not in caught.value.message


@given(st.sampled_from(sorted(analytes.analytes())), st.decimals(1, 999, places=1), st.sampled_from(["", "<", "> "]))
def test_every_analyte_is_read_from_a_line(key, number, sign):
    """Title, value and unit of every analyte come back as they were typed."""
    known = analytes.analytes()[key]
    found = read_line(f"{known.title} {sign}{number} {known.canonical_unit}")
    assert found == {"test": known.title, "value": f"{sign}{number}", "unit": known.canonical_unit}


@given(st.text(max_size=80))
def test_junk_is_read_or_refused(text):
    """Any text is read or refused, and never raises anything else."""
    try:
        rows = read_lines(text)
    except InputError:
        return
    assert all(row["test"] and row["value"] for row in rows)


def test_several_results_stand_in_one_line():
    """Semicolons, and commas before a space, divide results as lines do."""
    rows = read_lines("Mg 1.1 mg/dL, Ca 7,9 mg/dL; B12 200 pg/mL\n\n25OHD <8 ng/mL")
    assert [row["value"] for row in rows] == ["1.1", "7,9", "200", "<8"]


def test_local_names_are_known():
    """What the caller says of a local name decides in a typed line as well."""
    tests = analytes.test_map({"LAB 17 X": "magnesium"})
    assert read_line("LAB 17 X 1.1", tests) == {"test": "LAB 17 X", "value": "1.1"}


def test_pasted_lines_are_a_document_of_one_patient():
    """A text of typed lines is read as a table whose rows belong together."""
    frame = li.read("Ca 7.9 mg/dL (8.6-10.2) L\nalbumin 2.0 g/dL\nTSH 2 mIU/L\n")
    assert frame["patient_id"].nunique() == 1
    answer = li.interpret_frame(frame, ranges="us", assume_adult=True)
    assert list(answer.results["problem"].isna()) == [True, True, False]
    assert len(answer.findings["patient_id"].unique()) <= 1


def test_line_of_a_pasted_text_that_cannot_be_read_is_named():
    """A pasted text with a line that cannot be read is refused whole, with the line's number."""
    with pytest.raises(InputError, match="line 3"):
        li.read("Mg 1.1 mg/dL\n\nfoo bar\nCa 9 mg/dL\n")


@pytest.mark.parametrize("table", ["test,value,unit\nMg,1.1,mg/dL\n", "Mg;Ca\n1;2\n", "", "a\n"])
def test_tables_are_no_typed_lines(table):
    """A table with a line of headings is not taken for typed lines."""
    assert not looks_typed(table)


def test_two_days_behind_a_value_are_not_understood():
    """A typed line that says two days says neither."""
    with pytest.raises(li.InputError):
        read_line("Mg 1.1 mg/dL 2026-03-05 2026-03-06")
