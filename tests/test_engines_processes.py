"""Workers that are processes: the answer is that of one worker, and nothing is left of them whatever becomes of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import labinterp as li
from engines_helpers import Bench
from labinterp.engines import duckdb_engine, pipeline, processes
from labinterp.engines.files import interpret_files
from labinterp.engines.interpreter import Interpreter, Streamed
from labinterp.engines.processes import Resting, Worker
from labinterp.options import Options

LAYOUTS = Path(__file__).parents[1] / "examples" / "data" / "layouts"
PATHS = os.pathsep.join([str(Path(__file__).parents[1] / "src"), str(Path(__file__).parent)])
SMALL = "100MB"
"""A limit of memory within which no rows stay in memory, for these tests."""
BROKEN = (
    "patient_id,collected_at,test,value,unit,age\n"
    'a,2026-01-01,Mg,"1,4",mg/dL,50\n'
    "a,2026-01-01,Mg\n"
    'a,2026-01-01,"Ca,8.1,mg/dL,50\n'
    "b,2026-01-02,Ca,8.1,mg/dL,50\n"
    "b,2026-01-02,albumin,41,g/L,50,much,more\n"
    ",2026-01-02,Mg,1.1,mg/dL,50\n"
    "c,soon,25(OH)D,9,ng/mL,50\n"
)


def draws(patients):
    """Return draws of two tests of each patient, some on a day without one."""
    rows = [
        {
            "patient_id": None if i % 7 == 3 else f"p{i}",
            "collected_at": f"2026-01-{1 + i % 28:02}",
            "test": test,
            "value": value.format(i % 90 + 10),
            "unit": unit,
            "age": str(18 + i % 60),
        }
        for i in range(patients)
        for test, value, unit in (
            ("magnesium", "0.{}", "mmol/L"),
            ("25(OH)D", "{}", "ng/mL"),
            ("homocystein", "{}", "umol/L"),
        )
    ]
    return pd.DataFrame(rows)


def rest(number):
    """Let so many processes rest, ready for the next run."""
    workers = [Worker() for _ in range(number)]
    for worker in workers:
        worker.begin(pipeline.PieceDesk((), Streamed(Interpreter(Options.checked()), {}, looks=False)))
        worker.release()


@pytest.fixture(scope="module", autouse=True)
def _rested():
    """Processes rest between the tests, and are ended after them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "IDLE", 600.0)
        rest(2)
        yield
    processes.resting.end()


class Asked(list):
    """What processes were asked to do in a run."""

    def __init__(self):
        super().__init__()
        self.joined = threading.Event()

    def clear(self):
        """Begin another run."""
        super().clear()
        self.joined.clear()


@pytest.fixture
def asked(monkeypatch):
    """What processes were asked to do; what works in this one waits until they are asked, where a run has processes."""
    methods = Asked()
    call, here = Worker.call, processes.here

    def listened(self, method, *given):
        methods.append(method)
        if method != "begin":
            methods.joined.set()
        return call(self, method, *given)

    def waiting(desk):
        own = here(desk)
        return lambda *given: (methods.joined.wait(60), own(*given))[1]

    monkeypatch.setattr(Worker, "call", listened)
    monkeypatch.setattr(processes, "here", waiting)
    return methods


def made(path, out, workers, **choices):
    """Return what a run wrote: every file by its hash, and the counts."""
    manifest = interpret_files(path, out, workers=workers, force=True, **choices)
    outputs = [(entry.file, entry.rows, entry.sha256) for entry in manifest.outputs]
    return outputs, manifest.engine, manifest.rows_in, manifest.bad_rows, manifest.problems, manifest.decimals


def inputs(folder):
    """Return files of many kinds, each with the choices that it is read by."""
    table = draws(40)
    table.to_csv(folder / "ordered.csv", index=False)
    table.to_csv(folder / "packed.csv.gz", index=False)
    table.to_parquet(folder / "ordered.parquet", index=False, row_group_size=16)
    table.sample(frac=1, random_state=1).to_csv(folder / "scattered.csv", index=False)
    (folder / "broken.csv").write_text(BROKEN + BROKEN.partition("\n")[2] * 3, encoding="utf-8")
    wide = {"patient_id": [f"p{i}" for i in range(30)], "Magnesium (mmol/L)": "0.6", "Albumin (g/L)": "41"}
    pd.DataFrame(wide).to_csv(folder / "wide.csv", index=False)
    names = ("ordered.csv", "packed.csv.gz", "ordered.parquet", "scattered.csv", "wide.csv", "broken.csv")
    return [
        *((folder / name, {}) for name in names),
        (sorted(LAYOUTS.glob("*.csv")), {"block_bytes": 500}),
        (folder / "ordered.csv", {"panel": "30D", "grading": "ctcae/5.0", "format": "csv"}),
        ([folder / "ordered.csv", folder / "wide.csv", folder / "ordered.parquet"], {"ranges": "uk", "workers": 3}),
        *((folder / "ordered.parquet", {"ordered": False, "memory_limit": limit}) for limit in ("1GB", SMALL)),
    ]


