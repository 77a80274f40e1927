"""Tables: told by content, read as text, and refused with file and line where a cell could land in a wrong column."""

import contextlib
import gzip
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp.errors import InputError, LabInterpError, LayoutError
from labinterp.tables import packed
from labinterp.tables.sources import kind_of, load, read_table

HEADER = "test,value,unit\n"
CANARY = "MRN-12345"


def test_cells_are_text():
    """Leading zeros, an analyte called NA and a text 'null' all stay as they were written."""
    frame = read_table("test,value,unit\nNA,007,null\nnan,1e5,None\n")
    assert frame.to_numpy().tolist() == [["NA", "007", "null"], ["nan", "1e5", "None"]]


def test_only_an_empty_cell_is_missing():
    """An empty cell is NaN; blanks are left to whoever reads the value."""
    frame = read_table('test,value,unit\nmagnesium,,\nmagnesium,"",  \n')
    assert frame["value"].isna().tolist() == [True, True]
    assert frame.loc[1, "unit"] == "  "


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_told_by_content(delimiter):
    """Comma, semicolon and tab are told apart even where cells hold the others."""
    rows = [["test", "value", "unit"], ['"Calcium, total; serum"', '"7,9"', "mg/dL"]]
    text = "\n".join(map(delimiter.join, rows))
    assert read_table(text).iloc[0].tolist() == ["Calcium, total; serum", "7,9", "mg/dL"]


def test_semicolons_win_over_decimal_commas():
    """A table with semicolons may have unquoted decimal commas, and commas in its headings."""
    frame = read_table("test;value, as reported;unit\nMg;0,74;mmol/L\nCa;2,31;mmol/L\n")
    assert frame["value, as reported"].tolist() == ["0,74", "2,31"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_do_not_matter(end, bom):
    """Files from Windows, old Macs and Excel give the same table."""
    data = (bom + HEADER + "Mg,0.8,mmol/L\n").replace("\n", end).encode()
    assert read_table(data).to_dict("records") == [{"test": "Mg", "value": "0.8", "unit": "mmol/L"}]


def test_utf16_of_excel_is_read():
    """The `Unicode text` of Excel is told by its mark."""
    assert read_table((HEADER + "Mg,0.8,µmol/L\n").encode("utf-16")).loc[0, "unit"] == "µmol/L"


def test_gzip_and_parquet_are_told_by_content(tmp_path):
    """A wrong file name does not matter."""
    pytest.importorskip("pyarrow")
    expected = read_table(HEADER + "NA,0.8,mmol/L\n")
    zipped, parquet = tmp_path / "a.txt", tmp_path / "b.csv"
    zipped.write_bytes(gzip.compress(HEADER.encode()) + gzip.compress(b"NA,0.8,mmol/L\n"))
    expected.to_parquet(parquet)
    pd.testing.assert_frame_equal(read_table(zipped), expected)
    assert read_table(str(parquet)).to_numpy().tolist() == expected.to_numpy().tolist()
    assert kind_of(parquet.read_bytes()) == "parquet"


def test_a_text_is_a_path_only_where_the_file_exists(tmp_path):
    """A mistyped path says so, and anything with a line end is the document."""
    file = tmp_path / "labs.csv"
    file.write_text(HEADER + "Mg,0.8,mmol/L\n")
    assert len(read_table(str(file))) == len(read_table(io.StringIO(HEADER + "Mg,0.8,mmol/L\n"))) == 1
    with pytest.raises(InputError, match="no such file"):
        read_table(str(tmp_path / "missing.csv"))
    with pytest.raises(InputError, match=r"gone\.csv cannot be read"):
        read_table(Path("gone.csv"))
    with pytest.raises(InputError):
        load(3)


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        (["Mg,0.8,mmol/L", "Mg,0,8,mmol/L"], 3, "4 fields where the header has 3"),
        (["Mg,0.8,mmol/L", "Mg,0.8"], 3, "2 fields where the header has 3"),
        (['"Mg, total",0.8,mmol/L', "", 'Mg,"0",8,mmol/L'], 4, "4 fields"),
        (['"two\nlines",0.8,mmol/L', "Mg,0.8"], 4, "2 fields"),
        (['5" tube,0.8,mmol/L', "Mg,0.8"], 3, "2 fields"),
        (["Mg,0.8,mmol/L", 'Mg,"0.8,mmol/L'], 3, "2 fields|never closed"),
        (["Mg,0.8,mmol/L", "M\0g,0.8,mmol/L"], 3, "NUL"),
    ],
)
def test_a_damaged_row_is_an_error_with_its_line(tmp_path, rows, line, words):
    """No value can shift into another column without an error that names file and line."""
    file = tmp_path / "labs.csv"
    file.write_text(HEADER + "\n".join(rows) + "\n", newline="")
    with pytest.raises(InputError, match=rf"labs\.csv, line {line}: .*(?:{words})") as caught:
        read_table(file)
    assert caught.value.line == line
    assert "0.8" not in str(caught.value)


