"""Tables against the readers that everybody uses."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.csv as pacsv

import labinterp as li
from benchmarks import world
from benchmarks.generate import write
from benchmarks.timing import Row, compare
from labinterp.batch import answers, core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.output import to_frame
from labinterp.options import Options
from labinterp.tables import layouts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def frames(rows: int, folder: Path) -> list[Row]:
    """Compare `interpret_frame` with `pandas.read_csv` of the same file, both by the time of all processors."""
    found = []
    for key, name, make, factor in (
        ("world", " of the world's shape", world.write, 0.8),
        ("world scattered", " of the world's shape, scattered", partial(world.write, scattered=True), 0.8),
        ("plain", " of the plain shape", write, 1),
        ("plain shuffled", " of the plain shape, shuffled", partial(write, shuffled=True), 1),
        ("plain distinct", " of the plain shape, distinct values", partial(write, distinct=True), 2),
    ):
        path = make(folder / "table.csv", rows)
        frame = _read(path)
        what = f"{rows:,} rows{name} / pandas.read_csv"
        whole, results = partial(li.interpret_frame, frame), partial(_results_only, frame)
        found += [
            _against_reading(f"interpret_frame, {what}", whole, path, goal=1.0 * factor, key=f"frame {key}"),
            _against_reading(f"results only, {what}", results, path, goal=0.5 * max(1, factor), key=f"results {key}"),
        ]
        if key in ("world", "plain"):
            found.append(_first(f"first interpret_frame of a process, {what}", path, key=f"first frame {key}"))
    plain = _read(write(folder / "table.csv", rows)).astype(object)
    what = f"{rows:,} rows of the plain shape, object columns / pandas.read_csv"
    found.append(
        _against_reading(
            f"interpret_frame, {what}",
            partial(li.interpret_frame, plain),
            folder / "table.csv",
            goal=1.0,
            key="frame plain objects",
        )
    )
    return [*found, _wide(rows, folder / "wide.csv"), _omop(rows, folder / "omop.csv")]


def _against_reading(what: str, ours: Callable[[], object], path: Path, *, key: str, goal: float | None = None) -> Row:
    return compare(what, ours, partial(_read, path), goal=goal, runs=3, key=key, clock=time.process_time)


def _wide(rows: int, path: Path) -> Row:
    """Measure a table that has about so many results, eight a row."""
    pacsv.write_csv(world.wide(rows // world.WIDTH), path)
    frame = _read(path)
    return _against_reading(
        f"interpret_frame, {len(frame):,} rows of {world.WIDTH} tests each / pandas.read_csv",
        partial(li.interpret_frame, frame),
        path,
        key="frame wide",
    )


def _omop(rows: int, path: Path) -> Row:
    """Measure a measurement table with its person table, its numbers read as numbers."""
    measurement, person = world.omop(world.draws_of(rows))
    pacsv.write_csv(measurement, path)
    frame = pd.read_csv(path)
    beside = {"person": person.to_pandas()}
    return compare(
        f"interpret_frame, {len(frame):,} rows of OMOP / pandas.read_csv",
        partial(li.interpret_frame, frame, beside=beside),
        partial(pd.read_csv, path),
        key="frame omop",
        clock=time.process_time,
    )


_FIRST = """
import sys, time
import pandas as pd
import labinterp as li
def timed(function):
    start = time.process_time()
    made = function()
    return made, time.process_time() - start
def read():
    return pd.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
read()
frame, reading = timed(read)
print(timed(lambda: li.interpret_frame(frame))[1], reading)
"""


def _first(what: str, path: Path, *, key: str) -> Row:
    """Measure the first table of fresh processes: nothing is remembered, and the ranges are still to be read."""
    pairs = []
    for _ in range(3):
        command = [sys.executable, "-c", _FIRST, str(path)]
        out = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - code of ours
        pairs.append(tuple(map(float, out.stdout.split())))
    ratio = statistics.median(ours / reading for ours, reading in pairs)
    return Row(what, ratio, None, min(ours for ours, _ in pairs), min(reading for _, reading in pairs), key)


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _results_only(frame: pd.DataFrame) -> pd.DataFrame:
    table = layouts.to_labinterp(frame)
    columns = FrameColumns(table)
    answer = core.run(columns, Options.checked())
    return to_frame(answers.results(answer, columns), table.index)
