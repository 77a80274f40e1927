"""Tables larger than memory give the answer that they would give as one frame."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
import threading
import time
import weakref
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from engines_helpers import TABLES, assert_same, cells, read_parts
from labinterp.batch.columns import FrameColumns
from labinterp.batch.panels import read_times
from labinterp.engines import duckdb_engine, pipeline
from labinterp.engines.duckdb_engine import NUMBER, Spool, _order, room_of
from labinterp.engines.files import interpret_files
from labinterp.engines.sink import PartWriter
from labinterp.engines.sources import How, open_sources
from labinterp.engines.together import PatientPanels, Together, are_torn
from labinterp.errors import InputError
from strategies import AGES, SEXES, rows

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


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    dirty_tables(),
    st.sampled_from(["collection", "patient", "30D"]),
    st.sampled_from([1, 60, 400, 1 << 20]),
    st.sampled_from([1, 2]),
    st.sampled_from([None, False]),
    st.sampled_from([-1, 700, 1 << 20]),
)
def test_files_give_the_answer_of_the_whole_frame(table, panel, block_bytes, workers, ordered, room):
    """Whatever the panels, the order of rows, the size of blocks and what fits into memory: the answer is the same."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("labinterp.engines.duckdb_engine.room_of", lambda _: room)
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


@pytest.fixture(params=["in memory", "by DuckDB"])
def grouped(request, monkeypatch):
    """Scattered rows are brought together in either way."""
    if request.param == "by DuckDB":
        monkeypatch.setattr("labinterp.engines.duckdb_engine.room_of", lambda _: -1)


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
def test_rows_that_lie_together_are_streamed(draws, tmp_path, panel):
    """A file in which the rows of each panel lie together is read once, block by block."""
    path = write(draws, tmp_path / "in.csv")
    manifest = interpret_files(path, tmp_path / "out", panel=panel, block_bytes=100, ordered=True)
    assert manifest.engine == "stream"
    assert_same(tmp_path / "out", li.interpret_frame(li.read(path), panel=panel))


@pytest.mark.usefixtures("grouped")
def test_scattered_rows_are_brought_together(draws, tmp_path):
    """Where a panel comes again after it was closed, rows are grouped; if the user said otherwise, it is an error."""
    path = write(draws[::2] + draws[1::2], tmp_path / "in.csv")
    assert interpret_files(path, tmp_path / "out", block_bytes=100).engine == "duckdb"
    assert_same(tmp_path / "out", li.interpret_frame(li.read(path)))
    with pytest.raises(InputError, match="do not lie together"):
        interpret_files(path, tmp_path / "again", block_bytes=100, ordered=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv", "out"]


@pytest.mark.parametrize("ordered", [None, False])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.usefixtures("grouped")
def test_a_blank_patient_is_nobody(kind, ordered, draws, tmp_path):
    """Rows whose patient is blank are never put together, in whatever file they come."""
    frame = pd.DataFrame(draws)
    frame.loc[::3, "patient_id"] = ""
    frame.loc[4, "patient_id"] = " "
    path = tmp_path / f"in.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    interpret_files(path, tmp_path / "out", ordered=ordered, block_bytes=300)
    expected = li.interpret_frame(frame)
    assert_same(tmp_path / "out", expected)
    assert {f"row-{i}" for i in (0, 3, 4)} <= set(read_parts(tmp_path / "out", "findings")["panel"])


@pytest.mark.parametrize("ordered", [None, False])
@pytest.mark.parametrize("index", [pa.int32(), pa.uint8(), pa.uint32()])
@pytest.mark.usefixtures("grouped")
def test_encoded_columns_of_parquet_are_read(index, ordered, draws, tmp_path):
    """A column that comes as a dictionary, beside others that do not, counts like any other, missing cells included."""
    frame = pd.DataFrame(draws[::2] + draws[1::2])
    frame["specimen"] = ["urine", "serum", None][: len(frame)] + ["serum"] * (len(frame) - 3)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    encoded = table["specimen"].combine_chunks().dictionary_encode()
    encoded = pa.DictionaryArray.from_arrays(encoded.indices.cast(index), encoded.dictionary)
    at = table.column_names.index("specimen")
    pq.write_table(table.set_column(at, "specimen", encoded), tmp_path / "in.parquet")
    interpret_files(tmp_path / "in.parquet", tmp_path / "out", ordered=ordered, block_bytes=200)
    expected = li.interpret_frame(frame)
    assert expected.results["problem"].astype(object)[0] == "unsuitable_specimen"
    assert_same(tmp_path / "out", expected)


def test_half_a_character_is_refused(tmp_path):
    """A document with a text that cannot be written is refused."""
    text = '[{"test": "magnesium", "value": "0.8", "unit": "mmol/L", "patient_id": "\\ud800"}]'
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="half a character"):
        interpret_files(tmp_path / "in.json", tmp_path / "out")


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
@pytest.mark.usefixtures("grouped")
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
    names = ["=1+1", "+1", "-1", "@a", "\uff1d1", "a=1", "a\n=1", "'=1"]
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
            guarded = [f"'{name}" if name[0] in "=+-@\uff1d" and kind == "csv" else name for name in names]
            assert list(dict.fromkeys(found)) == guarded


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
    parts = PartWriter(tmp_path / "t", schema, rows_per_part=4)
    for start in range(0, 10, 2):
        parts.write(pa.table({"value": [start, start + 1]}, schema=schema))
    parts.close()
    assert [rows for _, rows in parts.files] == [4, 4, 2]
    assert read_parts(tmp_path, "t")["value"].tolist() == list(range(10))


