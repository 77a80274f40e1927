"""Too little memory, or a full disk, while tables are interpreted."""

import errno

import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from labinterp.engines.interpreter import Interpreter
from labinterp.engines.sink import PartWriter
from labinterp.engines.spark import NUMBER, _Interpret
from labinterp.exhausted import told
from labinterp.options import Options

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def scattered(tmp_path):
    """Two draws of each of 2,000 patients, far from each other."""
    patients = [f"Q{i % 2000}" for i in range(4000)]
    frame = pd.DataFrame({"patient_id": patients, "test": "magnesium", "value": "0.511", "unit": "mmol/L", "age": "50"})
    path = tmp_path / "scattered.csv"
    frame.to_csv(path, index=False)
    return path


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def assert_says(message, *words):
    assert all(word in message for word in words), message
    assert "0.511" not in message
    assert "Q1" not in message


def test_a_memory_limit_that_does_not_suffice_is_named(scattered, tmp_path):
    """Where DuckDB cannot work within memory_limit, the error says to raise it, and nothing is left."""
    with pytest.raises(li.InputError) as caught:
        li.interpret_files(scattered, tmp_path / "out", ordered=False, memory_limit="100KB")
    assert caught.value.exhausted == "memory"
    assert_says(str(caught.value), "not enough memory", "`memory_limit`")
    assert [path.name for path in tmp_path.iterdir()] == ["scattered.csv"]


@pytest.mark.parametrize("kind", [MemoryError, pa.ArrowMemoryError])
@pytest.mark.parametrize("ordered", [None, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_that_ends_in_the_pass_names_what_takes_less(kind, ordered, workers, scattered, tmp_path, monkeypatch):
    """Where the process has no more memory, the error names workers and block_bytes, and nothing is left."""
    monkeypatch.setattr(Interpreter, "run", failing(kind("0.511")))
    with pytest.raises(li.InputError) as caught:
        li.interpret_files(scattered, tmp_path / "out", ordered=ordered, workers=workers)
    assert caught.value.exhausted == "memory"
    assert_says(str(caught.value), "`workers`", "`block_bytes`")
    assert [path.name for path in tmp_path.iterdir()] == ["scattered.csv"]


def test_parquet_that_memory_is_too_small_for_is_not_damaged(scattered, tmp_path, monkeypatch):
    """Rows that could not be read for want of memory are not passed over as damaged ones."""
    path = tmp_path / "table.parquet"
    pd.read_csv(scattered, dtype=str).to_parquet(path)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", failing(pa.ArrowMemoryError("0.511")))
    with pytest.raises(li.InputError, match="not enough memory"):
        li.interpret_files(path, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scattered.csv", "table.parquet"]


@pytest.mark.parametrize("ordered", [None, False])
def test_a_full_disk_names_the_folder(ordered, scattered, tmp_path, monkeypatch):
    """Where the disk is full, the error says that the temporary folder lies beside `out`, and nothing is left."""
    monkeypatch.setattr(PartWriter, "_flush", failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(li.InputError) as caught:
        li.interpret_files(scattered, tmp_path / "out", ordered=ordered)
    assert caught.value.exhausted == "disk"
    assert_says(str(caught.value), "no room left on the disk", "`out`")
    assert [path.name for path in tmp_path.iterdir()] == ["scattered.csv"]


@pytest.mark.parametrize(
    ("error", "exhausted"),
    [
        (duckdb.OutOfMemoryException("failed to pin block of size 256.0 KiB"), "memory"),
        (duckdb.OutOfMemoryException("This limit was set by the 'max_temp_directory_size' setting."), "disk"),
        (duckdb.IOException('Could not write file "spill": No space left on device'), "disk"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk"),
        (MemoryError(), "memory"),
    ],
)
def test_what_ran_out_is_told_apart(error, exhausted):
    """DuckDB words a full temporary folder as an error on memory; each hint fits what ran out."""
    with (
        pytest.raises(li.InputError, match=f"{exhausted}.*[.] (Less|Room|Limit)$") as caught,
        told("Less", "Room", database="Limit"),
    ):
        raise error
    assert caught.value.exhausted == exhausted


@pytest.mark.parametrize("error", [duckdb.CatalogException("no table"), OSError(errno.EACCES, "denied"), ValueError()])
def test_other_errors_are_left_as_they_are(error):
    """Only memory and disk are reworded."""
    with pytest.raises(type(error)) as caught, told("Less", "Room"):
        raise error
    assert caught.value is error


def test_the_command_line_names_its_own_options(scattered, tmp_path, capsys, monkeypatch):
    """Too little memory ends with 3 and names --memory-limit; a full disk ends with 74 and names -o."""
    out = tmp_path / "out"
    code, _, err = run(capsys, "interpret", scattered, "-o", out, "--no-ordered", "--memory-limit", "100KB", "-q")
    assert code == 3
    assert_says(err, "--memory-limit")
    monkeypatch.setattr(PartWriter, "_flush", failing(OSError(errno.ENOSPC, "No space left on device")))
    code, _, err = run(capsys, "interpret", scattered, "-o", out, "-q")
    assert code == 74
    assert_says(err, "no room left on the disk", "-o")
    assert [path.name for path in tmp_path.iterdir()] == ["scattered.csv"]


def test_a_frame_that_memory_is_too_small_for_is_told_where_to_go(monkeypatch):
    """`interpret_frame` names interpret_files where memory does not suffice."""
    monkeypatch.setattr("labinterp.batch.core.run", failing(MemoryError()))
    with pytest.raises(li.InputError, match="interpret_files"):
        li.interpret_frame(pd.DataFrame({"test": ["Mg"], "value": ["1.1"], "unit": ["mg/dL"]}))


def test_an_audit_that_memory_is_too_small_for_names_its_option(scattered, monkeypatch):
    """`audit` of files names workers where memory does not suffice."""
    monkeypatch.setattr(Interpreter, "run", failing(MemoryError()))
    with pytest.raises(li.InputError, match="`workers`"):
        li.audit(scattered)


def test_a_task_of_spark_that_memory_is_too_small_for_names_its_settings(monkeypatch):
    """What runs in a worker of Spark names partitions and the memory beside the executor."""
    monkeypatch.setattr(Interpreter, "run", failing(MemoryError()))
    batch = pa.RecordBatch.from_pydict({NUMBER: [0], "test": ["Mg"], "value": ["0.511"], "unit": ["mmol/L"]})
    with pytest.raises(li.InputError) as caught:
        list(_Interpret(Options.checked())(iter([batch])))
    assert_says(str(caught.value), "`partitions`", "memoryOverhead")
