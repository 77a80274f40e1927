"""Every line of a delimited text belongs to a record or to a problem, whatever stands between its quotes."""

from __future__ import annotations

import gzip
import io
import zipfile

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from engines_helpers import read_parts
from labinterp.engines.files import interpret_files
from labinterp.errors import InputError, LayoutError
from labinterp.tables import encodings, packed, text
from labinterp.tables.splitter import Dialect, read_exactly

HEADER = b"test,value,unit,age,note\n"
ATTACKS = {
    "two open quotes": [b'Mg,2.0,mg/dL,50,"5 tall', b"Mg,0.5,mg/dL,50,x", b'Mg,2.1,mg/dL,50,"6 tall'],
    "open, closed in another row": [b'Mg,2.0,mg/dL,50,"5 tall', b"Mg,0.5,mg/dL,50,x", b'Mg,2.1,mg/dL,50,6 tall"'],
    "inches": [b'Mg,2.0,mg/dL,50,"5', b"Mg,0.5,mg/dL,50,x", b'Mg,2.1,mg/dL,50,6" tall'],
    "never closed": [b'Mg,2.0,mg/dL,50,"5', b"Mg,0.5,mg/dL,50,x", b"Mg,2.1,mg/dL,50,y"],
    "in the first column": [b'"Mg,2.0,mg/dL,50,y', b"Mg,0.5,mg/dL,50,x", b'"Mg,2.1,mg/dL,50,y'],
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", ATTACKS)
def test_no_row_vanishes_between_quotes(name, end, tmp_path):
    """A quote too many costs its own row and never the next: it is told by its line, and counts add up by lines."""
    data = HEADER + end.join(ATTACKS[name]) + end
    (tmp_path / "in.csv").write_bytes(data)
    for block in (1, 40, 1 << 20):
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=block, force=True)
        assert manifest.rows_in == 3
        assert manifest.bad_rows == 3 - manifest.rows_out >= 1
        assert {"L", "LU", "LL"} & set(read_parts(tmp_path / "out", "results")["flag"])
    with pytest.raises(InputError, match="line 2: ") as caught:
        li.read(data)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    "header", [b'test,value,"unit,age,note\n', b'test,value,unit,age,"no"te\n', b'"test\n",value,unit\n']
)
def test_a_quote_in_the_header_swallows_no_row(header, tmp_path):
    """No column name has a line break, and a broken header is refused by every reader."""
    data = header + b"\n".join(ATTACKS["two open quotes"]) + b'\n",\n'
    (tmp_path / "in.csv").write_bytes(data)
    for read in (lambda: li.read(data), lambda: interpret_files(tmp_path / "in.csv", tmp_path / "out")):
        with pytest.raises(InputError, match=r"line 1: .* in the column names"):
            read()


