"""Threads, processes, global state, pickling: labinterp is safe to embed."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import attrs
import pandas as pd
import pytest

import labinterp as li
from labinterp import errors
from labinterp.kernel import session as sessions
from labinterp.kernel.session import Session
from labinterp.verification import verify

HERE = Path(__file__).parent
SOURCE = Path(li.__file__).parents[1]


def run(what, timeout=300):
    """Do the work in a fresh process; return its answers."""
    path = os.pathsep.join([str(HERE), str(SOURCE), os.environ.get("PYTHONPATH", "")])
    out = subprocess.run(  # noqa: S603 - words of ours
        [sys.executable, "-m", "concurrency_jobs", what],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert out.returncode == 0, out.stderr[-2000:]
    return json.loads(out.stdout)


@pytest.fixture(scope="module")
def serial():
    return run("serial")


def test_threads_on_first_use_answer_as_one_thread_does(serial):
    """Eight threads that begin at one moment in a fresh process, each with other ranges, give the serial answers."""
    assert run("threads") == serial


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_answer_as_one_process_does(serial, method):
    """Processes forked after first use, and spawned ones, give the serial answers."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform does not {method}")
    assert run(method) == serial


def test_nothing_global_is_changed():
    """Using everything leaves registries, options, warnings, locale, random state, logging and environment alone."""
    assert run("globals") == []


def test_full_caches_do_not_disturb_other_threads(monkeypatch):
    """Threads that share a session whose caches are emptied all the time still give the serial answers."""
    monkeypatch.setattr(sessions, "_CACHE_LIMIT", 1)
    monkeypatch.setattr("labinterp.options._session", lambda *_: session)
    session = Session(li.reference_set("us"))
    inputs = [
        [li.LabResult("magnesium", 100 + i, unit), li.LabResult("calcium", 8 + i / 10, "mg/dL")]
        for i in range(20)
        for unit in ("mg/dL", "mmol/L")
    ]
    expected = [li.interpret(results, li.Patient(age=40)).interpretations for results in inputs]
    answers, faults = [], []
    start = threading.Barrier(6)

    def work():
        start.wait()
        try:
            answers.extend(
                [li.interpret(results, li.Patient(age=40)).interpretations for results in inputs] for _ in range(3)
            )
        except Exception as error:  # noqa: BLE001 - a thread's fault is the answer
            faults.append(error)

    workers = [threading.Thread(target=work) for _ in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert not faults
    assert answers == [expected] * 18


def full_report():
    """Return a report in which every kind of object occurs."""
    results = [
        li.LabResult("magnesium", "1,1", "mg/dL", collected_at="2026-01-01", id="s1", method="XB"),
        li.LabResult("calcium", 7.9, "mg/dL"),
        li.LabResult("albumin", 41, "g/L"),
        li.LabResult("vitamin_d", "<8", "ng/mL"),
        li.LabResult("nonsense", 1, "mg/dL"),
    ]
    presentation = li.Presentation(symptoms=("cramps",), triggers=("caffeine",), course="transient")
    return li.interpret(results, li.Patient(age=54, id="p1"), grading="ctcae/5.0", presentation=presentation)


def samples():
    """Return an instance of every public class that is no exception."""
    report = full_report()
    frame = li.interpret_frame(pd.DataFrame({"test": ["Mg"], "value": [1.1], "unit": ["mg/dL"], "age": [50]}))
    change = li.change(report.interpretations[1].result, report.interpretations[1].result)
    found = {type(item).__name__: item for item in (report, frame, change, li.reference_set("us"))}
    found["AuditReport"] = li.audit(pd.DataFrame({"test": ["Mg"], "value": [1.1], "unit": ["mg/dL"], "age": [50]}))
    found["Verification"] = verify(report)

    def walk(item):
        if attrs.has(type(item)):
            found.setdefault(type(item).__name__, item)
            for field in attrs.fields(type(item)):
                walk(getattr(item, field.name))
        elif isinstance(item, tuple):
            for part in item:
                walk(part)

    walk(report)
    return found


SAMPLES = samples()
CLASSES = [name for name in li.__all__ if isinstance(getattr(li, name), type)]
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LabInterpError)]


def same(left, right):
    if isinstance(left, li.FrameReport):
        return all(
            getattr(left, name).equals(getattr(right, name)) for name in ("results", "findings", "pathways")
        ) and left.results.dtypes.equals(right.results.dtypes)
    if isinstance(left, li.AuditReport):
        return left.to_dict() == right.to_dict()
    return left == right


@pytest.mark.parametrize("name", sorted({*CLASSES, *SAMPLES} - {kind.__name__ for kind in ERRORS}))
def test_instances_pickle_and_copy(name):
    """An instance of every public class, and of all that hang on a report, survives every pickle protocol and a copy."""
    item = SAMPLES[name]
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(item, protocol))  # noqa: S301 - our own bytes
        assert type(again) is type(item)
        assert same(again, item)
    assert same(copy.deepcopy(item), item)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_pickle_and_copy(kind):
    """Every exception keeps class, text, hint and data through a pickle and a copy."""
    error = kind("what is wrong", hint="Do this", analyte="magnesium", result_index=3)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):  # noqa: S301 - our own bytes
        assert type(again) is kind
        assert (str(again), again.hint, again.data) == ("what is wrong. Do this", "Do this", error.data)
        assert (again.analyte, again.result_index) == ("magnesium", 3)


def test_reports_of_another_process_are_equal():
    """A report made in a spawned process is equal to the one made here."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(full_report) == full_report()


@pytest.mark.parametrize("name", ["Report", "Interpretation", "Finding", "Change", "LabResult", "Patient"])
def test_objects_are_frozen(name):
    """What may be shared between threads cannot be changed."""
    field = attrs.fields(type(SAMPLES[name]))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(SAMPLES[name], field, None)
