"""A run over files that is killed leaves nothing half-written and can be started again; memory stays bounded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labinterp.engines.files import interpret_files
from labinterp.engines.folder import workplace
from labinterp.errors import InputError

SRC = str(Path(__file__).parents[1] / "src")
TESTS = (("magnesium", "0.{:02}", "mmol/L"), ("calcium", "8.{}", "mg/dL"), ("albumin", "4{}", "g/L"))


def write(path, patients, *, shuffled=False):
    """Write nine rows a patient: three tests on three days; shuffled, the days are apart."""
    with path.open("w", encoding="utf-8") as file:
        file.write("patient_id,collected_at,test,value,unit,age\n")
        for days in ((1,), (2,), (3,)) if shuffled else ((1, 2, 3),):
            file.writelines(
                f"p{i},2026-01-0{day},{test},{value.format(i % 90 + 10)},{unit},{i % 70 + 18}\n"
                for i in range(patients)
                for day in days
                for test, value, unit in TESTS
            )
    return path


def start(code, *arguments):
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": SRC}
    return subprocess.Popen(  # noqa: S603 - our own code
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


KILLED = """
import sys
from labinterp.engines.files import interpret_files

def listen(progress):
    if progress.stage == sys.argv[3] and progress.rows > 5000:
        print("there", flush=True)
        sys.stdin.read()

interpret_files(sys.argv[1], sys.argv[2], ordered=sys.argv[3] == "reading" or False, block_bytes=50_000,
                progress=listen, panel="patient")
"""


@pytest.mark.parametrize("stage", ["reading", "grouping", "writing"])
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_killed_run_leaves_no_output_and_the_next_one_succeeds(stage, tmp_path):
    """Killed in the middle of any stage: no output folder; a new run removes what was left and gives the whole."""
    source, out = write(tmp_path / "in.csv", 3000), tmp_path / "out"
    with start(KILLED, source, out, stage) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not out.exists()
    left = [entry.name for entry in tmp_path.iterdir() if entry != source]
    assert len(left) == 1
    assert left[0].startswith(".out.labinterp-")
    manifest = interpret_files(source, out, panel="patient")
    assert manifest.rows_in == manifest.rows_out == 27000
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv", "out"]


def test_a_run_that_goes_on_is_left_alone(tmp_path):
    """The folder of a run that is alive is not taken for a stale one."""
    with workplace(tmp_path / "out", force=False) as place:
        with workplace(tmp_path / "out", force=False) as other:
            assert place.exists()
            assert place != other
            (other / "out" / "thing").touch()
        with pytest.raises(InputError, match="there already"), workplace(tmp_path / "out", force=False):
            raise AssertionError
        shutil.rmtree(tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_an_output_about_to_be_replaced_is_put_back(tmp_path):
    """Killed between moving the old output away and putting the new one there: the old one comes back."""
    old = tmp_path / ".out.labinterp-old-12ab34cd"
    old.mkdir()
    (old / "manifest.json").write_text("{}")
    with pytest.raises(KeyboardInterrupt), workplace(tmp_path / "out", force=True):
        raise KeyboardInterrupt
    with pytest.raises(InputError, match="there already"), workplace(tmp_path / "out", force=False):
        raise AssertionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_only_an_output_of_ours_is_ever_replaced(tmp_path):
    """A folder or file with anything else in it is refused, force or not; an empty folder is taken."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    source = write(tmp_path / "in.csv", 3)
    with pytest.raises(InputError, match="no output of labinterp"):
        interpret_files(source, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    assert interpret_files(source, tmp_path / "empty").rows_out == 27
    with pytest.raises(InputError, match="force=True"):
        interpret_files(source, tmp_path / "empty")
    assert interpret_files(source, tmp_path / "empty", force=True).rows_out == 27
    (tmp_path / "empty" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no output of labinterp"):
        interpret_files(source, tmp_path / "empty", force=True)
    assert (tmp_path / "empty" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(InputError, match="not there"):
        interpret_files(tmp_path / "none.csv", tmp_path / "new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "in.csv", "out"]


PEAK = """
import sys
import numpy, pandas, pyarrow.csv, pyarrow.parquet, duckdb
from labinterp.engines.files import interpret_files

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

before = peak()
interpret_files(sys.argv[1], sys.argv[2], memory_limit="200MB", block_bytes=1 << 20)
print(peak() - before)
"""


def peak_of(source, out):
    with start(PEAK, source, out) as process:
        megabytes = float(process.communicate()[0])
    assert process.returncode == 0
    return megabytes


@pytest.mark.skipif(sys.platform != "linux", reason="what the system reports of memory differs")
def test_memory_does_not_grow_with_an_ordered_file(tmp_path):
    """Five times the rows take far less than twice the memory, and less than 250 MiB over the imports."""
    small = peak_of(write(tmp_path / "small.csv", 33_334), tmp_path / "a")
    large = peak_of(write(tmp_path / "large.csv", 166_670), tmp_path / "b")
    assert large < 250
    assert large < 1.8 * small


@pytest.mark.skipif(sys.platform != "linux", reason="what the system reports of memory differs")
def test_memory_of_a_scattered_file_is_bounded_by_the_setting(tmp_path):
    """A shuffled file stays within DuckDB's limit and what streaming takes."""
    assert peak_of(write(tmp_path / "in.csv", 33_334, shuffled=True), tmp_path / "out") < 250 + 300


def test_a_second_run_is_quick_to_refuse(tmp_path):
    """An output that is there already is refused before anything is read."""
    source = write(tmp_path / "in.csv", 2000)
    interpret_files(source, tmp_path / "out")
    began = time.monotonic()
    heard = []
    with pytest.raises(InputError):
        interpret_files(source, tmp_path / "out", progress=heard.append)
    assert not heard
    assert time.monotonic() - began < 5