LINES = st.lists(
    st.sampled_from(
        ["a", "b,c", "a,b,c", '"a', 'a"', 'b,"c', 'a,b,"c', 'a,b,c"', '"a",b,c', '"a"x,b,c', 'a,"b\nb",c', '"",b,""', '5",b,c',
         "a,b,c,d", " ", 'a,b,"""', '"a""b",c,d', "é,b,c"]
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=400)
@given(LINES)
def test_every_line_belongs_to_a_record_or_a_problem(lines):
    """Good records, bad ones and blank lines make up the text, without a gap and without an overlap."""
    data = "\n".join(lines).encode() + b"\n"
    found = read_exactly(data, Dialect(",", ("x", "y", "z")), final=True)
    assert found.used == len(data)
    numbers = [
        line for start, end in found.good for line in range(data.count(b"\n", 0, start), data.count(b"\n", 0, end))
    ]
    numbers += [bad.line - 1 for bad in found.bad]
    assert len(numbers) == len(set(numbers))
    blank = {i for i, line in enumerate(data.split(b"\n")[:-1]) if not line.strip()}
    assert set(numbers) | blank == set(range(data.count(b"\n")))


@settings(max_examples=200)
@given(LINES)
def test_the_two_readers_read_and_refuse_the_same(lines):
    """The reader of whole tables refuses at the first line that the reader in blocks counts as a problem."""
    data = "x,y,z\n" + "\n".join(lines) + "\n"
    found = read_exactly(data.encode()[6:], Dialect(",", ("x", "y", "z")), final=True)
    if found.bad:
        with pytest.raises(InputError) as caught:
            text.frame_of(data.encode(), "it")
        assert caught.value.line == found.bad[0].line + 1
    else:
        assert len(text.frame_of(data.encode(), "it")) == len(found.good)


def test_a_separator_line_of_excel_is_read():
    """`sep=;` on the first line names the delimiter, and lines keep their numbers."""
    assert li.read(b"sep=|\ntest|value|unit\nMg|0,8|mmol/L\n").loc[0, "value"] == "0,8"
    with pytest.raises(InputError, match="line 3"):
        li.read(b"sep=;\ntest;value;unit\nMg;0,8\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter):
    """Comma, semicolon, tab and stroke divide cells; a table may even begin with the name of a segment of HL7."""
    table = (
        delimiter.join(["PID", "test", "value", "unit"]) + "\n" + delimiter.join(["7", "Mg", "0.8", "mmol/L"]) + "\n"
    )
    assert li.read(table.encode())["value"].tolist() == ["0.8"]


ENCODED = [
    ("Parameter;Ergebnis;Einheit;Prüfdatum\nMagnesium;800;µmol/L;\n", "cp1252"),
    ("Analyse;Résultat;Unité\nMagnésium;0,80;mmol/L\n", "cp1252"),
    ("Исследование;Результат;Единицы\nМагний;0,80;ммоль/л\n", "cp1251"),
    ("test;value;unit\nmagnesium;800;µmol/L\n", "cp1252"),
    ("test;value;unit\nmagnesium;800;µmol/L\n", "utf-16"),
    ("test;value;unit\nmagnesium;800;µmol/L\n", "utf-16-le"),
    ("test;value;unit\nmagnesium;800;µmol/L\n", "utf-8-sig"),
]


@pytest.mark.parametrize(("table", "codec"), ENCODED)
def test_an_encoding_is_told_where_one_reading_makes_sense(table, codec, tmp_path):
    """Texts of old programs are read as they were written, by every reader alike."""
    data = table.encode(codec)
    assert text.utf8(data, "it").decode() == table
    (tmp_path / "in.csv").write_bytes(data)
    with text_stream(tmp_path / "in.csv") as stream:
        assert stream.read(1 << 16).decode() == table


def text_stream(path):
    from labinterp.engines.bytestream import ByteStream

    return ByteStream(path)


def test_a_named_encoding_is_taken():
    """`encoding=` settles what the bytes leave open; a wrong or unknown one is an error."""
    data = "test;value;unit\nMagnesium è;0,8;mmol/L\n".encode("cp1252")
    with pytest.raises(InputError, match="encoding="):
        li.read(data)
    assert li.read(data, encoding="latin-1").loc[0, "test"] == "Magnesium è"
    with pytest.raises(InputError, match=r"not UTF-8|not ASCII"):
        li.read(data, encoding="ascii")
    with pytest.raises(InputError, match="no text encoding"):
        li.read(data, encoding="klingon")
    with pytest.raises(TypeError):
        encodings.check(3)


FORMATS = [
    (b"%PDF-1.7", "PDF"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"ARROW1\0\0", "Feather"), (b"SQLite format 3\x00", "SQLite"), (b"HEADER RECORD*******LIB", "SAS transport"),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c", "sas7bdat"), (b"$FL2@(#)", "SPSS"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"), (b"<html>", "HTML"),
]  # fmt: skip


@pytest.mark.parametrize(("magic", "word"), FORMATS)
def test_a_format_that_is_not_read_is_called_by_its_name(magic, word, tmp_path):
    """Whoever sends a PDF is told that it is one, and what to do."""
    (tmp_path / "in.csv").write_bytes(magic + b" rest\n")
    for read in (lambda: li.read(tmp_path / "in.csv"), lambda: interpret_files(tmp_path / "in.csv", tmp_path / "out")):
        with pytest.raises(InputError, match=f"in.csv is .*{word}"):
            read()


def workbook(sheets):
    """Return the smallest workbook that holds these rows."""
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(value):
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        + "".join(f'<Override PartName="/xl/s{i}.xml" ContentType="{kind}.worksheet+xml"/>' for i in range(len(sheets)))
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spreadsheet}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{i + 1}" r:id="r{i}"/>' for i, name in enumerate(sheets))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(f'<Relationship Id="r{i}" Type="{office}/worksheet" Target="s{i}.xml"/>' for i in range(len(sheets)))
        + "</Relationships>",
    }
    for i, rows in enumerate(sheets.values()):
        lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        files[f"xl/s{i}.xml"] = f'<worksheet xmlns="{spreadsheet}"><sheetData>{lines}</sheetData></worksheet>'
    return zipped(files)


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


TABLE = HEADER + b"Mg,0.5,mg/dL,50,\nCa,7.9,mg/dL,50,low\n"


def test_a_workbook_is_read_by_its_first_sheet_with_a_table(tmp_path):
    """Titles above a table and sheets without one are passed over; numbers and days come as text."""
    data = workbook({
        "About": [["Made by a laboratory"]],
        "Results": [["Results"], [], ["test", "value", "unit", "age"], ["Mg", 0.5, "mg/dL", 50], ["Ca", 9, "mg/dL", 50]],
        "More": [["test", "value", "unit"], ["K", 4, "mmol/L"]],
    })  # fmt: skip
    frame = li.read(data)
    assert frame[["test", "value", "age"]].to_numpy().tolist() == [["Mg", "0.5", "50"], ["Ca", "9", "50"]]
    (tmp_path / "in.xlsx").write_bytes(data)
    interpret_files(tmp_path / "in.xlsx", tmp_path / "out")
    assert read_parts(tmp_path / "out", "results")["value"].notna().all()


def test_a_workbook_is_read_by_its_sheets_of_results():
    """A sheet of remarks in front is passed over, and sheets with the same column names are one table."""
    data = workbook({
        "Info": [["Patient", "A"], ["Laboratory", "B"], ["Reference", "C"]],
        "2025": [["Year", "2025"], ["test", "value", "unit", "age"], ["Mg", 0.9, "mmol/L", 50]],
        "Units": [["Test", "Unit"], ["Mg", "mmol/L"]],
        "2026": [["test", "value", "unit", "age", ""], ["Mg", 0.5, "mmol/L", 50, ""], ["Ca", 2.3, "mmol/L", 50, "note"]],
        "Wide": [["Date", "Magnesium (mmol/L)"], ["2026-01-05", 0.5]],
    })  # fmt: skip
    frame = li.read(data)
    assert frame[["test", "value"]].to_numpy().tolist() == [["Mg", "0.9"], ["Mg", "0.5"], ["Ca", "2.3"]]
    wide = workbook({"Info": [["Patient", "A"], ["Room", "3"]], "W": [["Day", "Magnesium (mmol/L)"], ["2026", 0.5]]})
    assert li.interpret_frame(li.read(wide), assume_adult=True).results["flag"].tolist() == ["L"]


@pytest.mark.parametrize(
    "pack",
    [lambda data: zipped({"a.csv": data}), lambda data: zipped({"a.csv": data, "__MACOSX/._a.csv": b"x", "README.md": b"x"}),
     lambda data: zipped({"a.csv.gz": gzip.compress(data)}), gzip.compress],
)  # fmt: skip
def test_an_archive_with_one_table_is_that_table(pack, tmp_path):
    """A zip with one table gives the answer of the table, whole and in blocks."""
    (tmp_path / "in.zip").write_bytes(pack(TABLE))
    expected = li.read(TABLE)
    pd.testing.assert_frame_equal(li.read(tmp_path / "in.zip"), expected)
    manifest = interpret_files(tmp_path / "in.zip", tmp_path / "out")
    assert (manifest.rows_in, manifest.rows_out) == (2, 2)


def test_archives_that_hold_something_else_say_so(monkeypatch):
    """Two tables, none, a damaged archive and one that unpacks to too much are refused."""
    for data, words in [
        (zipped({"a.csv": TABLE, "b.csv": TABLE}), "holds 2 tables"),
        (zipped({"a.pdf": b"%PDF-1", "b.md": b""}), "holds no tables"),
        (zipped({"a.csv": TABLE})[:60], "damaged"),
        (zipped({"[Content_Types].xml": b"", "word/document.xml": b""}), "without sheets"),
    ]:
        with pytest.raises(InputError, match=words):
            li.read(data)
    monkeypatch.setattr(packed, "MAX_UNPACKED", 10)
    with pytest.raises(InputError, match="too much"):
        li.read(zipped({"a.csv": TABLE}))


def test_a_folder_is_not_a_file():
    """`.` is called what it is."""
    with pytest.raises(InputError, match="is a folder, not a file"):
        li.read(".")


def test_header_without_names_is_refused():
    """Two equal names are refused by name."""
    with pytest.raises(LayoutError, match="more than one column"):
        li.read(b"test,value,value\n")