def test_what_waits_is_joined_without_empty_pieces(tmp_path):
    """No piece without rows reaches a writer of CSV, since those of PyArrow up to 23 repeat earlier rows there."""
    schema = pa.schema([("value", pa.int64())])
    parts = PartWriter(tmp_path / "t", schema, "csv")
    for values in ([], [1, 2], [], [3]):
        parts.write(pa.table({"value": pa.array(values, pa.int64())}, schema=schema))
    assert [len(piece) for piece in parts._joined().column("value").chunks] == [2, 1]
    parts.close()
    assert (tmp_path / "t" / "part-00000.csv").read_text(encoding="utf-8").split() == ['"value"', "1", "2", "3"]


def panels_of(patients, times=None):
    times = ["2026-01-01"] * len(patients) if times is None else times
    frame = pd.DataFrame({"patient_id": patients, "collected_at": times})
    answer = type("Answer", (), {})()
    columns = FrameColumns(frame)
    answer.patient, answer.collected = columns.encode("patient_id"), columns.encode("collected_at")
    times = read_times(answer.collected)
    answer.instants = times.instants[times.codes]
    answer.panels = type("PatientPanels", (), {"first_row": pd.RangeIndex(len(frame)).to_numpy()})()
    return PatientPanels.of(answer, by_time=True)


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


@pytest.mark.usefixtures("grouped")
def test_many_scattered_rows_give_the_answer_of_the_whole_frame(tmp_path):
    """Dictionaries that are narrowed, batches cut between patients, and rows without a patient change no answer."""
    patients = [None if i % 7 == 0 else f"p{i * 7919 % 40_009}" for i in range(140_000)]
    frame = pd.DataFrame({"patient_id": patients, "test": "Mg", "unit": "mmol/L", "age": "50"})
    frame["value"] = [f"0.{i % 8999 + 1000}" for i in range(len(frame))]
    frame.to_csv(tmp_path / "in.csv", index=False)
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", ordered=False, panel="patient")
    assert manifest.engine == "duckdb"
    assert_same(tmp_path / "out", li.interpret_frame(frame, panel="patient"))


def test_the_last_of_very_many_scattered_patients_keep_their_rows(tmp_path):
    """A row without a patient in the last piece of many takes the name of no patient there, whose rows stay theirs."""
    half = pd.DataFrame({"patient_id": [f"p{i}" for i in range(67_000)], "unit": "mmol/L", "age": "50"})
    frame = pd.concat([half.assign(test="Mg", value="0.5"), half.assign(test="Ca", value="1.8")], ignore_index=True)
    frame.loc[[10, 5000, 70_000], "patient_id"] = None
    frame.to_csv(tmp_path / "in.csv", index=False)
    interpret_files(tmp_path / "in.csv", tmp_path / "out", ordered=False, workers=1)
    assert_same(tmp_path / "out", li.interpret_frame(frame))