def test_the_answer_does_not_depend_on_the_number_of_workers(asked, tmp_path, monkeypatch):
    """Whatever the form of a table, every known layout included, processes give an answer with the same bytes."""
    room_of = duckdb_engine.room_of
    monkeypatch.setattr(duckdb_engine, "room_of", lambda limit: -1 if limit == SMALL else room_of(limit))
    for path, choices in inputs(tmp_path):
        asked.clear()
        found = made(path, tmp_path / "out", **{"workers": 2, "block_bytes": 150, **choices})
        assert {"begin", "read", "answer"} <= set(asked), (path, choices)
        assert made(path, tmp_path / "out", **{"block_bytes": 150, **choices, "workers": 1}) == found, (path, choices)
    assert len(processes.resting) == 2


def test_a_bad_row_stops_a_run_of_processes(tmp_path):
    """The first row that cannot be read raises, whichever worker read it; nothing is left, and the process rests again."""
    (tmp_path / "in.csv").write_text(draws(40).to_csv(index=False) + "short,row\n" * 3, encoding="utf-8")
    with pytest.raises(li.InputError, match="line 122"):
        interpret_files(tmp_path / "in.csv", tmp_path / "out", on_bad_row="stop", block_bytes=150)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    assert len(processes.resting) == 2


def test_a_table_goes_through_the_pipe_as_its_rows_alone():
    """A slice is sent without the rest of its table; arrays, errors and texts come back as they were."""
    with_texts = pa.table({"x": pa.array(["a", None, "b"] * 100_000).dictionary_encode(), "y": np.arange(300_000)})
    worker = processes.resting.take()
    worker.begin(Bench())
    try:
        part = with_texts.slice(3, 2)
        sent = (part, np.arange(5), "é", pd.DataFrame({"z": [1, None]}), b"\0" * (1 << 20))
        back = worker.call("echo", *sent)
        assert back[0].equals(part)
        assert back[0].nbytes < 1000
        assert back[1].tolist() == [0, 1, 2, 3, 4]
        assert back[2::2] == sent[2::2]
        pd.testing.assert_frame_equal(back[3], sent[3])
        with pytest.raises(li.LayoutError, match="no column") as caught:
            worker.call("fail", li.LayoutError("the table has no column test", column="test"))
        assert caught.value.column == "test"
        with pytest.raises(RuntimeError, match=r"^Odd in a process") as caught:
            worker.call("fail_oddly", "0.511")
        assert "0.511" not in str(caught.value)
        assert worker.call("where") != os.getpid()
    finally:
        worker.release()


@pytest.mark.parametrize(
    ("method", "given", "kind", "words"),
    [
        ("end", signal.SIGKILL, MemoryError, "^$"),
        ("end", signal.SIGTERM, li.InputError, "ended before it was done.* Lower `workers` to 1"),
        ("leave", 3, li.InputError, "ended before it was done"),
    ],
)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_process_that_ends_is_an_error_and_no_zombie(method, given, kind, words):
    """What the system kills had too little memory; any other end is told with what to change, and nobody waits for it."""
    worker = Worker()
    worker.begin(Bench())
    with pytest.raises(kind, match=words):
        worker.call(method, given)
    worker.release()
    with pytest.raises(ChildProcessError):
        os.waitpid(worker._process.pid, os.WNOHANG)


def test_a_run_whose_process_is_killed_leaves_nothing(tmp_path, monkeypatch):
    """A process that the system ends for want of memory stops the run with the settings to change, and leaves no folder."""
    draws(200).to_csv(tmp_path / "in.csv", index=False)
    call, here, asked = Worker.call, processes.here, threading.Event()

    def killed(self, method, *given):
        if method == "read":
            self.kill()
            asked.set()
        return call(self, method, *given)

    monkeypatch.setattr(Worker, "call", killed)
    monkeypatch.setattr(processes, "here", lambda desk: lambda *given: (asked.wait(60), here(desk)(*given))[1])
    with pytest.raises(li.InputError, match=r"not enough memory.*`workers`") as caught:
        interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=150)
    assert caught.value.exhausted == "memory"
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    rest(1)


@pytest.mark.parametrize("why", ["frozen", "no executable", "another program", "no more processes"])
def test_without_processes_threads_do_the_work(why, tmp_path, monkeypatch):
    """Where no interpreter can be started, the answer is the same."""
    draws(40).to_csv(tmp_path / "in.csv", index=False)
    one = made(tmp_path / "in.csv", tmp_path / "out", 1, block_bytes=150)
    monkeypatch.setattr(processes, "resting", Resting())
    monkeypatch.setattr(processes, "_PATIENCE", 0.0)
    if why == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    elif why == "no more processes":
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: (tmp_path / "none").stat())
    else:
        monkeypatch.setattr(sys, "executable", "" if why == "no executable" else "/opt/blender")
    assert made(tmp_path / "in.csv", tmp_path / "out", 2, block_bytes=150) == one
    assert not processes.resting