def test_a_stray_quote_inside_a_field_is_no_error():
    """A quote in the middle of an unquoted field is a character like any other."""
    assert read_table(HEADER + 'Mg,0.8,mmol/L\n5" tube,1,mmol/L\n').loc[1, "test"] == '5" tube'


def test_an_encoding_that_cannot_be_told_names_the_line_and_the_remedy(tmp_path):
    """Bytes that leave more than one reading are refused, and not read as one of them."""
    file = tmp_path / "labs.csv"
    file.write_bytes(HEADER.encode() + b"Mg,0.8,mmol/L\nMg \xe8,0.8,mol/L\n")
    with pytest.raises(InputError, match=r"labs\.csv, line 3: the byte 0xe8 is not UTF-8.*encoding='cp1252'"):
        read_table(file)
    assert read_table(file, "cp1250").loc[1, "test"] == "Mg č"


@pytest.mark.parametrize("cut", [11, 40])
def test_truncated_gzip_is_an_error(tmp_path, cut):
    """No row is read from a file that was cut short."""
    file = tmp_path / "labs.csv.gz"
    file.write_bytes(gzip.compress((HEADER + "Mg,0.8,mmol/L\n" * 50).encode())[:cut])
    with pytest.raises(InputError, match=r"labs\.csv\.gz: the gzip data are cut short"):
        read_table(file)


def test_damaged_and_endless_gzip_are_errors(monkeypatch):
    """A damaged stream and one that unpacks to too much are refused."""
    data = gzip.compress((HEADER * 1000).encode())
    with pytest.raises(InputError, match="damaged"):
        read_table(data[:12] + b"\xff\xff\xff" + data[15:])
    monkeypatch.setattr(packed, "MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match="too much"):
        read_table(data)


def test_duplicate_columns_are_named():
    """Two columns of one name are refused, by name."""
    with pytest.raises(LayoutError, match="more than one column named unit, value") as caught:
        read_table("test,value,unit,value,unit\n")
    assert caught.value.columns == ("unit", "value")


def test_a_missing_header_is_said_without_the_content():
    """A first line with values is no header, and is not shown."""
    with pytest.raises(LayoutError, match="starts with values") as caught:
        read_table(f"{CANARY},magnesium,1.8,mg/dL\n{CANARY},calcium,1.8,mg/dL\n")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n\n", "empty"),
        (b"PK\x03\x04abc", "Excel"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"PAR1 and no more", "damaged Parquet"),
        (b"\xff\xfea", "UTF-16"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(data, words):
    """Empty and foreign documents get an error that says what they are."""
    pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match=words):
        read_table(data)


def test_kinds_are_told_by_content():
    """JSON, HL7 v2 and tables are told apart whatever comes before them."""
    assert kind_of(b"\x0bMSH|^~\\&|LAB\r") == kind_of(b"FHS|^~\\&\r") == kind_of(b"\r\nMSH#^~\\&#LAB") == "hl7v2"
    assert kind_of(b"\xef\xbb\xbf\n [1]") == "json"
    assert kind_of(b"PID|||7\rOBX|1\r") == kind_of(b"OBX|1|NM|Mg||1.2\r") == "hl7v2"
    assert kind_of(b"PID;value;unit\n") == "table"
    assert kind_of(b"MSH,value,unit\n") == kind_of(b"") == "table"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=100)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS).filter(lambda row: any(map(str.strip, row))), max_size=6))
def test_whatever_is_written_is_read_back(rows):
    """Every text survives a round trip through CSV, cell by cell."""
    frame = pd.DataFrame(rows, columns=["test", "value", "unit"], dtype=object)
    read = read_table(frame.to_csv(index=False).encode())
    assert read.fillna("").to_numpy().tolist() == frame.to_numpy().tolist()


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text('",;\t\n ab1\r', max_size=60).map(str.encode)))
def test_junk_gives_a_table_or_an_error_of_ours(data):
    """No bytes make the reader fail in any other way."""
    with contextlib.suppress(LabInterpError):
        assert isinstance(read_table(data), pd.DataFrame)
