"""Tables larger than memory give the answer that they would give as one frame."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.engines import csvblocks
from labinterp.engines import together as together_
from labinterp.engines.bytestream import ByteStream
from labinterp.engines.files import interpret_files
from labinterp.engines.sink import Parts
from labinterp.engines.together import Panels, Together
from labinterp.errors import InputError, LayoutError
from labinterp.formats import tables
from strategies import AGES, SEXES, rows

TABLES = ("results", "findings", "pathways")
LAYOUTS = Path(__file__).parents[1] / "examples" / "data" / "layouts"
PATIENTS = st.sampled_from([None, "a", "b", "B", "aa", " a", "10", "9", "é"])
TIMES = st.sampled_from(
    [
        None,
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-20",
        "2026-02-10T08:30:00+01:00",
        "2026-02-25",
        "soon",
        "later",
    ]
)


@st.composite
def dirty_tables(draw):
    people = {who: {"age": draw(AGES), "sex": draw(SEXES)} for who in (None, "a", "b", "B", "aa", " a", "10", "9", "é")}
    table = []
    for row in draw(st.lists(rows(), max_size=14)):
        who = draw(PATIENTS)
        table.append({**row, "patient_id": who, "collected_at": draw(TIMES), **people[who]})
    if draw(st.booleans()):
        table.sort(key=lambda row: (row["patient_id"] is None, row["patient_id"] or "", row["collected_at"] or ""))
    return table


def write(table, path):
    columns = ["patient_id", "collected_at", "test", "value", "unit", "reference_low", "reference_high", "specimen",
               "reported_flag", "age", "sex"]  # fmt: skip
    pd.DataFrame(table, columns=columns).to_csv(path, index=False)
    return path


def read_parts(folder, name):
    parts = sorted((folder / name).iterdir())
    if parts[0].suffix == ".csv":
        return pd.concat([pd.read_csv(part, dtype=str, keep_default_na=False, na_values=[""]) for part in parts])
    table = pa.concat_tables([pq.read_table(part) for part in parts]).unify_dictionaries()
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def cells(frame):
    plain = frame.astype(object)
    return plain.where(plain.notna(), None).to_numpy().tolist()


def assert_same(folder, report):
    for name in TABLES:
        ours, expected = read_parts(folder, name), getattr(report, name)
        assert list(ours.columns) == list(expected.columns)
        assert cells(ours) == cells(expected), name


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    dirty_tables(),
    st.sampled_from(["collection", "patient", "30D"]),
    st.sampled_from([1, 60, 400, 1 << 20]),
    st.sampled_from([1, 2]),
    st.sampled_from([None, False]),
)
def test_files_give_the_answer_of_the_whole_frame(table, panel, block_bytes, workers, ordered):
    """Whatever the panels, the order of rows and the size of blocks: results, findings and pathways are the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(table, Path(folder) / "in.csv")
        expected = li.interpret_frame(li.read(path), panel=panel)
        manifest = interpret_files(
            path, Path(folder) / "out", panel=panel, block_bytes=block_bytes, workers=workers, ordered=ordered
        )
        assert_same(Path(folder) / "out", expected)
    assert manifest.rows_in == manifest.rows_out == len(table)
    assert manifest.bad_rows == 0
    assert manifest.findings == len(expected.findings)


@pytest.fixture
def draws():
    """Draws of three patients, each patient's rows together, with two days each."""
    tests = [
        ("magnesium", "0.5", "mmol/L"),
        ("calcium", "7,9", "mg/dL"),
        ("albumin", "41", "g/L"),
        ("25(OH)D", "9", "ng/mL"),
    ]
    return [
        {
            "patient_id": who,
            "collected_at": f"2026-01-{day:02}",
            "test": test,
            "value": value,
            "unit": unit,
            "age": "50",
        }
        for who in ("p1", "p2", "p10")
        for day in (1, 9)
        for test, value, unit in tests
    ]


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
def test_rows_that_lie_together_are_streamed(draws, tmp_path, panel):
    """A file in which the rows of each panel lie together is read once, block by block."""
    path = write(draws, tmp_path / "in.csv")
    manifest = interpret_files(path, tmp_path / "out", panel=panel, block_bytes=100, ordered=True)
    assert manifest.engine == "stream"
    assert_same(tmp_path / "out", li.interpret_frame(li.read(path), panel=panel))


