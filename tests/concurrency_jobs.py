"""Work to be done in threads and processes, and its answers as digests.

Run: python -m concurrency_jobs serial|threads|fork|spawn|globals, with this folder and labinterp on the path.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
import threading

RANGES = ["us", "uk", "nordic", "anz", "canada", "pregnancy-us", "nice-ng239/2024", ["nam/2011", "us"]]
UNITS = ["mg/dL", "mmol/L", "meq/L", "mg/L", "umol/L", "MG/DL", "mmol/l", "mEq/L"]
THREADS = 8


def panel(i):
    import labinterp as li  # here, so that the first use of everything happens in the threads

    return [
        li.LabResult("magnesium", f"{1 + i / 10:.1f}", UNITS[i]),
        li.LabResult("17861-6", f"{7 + i / 4}".replace(".", ","), "mg/dL"),
        li.LabResult("albumin", 3.9, "g/dL"),
        li.LabResult("25-hydroxyvitamin D", f"<{8 + i}", "ng/mL"),
        li.LabResult("vitamin B12", 160 + 10 * i, "pg/mL"),
        li.LabResult("homocysteine", 12 + i, "umol/L"),
        li.LabResult("magnesium", 240 + i, "mmol/L"),
    ]


def interpret(i):
    import labinterp as li

    grading = ["ctcae/5.0", None, "daids/2.1", "ctcae/6.0"][i % 4]
    report = li.interpret(panel(i), li.Patient(age=30 + i, sex="female"), ranges=RANGES[i], grading=grading)
    return report.to_json()


def interpret_frame(i):
    import pandas as pd

    import labinterp as li

    rows = [
        {"patient_id": f"p{k}", "collected_at": f"2026-01-{day:02}", "age": 40, "sex": "male", "test": r.test}
        | {"value": r.value, "unit": r.unit}
        for k in range(3)
        for day in (1, 2 + i)
        for r in panel((i + k) % THREADS)
    ]
    report = li.interpret_frame(pd.DataFrame(rows), ranges=RANGES[i], panel=["collection", "30D"][i % 2], delta=True)
    return "".join(frame.to_csv() for frame in (report.results, report.findings, report.pathways))


def small(i):
    import labinterp as li

    results = panel(i)
    changed = li.change(results[1], li.LabResult("calcium", 2.2, "mmol/L"))
    converted = li.convert(1.8, UNITS[i], "mmol/L", analyte="magnesium")
    return repr((changed.percent, changed.exceeds, converted, li.reference_set(RANGES[i]).id))


def job(i):
    """Do the work number i; return the digest of its answer."""
    kinds = [interpret, interpret_frame, small]
    kinds = kinds[i % 3 :] + kinds[: i % 3]  # so that not all begin at the same place
    answers = {kind.__name__: kind(i) for kind in kinds}
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()


def serial():
    return [job(i) for i in range(THREADS)]


def threads():
    """Let all begin at one moment, in a process that has not used labinterp before."""
    barrier = threading.Barrier(THREADS)
    answers: list[str] = [""] * THREADS

    def work(i):
        barrier.wait()
        try:
            answers[i] = job(i)
        except BaseException as error:  # noqa: BLE001 - a thread's fault is the answer
            answers[i] = repr(error)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return answers


def processes(method):
    """Give the work to two processes that are forked after first use, or spawned."""
    if method == "fork":
        job(0)
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(job, range(THREADS), chunksize=1)


def state():
    """Return what is global to the process, as texts."""
    import decimal
    import locale
    import logging
    import os
    import random
    import signal
    import warnings

    import numpy as np
    import pandas as pd
    import pint

    options = pd._config.config._global_config  # private: no public way lists every option
    return {
        "pint": f"{id(pint.get_application_registry().get())} {sorted(dir(pint.get_application_registry()))[:3]}",
        "pandas": repr(options),
        "accessors": str(hasattr(pd.DataFrame, "labinterp")),
        "warnings": repr(warnings.filters),
        "locale": repr(locale.setlocale(locale.LC_ALL)),
        "random": repr(random.getstate()),
        "numpy random": repr(np.random.get_state()),  # noqa: NPY002 - the global state is what is watched
        "numpy errors": repr((np.geterr(), np.get_printoptions())),
        "decimal": repr(decimal.getcontext()),
        "logging": repr((logging.root.handlers, logging.root.level)),
        "environment": repr(sorted(os.environ.items())),
        "folder": os.getcwd(),  # noqa: PTH109 - the text of it
        "path": repr(sys.path),
        "signals": repr([signal.getsignal(number) for number in sorted(signal.valid_signals())]),
        "recursion": str(sys.getrecursionlimit()),
        "hooks": repr((sys.excepthook, sys.displayhook, threading.excepthook)),
        "threads": str(threading.active_count()),
    }


def changed_globals():
    """Return the names of what is global and different after everything was used."""
    before = state()
    serial()
    after = state()
    return [name for name in before if before[name] != after[name]]


if __name__ == "__main__":
    from concurrency_jobs import changed_globals, processes, serial, threads

    what = sys.argv[1]
    answer = {"serial": serial, "threads": threads, "globals": changed_globals}.get(what, lambda: processes(what))
    print(json.dumps(answer()))  # noqa: T201 - the parent reads it