def test_a_desk_that_cannot_be_sent_stays_here():
    """What does not pickle is worked on by threads, and the process goes on resting."""

    class Local(Bench):
        pass

    found = list(pipeline.in_order((lambda call: call("where") for _ in range(8)), 2, Local()))
    assert found == [os.getpid()] * 8
    assert len(processes.resting) == 2


def test_few_pieces_start_no_process(monkeypatch):
    """A run that is over at once, or has no more pieces than hands, starts nothing."""
    monkeypatch.setattr(processes, "resting", Resting())
    monkeypatch.setattr(processes, "Worker", None)
    tasks = [lambda call: call("where")] * 50
    assert set(pipeline.in_order(tasks, 2, Bench())) == {os.getpid()}
    monkeypatch.setattr(processes, "_PATIENCE", 0.0)
    assert set(pipeline.in_order(tasks[:3], 2, Bench())) == {os.getpid()}


def test_a_process_joins_a_run_when_it_is_there(monkeypatch):
    """The run begins in this process; what is started meanwhile takes its share, and rests when the run is over."""
    monkeypatch.setattr(processes, "resting", Resting())
    monkeypatch.setattr(processes, "_PATIENCE", 0.0)

    def tasks():
        until = time.monotonic() + 60
        while time.monotonic() < until and len(where) < 2:
            yield lambda call: (time.sleep(0.01), call("where"))[1]

    where = set()
    for each in pipeline.in_order(tasks(), 2, Bench()):
        where.add(each)
    assert len(where) == 2
    assert os.getpid() in where
    assert len(processes.resting) == 1
    processes.resting.end()


def test_a_run_does_not_wait_for_a_process_that_starts(monkeypatch):
    """A process that is not there yet when the work is done is ended."""
    monkeypatch.setattr(processes, "resting", Resting())
    monkeypatch.setattr(processes, "_PATIENCE", 0.0)
    monkeypatch.setattr(processes, "_START", "import time; time.sleep(60)")
    began = time.monotonic()
    assert len(list(pipeline.in_order([lambda call: call("where")] * 50, 2, Bench()))) == 50
    assert time.monotonic() - began < 20
    assert not processes.resting


def test_what_rests_is_ended_after_a_while(monkeypatch):
    """A process that nobody needs ends, and nobody waits for it."""
    monkeypatch.setattr(processes, "resting", Resting())
    monkeypatch.setattr(processes, "IDLE", 0.05)
    worker = Worker()
    worker.begin(Bench())
    worker.release()
    until = time.monotonic() + 20
    while worker._process.returncode is None and time.monotonic() < until:
        time.sleep(0.01)
    assert worker._process.returncode == 0
    assert not processes.resting


ALONE = """
import os, sys, warnings
from engines_helpers import Bench
from labinterp.engines import processes
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
worker = processes.Worker()
worker.begin(Bench())
worker.release()
if os.fork() == 0:
    os._exit(len(processes.resting))
assert os.wait()[1] == 0
worker = processes.resting.take()
worker.begin(Bench())
print(worker.call("where"), flush=True)
if sys.argv[1] == "wait":
    sys.stdin.read()
if sys.argv[1] == "rest":
    worker.release()
"""


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("end", ["wait", "rest", "leave"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_no_process_outlives_the_one_that_started_it(end):
    """Killed, or ended in any way, a process takes with it what it started; a fork of it leaves that alone."""
    command = [sys.executable, "-c", ALONE, end]
    environment = {**os.environ, "PYTHONPATH": PATHS}
    with subprocess.Popen(  # noqa: S603 - our own code
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        other = int(process.stdout.readline())
        if end == "wait":
            assert is_there(other)
            process.kill()
        _, errors = process.communicate()
    until = time.monotonic() + 20
    while is_there(other) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_there(other)
    assert errors == ""


INTERRUPTED = """
import signal
import sys
from labinterp.engines import processes
from labinterp.engines.files import interpret_files

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
processes._PATIENCE = 0.0
call = processes.Worker.call

def told(self, method, *given):
    if method == "answer":
        print("there", flush=True)
    return call(self, method, *given)

processes.Worker.call = told
try:
    interpret_files(sys.argv[1], sys.argv[2], block_bytes=2000)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes on this system")
def test_an_interruption_is_of_the_run_alone(tmp_path):
    """Ctrl+C reaches every process of a terminal: the run is interrupted as ever, the others say nothing and end."""
    draws(20_000).to_csv(tmp_path / "in.csv", index=False)
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "in.csv"), str(tmp_path / "out")]
    with subprocess.Popen(  # noqa: S603 - our own code
        command,
        env={**os.environ, "PYTHONPATH": PATHS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout.readline() == "there\n"
        os.killpg(process.pid, signal.SIGINT)
        told, errors = process.communicate()
    assert told.split() == ["there"] * told.count("there") + ["interrupted"]
    assert errors == ""
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