def test_scattered_rows_are_brought_together(draws, tmp_path):
    """Where a panel comes again after it was closed, DuckDB groups; if the user said otherwise, it is an error."""
    path = write(draws[::2] + draws[1::2], tmp_path / "in.csv")
    assert interpret_files(path, tmp_path / "out", block_bytes=100).engine == "duckdb"
    assert_same(tmp_path / "out", li.interpret_frame(li.read(path)))
    with pytest.raises(InputError, match="do not lie together"):
        interpret_files(path, tmp_path / "again", block_bytes=100, ordered=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv", "out"]


def test_several_files_are_one_table(draws, tmp_path):
    """A patient in two files is one patient, and rows without a patient are numbered over all files."""
    draws[3]["patient_id"] = draws[-1]["patient_id"] = None
    paths = [write(draws[:10], tmp_path / "b.csv"), write(draws[10:], tmp_path / "a.csv")]
    whole = pd.concat([li.read(path) for path in paths], ignore_index=True)
    manifest = interpret_files(paths, tmp_path / "out", panel="patient", block_bytes=200)
    assert_same(tmp_path / "out", li.interpret_frame(whole, panel="patient"))
    assert [entry.rows for entry in manifest.inputs] == [10, len(draws) - 10]
    assert "row-23" in read_parts(tmp_path / "out", "findings")["panel"].tolist()


@pytest.mark.parametrize("ordered", [None, False])
@pytest.mark.parametrize("name", sorted(path.name for path in LAYOUTS.glob("*.csv")))
def test_known_layouts_are_streamed_as_they_are_read(name, ordered, tmp_path):
    """Every layout, with the tables beside it, gives what `read` and `interpret_frame` give."""
    frame = li.read(LAYOUTS / name)
    manifest = interpret_files(LAYOUTS / name, tmp_path / "out", ordered=ordered, block_bytes=200)
    expected = li.interpret_frame(frame)
    for column in ("patient_id", "collected_at"):
        if not isinstance(expected.results[column].dtype, pd.CategoricalDtype):
            expected.results[column] = [
                None if pd.isna(cell) else cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
                for cell in expected.results[column]
            ]
    assert_same(tmp_path / "out", expected)
    assert manifest.rows_out == len(frame)
    assert manifest.inputs[0].layout != "auto"


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
@pytest.mark.parametrize("ordered", [None, False])
def test_parquet_keeps_its_types(draws, tmp_path, panel, ordered):
    """Patients that are integers and times that are timestamps stay so, and give what the frame gives."""
    frame = pd.DataFrame(draws)
    frame["patient_id"] = frame["patient_id"].str[1:].astype("Int64") + 9_007_199_254_740_990
    frame.loc[frame.index[5], "patient_id"] = pd.NA
    frame["collected_at"] = pd.to_datetime(frame["collected_at"]).dt.tz_localize("Europe/Paris")
    frame["value"] = frame["value"].str.replace(",", ".").astype(float)
    frame["age"] = frame["age"].astype("int32")
    frame["extra"] = "not ours"
    frame.to_parquet(tmp_path / "in.parquet", row_group_size=5)
    manifest = interpret_files(tmp_path / "in.parquet", tmp_path / "out", panel=panel, ordered=ordered, block_bytes=100)
    expected = li.interpret_frame(pd.read_parquet(tmp_path / "in.parquet"), panel=panel)
    assert set(expected.findings["patient_id"].dropna()) == set(frame["patient_id"].dropna())
    assert_same(tmp_path / "out", expected)
    assert manifest.engine == ("stream" if ordered is None else "duckdb")
    results = pq.read_schema(tmp_path / "out" / "results" / "part-00000.parquet")
    assert pa.types.is_int64(results.field("patient_id").type)
    assert pa.types.is_timestamp(results.field("collected_at").type)


HEADER = b"patient_id,collected_at,test,value,unit,age\n"
GOOD = b"p1,2026-01-01,magnesium,0.5,mmol/L,50\n"
BROKEN = {
    "ragged": (b"p1,2026-01-01,magnesium,0.5\n", "4 fields where the header has 6"),
    "encoding": (b"p1,2026-01-01,magnesium,0.5,\xb5mol/L,50\n", "the byte 0xb5 is not UTF-8"),
    "nul": (b"p1,2026-01-01,magne\0sium,0.5,mmol/L,50\n", "there is a NUL byte"),
    "quote": (b'p1,2026-01-01,"magnesium,0.5,mmol/L,50\n', "a quoted field is never closed"),
}


@pytest.mark.parametrize("block_bytes", [1, 90, 1 << 20])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_lines_are_counted_and_the_rest_is_read(kind, block_bytes, tmp_path):
    """A broken line becomes a problem with file and line; every other row gives its result, and counts add up."""
    line, what = BROKEN[kind]
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + line + b"\n" + GOOD + GOOD)
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=block_bytes)
    assert (manifest.rows_in, manifest.bad_rows, manifest.rows_out) == (4, 1, 3)
    problems = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()
    assert problems == ["file,line,what", f"in.csv,3,{what}"]


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_lines_stop_if_so_chosen(kind, tmp_path):
    """With on_bad_row='stop' the first broken line is an error that names file and line, and nothing is left."""
    line, what = BROKEN[kind]
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD * 3 + line + GOOD)
    with pytest.raises(InputError, match=f"in.csv, line 5: {what}") as caught:
        interpret_files(tmp_path / "in.csv", tmp_path / "out", on_bad_row="stop", block_bytes=50)
    assert (caught.value.file, caught.value.line) == ("in.csv", 5)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]