@pytest.mark.parametrize(
    ("limit", "room"), [("1GB", 10**9 // 6), ("20 MiB", (20 << 20) // 6), ("1.5TB", int(1.5e12) // 6), ("0%", 0)]
)
def test_rows_stay_in_memory_up_to_a_share_of_the_limit(limit, room):
    """The share is counted in the units that DuckDB reads."""
    assert room_of(limit) == room
    assert 0 < room_of("50%") == pytest.approx(room_of("100%") / 2, abs=1)


@given(st.lists(st.sampled_from([0, 1, 65_535, 65_536, 65_537, 131_072, 2**31 - 1]) | st.integers(0, 2**31 - 1)))
def test_whole_numbers_are_sorted_as_by_comparing(numbers):
    """The order that counting gives is the one that comparing gives, equal numbers as they came."""
    for kind in (np.int32, np.int64):
        given_numbers = np.array(numbers, kind)
        assert _order(given_numbers).tolist() == np.argsort(given_numbers, kind="stable").tolist()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_made_ahead_comes_in_order_and_fails_where_it_fails(workers):
    """Every item comes once, and an error after those before it."""

    def items():
        yield from range(3)
        raise LookupError

    found = pipeline.ahead(items(), workers)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError):
        next(found)
    assert list(pipeline.ahead(iter(range(3)), workers)) == [0, 1, 2]


def test_duckdb_is_told_less_than_it_may_use(tmp_path, monkeypatch):
    """Three quarters of the limit, for it does not count all that it takes; a share of an unknown memory is left to it."""
    with duckdb_engine.connect(tmp_path, "512 MiB", 1) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("384.0 MiB",)
    monkeypatch.setattr(duckdb_engine, "_memory_of_machine", lambda: 0)
    assert duckdb_engine._counted("50%") == "50%"


def test_rows_that_lie_torn_are_seen_at_once():
    """Panels in pieces are told by the first rows; those in one piece, and rows without a patient, are not torn."""
    frame = pd.DataFrame({"patient_id": ["a", "b"] * 20, "collected_at": ["1", "2"] * 20})
    for by_time in (True, False):
        assert are_torn(FrameColumns(frame), by_time=by_time)
        assert not are_torn(FrameColumns(frame.sort_values("patient_id")), by_time=by_time)
        assert not are_torn(FrameColumns(frame.assign(patient_id=None)), by_time=by_time)
    assert not are_torn(FrameColumns(frame.head(0)), by_time=True)
    visits = frame.assign(collected_at=[str(i) for i in range(40)])
    assert are_torn(FrameColumns(visits), by_time=False)
    assert not are_torn(FrameColumns(visits), by_time=True)


def test_a_piece_that_was_taken_is_kept_by_nobody(draws, tmp_path):
    """A block takes no memory any more once it was read, though the next one is not asked for."""
    (source,) = open_sources(write(draws, tmp_path / "in.csv"), How())
    pieces = source.pieces(200, panel=True)
    piece = next(pieces)
    held = weakref.ref(piece.taken())
    assert held() is None
    assert next(pieces).held is not None


def test_a_piece_ends_though_the_one_before_it_is_given_up(monkeypatch):
    """No piece waits for one before it that a worker took and had not begun: closing early never hangs."""
    begun, given_up, read = threading.Event(), [], Future()
    submitted, writing = {}, threading.Lock()
    begin, submit = Future.set_running_or_notify_cancel, ThreadPoolExecutor.submit

    def noted(pool, *job):
        with writing:
            future = submit(pool, *job)
            submitted[future] = job[-1]
        return future

    def taken(future):
        with writing:
            task = submitted.get(future)
        if task is tasks[1]:
            until = time.monotonic() + 30
            while not future.cancelled() and time.monotonic() < until:
                time.sleep(0.01)
        return begin(future)

    def give_up(task):
        given_up.append(task)
        if task is tasks[1]:
            read.cancel()

    monkeypatch.setattr(ThreadPoolExecutor, "submit", noted)
    monkeypatch.setattr(Future, "set_running_or_notify_cancel", taken)
    tasks = [lambda _: 0, lambda _: 1, lambda _: (begun.set(), read.result(30)), lambda _: 3, lambda _: 4]
    answers = pipeline.in_order(tasks, workers=2, desk=None, apart=False, give_up=give_up)
    assert next(answers) == 0
    assert begun.wait(30)
    answers.close()
    assert given_up[0] is tasks[1]


def test_a_piece_that_is_given_up_is_waited_for_by_none():
    """The piece behind one that is never read learns so."""
    piece = pipeline._Task(source=None, number=0, piece=None, before=Future(), after=Future())
    piece.give_up()
    with pytest.raises(CancelledError):
        piece.after.result(30)


def test_rows_that_are_read_again_take_the_memory_of_a_few(tmp_path):
    """Stored rows come back in their order group by group, and none stays in memory for those behind it."""
    spool = Spool(tmp_path, {"patient_id": pa.string()}, room=-1)
    texts = np.random.default_rng(1).bytes(10 * 65_536 * 24).hex()
    for i in range(10):
        numbers = np.arange(i * 65_536, (i + 1) * 65_536)
        names = pa.array([texts[48 * n : 48 * n + 48] for n in numbers.tolist()])
        spool.write(pa.Table.from_arrays([pa.array(numbers), names], schema=spool.packing.schema))
    spool.close()
    del names
    found, held = [], []
    for table in spool.in_order("patient_id"):
        found.append(table[NUMBER].to_numpy().copy())
        held.append(pa.total_allocated_bytes())
    assert np.concatenate(found).tolist() == list(range(10 * 65_536))
    assert held[-2] - held[2] < 4 << 20