def test_quoted_line_ends_belong_to_their_cell(tmp_path):
    """A cell may hold line ends, wherever blocks are cut."""
    note = b'p1,2026-01-01,"magnesium","0.5\r\n\r\n",mmol/L,50\n'
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + note * 3 + GOOD)
    for block_bytes in (1, 30, 70, 1 << 20):
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=block_bytes, force=True)
        assert (manifest.rows_in, manifest.bad_rows) == (5, 0)
        assert_same(tmp_path / "out", li.interpret_frame(li.read(tmp_path / "in.csv")))


@pytest.mark.parametrize("cut", [200, 300])
def test_truncated_gzip_gives_its_whole_lines_and_a_problem(cut, tmp_path):
    """What came before the cut is read; the line that was cut is none, for its number may be cut as well."""
    lines = [f"p{i},2026-01-01,magnesium,0.{i * 7919 % 1000},mmol/L,50\n".encode() for i in range(200)]
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(HEADER + b"".join(lines), mtime=0)[:-cut])
    manifest = interpret_files(tmp_path / "in.csv.gz", tmp_path / "out", block_bytes=500)
    assert 0 < manifest.rows_out < 200
    assert manifest.rows_in == manifest.rows_out + manifest.bad_rows
    last = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last == f"in.csv.gz,{manifest.rows_out + 2},the gzip data are cut short"
    with pytest.raises(InputError, match="cut short"):
        interpret_files(tmp_path / "in.csv.gz", tmp_path / "stop", on_bad_row="stop")


@pytest.mark.parametrize("encode", [gzip.compress, lambda data: gzip.compress(data[:70]) + gzip.compress(data[70:]) + b"\0" * 9,
                                    lambda data: data.decode().encode("utf-16"), lambda data: b"\xef\xbb\xbf" + data,
                                    lambda data: data.replace(b"\n", b"\r\n"), lambda data: data.replace(b"\n", b"\r"),
                                    lambda data: data.replace(b",", b";"), lambda data: data[:-1]])  # fmt: skip
def test_text_is_read_however_it_is_written(encode, tmp_path):
    """Gzip in one or more members, UTF-16, a byte order mark, any line end, other delimiters: one answer."""
    (tmp_path / "in.csv").write_bytes(encode(HEADER + GOOD * 3))
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=17)
    assert (manifest.rows_in, manifest.bad_rows, manifest.rows_out) == (3, 0, 3)
    assert read_parts(tmp_path / "out", "results")["flag"].tolist() == ["L"] * 3


def test_damaged_row_groups_of_parquet_are_counted(draws, tmp_path):
    """A row group that cannot be read is a problem, and its rows are counted as bad."""
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist(draws), path, row_group_size=8, use_dictionary=False, compression="gzip")
    group = pq.ParquetFile(path).metadata.row_group(1)
    start = min(group.column(i).data_page_offset for i in range(group.num_columns))
    data = bytearray(path.read_bytes())
    data[start : start + group.total_byte_size // 2] = b"\xff" * (group.total_byte_size // 2)
    path.write_bytes(bytes(data))
    manifest = interpret_files(path, tmp_path / "out")
    assert (manifest.rows_in, manifest.bad_rows, manifest.rows_out) == (24, 8, 16)
    assert "row group 1" in (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8")


def test_manifest_accounts_for_every_file(draws, tmp_path):
    """The manifest has counts, hashes, versions and settings, and is what is returned."""
    path = write(draws, tmp_path / "in.csv")
    manifest = interpret_files(path, tmp_path / "out", ranges="uk", grading="ctcae/5.0", workers=1)
    stored = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert stored == json.loads(manifest.to_json())
    assert stored["inputs"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    files = {entry["file"]: entry["sha256"] for entry in stored["outputs"]}
    assert len(files) == 4
    for name, digest in files.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert stored["settings"]["profile"] == "uk"
    assert stored["labinterp"] == li.__version__


def test_csv_output_holds_the_same_rows(draws, tmp_path):
    """format='csv' writes the tables as text."""
    path = write(draws, tmp_path / "in.csv")
    interpret_files(path, tmp_path / "csv", format="csv")
    interpret_files(path, tmp_path / "parquet")
    for name in TABLES:
        ours, other = read_parts(tmp_path / "csv", name), read_parts(tmp_path / "parquet", name)
        assert list(ours.columns) == list(other.columns)
        assert cells(ours[["patient_id"]]) == cells(other[["patient_id"]])
        assert len(ours) == len(other)


@pytest.mark.parametrize("ordered", [None, False])
def test_streams_are_read_and_counts_are_kept(draws, ordered, tmp_path):
    """A binary stream is an input like its file; the manifest counts severities and problems as the tables have them."""
    path = write(draws, tmp_path / "in.csv")
    with path.open("rb") as stream:
        manifest = interpret_files([stream], tmp_path / "out", ordered=ordered, block_bytes=200)
    assert [entry.file for entry in manifest.inputs] == ["in.csv"]
    assert manifest.inputs[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert_same(tmp_path / "out", li.interpret_frame(li.read(path)))
    findings, results = read_parts(tmp_path / "out", "findings"), read_parts(tmp_path / "out", "results")
    assert manifest.severities == findings["severity"].astype(object).value_counts().to_dict() != {}
    assert manifest.problems == results["problem"].dropna().astype(object).value_counts().to_dict()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv", "out"]


@pytest.mark.parametrize("ordered", [None, False])
def test_no_text_in_csv_is_a_formula(ordered, tmp_path):
    """What a spreadsheet would run begins with an apostrophe; numbers, other texts and Parquet stay as they are."""
    names = ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "a=1", "a\n=1", "'=1"]
    frame = pd.DataFrame({"patient_id": names, "test": "magnesium", "value": 0.5, "unit": "mmol/L", "age": 50})
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    for kind in ("csv", "parquet"):
        interpret_files(tmp_path / "in.parquet", tmp_path / kind, format=kind, ordered=ordered)
        for table in TABLES:
            if kind == "parquet":
                found = read_parts(tmp_path / kind, table)["patient_id"]
            else:
                with (tmp_path / kind / table / "part-00000.csv").open(encoding="utf-8", newline="") as file:
                    found = [row["patient_id"] for row in csv.DictReader(file)]
            guarded = [f"'{name}" if name[0] in "=+-@\t\r" and kind == "csv" else name for name in names]
            assert list(dict.fromkeys(found)) == guarded


def test_files_of_one_name_are_told_apart(tmp_path):
    """Where two files have one name, problems name them by their paths."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in.csv").write_bytes(HEADER + GOOD + b"short\n")
    interpret_files([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    lines = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == [str(tmp_path / folder / "in.csv") for folder in ("a", "b")]


def test_documents_of_messages_are_read_whole(tmp_path):
    """A FHIR bundle or an HL7 v2 message is an input like any other."""
    path = Path(__file__).parents[1] / "examples" / "data" / "fhir" / "bundle.json"
    manifest = interpret_files(path, tmp_path / "out")
    assert manifest.rows_out == manifest.rows_in == len(li.read(path))


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", InputError), (b"PK\x03\x04zip", InputError), (b"a,b\n1,2\n", LayoutError), (b"\x1f\x8b\x08\0", InputError),
     (b"PAR1 not really", InputError), (b"test,test,value,unit\n", LayoutError), (b"test,v\0,unit\n", InputError)],
)  # fmt: skip
def test_what_is_no_table_is_refused(content, error, tmp_path):
    """A file that cannot be read at all is an error whatever was chosen, and leaves nothing behind."""
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(error):
        interpret_files(tmp_path / "in.csv", tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]


def test_a_table_without_rows_gives_tables_without_rows(tmp_path):
    """Only a header: every output is there, with its columns."""
    (tmp_path / "in.csv").write_bytes(HEADER)
    for ordered in (None, False):
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", ordered=ordered, force=True)
        assert (manifest.rows_in, manifest.rows_out, manifest.findings) == (0, 0, 0)
        assert list(read_parts(tmp_path / "out", "results").columns)[:2] == ["patient_id", "collected_at"]


def test_unknown_choices_are_refused_before_anything_is_read(tmp_path):
    """A misspelt option is an error, not a default."""
    for wrong in ({"engine": "polars"}, {"format": "xlsx"}, {"on_bad_row": "skip"}, {"ordered": "yes"}, {"panel": "week"},
                  {"memory_limit": "much", "ordered": False}, {"decimal": ";"}):  # fmt: skip
        (tmp_path / "in.csv").write_bytes(HEADER + GOOD)
        with pytest.raises(ValueError):  # noqa: PT011 - the root of all of them
            interpret_files(tmp_path / "in.csv", tmp_path / "out", **wrong)
        assert not (tmp_path / "out").exists()


def test_progress_is_told(draws, tmp_path):
    """The listener hears of every piece, with rows, rate and time left, and the share done reaches one."""
    heard = []
    path = write(draws, tmp_path / "in.csv")
    interpret_files(path, tmp_path / "out", block_bytes=100, ordered=False, progress=heard.append)
    assert list(dict.fromkeys(item.stage for item in heard)) == ["reading", "grouping", "writing"]
    assert heard[-1].done == 1.0
    assert all(item.rate >= 0 and (item.left is None or item.left >= 0) for item in heard)


def test_parts_are_of_bounded_size(tmp_path, monkeypatch):
    """A table goes on in the next part after so many rows."""
    monkeypatch.setattr("labinterp.engines.sink._ROWS_PER_GROUP", 2)
    schema = pa.schema([("value", pa.int64())])
    parts = Parts(tmp_path / "t", schema, rows_per_part=4)
    for start in range(0, 10, 2):
        parts.write(pa.table({"value": [start, start + 1]}, schema=schema))
    parts.close()
    assert [rows for _, rows in parts.files] == [4, 4, 2]
    assert read_parts(tmp_path, "t")["value"].tolist() == list(range(10))


def panels_of(patients, times=None):
    times = ["2026-01-01"] * len(patients) if times is None else times
    frame = pd.DataFrame({"patient_id": patients, "collected_at": times})
    answer = type("Answer", (), {})()
    answer.patient = together_.encode(frame["patient_id"], len(frame))
    answer.collected = together_.encode(frame["collected_at"], len(frame))
    times, instants = together_.read_times(answer.collected)
    answer.instants = instants[times.codes]
    answer.panels = type("Panels", (), {"first_row": pd.RangeIndex(len(frame)).to_numpy()})()
    return Panels.of(answer, by_time=True)


def test_panels_are_remembered_up_to_a_limit_and_sorted_ones_beyond():
    """Sorted patients are streamed in bounded memory; unsorted ones beyond the limit cannot be shown to lie together."""
    rising = Together(limit=4)
    for i in range(40):
        assert rising.add(panels_of([f"P{i}", f"P{i}"], ["2026-01-01", "2026-01-02"]))
    assert rising.shown
    assert sum(map(len, rising._seen)) <= 8
    assert not rising.add(panels_of(["P39"], ["2026-01-02"]))
    mixed = Together(limit=4)
    for name in ("c", "a", "e", "b", "d", "f"):
        assert mixed.add(panels_of([name]))
    assert not mixed.shown


def test_the_same_instant_in_two_spellings_is_one_panel():
    """A panel comes again even if its time is written in another way."""
    seen = Together()
    assert seen.add(panels_of(["a"], ["2026-01-01"]))
    assert seen.add(panels_of(["a"], ["soon"]))
    assert not seen.add(panels_of(["a"], ["2026-01-01T01:00:00+01:00"]))
    assert not seen.add(panels_of(["a"], ["soon"]))


def test_a_huge_cell_is_one_cell(tmp_path):
    """Ten megabytes in one cell are read in a block of their own, and are no number."""
    huge = b"p1,2026-01-01,magnesium," + b"9" * 10_000_000 + b",mmol/L,50\n"
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + huge + GOOD)
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=1 << 16)
    assert (manifest.rows_in, manifest.bad_rows) == (3, 0)
    assert read_parts(tmp_path / "out", "results")["problem"].tolist()[1] == "not_numeric"


def test_a_line_without_end_is_passed_over(tmp_path, monkeypatch):
    """A line, or a quoted field, that is longer than any record costs one row, in bounded memory."""
    monkeypatch.setattr("labinterp.engines.csvblocks.MAX_RECORD", 2000)
    endless = b"9" * 700_000 + b"\n"
    quoted = b'p1,2026-01-01,"magnesium,0.5,mmol/L,50\n' + GOOD * 500
    for line, rows_in, at in ((endless, 3, 3), (quoted, 503, 3)):
        (tmp_path / "in.csv").write_bytes(HEADER + GOOD + line + GOOD)
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=500, force=True)
        assert (manifest.rows_in, manifest.bad_rows) == (rows_in, 1)
        assert f"in.csv,{at}," in (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8")


CELLS = st.sampled_from(
    ["a", "b", "", '"x"', '"x,y"', '"x\ny"', '"x""y"', 'q"q', "é", '""', '"x"y', " ", '"open', "a,b"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS).map(",".join), max_size=8),
    st.integers(1, 60),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_blocks_hold_the_records_of_the_whole(lines, block_bytes, end):
    """However records are quoted and wherever blocks are cut: the cells that `read` gives, and the same bad rows."""
    data = f"h1,h2,h3\n{chr(10).join(lines)}".replace("\n", end).encode()
    whole, bad = read_in_blocks(data, 1 << 20)
    assert read_in_blocks(data, block_bytes) == (whole, bad)
    try:
        expected = tables.table_of(data, "it")
    except InputError:
        return
    assert not bad
    assert whole == cells(expected)


def read_in_blocks(data, block_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.csv"
        path.write_bytes(data)
        with ByteStream(path) as stream:
            dialect, line = csvblocks.open_table(stream, "it")
            blocks = csvblocks.read_blocks(stream, dialect, line, block_bytes, None)
            read = [csvblocks.parse_block(block, dialect, dialect.names) for block in blocks]
    return [row for table, _ in read for row in cells(table.to_pandas())], [row for _, bad in read for row in bad]


@pytest.mark.parametrize(("module", "ordered"), [("pyarrow", None), ("duckdb", False)])
def test_a_missing_extra_says_how_to_install_it(module, ordered, tmp_path):
    """Without PyArrow nothing is read; without DuckDB scattered rows are not; both say which extra brings them."""
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD)
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import labinterp as li\n"
        "try:\n"
        f"    li.interpret_files({str(tmp_path / 'in.csv')!r}, {str(tmp_path / 'out')!r}, ordered={ordered})\n"
        "except li.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(li.__file__).parents[1])}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert f"{module} is not installed" in done.stdout
    assert "labinterp[duckdb]" in done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]
